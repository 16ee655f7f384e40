//! The entropy of a distribution, at once or while it is being written.

use crate::Distribution;
use crate::sum::{BlockSums, finite, nonnegative};

/// Entropy of a distribution, −Σ q log q, in nats: once a context, whatever the prompts that share it.
pub fn entropy(distribution: Distribution<'_>) -> f64 {
    EntropySum::default().finish(distribution)
}

/// The same of a distribution whose outputs become known from the front.
#[derive(Debug, Default)]
pub(crate) struct EntropySum(BlockSums<1>);

impl EntropySum {
    /// Adds what is new in `known`, the outputs so far.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    pub(crate) fn add(&mut self, known: Distribution<'_>) {
        let Distribution { log_probs, probs } = known;
        let log_probs = &log_probs[..probs.len()];
        self.0.add_whole(probs.len(), |i| term(log_probs[i], probs[i]));
    }

    /// The entropy of all outputs.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    pub(crate) fn finish(mut self, all: Distribution<'_>) -> f64 {
        self.add(all);
        let [entropy] = self.0.finish(all.probs.len(), |i| term(all.log_probs[i], all.probs[i]));
        nonnegative(entropy)
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn term(log_prob: f64, prob: f64) -> [f64; 1] {
    [-prob * finite(log_prob)]
}
