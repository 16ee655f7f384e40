//! The experiment file: how it is written, read and checked.

mod checked;
mod fault;
mod file;
mod located;
mod overrides;
mod problem;
mod written;

pub use checked::{Evaluation, Experiment, Gradient, ObjectiveSpec, Optimizer, PolicySpec, Training, check};
pub use file::{
    AlphabetFile, ComponentFile, EvaluationFile, ExperimentFile, GradientFile, OptimizerFile, PolicyFile,
    PromptsFile, Start, TaskFile, TrainingFile,
};
pub use located::Located;
pub use overrides::{OverrideError, override_fields};
pub use problem::{ExperimentError, Problem, ProblemKind};
pub use written::Written;
