//! Numbers as they were written.

use super::fault;
use ron::value::RawValue;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use std::ops::Range;

/// A number and its text in the file, which keys of the output repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Written<T> {
    /// The number.
    pub value: T,
    /// As written.
    pub text: String,
    /// Address of its first byte; only ever subtracted from the address of the file's text.
    address: usize,
}

impl<T> Written<T> {
    /// The place in `file`, in bytes; empty if it was not read from there.
    pub fn place(&self, file: &str) -> Range<usize> {
        let start = self.address.wrapping_sub(file.as_ptr() as usize);
        if start.saturating_add(self.text.len()) <= file.len() {
            start..start + self.text.len()
        } else {
            0..0
        }
    }
}

impl<T: ToString> Written<T> {
    /// A number that the program writes: a default.
    pub fn of(value: T) -> Self {
        Self { text: value.to_string(), value, address: 0 }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.trim().get_ron();
        let value = fault::read(raw).map_err(D::Error::custom)?;
        Ok(Self { value, text: raw.to_string(), address: raw.as_ptr() as usize })
    }
}
