//! A fast reader of plain RON, for tables and lists that are long.
//!
//! RON's own reader takes 0.1 s for a megabyte of numbers, and an experiment's parts are read once by the host and once by
//! a plugin. Nearly all of what people write needs none of its generality: so a text is read here first, in one
//! pass, and by the library only where it holds anything rare (typed numbers, characters, bytes, names in other
//! alphabets, deep nesting) or anything wrong. What is read here is therefore a part of the language, and nothing is
//! refused or told here; the tests hold what is accepted against the library, on texts of every kind.

mod cursor;
mod not_plain;
mod reader;

use cursor::Cursor;
use reader::VALUE_TEXT;
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserializer, de};
use std::fmt;

/// The value of a text; `None` where the library is to read it, or to say what is wrong.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space().ok()?;
    let value = T::deserialize(&mut cursor).ok()?;
    cursor.skip_space().ok()?;
    cursor.is_at_end().then_some(value)
}

/// Whether a text is a value and nothing besides, not even space.
fn is_bare(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.skip_value().is_ok() && cursor.is_at_end()
}

/// The next value's text, whatever the value, without the space and the comments around it: a part of the text that is
/// read, which tells where the value stands.
///
/// # Errors
/// If there is no value.
pub fn value_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    deserializer.deserialize_newtype_struct(VALUE_TEXT, ValueText)
}

struct ValueText;

impl<'de> Visitor<'de> for ValueText {
    type Value = &'de str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<&'de str, E> {
        if is_bare(text) {
            return Ok(text);
        }
        ron::value::RawValue::from_ron(text).map(|value| value.trim().get_ron()).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests;
