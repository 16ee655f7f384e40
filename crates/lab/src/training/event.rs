//! What an arm tells while it trains.

use pstar_record::{ArmStatus, CurvePoint, Warning};

/// What an arm tells while it trains.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ArmEvent<'a> {
    /// It begins, or goes on.
    Begin {
        /// Batches that it was trained on already.
        step: u32,
        /// The points of its curve that there are.
        curve: &'a [CurvePoint],
    },
    /// A batch was trained on.
    Step {
        /// How many were, so far.
        step: u32,
    },
    /// The curve has one more point.
    Point(&'a CurvePoint),
    /// All that there is to going on from here, as text: after each [`Control::Save`] and [`Control::Stop`].
    State(&'a str),
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
    /// It does, and tells its state first.
    Save,
    /// It stops here, keeping what it has.
    Stop,
}
