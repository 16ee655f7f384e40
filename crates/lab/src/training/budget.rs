//! What an arm spent.

use serde::Serialize;
use std::ops::AddAssign;

/// What training spent, its evaluation left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Sequences sampled.
    pub sequences: u64,
    /// Tokens sampled, end symbols included.
    pub tokens: u64,
    /// Verdicts asked for.
    pub verifier_calls: u64,
    /// Updates of the parameters.
    pub optimizer_steps: u64,
}

impl AddAssign for Budget {
    fn add_assign(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.tokens += other.tokens;
        self.verifier_calls += other.verifier_calls;
        self.optimizer_steps += other.optimizer_steps;
    }
}
