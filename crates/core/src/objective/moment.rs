//! When an objective is asked.

use crate::rng::StreamKey;

/// When an objective is asked about a batch, and what of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moment {
    /// Number of the batch, from 0.
    pub step: u64,
    /// Number of the pass over the batch, from 0.
    pub epoch: u32,
    /// The objective's own random numbers.
    pub key: StreamKey,
    /// Whether the rows of a group are all outputs of its prompt, weighted by q, instead of samples.
    pub population: bool,
}

impl Moment {
    /// The first pass over a batch of samples.
    pub fn new(step: u64, key: StreamKey) -> Self {
        Self { step, epoch: 0, key, population: false }
    }

    /// The same for all outputs instead of samples.
    #[must_use]
    pub fn of_population(self) -> Self {
        Self { population: true, ..self }
    }

    /// The same for another pass.
    #[must_use]
    pub fn in_epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }
}
