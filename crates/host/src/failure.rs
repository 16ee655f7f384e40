//! What went wrong, as people read it, and the exit code.

use crate::exit::ExitCode;
use crate::program::as_called;
use console::Term;
use pstar_core::config::suggest;
use pstar_lab::experiment::{ExperimentError, Problem, ProblemKind};
use pstar_lab::probe::{BatchFault, ProbeError};
use pstar_lab::text_file::TextFileError;
use pstar_loader::LoadFailure;
use pstar_report::{Complaint, ComplaintKind, ComplaintRecord, Screen};
use pstar_run::{DirectoryError, RunError};
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Most complaints that are told; the others are counted.
const MOST_TOLD: usize = 50;

/// Bad experiment or usage.
pub(crate) const BAD_EXPERIMENT: u8 = 2;
/// An arm or a check failed.
pub(crate) const FAILED: u8 = 4;
/// A plugin was not loaded.
const PLUGIN_NOT_LOADED: u8 = 3;
/// Results could not be written.
const UNWRITTEN: u8 = 5;

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// The experiment cannot be run.
    Experiment(ExperimentError),
    /// Plugin files were not loaded.
    Plugins(Vec<LoadFailure>),
    /// No loaded plugin offers a component that was named.
    Unknown {
        /// What was named.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// Anything else that the user can mend.
    Usage {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A component ended the process that called it, outside of any arm.
    Died {
        /// Which component, and how.
        message: String,
        /// Whether it did as its file was loaded.
        of_file: bool,
    },
    /// Results could not be written.
    Output {
        /// What could not be written.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl From<TextFileError> for Failure {
    fn from(error: TextFileError) -> Self {
        Self::Usage { hint: error.hint().map(String::from), message: format!("the experiment {error}") }
    }
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Self {
        Self::Experiment(error)
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        let hint = match error {
            DirectoryError::Unwritable(error) => return unwritable(&error),
            DirectoryError::Foreign { .. } => "name another directory with `--out`, or empty this one",
            DirectoryError::Different { .. } => {
                "name another directory with `--out`, or have this run removed first with `--fresh`"
            }
            DirectoryError::NoDirectory { .. } => "name another directory with `--out`",
            DirectoryError::NoRun { .. } => {
                "name a run's directory; `host run FILE --out DIR --prepare` makes one"
            }
            DirectoryError::OtherPlugin { .. } => {
                "run the experiment again with `host run`: what the plugin changes is run anew"
            }
            DirectoryError::InUse { .. } => "wait until it has ended, or name another directory with `--out`",
            _ => "leave the files of a run alone until it has ended",
        };
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Usage { message: format!("{error}{cause}"), hint: Some(hint.into()) }
    }
}

/// What is said of a file of a run that cannot be written.
fn unwritable(error: &dyn Error) -> Failure {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let hint = "make room or check the permissions, and run the same again: what was written stays";
    Failure::Output { message: format!("{error}{cause}"), hint: Some(hint.into()) }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Experiment(error) => error.into(),
            RunError::Directory(error) => error.into(),
            error => unwritable(&error),
        }
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        let hint = match &error {
            ProbeError::Output(cause) => return crate::output::unwritten(cause),
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
    /// Something that the user can mend, without advice.
    pub(crate) fn usage(message: String) -> Self {
        Self::Usage { message, hint: None }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        let code = match self {
            Self::Experiment(error)
                if error.problems.iter().all(|p| p.kind == ProblemKind::MissingPlugin) =>
            {
                PLUGIN_NOT_LOADED
            }
            Self::Plugins(_) | Self::Unknown { .. } | Self::Died { of_file: true, .. } => PLUGIN_NOT_LOADED,
            Self::Died { of_file: false, .. } => FAILED,
            Self::Experiment(_) | Self::Usage { .. } => BAD_EXPERIMENT,
            Self::Output { .. } => UNWRITTEN,
        };
        ExitCode::from(code)
    }

    /// All that is wrong, as programs read it.
    pub(crate) fn records(&self) -> Vec<ComplaintRecord> {
        self.complaints(usize::MAX).0.iter().map(Complaint::record).collect()
    }

    /// Prints the failure to standard error.
    pub(crate) fn report(&self) -> ExitCode {
        // Where standard error is gone there is nobody left to tell.
        let _ = io::stderr().lock().write_all(self.text(screen()).as_bytes());
        self.code()
    }

    /// All that is said of it, as people read it on a screen.
    pub fn text(&self, screen: Screen) -> String {
        let mut text = String::new();
        let (complaints, left) = self.complaints(MOST_TOLD);
        let file = match self {
            Self::Experiment(error) => error.path.to_string_lossy(),
            _ => "".into(),
        };
        for complaint in complaints {
            let complaint = if file.is_empty() { complaint } else { complaint.within(&file) };
            text.push_str(&complaint.render(screen));
        }
        if left > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  and {left} more");
        }
        as_called(&text)
    }

    /// The first things that are wrong, at most `most`, and the number of those left out.
    fn complaints(&self, most: usize) -> (Vec<Complaint<'_>>, usize) {
        match self {
            Self::Experiment(error) => {
                let told = error.problems.iter().take(most);
                let left = error.problems.len().saturating_sub(most);
                (told.map(|problem| of_problem(error, problem)).collect(), left)
            }
            Self::Plugins(failures) => {
                let told = failures.iter().take(most);
                let complaint = |failure: &LoadFailure| {
                    Complaint::new(ComplaintKind::Plugin, &failure.to_string(), Some(&failure.hint))
                };
                (told.map(complaint).collect(), failures.len().saturating_sub(most))
            }
            Self::Died { message, of_file } => {
                let hint = if *of_file {
                    "build the plugin again, or remove the file"
                } else {
                    "report it to the component's author; what was finished is safe"
                };
                (vec![Complaint::new(ComplaintKind::Plugin, message, Some(hint))], 0)
            }
            Self::Unknown { message, hint } => {
                (vec![Complaint::new(ComplaintKind::MissingPlugin, message, Some(hint))], 0)
            }
            Self::Usage { message, hint } => {
                (vec![Complaint::new(ComplaintKind::Usage, message, hint.as_deref())], 0)
            }
            Self::Output { message, hint } => {
                (vec![Complaint::new(ComplaintKind::Output, message, hint.as_deref())], 0)
            }
        }
    }
}

/// A problem of an experiment.
fn of_problem<'a>(error: &'a ExperimentError, problem: &Problem) -> Complaint<'a> {
    let kind = match problem.kind {
        ProblemKind::Experiment => ComplaintKind::Experiment,
        ProblemKind::MissingPlugin => ComplaintKind::MissingPlugin,
    };
    let complaint = Complaint::new(kind, &problem.message, problem.hint.as_deref());
    match problem.place.clone() {
        Some(place) => complaint.at(&error.path.to_string_lossy(), &error.text, place),
        None => complaint,
    }
}

/// Colours only for a terminal, and not where `NO_COLOR` is set; lines as wide as the terminal.
fn screen() -> Screen {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || !io::stderr().is_terminal();
    let columns = Term::stderr().size_checked().map(|(_, columns)| columns.into());
    Screen { colours: !plain, columns }
}
