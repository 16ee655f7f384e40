//! The experiment file: how it is written, read and checked.

mod check;
mod checked;
mod file;
mod located;
mod overrides;
mod problem;
mod reading;
mod seeds;
mod written;

pub use check::check;
pub use checked::Experiment;
pub use file::{
    AlphabetFile, ComponentFile, EvaluationFile, ExperimentFile, GradientFile, OptimizerFile, PolicyFile,
    PromptsFile, RedrawFile, TaskFile, TrainingFile,
};
pub use located::Located;
pub use overrides::{OverrideError, override_fields};
pub use problem::{ExperimentError, Problem, ProblemKind};
pub use seeds::Seeds;
pub use written::Written;
