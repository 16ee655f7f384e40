//! What a run found, as data: written, and read back the same to the bit. Knows no plugin and no laboratory.
//!
//! Figures that are infinite stand as the strings `inf` and `-inf`, those that do not exist as null ([`number`]);
//! keys that a reader does not know are passed over, and those that came later may be missing.

mod arm;
mod comparison;
mod curves;
mod data;
mod difficulty;
mod exact;
mod experiment_difference;
mod figures;
mod interval;
mod json;
mod kappa;
mod layout;
mod long_form;
mod method;
mod names;
pub mod number;
mod objective;
mod optimum;
mod outputs;
mod pairs;
mod portable;
mod prompts;
mod provenance;
mod run;
mod selection;
mod shared;
mod verdict;
mod warning;

pub use arm::{
    ArmPrompts, ArmRecord, ArmStatus, Budget, Crossings, CurvePoint, Failure, Means, PartitionRecord,
    PromptOutputs,
};
pub use comparison::{Comparison, StarRecord};
pub use curves::{CurvesWriter, curve_points, curve_values, told_apart};
pub use data::{DataError, FileFault, RunData};
pub use difficulty::{DifficultyBin, PromptRates, difficulty_bins};
pub use exact::{ExactRecord, PromptRecord};
pub use experiment_difference::{ExperimentDifference, experiment_differences};
pub use figures::{Measure, Measures};
pub use interval::{MetricInterval, Spread};
pub use json::{to_json, write_json};
pub use kappa::{KappaRecord, ObjectiveKappa, PolicyCosine, Ratio};
pub use method::Method;
pub use objective::ObjectiveRecord;
pub use optimum::{ClassOptimum, Flow, OptimumRecord};
pub use outputs::{LikelyOutput, LikelyOutputs};
pub use prompts::{PromptFigures, PromptsWriter, Whose, prompt_figures};
pub use provenance::{
    ExperimentProvenance, HostProvenance, Input, PartProvenance, PluginProvenance, Provenance,
};
pub use run::{Missing, PolicyRecord, ReadError, RunRecord, VERSION};
pub use selection::{Best, Choice, Rate, Selection, SelectionArm};
pub use shared::Shared;
pub use verdict::{COLLAPSE, Standing, Verdict, VerdictRow, Word};
pub use warning::{Advice, Warning, Warnings, Which};
