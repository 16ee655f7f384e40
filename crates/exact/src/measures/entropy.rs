//! The entropy of a distribution.

use pstar_core::vectorised;

use crate::Distribution;
use crate::sum::{block_sums, finite, nonnegative};

/// Entropy of a distribution, −Σ q log q, in nats.
pub fn entropy(distribution: Distribution<'_>) -> f64 {
    let Distribution { log_probs, probs } = distribution;
    let log_probs = &log_probs[..probs.len()];
    let [entropy] = vectorised!([probs: &[f64] = probs, log_probs: &[f64] = log_probs] -> [f64; 1] {
        block_sums(probs.len(), |i| [-probs[i] * finite(log_probs[i])])
    });
    nonnegative(entropy)
}
