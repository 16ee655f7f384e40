//! Training one arm: one policy under one objective with one seed.

mod arm;
mod binary_group;
mod idle;
mod optimizer;
mod population;
mod prompt_order;
mod sampled;
mod signals;
mod start;

pub use arm::{ArmOutcome, ExactSource, train};
pub(crate) use binary_group::MOST_SAMPLES as MOST_GROUP;
pub use idle::IdleWatch;
pub(crate) use optimizer::clip;
pub use optimizer::{OptimizerState, StepError};
pub use population::{OutputBatch, PopulationScores};
pub use prompt_order::prompts_of_step;
pub use sampled::SampledBatch;
pub(crate) use signals::told_apart;
pub use start::initial_parameters;
pub(crate) use start::{create, started};

use pstar_record::Budget;
