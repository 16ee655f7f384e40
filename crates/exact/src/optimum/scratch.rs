//! Memory that passes use again.

/// Buffers of one thread's passes; what they hold between two passes means nothing.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// A value a parameter.
    pub(super) powers: Vec<f64>,
    /// Sums a parameter.
    pub(super) sums: Vec<f64>,
    /// Sums a row, at its first parameter.
    pub(super) masses: Vec<f64>,
    /// Layer by layer, pairs × choices.
    pub(super) weights: Vec<Vec<f64>>,
    pub(super) futures: Futures,
    /// Occupancies of a position and of the next one.
    pub(super) here: Vec<f64>,
    pub(super) next: Vec<f64>,
}

/// What lies behind nodes.
#[derive(Debug, Default)]
pub(super) struct Futures {
    /// Position by position, the values of its nodes and of the ends before it.
    pub(super) values: Vec<Vec<f64>>,
    /// Position by position, what its values were divided by.
    pub(super) scales: Vec<f64>,
}

impl Scratch {
    /// Empties and sizes a buffer.
    pub(super) fn zeros(buffer: &mut Vec<f64>, len: usize) {
        buffer.clear();
        buffer.resize(len, 0.0);
    }
}
