//! What people read of a run, and of what is wrong.

mod between_table;
mod complaint;
mod evidence;
mod exact_table;
mod excerpt;
mod kappa_table;
mod number;
mod optimum_table;
mod rates;
mod run_table;
mod scores;
mod table;
mod tables;
mod wrap;
mod written;

pub use between_table::between_table;
pub use complaint::{Complaint, ComplaintKind, ComplaintRecord, PlaceRecord, Screen, harmless};
pub use evidence::evidence;
pub use exact_table::exact_table;
pub use kappa_table::kappa_table;
pub use optimum_table::optimum_table;
pub use run_table::run_table;
pub use scores::scores;
pub use tables::{
    Cell, Choice, Column, DifferenceRow, PolicyRow, PolicyTable, RowKind, RunTables, TargetRow, UnknownName,
};
pub use written::{Format, written};
