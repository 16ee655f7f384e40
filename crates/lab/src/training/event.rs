//! What an arm tells while it trains.

use pstar_record::{ArmStatus, CurvePoint, Warning};

/// What an arm tells while it trains.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ArmEvent<'a> {
    /// A batch was trained on.
    Step {
        /// How many were, so far.
        step: u32,
    },
    /// The curve has one more point.
    Point(&'a CurvePoint),
    /// The user should know.
    Warning(&'a Warning),
    /// The arm ended.
    End(ArmStatus),
}

/// Whether an arm goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It does.
    Continue,
    /// It stops here, keeping what it has.
    Stop,
}
