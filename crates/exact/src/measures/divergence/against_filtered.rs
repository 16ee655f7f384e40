//! A policy q against the filtered model p*: what one pass over the valid outputs gives.
//!
//! Invalid outputs, where p* is zero, come in through q's mass on them alone.

use std::f64::consts::LN_2;

use pstar_core::math;

use crate::sum::{block_sums, nonnegative};
use crate::{Distribution, FilteredModel, Split, ValidSet};

/// Divergences between q and p*, and how their supports differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PairSums {
    /// KL(q‖p*).
    pub(crate) kl_to: f64,
    /// KL(p*‖q).
    pub(crate) kl_from: f64,
    pub(crate) tv: Option<f64>,
    pub(crate) js: Option<f64>,
    pub(crate) hellinger2: f64,
    /// KL(u‖q), u uniform on the support of p*.
    pub(crate) kl_from_uniform: f64,
    /// Whether q reaches an output, valid or not, that p* does not.
    pub(crate) escapes: bool,
    /// Whether q misses an output that p* reaches.
    pub(crate) misses: bool,
}

impl PairSums {
    pub(super) fn of(
        policy: Distribution<'_>,
        split: &Split,
        valid: &ValidSet,
        filtered: &FilteredModel,
    ) -> Self {
        let (mut escapes, mut misses) = (!split.invalid.is_empty(), false);
        let [kl_to, kl_from, distance, hellinger, js, sum_log_q] = block_sums(valid.count(), |j| {
            let Pair { log_q, q, log_p, p } = pair(policy, valid, filtered, j);
            let (in_q, in_p) = (log_q > f64::NEG_INFINITY, log_p > f64::NEG_INFINITY);
            escapes |= in_q && !in_p;
            misses |= in_p && !in_q;
            let log_ratio = if in_q && in_p { log_q - log_p } else { 0.0 };
            let root = q.sqrt() - p.sqrt();
            let counted = if in_q && in_p { log_q } else { 0.0 };
            [q * log_ratio, -p * log_ratio, (q - p).abs(), root * root, js_term(p, q, log_ratio), counted]
        });
        let support = filtered.support as f64;
        let or_infinite = |value: f64, infinite: bool| {
            if infinite { f64::INFINITY } else { nonnegative(value) }
        };
        let outside = split.invalid.mass;
        Self {
            kl_to: or_infinite(kl_to, escapes),
            kl_from: or_infinite(kl_from, misses),
            tv: Some((0.5 * (distance + outside)).min(1.0)),
            js: Some(nonnegative(js + 0.5 * LN_2 * outside).min(LN_2)),
            hellinger2: (0.5 * (hellinger + outside)).min(1.0),
            kl_from_uniform: or_infinite(-math::ln(support) - sum_log_q / support, misses),
            escapes,
            misses,
        }
    }
}

/// One valid output under q and p*.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) log_q: f64,
    pub(super) q: f64,
    pub(super) log_p: f64,
    pub(super) p: f64,
}

/// Valid output number `j` under both.
#[inline]
pub(super) fn pair(policy: Distribution<'_>, valid: &ValidSet, filtered: &FilteredModel, j: usize) -> Pair {
    let index = valid.indices()[j] as usize;
    Pair {
        log_q: policy.log_probs[index],
        q: policy.probs[index],
        log_p: filtered.log_probs[j],
        p: filtered.probs[j],
    }
}

/// One output's part of the Jensen–Shannon divergence: ½ (p log(p/m) + q log(q/m)) with m = (p + q)/2.
///
/// With d = (q − p)/(p + q) it is ½ m (log(1 − d²) + d log(q/p)): a single logarithm, and no cancellation
/// where q is near p. What is subnormal, whose ratios are not exact, is negligible beside the other or with it.
#[inline]
fn js_term(p: f64, q: f64, log_ratio: f64) -> f64 {
    let total = p + q;
    if p.min(q) < f64::MIN_POSITIVE {
        return 0.5 * LN_2 * total;
    }
    let difference = (q - p) / total;
    let log = if difference.abs() < 0.9 {
        math::ln_1p(-difference * difference)
    } else {
        math::ln(4.0 * (p / total) * (q / total))
    };
    0.25 * total * (log + difference * log_ratio)
}
