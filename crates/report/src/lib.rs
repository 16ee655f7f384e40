//! What people read of a run.

mod number;
mod run_table;
mod table;

pub use number::significant;
pub use run_table::run_table;
