//! Numbers as they were written.

use super::reading;
use pstar_core::config::value_text;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Range;

/// A number and its text in the file, which keys of the output repeat, and as which it is written again.
#[derive(Clone, Debug)]
pub struct Verbatim<T> {
    /// The number.
    pub value: T,
    /// As written.
    pub text: String,
    place: Range<usize>,
}

impl<T> Verbatim<T> {
    /// The place in `file`, in bytes; empty if it was not read from there.
    pub fn place(&self, file: &str) -> Range<usize> {
        file.get(self.place.clone()).map_or(0..0, |_| self.place.clone())
    }
}

impl<T: ToString> Verbatim<T> {
    /// A number that the program writes: a default.
    pub fn of(value: T) -> Self {
        Self { text: value.to_string(), value, place: 0..0 }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Verbatim<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = value_text(deserializer)?;
        Ok(Self { value: reading::part(raw)?, text: raw.to_string(), place: reading::place_of(raw) })
    }
}

impl<T> Serialize for Verbatim<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        reading::write(&self.text, serializer)
    }
}

/// Wherever they stand.
impl<T: PartialEq> PartialEq for Verbatim<T> {
    fn eq(&self, other: &Self) -> bool {
        (&self.value, &self.text) == (&other.value, &other.text)
    }
}
