//! Memory that passes use again.

/// Policies that are looked at together, in lanes: a pass loads what it needs of the graph once for all of them, and works on all of
/// them at a time where vectors are wide enough.
pub(super) const LANES: usize = 8;

/// Buffers of one thread's passes; what they hold between two passes means nothing.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Of passes over one policy.
    pub(super) one: Room<1>,
    /// Of passes over several.
    pub(super) several: Room<LANES>,
}

/// Buffers of passes over W policies, each with a lane.
#[derive(Debug, Default)]
pub(super) struct Room<const W: usize> {
    /// Log-probabilities, and a value, a parameter.
    pub(super) log_q: Vec<[f64; W]>,
    pub(super) powers: Vec<[f64; W]>,
    /// Sums a parameter.
    pub(super) sums: Vec<[f64; W]>,
    /// Sums a row, at its first parameter.
    pub(super) masses: Vec<[f64; W]>,
    /// Layer by layer, pairs × choices.
    pub(super) weights: Vec<Vec<[f64; W]>>,
    pub(super) futures: Futures<W>,
    /// Occupancies of a position and of the next one.
    pub(super) here: Vec<[f64; W]>,
    pub(super) next: Vec<[f64; W]>,
}

/// What lies behind nodes.
#[derive(Debug, Default)]
pub(super) struct Futures<const W: usize> {
    /// Position by position, the values of its nodes and of the ends before it.
    pub(super) values: Vec<Vec<[f64; W]>>,
    /// Position by position, what its values were divided by.
    pub(super) scales: Vec<[f64; W]>,
}

/// A number of a lane or of each of several.
pub(super) trait Zero: Copy {
    /// 0 in all of them.
    const ZERO: Self;
}

impl Zero for f64 {
    const ZERO: Self = 0.0;
}

impl<const W: usize> Zero for [f64; W] {
    const ZERO: Self = [0.0; W];
}

impl Scratch {
    /// Empties and sizes a buffer.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    pub(super) fn zeros<T: Zero>(buffer: &mut Vec<T>, len: usize) {
        buffer.clear();
        buffer.resize(len, T::ZERO);
    }
}
