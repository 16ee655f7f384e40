//! One thing that is wrong, as people and as programs read it.

use crate::excerpt::Excerpt;
use miette::{LabeledSpan, MietteDiagnostic, Report};
use pstar_core::config::line_and_column;
use pstar_core::{escaped, shown};
use pstar_lab::experiment::{ExperimentError, Problem, ProblemKind};
use serde::Serialize;
use std::ops::Range;

/// Greatest number of characters of a message or of advice.
const MOST_CHARACTERS: usize = 1500;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The experiment is faulty.
    Experiment,
    /// A component is named that no loaded plugin offers.
    MissingPlugin,
    /// A plugin file was not loaded.
    Plugin,
    /// The arguments, or files that they name.
    Usage,
    /// Results could not be written.
    Output,
}

/// One thing that is wrong.
pub(crate) struct Complaint<'a> {
    pub(crate) kind: Kind,
    message: String,
    hint: Option<String>,
    place: Option<(&'a ExperimentError, Range<usize>)>,
}

/// A complaint in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ComplaintRecord {
    kind: Kind,
    message: String,
    hint: Option<String>,
    place: Option<PlaceRecord>,
}

/// A place in JSON: lines and columns from 1, columns in characters; the end is the first character behind it.
#[derive(Debug, Serialize)]
struct PlaceRecord {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    text: String,
}

impl<'a> Complaint<'a> {
    /// A complaint without a place.
    pub(crate) fn new(kind: Kind, message: &str, hint: Option<&str>) -> Self {
        Self { kind, message: harmless(message), hint: hint.map(harmless), place: None }
    }

    /// A problem of an experiment.
    pub(crate) fn of_problem(error: &'a ExperimentError, problem: &Problem) -> Self {
        let kind = match problem.kind {
            ProblemKind::Experiment => Kind::Experiment,
            ProblemKind::MissingPlugin => Kind::MissingPlugin,
        };
        let place = problem.place.clone().filter(|place| error.text.get(place.clone()).is_some());
        Self {
            place: place.map(|place| (error, place)),
            ..Self::new(kind, &problem.message, problem.hint.as_deref())
        }
    }

    /// The same in the name of a file, where no place says it.
    pub(crate) fn within(mut self, file: &str) -> Self {
        if self.place.is_none() {
            self.message = format!("{}: {}", shown(file), self.message);
        }
        self
    }

    /// As people read it.
    pub(crate) fn report(&self) -> Report {
        let mut diagnostic = MietteDiagnostic::new(&self.message);
        diagnostic.help.clone_from(&self.hint);
        let Some((error, place)) = &self.place else { return Report::new(diagnostic) };
        let excerpt = Excerpt::new(shown(&error.path.to_string_lossy()), &error.text, place.clone());
        let label = LabeledSpan::underline(excerpt.place());
        Report::new(diagnostic.with_label(label)).with_source_code(excerpt)
    }

    /// As programs read it.
    pub(crate) fn record(&self) -> ComplaintRecord {
        let place = self.place.as_ref().map(|(error, place)| {
            let (line, column) = line_and_column(&error.text, place.start);
            let (end_line, end_column) = line_and_column(&error.text, place.end);
            PlaceRecord { line, column, end_line, end_column, text: shown(&error.text[place.clone()]) }
        });
        ComplaintRecord { kind: self.kind, message: self.message.clone(), hint: self.hint.clone(), place }
    }
}

/// A message without what a terminal would obey, line breaks apart, and of moderate length.
pub(crate) fn harmless(text: &str) -> String {
    let end = text.char_indices().nth(MOST_CHARACTERS).map_or(text.len(), |(at, _)| at);
    let lines: Vec<String> = text[..end].split('\n').map(escaped).collect();
    let mut harmless = lines.join("\n");
    if end < text.len() {
        harmless.push('…');
    }
    harmless
}
