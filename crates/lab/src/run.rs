//! A run: all arms of an experiment, and its record.

mod estimate;
mod execute;
pub(crate) mod gradient_scale;
mod initial;
pub(crate) mod match_fit;
mod needs;
mod objective_fit;
mod prepare;
mod progress;
mod provenance;
mod rates;
mod resolved;
mod seeds;
mod small_groups;
mod spec;
mod verifier_time;

pub use estimate::Estimate;
pub use execute::{
    Optima, add_optima, arm_record, assemble, components, execute, look_for_optima, resume_arm, start_arm,
    unbegun,
};
pub use initial::Starts;
pub use prepare::{Prepared, PreparedObjective, PreparedPolicy, prepare, prepare_telling};
pub use progress::{NoProgress, Progress};
pub use provenance::{collect_provenance, instruction_set};
pub use rates::{Ended, Rates};
pub use resolved::resolved;
pub use spec::{ArmSpec, ArmSpecs};
pub use verifier_time::VerifierTime;
