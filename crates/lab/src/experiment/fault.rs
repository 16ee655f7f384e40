//! The first syntax or type error of an experiment file.

use super::Problem;
use super::problem::{byte_offset, skip_space, token_end};
use pstar_core::config;
use ron::de::SpannedError;
use serde::de::DeserializeOwned;
use std::fmt;

/// Separates the parts of a [`Nested`] fault; it occurs in no text that people write.
const SEPARATOR: char = '\u{1}';

/// A fault inside a part of the file that was read on its own. It passes through the outer reader as text, since
/// that is all an outer reader lets through, and keeps its place.
pub(super) struct Nested {
    /// Address of the byte at fault.
    address: usize,
    message: String,
    hint: String,
}

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, message, hint } = self;
        write!(f, "{SEPARATOR}{address}{SEPARATOR}{message}{SEPARATOR}{hint}")
    }
}

/// Reads a part of the file.
pub(super) fn read<T: DeserializeOwned>(raw: &str) -> Result<T, Nested> {
    config::options().from_str(raw).map_err(|error| {
        let text = error.code.to_string();
        if let Some([address, message, hint]) = parts(&text) {
            return Nested {
                address: address.parse().unwrap_or(0),
                message: message.into(),
                hint: hint.into(),
            };
        }
        let (message, hint) = config::describe(&error.code);
        let start = error.span.start;
        let address = raw.as_ptr() as usize + skip_space(raw, byte_offset(raw, start.line, start.col));
        Nested { address, message, hint: hint.unwrap_or_default() }
    })
}

fn parts(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.strip_prefix(SEPARATOR)?.splitn(3, SEPARATOR);
    Some([parts.next()?, parts.next()?, parts.next()?])
}

/// The fault of a whole file.
pub(super) fn problem(text: &str, error: &SpannedError) -> Problem {
    let code = error.code.to_string();
    let (at, message, hint) = if let Some([address, message, hint]) = parts(&code) {
        let at = address.parse::<usize>().unwrap_or(0).wrapping_sub(text.as_ptr() as usize);
        (at.min(text.len()), message.to_string(), Some(hint.to_string()).filter(|hint| !hint.is_empty()))
    } else {
        let (message, hint) = config::describe(&error.code);
        (skip_space(text, byte_offset(text, error.span.start.line, error.span.start.col)), message, hint)
    };
    let place = at..token_end(text, at);
    let message = with_found(message, &text[place.clone()]);
    Problem { hint, ..Problem::at(place, message) }
}

/// Adds what was found to a message that says only what was expected.
pub(super) fn with_found(message: String, found: &str) -> String {
    let shown = found.lines().next().unwrap_or_default();
    if !message.starts_with("expected") || message.contains("found") {
        message
    } else if shown.is_empty() {
        format!("{message}, found the end of the file")
    } else {
        format!("{message}, found `{shown}`")
    }
}
