//! What is wrong with an experiment.

use pstar_core::config::{Fault, byte_offset, skip_space, token_end, with_found};
use pstar_core::{PluginError, shown};
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
        Self { hint: error.hint.clone(), ..Self::at(place, format!("{}: {message}", shown(component))) }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Where the value of a field starts: the outermost field of the name, not one in a quoted text.
fn field_value(text: &str, field: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut found: Option<(usize, usize)> = None;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if found.is_none_or(|(outer, _)| depth < outer) && !text[..at].ends_with(is_word) => {
                let behind =
                    text[at..].strip_prefix(field).and_then(|rest| rest.trim_start().strip_prefix(':'));
                found = behind.map(|value| (depth, text.len() - value.trim_start().len())).or(found);
            }
            _ => {}
        }
    }
    found.map(|(_, at)| at)
}

/// A component's failure that no place of the file is to blame for.
impl From<PluginError> for Problem {
    fn from(error: PluginError) -> Self {
        Self { hint: error.hint, ..Self::new(error.message) }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self { hint: fault.hint, ..Self::at(fault.place, fault.message) }
    }
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
    fn the_value_of_a_named_field_is_underlined() {
        let text = "x: (sub_alpha: 1, alpha: 1.5, clip: \"a b\")";
        let error = PluginError::config("alpha", "too large");
        let problem = Problem::of_component("objective `a`", &error, 3..text.len(), text);
        assert_eq!(&text[problem.place.unwrap()], "1.5");
        let text = r#"(pattern: "\", alpha: 2", inner: (alpha: 3), alpha: 1.5)"#;
        let problem = Problem::of_component("objective `a`", &error, 0..text.len(), text);
        assert_eq!(&text[problem.place.unwrap()], "1.5");
    }
}
