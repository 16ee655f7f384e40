//! Numbers as they were written.

use super::fault;
use ron::value::RawValue;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

/// A number and its text in the file, which keys of the output repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Written<T> {
    /// The number.
    pub value: T,
    /// As written.
    pub text: String,
}

impl<T: ToString> Written<T> {
    /// A number that the program writes: a default.
    pub fn of(value: T) -> Self {
        Self { text: value.to_string(), value }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.trim().get_ron();
        let value = fault::read(raw).map_err(D::Error::custom)?;
        Ok(Self { value, text: raw.to_string() })
    }
}
