//! JSON as it is written: indented, with a line's end behind it.

use serde::Serialize;
use std::io::{self, Write};

/// A value as indented JSON that ends in a line break.
///
/// # Panics
/// If it cannot be written so: a map whose keys are no text, say, which no record holds.
pub fn to_json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .unwrap_or_else(|error| unreachable!("records serialise: {error}"));
    text.push('\n');
    text
}

/// The same, written as it comes: of many arms the text is large.
///
/// # Errors
/// Those of writing.
pub fn write_json(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value)?;
    to.write_all(b"\n")
}
