//! A run: all arms of an experiment, and its record.

mod compare;
mod declared;
mod estimate;
mod execute;
mod initial;
mod needs;
mod objectives;
mod prepare;
mod progress;
mod provenance;
mod resolved;
mod seeds;
mod small_groups;
mod spec;

pub use compare::compare;
pub use estimate::Estimate;
pub use execute::{
    Optima, add_optima, arm_record, assemble, components, execute, look_for_optima, resume_arm, start_arm,
    unbegun,
};
pub use initial::Starts;
pub use prepare::{Prepared, prepare, prepare_telling};
pub use progress::{NoProgress, Progress};
pub use provenance::collect_provenance;
pub use resolved::resolved;
pub use spec::{ArmSpec, ArmSpecs};
