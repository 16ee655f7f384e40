//! What people read of a run.

mod exact_table;
mod number;
mod optimum_table;
mod run_table;
mod table;
mod wrap;

pub use exact_table::exact_table;
pub use optimum_table::optimum_table;
pub use run_table::run_table;
