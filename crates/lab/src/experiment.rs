//! The experiment file: how it is written, read and checked.

mod check;
mod checked;
mod file;
mod located;
mod noisy;
mod overrides;
mod problem;
mod reading;
mod seeds;
mod verbatim;

pub use check::check;
pub use checked::Experiment;
pub(crate) use file::{ComponentFile, ObjectiveFile, PromptsFile};
pub use file::{ExperimentFile, TaskFile};
pub(crate) use located::Located;
pub(crate) use noisy::make as make_verifier;
pub use noisy::{DOC as NOISY_DOC, FIELDS as NOISY_FIELDS, NAME as NOISY, verifiers_of};
pub use overrides::{OverrideError, override_fields};
pub use problem::{ExperimentError, Problem, ProblemKind};
pub(crate) use seeds::Seeds;
pub use verbatim::Verbatim;
