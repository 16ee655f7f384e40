//! Power sums Σ p*^s q^{1−s} between a policy q and the filtered model, with 0⁰ = 1.

use pstar_core::math;

use super::against_filtered::{Pair, PairSums, pair};
use crate::sum::block_sums;
use crate::{Distribution, FilteredModel, Split, ValidSet};

/// A power sum and its logarithm, which stays finite where the sum is beyond the range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PowerSum {
    pub(crate) value: f64,
    pub(crate) log: f64,
}

impl PowerSum {
    /// Where the supports alone say what it is: +∞ where a negative power meets a zero.
    pub(crate) fn of_supports(s: f64, pairs: &PairSums) -> Option<Self> {
        let infinite = (s < 0.0 && pairs.escapes) || (s > 1.0 && pairs.misses);
        infinite.then_some(Self { value: f64::INFINITY, log: f64::INFINITY })
    }

    pub(crate) fn of_log(log: f64) -> Self {
        Self { value: math::exp(log), log }
    }

    fn of_value(value: f64) -> Self {
        Self { value, log: math::ln(value) }
    }
}

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
) -> PowerSum {
    let log_term = |j: usize| log_term(s, pair(policy, valid, filtered, j));
    match s {
        0.0 => PowerSum::of_value(split.valid.mass + split.invalid.mass),
        1.0 => PowerSum::of_value(block_sums(valid.count(), |j| [filtered.probs[j]])[0]),
        _ => PowerSum::of_supports(s, pairs).unwrap_or_else(|| {
            let [value] = block_sums(valid.count(), |j| [math::exp(log_term(j))]);
            if value.is_normal() { PowerSum::of_value(value) } else { of_extreme(valid.count(), log_term) }
        }),
    }
}

/// The sum of terms that overflow or underflow.
#[cold]
fn of_extreme(len: usize, log_term: impl Fn(usize) -> f64) -> PowerSum {
    let greatest = (0..len).map(&log_term).fold(f64::NEG_INFINITY, f64::max);
    if greatest == f64::NEG_INFINITY {
        return PowerSum::of_log(greatest);
    }
    let [relative] = block_sums(len, |j| [math::exp(log_term(j) - greatest)]);
    PowerSum::of_log(greatest + math::ln(relative))
}

/// log p^s q^{1−s}, and −∞ unless both have the output in their supports.
#[inline]
fn log_term(s: f64, Pair { log_q, log_p, .. }: Pair) -> f64 {
    let both = log_q > f64::NEG_INFINITY && log_p > f64::NEG_INFINITY;
    if both { log_q + s * (log_p - log_q) } else { f64::NEG_INFINITY }
}
