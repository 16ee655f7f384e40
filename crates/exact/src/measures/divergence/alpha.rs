//! Amari's α-divergence to the filtered model, in the convention of α-DPG.
//!
//! D_α(q‖p*) = (1 − Σ p*^{1−α} q^α) / (α(1−α)). Since both have mass 1, the numerator is the sum of
//! (1−α) p* + α q − p*^{1−α} q^α, whose terms share one sign: nothing cancels between outputs, so that the
//! divergence keeps its digits near 0, and for α near 0 and 1.

use pstar_core::math;

use super::against_filtered::{Pair, PairSums, pair};
use crate::sum::{block_sums, nonnegative};
use crate::{Distribution, FilteredModel, Split, ValidSet};

/// D_α(q‖p*) for any real α; +∞ where a negative power meets a zero.
pub(super) fn divergence(
    alpha: f64,
    policy: Distribution<'_>,
    split: &Split,
    valid: &ValidSet,
    filtered: &FilteredModel,
    pairs: &PairSums,
) -> f64 {
    settled(alpha, pairs).unwrap_or_else(|| {
        let [on_valid] = block_sums(valid.count(), |j| [gap(alpha, pair(policy, valid, filtered, j))]);
        nonnegative((on_valid + alpha * split.invalid.mass) / (alpha * (1.0 - alpha)))
    })
}

/// D_α(q‖p*) where it is a Kullback–Leibler divergence, or where the supports make it infinite.
///
/// So close to 0 that products with α lose digits, D_α is KL(p*‖q) to all of its own.
pub(crate) fn settled(alpha: f64, pairs: &PairSums) -> Option<f64> {
    match alpha {
        0.0 => Some(pairs.kl_from),
        1.0 => Some(pairs.kl_to),
        _ if (alpha < 0.0 && pairs.misses) || (alpha > 1.0 && pairs.escapes) => Some(f64::INFINITY),
        _ if alpha.abs() < 1e-280 && !pairs.misses => Some(pairs.kl_from),
        _ => None,
    }
}

/// (1−α) p + α q − p^{1−α} q^α: non-negative for 0 < α < 1, else non-positive.
#[inline]
fn gap(alpha: f64, Pair { log_q, q, log_p, p }: Pair) -> f64 {
    if log_q == f64::NEG_INFINITY || log_p == f64::NEG_INFINITY {
        return (1.0 - alpha) * p + alpha * q;
    }
    // The roles swap with α ↔ 1 − α: take the one whose exponent vanishes at the nearer limit.
    if alpha <= 0.5 {
        tilted_gap(alpha, p, log_p, q, log_q)
    } else {
        tilted_gap(1.0 - alpha, q, log_q, p, log_p)
    }
}

/// α (q − p) − p ((q/p)^α − 1), for α ≤ ½.
#[inline]
fn tilted_gap(alpha: f64, p: f64, log_p: f64, q: f64, log_q: f64) -> f64 {
    let exponent = alpha * (log_q - log_p);
    if exponent < 700.0 {
        alpha * (q - p) - p * math::exp_m1(exponent)
    } else {
        (1.0 - alpha) * p + alpha * q - math::exp(log_p + exponent)
    }
}
