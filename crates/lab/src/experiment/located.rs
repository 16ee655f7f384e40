//! Values that remember where they stood in the file.

use super::reading;
use pstar_core::config::value_text;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::{Deref, Range};

/// A value and where it stood in the text that it was read from, which is no part of what it is: values are equal
/// wherever they stand, and are written as they are.
#[derive(Clone, Debug)]
pub struct Located<T> {
    value: T,
    place: Range<usize>,
}

impl<T> Located<T> {
    /// A value that stood nowhere: a default.
    pub fn unplaced(value: T) -> Self {
        Self { value, place: 0..0 }
    }

    /// The place in `text`, the file, in bytes; empty if it stood nowhere, or the text is another one that is too
    /// short.
    pub fn place(&self, text: &str) -> Range<usize> {
        text.get(self.place.clone()).map_or(0..0, |_| self.place.clone())
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = value_text(deserializer)?;
        Ok(Self { value: reading::part(raw)?, place: reading::place_of(raw) })
    }
}

impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A configuration: any RON value, kept and written as its text, and where it stood.
#[derive(Clone, Debug)]
pub struct Configuration {
    text: String,
    place: Range<usize>,
}

impl Configuration {
    /// The value as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place in `file`, in bytes; empty if it was not read from there.
    pub fn place(&self, file: &str) -> Range<usize> {
        file.get(self.place.clone()).map_or(0..0, |_| self.place.clone())
    }
}

impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = value_text(deserializer)?;
        Ok(Self { text: raw.into(), place: reading::place_of(raw) })
    }
}

impl Serialize for Configuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        reading::write(&self.text, serializer)
    }
}

impl PartialEq for Configuration {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
