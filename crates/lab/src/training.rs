//! Training one arm: one policy under one objective with one seed.

mod arm;
mod binary_group;
pub(crate) mod bits;
mod event;
mod idle;
mod optimizer;
mod outcome;
mod population;
mod signals;
mod start;
mod state;

pub use arm::{Arm, Components, ExactSource, train};
pub(crate) use binary_group::MOST_SAMPLES as MOST_GROUP;
pub use event::{ArmEvent, Control};
pub use idle::IdleWatch;
pub(crate) use optimizer::clip;
pub use optimizer::{OptimizerState, StepError};
pub use outcome::ArmOutcome;
pub use population::{OutputBatch, PopulationScores};
pub use signals::told_apart;
pub use start::{CopyError, StartError, initial_parameters};
pub(crate) use start::{create, started};
pub use state::ArmState;
