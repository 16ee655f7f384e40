//! A run: all arms of an experiment, and its record.

mod compare;
mod conduct;
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
mod store;

pub use compare::compare;
pub use conduct::{Conducted, RunError, RunOptions, conduct};
pub use estimate::Estimate;
pub use execute::{add_optima, components, execute};
pub use prepare::{Prepared, prepare, prepare_telling};
pub use progress::{NoProgress, Progress};
pub use provenance::collect_provenance;
pub use resolved::resolved;
pub use spec::ArmSpec;
pub use store::{RunDirectory, StoreError};
