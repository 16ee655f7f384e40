//! The grammar of a block: `Name`, `Name(a, b, c: x)`, `(a: x)`, a number or a list.
//!
//! Arguments may be given in their order or by name, so that `Focal(2.0)` and `Focal(gamma: 2.0)` are one.

use pstar_core::PluginError;
use pstar_core::config::suggest;

/// A block as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// `[…]`
    List(Vec<Value>),
    /// `Name` or `Name(…)`, the name empty for `(…)` alone.
    Call {
        /// The name.
        name: String,
        /// What is in its brackets.
        arguments: Vec<Argument>,
    },
}

/// An argument, perhaps by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    name: Option<String>,
    value: Value,
}

impl Value {
    /// Reads a block; `field` is the field that it stands in.
    ///
    /// # Errors
    /// If the text is none.
    pub fn parse(field: &str, text: &str) -> Result<Self, PluginError> {
        let mut reader = Reader { rest: text };
        let value = reader.value();
        match value {
            Some(value) if reader.space().is_empty() => Ok(value),
            _ => Err(PluginError::config(field, format!("`{field}` cannot be read: `{}`", text.trim()))),
        }
    }

    /// The number that a field is.
    ///
    /// # Errors
    /// If it is none.
    pub fn number_of(&self, field: &str) -> Result<f64, PluginError> {
        match self {
            Self::Number(number) => Ok(*number),
            other => {
                let message = format!("`{field}` must be a number, found {}", other.shown());
                Err(PluginError::config(field, message))
            }
        }
    }

    /// How it is quoted in a message.
    fn shown(&self) -> String {
        match self {
            Self::Number(number) => format!("`{number}`"),
            value => format!("`{}`", value.name().unwrap_or("a list")),
        }
    }

    /// Whether it is `None`.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Call { name, arguments } if name == "None" && arguments.is_empty())
    }

    /// The name of a block of names, empty for `(…)`; of anything else nothing.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Call { name, .. } => Some(name),
            _ => None,
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// What is left behind white space and comments.
    fn space(&mut self) -> &'t str {
        loop {
            self.rest = self.rest.trim_start();
            let comment = match self.rest.get(..2) {
                Some("//") => self.rest.find('\n'),
                Some("/*") => self.rest.find("*/").map(|end| end + 2),
                _ => return self.rest,
            };
            self.rest = &self.rest[comment.unwrap_or(self.rest.len())..];
        }
    }

    fn eat(&mut self, mark: char) -> bool {
        let rest = self.space().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self) -> Option<Value> {
        let rest = self.space();
        match rest.chars().next()? {
            '[' => {
                let items = self.items('[', ']', Self::value)?;
                Some(Value::List(items))
            }
            '(' => {
                let arguments = self.items('(', ')', Self::argument)?;
                Some(Value::Call { name: String::new(), arguments })
            }
            first if first.is_ascii_alphabetic() => self.call(),
            _ => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c)));
                let (number, behind) = rest.split_at(end.unwrap_or(rest.len()));
                self.rest = behind;
                Some(Value::Number(number.replace('_', "").parse().ok()?))
            }
        }
    }

    fn word(&mut self) -> Option<&'t str> {
        let rest = self.space();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        self.rest = behind;
        (!word.is_empty()).then_some(word)
    }

    fn call(&mut self) -> Option<Value> {
        let name = self.word()?;
        if name == "inf" {
            return Some(Value::Number(f64::INFINITY));
        }
        let mut arguments =
            if self.space().starts_with('(') { self.items('(', ')', Self::argument)? } else { Vec::new() };
        if name == "Some" && arguments.len() == 1 {
            return arguments.pop().map(|only| only.value);
        }
        Some(Value::Call { name: name.into(), arguments })
    }

    fn argument(&mut self) -> Option<Argument> {
        let before = self.space();
        let name = self.word().filter(|_| self.eat(':'));
        if name.is_none() {
            self.rest = before;
        }
        Some(Argument { name: name.map(String::from), value: self.value()? })
    }

    fn items<T>(&mut self, open: char, close: char, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.eat(open);
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(item(self)?);
            if !self.eat(',') && !self.space().starts_with(close) {
                return None;
            }
        }
        Some(items)
    }
}

/// The arguments of a block by their names.
#[derive(Clone, Debug)]
pub struct Arguments<'v> {
    field: &'static str,
    names: &'static [&'static str],
    values: Vec<Option<&'v Value>>,
}

impl<'v> Arguments<'v> {
    /// The arguments of `value`, which are called `names` in this order.
    ///
    /// # Errors
    /// If one is unknown or given twice.
    pub fn of(
        field: &'static str,
        value: &'v Value,
        names: &'static [&'static str],
    ) -> Result<Self, PluginError> {
        let (block, given): (&str, &[Argument]) = match value {
            Value::Call { name, arguments } => (name, arguments),
            _ => {
                return Err(PluginError::config(
                    field,
                    format!("`{field}` must be `({})`", names.join(", ")),
                ));
            }
        };
        let block = if block.is_empty() { field } else { block };
        let mut values = vec![None; names.len()];
        for (place, argument) in given.iter().enumerate() {
            let place = match &argument.name {
                None if place < names.len() => place,
                None => {
                    let message = format!("`{block}` takes {} values, found {}", names.len(), given.len());
                    return Err(PluginError::config(field, message));
                }
                Some(name) => names.iter().position(|known| known == name).ok_or_else(|| {
                    let error = PluginError::config(field, format!("`{block}` has no field `{name}`"));
                    error.with_hint(suggest(name, names.iter().copied()))
                })?,
            };
            if values[place].replace(&argument.value).is_some() {
                return Err(PluginError::config(
                    field,
                    format!("`{block}` is given `{}` twice", names[place]),
                ));
            }
        }
        Ok(Self { field, names, values })
    }

    /// The argument of a name, if it was given.
    pub fn given(&self, name: &str) -> Option<&'v Value> {
        let place = self.names.iter().position(|known| *known == name);
        place.and_then(|place| self.values[place])
    }

    fn must(&self, name: &str, range: &str, found: Option<&Value>) -> PluginError {
        let found = match found {
            None => "nothing".into(),
            Some(value) => value.shown(),
        };
        PluginError::config(self.field, format!("`{name}` must be {range}, found {found}"))
    }

    /// A number within a range, which words describe; `default` where it was not given.
    ///
    /// # Errors
    /// If it is none, or not given without a default.
    pub fn number(
        &self,
        name: &str,
        default: impl Into<Option<f64>>,
        range: &str,
        fits: impl Fn(f64) -> bool,
    ) -> Result<f64, PluginError> {
        let given = self.given(name);
        match given {
            Some(&Value::Number(number)) if fits(number) => Ok(number),
            Some(_) => Err(self.must(name, range, given)),
            None => default.into().ok_or_else(|| self.must(name, range, None)),
        }
    }

    /// A number within a range or `None`, the default.
    ///
    /// # Errors
    /// If it is neither.
    pub fn number_or_none(
        &self,
        name: &str,
        range: &str,
        fits: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>, PluginError> {
        match self.given(name) {
            None => Ok(None),
            Some(value) if value.is_none() => Ok(None),
            Some(_) => self.number(name, None, range, fits).map(Some),
        }
    }

    /// A whole number of at least `least`.
    ///
    /// # Errors
    /// If it is none.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    pub fn count(
        &self,
        name: &str,
        default: impl Into<Option<usize>>,
        least: usize,
    ) -> Result<usize, PluginError> {
        let range = format!("a whole number of at least {least}");
        let fits = |n: f64| n.fract() == 0.0 && n >= least as f64 && n <= f64::from(u32::MAX);
        let default = default.into().map(|n| n as f64);
        Ok(self.number(name, default, &range, fits)? as usize)
    }

    /// One of some words; `default` where it was not given.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn word<T: Copy>(
        &self,
        name: &str,
        default: impl Into<Option<T>>,
        words: &[(&'static str, T)],
    ) -> Result<T, PluginError> {
        let given = self.given(name);
        let Some(value) = given else {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            return default.into().ok_or_else(|| self.must(name, &one_of(&names), None));
        };
        word(self.field, name, value, words)
    }
}

/// One of some words, without arguments.
///
/// # Errors
/// If it is none of them.
pub fn word<T: Copy>(
    field: &str,
    name: &str,
    value: &Value,
    words: &[(&'static str, T)],
) -> Result<T, PluginError> {
    let found = match value {
        Value::Call { name, arguments } if arguments.is_empty() => name.clone(),
        Value::Number(number) => number.to_string(),
        Value::Call { name, .. } => format!("{name}(…)"),
        Value::List(_) => "[…]".into(),
    };
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == found) {
        return Ok(*meaning);
    }
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Err(PluginError::config(field, format!("`{name}` must be {}, found `{found}`", one_of(&names))))
}

fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The error for a block of an unknown name.
pub fn unknown(field: &str, value: &Value, names: &[&str]) -> PluginError {
    let found = match value {
        Value::Number(number) => number.to_string(),
        Value::List(_) => "[…]".into(),
        Value::Call { name, .. } if name.is_empty() => "(…)".into(),
        Value::Call { name, .. } => name.clone(),
    };
    let error = PluginError::config(field, format!("`{field}` must be {}, found `{found}`", one_of(names)));
    error.with_hint(suggest(&found, names.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        Value::parse("clip", text).unwrap()
    }

    #[test]
    fn order_and_names_are_one() {
        let names = &["low", "high", "dual"];
        for text in [
            "Ppo(0.2, 0.28, dual: 3)",
            "Ppo(high: 0.28, low: 0.2, dual: Some(3.0),)",
            "Ppo( 0.2,high:0.28, dual:3 )",
        ] {
            let value = parsed(text);
            let arguments = Arguments::of("clip", &value, names).unwrap();
            let found =
                ["low", "high", "dual"].map(|name| arguments.number(name, None, "", |_| true).unwrap());
            assert_eq!(found, [0.2, 0.28, 3.0], "{text}");
        }
        assert_eq!(parsed("[1e-6, -2]"), Value::List(vec![Value::Number(1e-6), Value::Number(-2.0)]));
        assert!(parsed(" None /* nothing */").is_none());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |text: &str| {
            let value = Value::parse("clip", text)?;
            Arguments::of("clip", &value, &["low", "high"])?.number("low", None, "in [0, 1]", |n| n <= 1.0)
        };
        let message = |text| error(text).unwrap_err().message;
        assert_eq!(message("Ppo(2, 1)"), "`low` must be in [0, 1], found `2`");
        assert_eq!(message("Ppo(hihg: 1)"), "`Ppo` has no field `hihg`");
        assert_eq!(message("Ppo(1, low: 1)"), "`Ppo` is given `low` twice");
        assert_eq!(message("Ppo(1, 2, 3)"), "`Ppo` takes 2 values, found 3");
        assert_eq!(message("Ppo()"), "`low` must be in [0, 1], found nothing");
        assert_eq!(message("Ppo(1"), "`clip` cannot be read: `Ppo(1`");
    }
}
