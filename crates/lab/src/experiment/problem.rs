//! What is wrong with an experiment.

use super::fault::with_found;
use pstar_core::PluginError;
use std::ops::Range;
use std::path::PathBuf;
use thiserror::Error;

/// Whether a problem is one of the experiment or of the plugins at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The experiment is faulty.
    Experiment,
    /// The experiment names a component that no loaded plugin offers.
    MissingPlugin,
}

/// One thing that is wrong with an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose fault it is.
    pub kind: ProblemKind,
    /// What was expected and what was found.
    pub message: String,
    /// Where in the file, in bytes.
    pub place: Option<Range<usize>>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at a place in the file.
    pub fn at(place: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            kind: ProblemKind::Experiment,
            message: message.into(),
            place: (!place.is_empty()).then_some(place),
            hint: None,
        }
    }

    /// A problem of the file as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self::at(0..0, message)
    }

    /// The complaint of a component about the configuration that stands at `place` of the file `text`.
    ///
    /// Where the component names a position, or a field that the configuration gives, that is underlined.
    pub fn of_component(
        component: &str,
        error: &PluginError,
        configuration: Range<usize>,
        text: &str,
    ) -> Self {
        let inside = text.get(configuration.clone()).unwrap_or_default();
        let offset = match (error.position, &error.field) {
            (Some((line, column)), _) => Some(skip_space(inside, byte_offset(inside, line, column))),
            (None, Some(field)) => field_value(inside, field),
            (None, None) => None,
        };
        let place = match offset {
            Some(at) => configuration.start + at..configuration.start + token_end(inside, at),
            None => configuration,
        };
        let message = match error.position {
            Some(_) => with_found(error.message.clone(), &text[place.clone()]),
            None => error.message.clone(),
        };
        Self { hint: error.hint.clone(), ..Self::at(place, format!("{component}: {message}")) }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// The byte at a line and column, both from 1, columns in characters.
pub(super) fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// The first byte from `at` on that is no white space.
pub(super) fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// Where the value of a field starts.
fn field_value(text: &str, field: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(field).find_map(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + field.len()..]);
        let value = behind.trim_start().strip_prefix(':')?.trim_start();
        (!before.ends_with(is_word)).then_some(text.len() - value.len())
    })
}

/// Where the value that starts at `at` ends, within its line: what is underlined.
pub(super) fn token_end(text: &str, at: usize) -> usize {
    let rest = text[at..].lines().next().unwrap_or_default();
    let first = rest.chars().next();
    let length = match first {
        Some('"') => rest[1..].find('"').map(|end| end + 2),
        Some('(' | '[' | '{') => bracket_end(rest),
        _ => rest.find(|c: char| c.is_whitespace() || ",:()[]{}".contains(c)),
    };
    at + length.unwrap_or(rest.len()).max(first.map_or(0, char::len_utf8))
}

/// The length of the bracketed expression that `text` starts with.
fn bracket_end(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// An experiment that cannot be run, and every reason that was found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} cannot be run", path.display())]
pub struct ExperimentError {
    /// The file.
    pub path: PathBuf,
    /// Its text, which the places of the problems index.
    pub text: String,
    /// What is wrong; at least one.
    pub problems: Vec<Problem>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_column_find_their_byte() {
        assert_eq!(byte_offset("aä\nbc", 2, 2), 5);
        assert_eq!(byte_offset("aä", 1, 3), 3);
        assert_eq!(byte_offset("a", 7, 7), 1);
    }

    #[test]
    fn the_value_of_a_named_field_is_underlined() {
        let text = "x: (sub_alpha: 1, alpha: 1.5, clip: \"a b\")";
        let error = PluginError::config("alpha", "too large");
        let problem = Problem::of_component("objective `a`", &error, 3..text.len(), text);
        assert_eq!(&text[problem.place.unwrap()], "1.5");
        assert_eq!(&text[36..token_end(text, 36)], "\"a b\"");
        assert_eq!(&text[3..token_end(text, 3)], &text[3..]);
    }
}
