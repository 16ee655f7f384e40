//! Power sums Σ p*^s q^{1−s} between a policy q and the filtered model, with 0⁰ = 1.

use pstar_core::math;

use super::against_filtered::{Pair, PairSums, pair};
use crate::sum::block_sums;
use crate::{Distribution, FilteredModel, Split, ValidSet};

/// Σ p*^s q^{1−s} over the outputs that p* or q reaches, for any real s.
///
/// At s = 0 it is the total mass of q and at s = 1 that of p*. Below 0 it is +∞ if q reaches an output that p*
/// does not, above 1 if q misses one that p* reaches; in between, outputs that only one reaches add nothing.
pub(super) fn sum(
    s: f64,
    policy: Distribution<'_>,
    split: &Split,
    valid: &ValidSet,
    filtered: &FilteredModel,
    pairs: &PairSums,
) -> f64 {
    match s {
        0.0 => split.valid.mass + split.invalid.mass,
        1.0 => block_sums(valid.count(), |j| [filtered.probs[j]])[0],
        _ if (s < 0.0 && pairs.escapes) || (s > 1.0 && pairs.misses) => f64::INFINITY,
        _ => block_sums(valid.count(), |j| [term(s, pair(policy, valid, filtered, j))])[0],
    }
}

/// p^s q^{1−s}, and 0 unless both have the output in their supports.
#[inline]
fn term(s: f64, Pair { log_q, log_p, .. }: Pair) -> f64 {
    let both = log_q > f64::NEG_INFINITY && log_p > f64::NEG_INFINITY;
    if both { math::exp(log_q + s * (log_p - log_q)) } else { 0.0 }
}
