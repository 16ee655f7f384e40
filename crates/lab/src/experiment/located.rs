//! Values that remember where they stood in the file.

use super::fault;
use ron::value::RawValue;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use std::ops::{Deref, Range};

/// A value and where it stood in the text that it was read from.
#[derive(Clone, Debug)]
pub struct Located<T> {
    value: T,
    /// Address of the first byte; only ever subtracted from the address of the text.
    address: usize,
    length: usize,
}

impl<T> Located<T> {
    /// A value that stood nowhere: a default.
    pub fn unplaced(value: T) -> Self {
        Self { value, address: 0, length: 0 }
    }

    /// The place in `text`, in bytes; empty if it was read from another text.
    pub fn place(&self, text: &str) -> Range<usize> {
        let start = self.address.wrapping_sub(text.as_ptr() as usize);
        if start.saturating_add(self.length) <= text.len() { start..start + self.length } else { 0..0 }
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
        let raw = <&RawValue>::deserialize(deserializer)?.trim().get_ron();
        let value = fault::read(raw).map_err(D::Error::custom)?;
        Ok(Self { value, address: raw.as_ptr() as usize, length: raw.len() })
    }
}

/// A configuration: any RON value, kept as text.
#[derive(Clone, Debug)]
pub struct Configuration(pub String);

impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.trim().get_ron().to_string()))
    }
}
