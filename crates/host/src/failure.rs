//! What went wrong, as people read it, and the exit code.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use pstar_core::config::suggest;
use pstar_lab::experiment::{ExperimentError, Problem, ProblemKind};
use pstar_lab::plugins::LoadFailure;
use pstar_lab::probe::{BatchFault, ProbeError};
use pstar_lab::run::StoreError;
use std::env;
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Bad experiment or usage.
const BAD_EXPERIMENT: u8 = 2;
/// A plugin was not loaded.
const PLUGIN_NOT_LOADED: u8 = 3;

/// Greatest number of problems of an experiment that are shown, each with its source.
const MOST_SHOWN: usize = 50;

/// Why a command did not do its work.
pub(crate) enum Failure {
    /// The experiment cannot be run.
    Experiment(ExperimentError),
    /// Plugin files were not loaded.
    Plugins(Vec<LoadFailure>),
    /// No loaded plugin offers a component that was named.
    Unknown { message: String, hint: String },
    /// Anything else that the user can mend.
    Usage { message: String, hint: Option<String> },
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Self {
        Self::Experiment(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        let hint = match error {
            StoreError::NotEmpty { .. } => "name another directory with `--out`, or empty this one",
            StoreError::Changed { .. } => "leave the files of a run alone until it has ended",
            _ => "check the permissions, or name another directory with `--out`",
        };
        Self::Usage { message: format!("{error}{cause}"), hint: Some(hint.into()) }
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        let hint = match &error {
            ProbeError::Unnamed => Some("name it with `--plugin NAME --config 'RON'`".into()),
            ProbeError::Unknown(unknown) => {
                return Self::Unknown {
                    message: error.to_string(),
                    hint: suggest(&unknown.name, unknown.offered.iter().map(String::as_str)),
                };
            }
            ProbeError::Component(component) | ProbeError::Batch(BatchFault::Objective(component)) => {
                component.hint.clone()
            }
            _ => None,
        };
        Self::Usage { message: error.to_string(), hint }
    }
}

impl Failure {
    /// Prints the failure to standard error.
    pub(crate) fn report(&self) -> ExitCode {
        let handler = handler();
        let (reports, code) = match self {
            Self::Experiment(error) => {
                let missing = error.problems.iter().all(|p| p.kind == ProblemKind::MissingPlugin);
                let shown = error.problems.iter().take(MOST_SHOWN);
                let mut reports: Vec<Report> = shown.map(|problem| of_problem(error, problem)).collect();
                let more = error.problems.len().saturating_sub(MOST_SHOWN);
                if more > 0 {
                    reports
                        .push(Report::new(MietteDiagnostic::new(format!("there are {more} more problems"))));
                }
                (reports, if missing { PLUGIN_NOT_LOADED } else { BAD_EXPERIMENT })
            }
            Self::Plugins(failures) => {
                let reports = failures.iter().map(|failure| {
                    Report::new(MietteDiagnostic::new(failure.to_string()).with_help(&failure.hint))
                });
                (reports.collect::<Vec<_>>(), PLUGIN_NOT_LOADED)
            }
            Self::Unknown { message, hint } => {
                (vec![Report::new(MietteDiagnostic::new(message).with_help(hint))], PLUGIN_NOT_LOADED)
            }
            Self::Usage { message, hint } => {
                let mut diagnostic = MietteDiagnostic::new(message);
                diagnostic.help.clone_from(hint);
                (vec![Report::new(diagnostic)], BAD_EXPERIMENT)
            }
        };
        let mut text = String::new();
        for report in reports {
            if handler.render_report(&mut text, report.as_ref()).is_err() {
                text.push_str(&report.to_string());
            }
        }
        // Where standard error is gone there is nobody left to tell.
        let _ = io::stderr().lock().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

fn of_problem(error: &ExperimentError, problem: &Problem) -> Report {
    let mut diagnostic = MietteDiagnostic::new(&problem.message);
    diagnostic.help.clone_from(&problem.hint);
    if let Some(place) = &problem.place {
        let label = LabeledSpan::underline(place.clone());
        let source = NamedSource::new(error.path.to_string_lossy(), error.text.clone());
        Report::new(diagnostic.with_label(label)).with_source_code(source)
    } else {
        diagnostic.message = format!("{}: {}", error.path.display(), problem.message);
        Report::new(diagnostic)
    }
}

/// Colours only for a terminal, and not where `NO_COLOR` is set.
fn handler() -> GraphicalReportHandler {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || !io::stderr().is_terminal();
    let theme = if plain { GraphicalTheme::unicode_nocolor() } else { GraphicalTheme::unicode() };
    GraphicalReportHandler::new_themed(theme).with_links(false)
}
