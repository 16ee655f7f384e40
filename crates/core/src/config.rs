//! How text that crosses the boundary is read.

use crate::error::{ErrorKind, PluginError};
use ron::extensions::Extensions;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::HashSet;
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
    options().from_str(text).map_err(|error| {
        let (message, hint) = describe(&error.code);
        let mut parsed = PluginError::new(ErrorKind::Config, message);
        parsed.hint = hint;
        parsed.position = Some((error.span.start.line, error.span.start.col));
        parsed
    })
}

/// A fault of RON text in words, and advice: names of types are left out, since whoever wrote the text does not
/// know them.
pub fn describe(error: &ron::Error) -> (String, Option<String>) {
    match error {
        ron::Error::NoSuchStructField { expected, found, .. } => {
            (format!("unknown field `{found}`"), Some(suggest(found, expected.iter().copied())))
        }
        ron::Error::NoSuchEnumVariant { expected, found, .. } => {
            (format!("unknown choice `{found}`"), Some(suggest(found, expected.iter().copied())))
        }
        ron::Error::DuplicateStructField { field, .. } => {
            (format!("the field `{field}` is given twice"), None)
        }
        ron::Error::MissingStructField { field, .. } => (format!("the field `{field}` is missing"), None),
        ron::Error::ExpectedFloat => ("expected a number".into(), None),
        ron::Error::ExpectedInteger => ("expected a whole number".into(), None),
        ron::Error::IntegerOutOfBounds => {
            ("expected a whole number of at least 0 that is not too large".into(), None)
        }
        ron::Error::ExpectedString => ("expected a text in quotes".into(), None),
        ron::Error::ExpectedBoolean => ("expected `true` or `false`".into(), None),
        other => {
            let text = other.to_string();
            let mut rest = text.chars();
            let first = rest.next().into_iter().flat_map(char::to_lowercase);
            (first.chain(rest).collect(), None)
        }
    }
}

/// Advice on a misspelt name: the nearest of those expected, if one is near, and all of them.
pub fn suggest<'a>(found: &str, expected: impl Iterator<Item = &'a str> + Clone) -> String {
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
                let mut known = HashSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    if !known.insert(key.clone()) {
                        return Err(A::Error::custom(format!("the key `{key}` is given twice")));
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
        assert_eq!(fault("(alpha: \"x\")").message, "expected a number");
    }

    #[test]
    fn a_map_keeps_its_order_and_its_keys_apart() {
        let map: UniqueMap<u32> = parse("{\"b\": 1, \"a\": 2}").unwrap();
        assert_eq!(map.iter().collect::<Vec<_>>(), [("b", &1), ("a", &2)]);
        let error = parse::<UniqueMap<u32>>("{\"b\": 1, \"b\": 2}").unwrap_err();
        assert_eq!(error.message, "the key `b` is given twice");
    }
}
