//! What is wrong with RON text, in the words of whoever wrote it.
//!
//! The library stops inside what people see as one token (`-1` at its `1`, `3.0` at its `.0`) and does not say which
//! values or choices a field takes. Both are found out here: the token by looking around the place, and what fits by
//! reading the text again with something else in its place.

use super::dialect::options;
use super::place::{byte_offset, skip_space, token_end, word_around};
use super::plain;
use super::wording::{describe, suggest};
use crate::shown;
use ron::Error as Code;
use ron::error::SpannedError;
use serde::de::DeserializeOwned;
use std::ops::Range;

/// Texts up to this length are read again to find out what would fit.
const LONGEST_TRIED: usize = 1 << 20;

/// Bounds that whole numbers have, the widest first.
const GREATEST: [&str; 6] =
    ["18446744073709551615", "9223372036854775807", "4294967295", "2147483647", "65535", "255"];
const LEAST: [&str; 2] = ["-9223372036854775808", "-2147483648"];

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where, in bytes; empty only in a text without any character but white space.
    pub place: Range<usize>,
}

/// Reads a text.
///
/// # Errors
/// The first fault.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    if let Some(value) = plain::read(text) {
        return Ok(value);
    }
    options().from_str::<T>(text).map_err(|error| {
        let tried = |place: &Range<usize>, value: &str| {
            if text.len() > LONGEST_TRIED {
                return Err(None);
            }
            let changed = format!("{}{value}{}", &text[..place.start], &text[place.end..]);
            match options().from_str::<T>(&changed) {
                Ok(_) => Ok(()),
                // A later fault is another one.
                Err(error) if start_of(&changed, &error) >= place.start + value.len() => Ok(()),
                Err(error) => Err(Some(error.code)),
            }
        };
        fault(text, &error, &tried)
    })
}

/// Whether a value would fit at a place; otherwise the fault, if it was tried.
type Tried<'a> = &'a dyn Fn(&Range<usize>, &str) -> Result<(), Option<Code>>;

/// Where the library saw a fault.
fn start_of(text: &str, error: &SpannedError) -> usize {
    skip_space(text, byte_offset(text, error.span.start.line, error.span.start.col))
}

fn fault(text: &str, error: &SpannedError, tried: Tried<'_>) -> Fault {
    let at = start_of(text, error);
    let word = word_around(text, at);
    if starts_as_number(&text[word.clone()])
        && let Some((message, hint)) = of_number(&error.code, text, &word, at, tried)
    {
        return Fault { message, hint, place: word };
    }
    let mut place = at..token_end(text, at);
    if matches!(error.code, Code::SuggestRawIdentifier(_) | Code::ExpectedIdentifier) {
        place = if word.is_empty() { place } else { word };
        let found = &text[place.clone()];
        let (message, hint) = of_choice(found, &place, tried);
        return Fault { message: with_found(message, found), hint, place };
    }
    let stopped = byte_offset(text, error.span.end.line, error.span.end.col);
    let at_the_end =
        matches!(error.code, Code::Eof | Code::ExpectedComma) && text[stopped..].trim().is_empty();
    let (message, hint) = describe(if at_the_end { &Code::Eof } else { &error.code });
    let message = with_found(message, &text[place.clone()]);
    if place.is_empty() {
        // The end of the text: its last character is underlined.
        let end = text.trim_end().len();
        place = text[..end].char_indices().next_back().map_or(0, |(at, _)| at)..end;
    }
    Fault { message, hint, place }
}

fn starts_as_number(word: &str) -> bool {
    let digits = word.trim_start_matches(['+', '-']);
    digits.strip_prefix('.').unwrap_or(digits).starts_with(|c: char| c.is_ascii_digit())
}

/// The fault of a number, `None` where the number is not what the library stumbled over.
fn of_number(
    code: &Code,
    text: &str,
    word: &Range<usize>,
    at: usize,
    tried: Tried<'_>,
) -> Option<(String, Option<String>)> {
    let found = shown(&text[word.clone()]);
    let fits = |value: &str| tried(word, value).is_ok();
    match code {
        Code::IntegerOutOfBounds => {
            let (bounds, side, no_bound) = if text[word.clone()].starts_with('-') {
                (&LEAST[..], "at least", "0")
            } else {
                (&GREATEST[..], "at most", "the field's greatest value")
            };
            let bound = bounds.iter().find(|bound| fits(bound)).unwrap_or(&no_bound);
            Some((format!("expected a whole number of {side} {bound}, found `{found}`"), None))
        }
        Code::ExpectedFloat | Code::FloatUnderscore | Code::UnderscoreAtBeginning => {
            Some((format!("expected a number, found `{found}`"), None))
        }
        Code::InvalidValueForType { .. } => {
            let plain =
                found.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['i', 'u', 'f']);
            (plain.len() < found.len() && fits(plain)).then(|| {
                let message = format!("expected a number without a type, found `{found}`");
                (message, Some(format!("write `{plain}`")))
            })
        }
        // The library read a whole number, or the digits of one, and stumbled over the rest.
        Code::ExpectedInteger | Code::InvalidIntegerDigit { .. } => Some(no_whole_number(&found)),
        _ if word.start < at => Some(no_whole_number(&found)),
        _ => None,
    }
}

fn no_whole_number(found: &str) -> (String, Option<String>) {
    match found.replace('_', "").parse::<f64>() {
        Ok(value) => {
            let is_whole = value.fract() == 0.0 && value.abs() < 1e15;
            (
                format!("expected a whole number, found `{found}`"),
                is_whole.then(|| format!("write `{}`", value + 0.0)),
            )
        }
        Err(_) => (format!("expected a number, found `{found}`"), None),
    }
}

/// The fault of something that is no name where the name of a choice or a field was expected, such as `7` for
/// `Value(7)`.
fn of_choice(found: &str, place: &Range<usize>, tried: Tried<'_>) -> (String, Option<String>) {
    // A name that no choice and no field has: the library answers with those that there are.
    match tried(place, "no_such_name_") {
        Err(Some(Code::NoSuchEnumVariant { expected, .. })) => {
            let unquoted = found.trim_matches('"');
            let repaired = expected.iter().find_map(|choice| {
                let wrapped = format!("{choice}({found})");
                if *choice == unquoted && tried(place, choice).is_ok() {
                    Some((*choice).to_string())
                } else {
                    tried(place, &wrapped).is_ok().then_some(wrapped)
                }
            });
            let choices = suggest("", expected.iter().copied());
            let hint = match repaired {
                Some(repaired) => format!("did you mean `{}`? {choices}", shown(&repaired)),
                None => choices,
            };
            ("expected a choice by its name".into(), Some(hint))
        }
        Err(Some(Code::NoSuchStructField { expected, .. })) => {
            ("expected the name of a field".into(), Some(suggest(found, expected.iter().copied())))
        }
        _ => ("expected a name".into(), None),
    }
}

/// Adds what was found to a message that says only what was expected.
pub fn with_found(message: String, found: &str) -> String {
    let quoted = found.lines().next().unwrap_or_default();
    if !message.starts_with("expected") || message.contains("found") {
        message
    } else if quoted.is_empty() {
        format!("{message}, found the end of the text")
    } else {
        format!("{message}, found `{}`", shown(quoted))
    }
}

#[cfg(test)]
mod tests;
