//! One thing that is wrong, as people and as programs read it.

use crate::excerpt::Excerpt;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, Report};
use pstar_core::config::line_and_column;
use pstar_core::{escaped, shown};
use serde::Serialize;
use std::ops::Range;

/// Greatest number of characters of a message or of advice.
const MOST_CHARACTERS: usize = 1500;

/// Narrower screens break lines themselves.
const NARROWEST: usize = 20;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ComplaintKind {
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

/// One thing that is wrong, and where: lines are quoted and the place in them is underlined.
///
/// ```
/// use pstar_report::{Complaint, ComplaintKind, Screen};
///
/// let file = "steps: 1O0,\nseeds: 8,\n";
/// let complaint = Complaint::new(ComplaintKind::Experiment, "expected a number, found `1O0`", None)
///     .at("toy.ron", file, 7..10);
/// let text = complaint.render(Screen { colours: false, columns: Some(80) });
/// assert!(text.contains("[toy.ron:1:8]") && text.contains("1 │ steps: 1O0,"));
/// ```
#[derive(Clone, Debug)]
pub struct Complaint<'a> {
    kind: ComplaintKind,
    message: String,
    hint: Option<String>,
    place: Option<Place<'a>>,
}

/// A place in a file.
#[derive(Clone, Debug)]
struct Place<'a> {
    /// The file's name, fit to be shown.
    file: String,
    text: &'a str,
    /// In bytes.
    range: Range<usize>,
}

/// What a complaint is shown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Whether it has colours.
    pub colours: bool,
    /// Characters a line; the usual number where that is not known.
    pub columns: Option<usize>,
}

/// A complaint in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComplaintRecord {
    /// What kind of thing is wrong.
    pub kind: ComplaintKind,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where.
    pub place: Option<PlaceRecord>,
}

/// A place in JSON: lines and columns from 1, columns in characters; the end is the first character behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceRecord {
    /// The line that it starts in.
    pub line: usize,
    /// Its first column.
    pub column: usize,
    /// The line that it ends in.
    pub end_line: usize,
    /// The column behind its last.
    pub end_column: usize,
    /// What stands there.
    pub text: String,
}

impl<'a> Complaint<'a> {
    /// A complaint without a place. What a terminal would obey is escaped, and what is too long is cut.
    pub fn new(kind: ComplaintKind, message: &str, hint: Option<&str>) -> Self {
        Self { kind, message: harmless(message), hint: hint.map(harmless), place: None }
    }

    /// The same at a place of a file, in bytes of its text; without one where the text has no such place.
    #[must_use]
    pub fn at(mut self, file: &str, text: &'a str, range: Range<usize>) -> Self {
        self.place = text.get(range.clone()).map(|_| Place { file: shown(file), text, range });
        self
    }

    /// The same in the name of a file, where no place says it.
    #[must_use]
    pub fn within(mut self, file: &str) -> Self {
        if self.place.is_none() {
            self.message = format!("{}: {}", shown(file), self.message);
        }
        self
    }

    /// As people read it.
    pub fn render(&self, screen: Screen) -> String {
        let report = self.report();
        let theme =
            if screen.colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
        let handler = match screen.columns {
            Some(columns) => handler.with_width(columns.max(NARROWEST)),
            None => handler,
        };
        let mut text = String::new();
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            text.push_str(&report.to_string());
        }
        text
    }

    fn report(&self) -> Report {
        let mut diagnostic = MietteDiagnostic::new(&self.message);
        diagnostic.help.clone_from(&self.hint);
        let Some(Place { file, text, range }) = &self.place else { return Report::new(diagnostic) };
        let excerpt = Excerpt::new(file.clone(), text, range.clone());
        let label = LabeledSpan::underline(excerpt.place());
        Report::new(diagnostic.with_label(label)).with_source_code(excerpt)
    }

    /// As programs read it.
    pub fn record(&self) -> ComplaintRecord {
        let place = self.place.as_ref().map(|Place { text, range, .. }| {
            let (line, column) = line_and_column(text, range.start);
            let (end_line, end_column) = line_and_column(text, range.end);
            PlaceRecord { line, column, end_line, end_column, text: shown(&text[range.clone()]) }
        });
        ComplaintRecord { kind: self.kind, message: self.message.clone(), hint: self.hint.clone(), place }
    }
}

/// A message without what a terminal would obey, line breaks apart, and of moderate length.
pub fn harmless(text: &str) -> String {
    let end = text.char_indices().nth(MOST_CHARACTERS).map_or(text.len(), |(at, _)| at);
    let lines: Vec<String> = text[..end].split('\n').map(escaped).collect();
    let mut harmless = lines.join("\n");
    if end < text.len() {
        harmless.push('…');
    }
    harmless
}
