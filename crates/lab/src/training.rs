//! Training one arm: one policy under one objective with one seed.

mod arm;
mod binary_group;
pub(crate) mod bits;
mod cautions;
mod event;
mod matching;
mod no_effect;
mod optimizer;
mod outcome;
mod population;
mod signals;
mod start;
mod state;
mod validity_gradient;

pub use arm::{Arm, Components};
pub(crate) use arm::{ExactSource, train};
pub(crate) use binary_group::{GroupCoefficients, GroupShape};
pub use event::{ArmEvent, Control};
pub(crate) use no_effect::NoEffectWatch;
pub use optimizer::OptimizerState;
pub(crate) use optimizer::clip;
pub use outcome::ArmOutcome;
pub(crate) use population::MOST_OUTPUTS;
pub use population::{OutputBatch, PopulationScores};
pub(crate) use start::{StartError, create, initial_parameters, started};
pub use state::ArmState;
pub(crate) use validity_gradient::ValidityGradient;
