//! What people read of a run, beside its record.

use pstar_record::{RunData, RunRecord};

/// Makes what people read of a run from what it found.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "holds functions")]
pub struct Shown<'a> {
    /// The table: `table.txt`.
    pub table: &'a (dyn Fn(&RunRecord) -> String + Sync),
    /// The page: `report.html`.
    pub page: &'a (dyn Fn(&RunData) -> String + Sync),
}
