//! Changing fields of an experiment from outside: `--set training.steps=100`.

use pstar_core::config::{describe, options, suggest};
use pstar_core::shown;
use ron::value::RawValue;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::ops::Range;
use thiserror::Error;

/// An override that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// There is no `=`, or a part of the path is empty.
    #[error("`{}` is no override, expected `path=value`", shown(text))]
    Malformed {
        /// The override.
        text: String,
    },
    /// The value is not RON.
    #[error("the value `{}` of `{}` cannot be read: {message}", shown(value), shown(path))]
    Value {
        /// The path.
        path: String,
        /// The value.
        value: String,
        /// The reader's complaint.
        message: String,
    },
    /// A part of the path leads nowhere.
    #[error("`{}` leads nowhere: there is no `{}`", shown(path), shown(segment))]
    Nowhere {
        /// The path.
        path: String,
        /// The part.
        segment: String,
        /// Advice.
        hint: String,
    },
    /// The file cannot be read at all.
    #[error("the file cannot be read: {message}")]
    File {
        /// The reader's complaint.
        message: String,
    },
}

impl OverrideError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Malformed { .. } => {
                "for example `training.steps=100`; quote keys that hold `=` or dots: `objectives.\"kl λ=2\".config.lambda=3`".into()
            }
            Self::Value { .. } => "values are RON: text is quoted, `\"…\"`".into(),
            Self::Nowhere { hint, .. } => hint.clone(),
            Self::File { .. } => "check the file without `--set` first".into(),
        }
    }
}

/// Structs that a file may leave out, and how deep they stand.
fn may_be_left_out(section: &str, depth: usize) -> bool {
    match section {
        "training" | "evaluation" | "exact" => depth == 0,
        "config" => depth == 2,
        _ => false,
    }
}

/// The text of an experiment with the fields of `overrides` (`path=value`) replaced, in order.
///
/// A path is made of field names, map keys and list indices with dots between them; a part that holds a dot or `=`
/// is quoted. A field that is absent is added, and so is a section that a file may leave out; everything else before
/// the last part must be there.
///
/// # Errors
/// The first override that cannot be made.
pub fn override_fields(text: &str, overrides: &[String]) -> Result<String, OverrideError> {
    overrides.iter().try_fold(text.to_string(), |text, change| override_field(&text, change))
}

fn override_field(text: &str, change: &str) -> Result<String, OverrideError> {
    let malformed = || OverrideError::Malformed { text: change.into() };
    let (segments, value) = split(change).ok_or_else(malformed)?;
    let path = change[..change.len() - value.len() - 1].to_string();
    RawValue::from_ron(value).map_err(|error| OverrideError::Value {
        path: path.clone(),
        value: value.into(),
        message: describe(&error.code).0,
    })?;
    let mut node = options()
        .from_str::<&RawValue>(text)
        .map_err(|error| OverrideError::File { message: describe(&error.code).0 })?
        .trim();
    let place = |node: &RawValue| {
        let start = node.get_ron().as_ptr() as usize - text.as_ptr() as usize;
        start..start + node.get_ron().len()
    };
    let mut rest = segments.as_slice();
    while let Some((segment, behind)) = rest.split_first() {
        match child(node, segment) {
            Ok(part) => node = part,
            Err(hint) => {
                let may_be_added = behind.is_empty() || may_be_left_out(segment, segments.len() - rest.len());
                let opening = insertion(node).filter(|_| may_be_added);
                let at = place(node).start + opening.ok_or_else(|| nowhere(&path, segment, hint))?;
                let key = if node.get_ron().starts_with('{') { quoted(segment) } else { segment.clone() };
                let inner =
                    behind.iter().rev().fold(value.to_string(), |inner, key| format!("({key}: {inner})"));
                return Ok(replace(text, at..at, &format!("{key}: {inner}, ")));
            }
        }
        rest = behind;
    }
    Ok(replace(text, place(node), value))
}

fn nowhere(path: &str, segment: &str, hint: String) -> OverrideError {
    OverrideError::Nowhere { path: path.into(), segment: segment.into(), hint }
}

fn replace(text: &str, range: Range<usize>, replacement: &str) -> String {
    format!("{}{replacement}{}", &text[..range.start], &text[range.end..])
}

fn quoted(key: &str) -> String {
    options().to_string(key).unwrap_or_else(|_| format!("\"{key}\""))
}

/// Where a new field goes: behind the opening bracket of a struct or map.
fn insertion(node: &RawValue) -> Option<usize> {
    let text = node.get_ron();
    let opening = text.find(['(', '{'])?;
    let name = &text[..opening];
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(opening + 1)
}

/// The parts of a path, and the value behind the `=`.
fn split(change: &str) -> Option<(Vec<String>, &str)> {
    let mut segments = Vec::new();
    let mut rest = change;
    loop {
        let (segment, behind) = match rest.strip_prefix('"') {
            Some(inner) => {
                let end = inner.find('"')?;
                (&inner[..end], &inner[end + 1..])
            }
            None => rest.split_at(rest.find(['.', '='])?),
        };
        if segment.is_empty() {
            return None;
        }
        segments.push(segment.to_string());
        rest = match (behind.strip_prefix('.'), behind.strip_prefix('=')) {
            (Some(more), _) => more,
            (None, Some(value)) => return Some((segments, value)),
            (None, None) => return None,
        };
    }
}

/// The part of a value under a field name, key or index; otherwise advice.
fn child<'a>(node: &'a RawValue, segment: &str) -> Result<&'a RawValue, String> {
    let Ok(Parts(parts)) = options().from_str::<Parts<'a>>(node.get_ron()) else {
        return Err("it is a plain value, which has no parts".into());
    };
    let found = parts.iter().find(|(key, _)| key == segment);
    found
        .map(|(_, value)| value.trim())
        .ok_or_else(|| suggest(segment, parts.iter().map(|(key, _)| key.as_str())))
}

/// The parts of a struct, map or list.
struct Parts<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Parts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyParts;

        impl<'de> Visitor<'de> for AnyParts {
            type Value = Parts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a struct, a map or a list")
            }

            fn visit_unit<E>(self) -> Result<Parts<'de>, E> {
                Ok(Parts(Vec::new()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
                let mut parts = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    parts.push((key, map.next_value()?));
                }
                Ok(Parts(parts))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parts<'de>, A::Error> {
                let mut parts = Vec::new();
                while let Some(value) = list.next_element()? {
                    parts.push((parts.len().to_string(), value));
                }
                Ok(Parts(parts))
            }
        }

        deserializer.deserialize_any(AnyParts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"( // a comment
    name: "x",
    objectives: {"kl λ=2.5": (plugin: "kl-control", config: (lambda: 2.5))},
    training: (optimizer: Adam(learning_rate: 0.1)),
    seeds: [1, 2],
)"#;

    fn set(change: &str) -> Result<String, OverrideError> {
        override_fields(TEXT, &[change.to_string()])
    }

    #[test]
    fn only_the_value_changes() {
        assert_eq!(set("name=\"y\"").unwrap(), TEXT.replace("\"x\"", "\"y\""));
        assert_eq!(set("seeds.1=7").unwrap(), TEXT.replace("[1, 2]", "[1, 7]"));
        assert_eq!(set("seeds=[3]").unwrap(), TEXT.replace("[1, 2]", "[3]"));
        let changed = set("objectives.\"kl λ=2.5\".config.lambda=3.5").unwrap();
        assert_eq!(changed, TEXT.replace("lambda: 2.5", "lambda: 3.5"));
        let changed = set("training.optimizer.learning_rate=0.5").unwrap();
        assert_eq!(changed, TEXT.replace("learning_rate: 0.1", "learning_rate: 0.5"));
    }

    #[test]
    fn an_absent_field_is_added() {
        let changed = set("training.steps=9").unwrap();
        assert_eq!(changed, TEXT.replace("training: (", "training: (steps: 9, "));
        let changed = set("exact.max_states=100").unwrap();
        assert_eq!(changed, TEXT.replacen('(', "(exact: (max_states: 100), ", 1));
        let changed = set("objectives.new=(plugin: \"reinforce\")").unwrap();
        assert_eq!(changed, TEXT.replace("objectives: {", "objectives: {\"new\": (plugin: \"reinforce\"), "));
    }

    #[test]
    fn faults_are_named() {
        assert!(matches!(set("name"), Err(OverrideError::Malformed { .. })));
        assert!(matches!(set(".name=1"), Err(OverrideError::Malformed { .. })));
        assert!(matches!(set("name=(1"), Err(OverrideError::Value { .. })));
        assert!(matches!(set("objectives.exact.plugin=1"), Err(OverrideError::Nowhere { .. })));
        let Err(OverrideError::Nowhere { segment, hint, .. }) = set("trainin.steps=1") else { panic!() };
        assert_eq!(segment, "trainin");
        assert!(hint.starts_with("did you mean `training`?"), "{hint}");
        assert!(matches!(set("name.first=1"), Err(OverrideError::Nowhere { .. })));
        assert!(matches!(set("seeds.5=1"), Err(OverrideError::Nowhere { .. })));
    }
}
