//! How JSON writes what is no JSON number: infinities are the strings `inf` and `-inf`, what does not exist is null.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// A number as a cell of a table: `inf` and `-inf` as in JSON.
pub(crate) fn text(value: f64) -> String {
    match number(Some(value)) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// A number as the formats write it; of NaN null.
pub fn number(value: Option<f64>) -> Value {
    match value {
        Some(f64::INFINITY) => "inf".into(),
        Some(f64::NEG_INFINITY) => "-inf".into(),
        Some(x) => serde_json::Number::from_f64(x).map_or(Value::Null, Into::into),
        None => Value::Null,
    }
}

/// The number that a value is, as [`number`] writes it.
///
/// # Errors
/// Of anything else.
pub fn of_value(value: Value) -> Result<Option<f64>, serde_json::Error> {
    Number::deserialize(value).map(|number| number.0)
}

/// Writes a number that exists. For `#[serde(with = "number")]`.
///
/// # Errors
/// Those of the serialiser.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    number(Some(*value)).serialize(serializer)
}

/// Reads a number; null is NaN, as which it was written.
///
/// # Errors
/// Of anything but a number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Number::deserialize(deserializer)?.0.unwrap_or(f64::NAN))
}

/// A number that may not exist. For `#[serde(with = "number::optional")]`.
pub mod optional {
    use super::{Deserialize, Deserializer, Number, Serialize, Serializer, number};

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serialiser.
    #[allow(clippy::ref_option, reason = "the signature that serde calls")]
    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        number(*value).serialize(serializer)
    }

    /// Reads it.
    ///
    /// # Errors
    /// Of anything but a number or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Number::deserialize(deserializer)?.0)
    }
}

/// As it stands in JSON.
pub(crate) struct Number(pub(crate) Option<f64>);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"inf\", \"-inf\" or null")
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<Self::Value, E> {
        Ok(Some(x))
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<Self::Value, E> {
        Ok(Some(x as f64))
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<Self::Value, E> {
        Ok(Some(x as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            "inf" => Ok(Some(f64::INFINITY)),
            "-inf" => Ok(Some(f64::NEG_INFINITY)),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_written() {
        for x in [0.0, -0.0, 1.0 / 3.0, f64::MAX, f64::MIN_POSITIVE / 8.0, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&Number(Some(x))).unwrap();
            let read: Number = serde_json::from_str(&text).unwrap();
            assert_eq!(read.0.map(f64::to_bits), Some(x.to_bits()), "{text}");
        }
        assert_eq!(serde_json::from_str::<Number>("null").unwrap().0, None);
        assert_eq!(serde_json::from_str::<Number>("3").unwrap().0, Some(3.0));
        assert!(serde_json::from_str::<Number>("\"infinite\"").is_err());
    }
}
