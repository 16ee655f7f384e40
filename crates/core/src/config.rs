//! How text that crosses the boundary is read.

mod fault;
mod place;
mod plain;

pub use fault::{Fault, read, with_found};
pub use place::{byte_offset, line_and_column, skip_space, token_end};
pub use plain::value_text;

use crate::error::{ErrorKind, PluginError};
use crate::shown;
use ron::extensions::Extensions;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;

/// The RON dialect of experiments and configurations: `clip: 10.0` and `clip: Some(10.0)` both work.
pub fn options() -> ron::Options {
    ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME)
}

/// Reads a configuration. A missing one is `()`.
///
/// # Errors
/// Of kind [`ErrorKind::Config`], with the place in `text`.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, PluginError> {
    read(text).map_err(|Fault { message, hint, place }| {
        let mut error = PluginError::new(ErrorKind::Config, message);
        error.hint = hint;
        error.position = Some(line_and_column(text, place.start));
        error
    })
}

/// A fault of RON text in words, and advice: names of types are left out, since whoever wrote the text does not
/// know them.
pub fn describe(error: &ron::Error) -> (String, Option<String>) {
    match error {
        ron::Error::NoSuchStructField { expected, found, .. } => {
            (format!("unknown field `{}`", shown(found)), Some(suggest(found, expected.iter().copied())))
        }
        ron::Error::NoSuchEnumVariant { expected, found, .. } => {
            (format!("unknown choice `{}`", shown(found)), Some(suggest(found, expected.iter().copied())))
        }
        ron::Error::DuplicateStructField { field, .. } => {
            (format!("the field `{field}` is given twice"), None)
        }
        ron::Error::MissingStructField { field, .. } => (format!("the field `{field}` is missing"), None),
        other => (words(other), None),
    }
}

fn words(error: &ron::Error) -> String {
    match error {
        ron::Error::Eof => "the text ends before a bracket or quote is closed".into(),
        ron::Error::ExpectedFloat => "expected a number".into(),
        ron::Error::ExpectedInteger => "expected a whole number".into(),
        ron::Error::IntegerOutOfBounds => "expected a whole number that is not too large".into(),
        ron::Error::ExpectedString => "expected a text in quotes".into(),
        ron::Error::ExpectedStringEnd => "expected the quote that closes the text".into(),
        ron::Error::ExpectedBoolean => "expected `true` or `false`".into(),
        ron::Error::ExpectedArray => "expected a list, `[…]`".into(),
        ron::Error::ExpectedMap => "expected a map, `{\"name\": value, …}`".into(),
        ron::Error::ExpectedIdentifier | ron::Error::SuggestRawIdentifier(_) => "expected a name".into(),
        ron::Error::ExpectedStructLike
        | ron::Error::ExpectedNamedStructLike(_)
        | ron::Error::ExpectedDifferentStructName { .. }
        | ron::Error::ExpectedStructName(_) => "expected fields in brackets, `(name: value, …)`".into(),
        ron::Error::ExpectedRawValue => "expected a value".into(),
        ron::Error::TrailingCharacters => "expected the end of the text".into(),
        ron::Error::UnclosedLineComment => "a comment at the end must be followed by a line break".into(),
        ron::Error::ExceededRecursionLimit => "brackets stand more than 128 deep in each other".into(),
        ron::Error::InvalidValueForType { expected, found } => {
            format!("expected {}, found {}", without_types(expected), shown(found))
        }
        other => {
            let text = shown(&other.to_string());
            let mut rest = text.chars();
            let first = rest.next().into_iter().flat_map(char::to_lowercase);
            first.chain(rest).collect()
        }
    }
}

/// What a reader expects, without the names of its types.
fn without_types(expected: &str) -> &str {
    match expected.split_once(' ') {
        Some(("struct", _)) => "fields in brackets, `(name: value, …)`",
        Some(("enum", _)) => "a choice by its name",
        _ if expected.ends_with("integer") => "a whole number",
        _ => expected,
    }
}

/// Longest text in which a misspelt name is seen, in bytes.
const LONGEST_NAME: usize = 100;

/// Advice on a misspelt name: the nearest of those expected, if one is near, and all of them.
pub fn suggest<'a>(found: &str, expected: impl Iterator<Item = &'a str> + Clone) -> String {
    // What is far longer than any name is no misspelt one, and costly to compare.
    let found = if found.len() > LONGEST_NAME { "" } else { found };
    let distance = |name: &&str| strsim::damerau_levenshtein(found, name);
    let nearest = expected.clone().min_by_key(distance).filter(|name| distance(name) <= 1 + name.len() / 4);
    let all = expected.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? expected one of {all}"),
        None => format!("expected one of {all}"),
    }
}

/// A map that keeps the file's order and refuses a key that is given twice.
#[derive(Clone, Debug, PartialEq)]
pub struct UniqueMap<V>(Vec<(String, V)>);

impl<V> UniqueMap<V> {
    /// The entries in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for UniqueMap<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> FromIterator<(String, V)> for UniqueMap<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for UniqueMap<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = UniqueMap<V>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map with a name for each entry")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueMap<V>, A::Error> {
                let mut entries: Vec<(String, V)> = Vec::new();
                // By their hashes, so that no key is held twice: only where hashes are equal are keys compared.
                let (hasher, mut known) = (RandomState::new(), HashSet::new());
                while let Some(key) = map.next_key::<String>()? {
                    let is_new = known.insert(hasher.hash_one(&key));
                    if !is_new && entries.iter().any(|(other, _)| *other == key) {
                        return Err(A::Error::custom(format!("the key `{}` is given twice", shown(&key))));
                    }
                    entries.push((key, map.next_value()?));
                }
                Ok(UniqueMap(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<V: Serialize> Serialize for UniqueMap<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Config {
        alpha: f64,
        #[serde(default)]
        clip: Option<f64>,
    }

    #[test]
    fn some_may_be_left_out() {
        let config = Config { alpha: 1.0, clip: Some(2.0) };
        assert_eq!(parse::<Config>("(alpha: 1, clip: 2.0)").unwrap(), config);
        assert_eq!(parse::<Config>("(alpha: 1.0, clip: Some(2.0))").unwrap(), config);
    }

    #[test]
    fn faults_are_in_words_and_located() {
        let fault = |text| parse::<Config>(text).unwrap_err();
        let error = fault("(alpha: 1.0,\n clap: 3)");
        assert_eq!(error.message, "unknown field `clap`");
        assert_eq!(error.hint.unwrap(), "did you mean `clip`? expected one of `alpha`, `clip`");
        assert_eq!(error.position, Some((2, 2)));
        assert_eq!(fault("(alpha: 1.0, alpha: 2.0)").message, "the field `alpha` is given twice");
        assert_eq!(fault("()").message, "the field `alpha` is missing");
        assert_eq!(fault("(alpha: \"x\")").message, "expected a number, found `\"x\"`");
    }

    #[test]
    fn a_map_keeps_its_order_and_its_keys_apart() {
        let map: UniqueMap<u32> = parse("{\"b\": 1, \"a\": 2}").unwrap();
        assert_eq!(map.iter().collect::<Vec<_>>(), [("b", &1), ("a", &2)]);
        let error = parse::<UniqueMap<u32>>("{\"b\": 1, \"b\": 2}").unwrap_err();
        assert_eq!(error.message, "the key `b` is given twice");
    }
}
