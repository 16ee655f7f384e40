//! Records as text.

use serde::Serialize;

/// A record as indented JSON, with a line break behind it.
pub fn to_json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .unwrap_or_else(|error| unreachable!("records serialise: {error}"));
    text.push('\n');
    text
}
