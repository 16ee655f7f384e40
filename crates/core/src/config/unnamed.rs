//! Values that people write in one of several ways.

use super::dialect::options;
use super::wording::describe;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};

/// Reads a choice whose single value may be written with its name, `Tilted(beta: 0.5)`, or without, `Tilted(0.5)`: `T` is
/// an enum whose choices have at most the field `name`.
///
/// ```
/// use pstar_core::config;
///
/// #[derive(Debug, PartialEq, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// enum Target {
///     Filtered,
///     Tilted { beta: f64 },
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Config {
///     #[serde(deserialize_with = "target")]
///     target: Target,
/// }
///
/// fn target<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
///     config::with_unnamed("beta", deserializer)
/// }
///
/// for text in ["(target: Tilted(0.5))", "(target: Tilted(beta: 0.5))"] {
///     assert_eq!(config::parse::<Config>(text).unwrap().target, Target::Tilted { beta: 0.5 });
/// }
/// assert_eq!(config::parse::<Config>("(target: Filtered)").unwrap().target, Target::Filtered);
/// ```
///
/// # Errors
/// If it is neither.
pub fn with_unnamed<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    name: &str,
    deserializer: D,
) -> Result<T, D::Error> {
    with_unnamed_of(|_| name, deserializer)
}

/// The same of an enum whose choices have fields of different names: `name` tells that of a choice.
///
/// # Errors
/// If it is neither.
pub fn with_unnamed_of<'de, 'n, T: DeserializeOwned, D: Deserializer<'de>>(
    name: impl Fn(&str) -> &'n str,
    deserializer: D,
) -> Result<T, D::Error> {
    let text = as_written(deserializer)?;
    let named = match text.split_once('(') {
        Some((choice, value)) if is_unnamed(value) => format!("{choice}({}: {value}", name(choice.trim())),
        _ => text.clone(),
    };
    options().from_str(&named).map_err(|error| {
        let (message, hint) = describe(&error.code);
        let message = super::with_found(message, &text);
        D::Error::custom(hint.map_or(message.clone(), |hint| format!("{message}; {hint}")))
    })
}

/// The text of a value, for fields that take values of more than one type.
///
/// # Errors
/// If it is no value.
pub fn as_written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = Box::<ron::value::RawValue>::deserialize(deserializer)?;
    Ok(raw.get_ron().trim().into())
}

/// Whether what stands behind a choice's bracket is a value, not a name with one.
fn is_unnamed(inside: &str) -> bool {
    let name = inside.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    !inside.trim_start().starts_with(')') && !name.trim_start().starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    enum Choice {
        Plain,
        Of { beta: f64 },
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        #[serde(deserialize_with = "choice")]
        choice: Choice,
        #[serde(default)]
        other: u8,
    }

    fn choice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Choice, D::Error> {
        with_unnamed("beta", deserializer)
    }

    #[test]
    fn a_value_is_read_with_its_name_and_without() {
        for text in [
            "(choice: Of(0.5))",
            "(choice: Of( beta : 0.5 ), other: 0)",
            "(other: 0, choice: Of(beta: 0.5,),)",
            "(choice: Of(5e-1))",
        ] {
            assert_eq!(parse::<Config>(text).unwrap().choice, Choice::Of { beta: 0.5 }, "{text}");
        }
        let found = parse::<Config>("(choice: Plain, other: 3)").unwrap();
        assert_eq!((found.choice, found.other), (Choice::Plain, 3));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("(choice: Off(0.5))", "unknown choice `Off`"),
            ("(choice: Of(\"x\"))", "expected a number"),
            ("(choice: Of())", "`beta`"),
            ("(choice: Of(gamma: 1.0))", "gamma"),
            ("(choice: Of)", "expected"),
        ] {
            let error = parse::<Config>(text).unwrap_err();
            assert!(error.message.contains(words), "{text}: {error:?}");
        }
    }
}
