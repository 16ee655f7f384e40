//! How far a policy q is from its targets: the base a, the filtered model p*, tilts p_\[β\], the uniform on valid.
//!
//! Four passes: one over all outputs for q against a, class by class; over the valid outputs one for q against
//! p*, and one for each order α and s. The tilts then follow from the class sums. Only the valid outputs need
//! transcendental functions.
//!
//! Checked against the definitions on random distributions, and against closed forms where q is the base,
//! the filtered model or a tilt.

mod against_base;
mod against_filtered;
mod alpha;
mod power;

use crate::sum::{nonnegative, weighted};
use crate::{Distribution, FilteredModel, Split, TiltedModel, ValidSet};

pub(crate) use against_base::{ClassRatios, LogRatios};
pub(crate) use against_filtered::PairSums;
pub(crate) use alpha::settled;
pub(crate) use power::PowerSum;

/// What a policy is compared with, for one prompt.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// The base a over all outputs.
    pub base: Distribution<'a>,
    /// Which outputs are valid.
    pub valid: &'a ValidSet,
    /// The base's classes: [`Split::of`] the two.
    pub split: &'a Split,
    /// The base's filtered model, if there is one.
    pub filtered: Option<&'a FilteredModel>,
    /// Tilts of the base.
    pub tilted: &'a [TiltedModel],
}

/// The orders of the families of divergences.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orders<'a> {
    /// α of [`Divergences::alpha_divergence`]; any real number.
    pub alphas: &'a [f64],
    /// s of [`Divergences::power_sums`]; any real number.
    pub powers: &'a [f64],
}

/// Divergences of a policy q, in nats where they are KLs. `kl_to_x` is KL(q‖x), `kl_from_x` is KL(x‖q).
///
/// A divergence is +∞ when the supports make it so. What compares to p* is `None` where p* does not exist.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergences {
    /// KL(q‖a).
    pub kl_to_base: f64,
    /// KL(a‖q).
    pub kl_from_base: f64,
    /// KL(q‖p*): +∞ as soon as q reaches an output that p* does not.
    pub kl_to_filtered: Option<f64>,
    /// KL(p*‖q): +∞ as soon as q misses an output that p* reaches.
    pub kl_from_filtered: Option<f64>,
    /// Half the L1 distance to p*; absent by dynamic programming.
    pub tv_to_filtered: Option<f64>,
    /// Mean of the KLs of q and p* to their midpoint; at most log 2. Absent by dynamic programming.
    pub js_to_filtered: Option<f64>,
    /// 1 − Σ √(q p*).
    pub hellinger2_to_filtered: Option<f64>,
    /// (1 − Σ p*^{1−α} q^α) / (α(1−α)) for every α; KL(p*‖q) at 0, KL(q‖p*) at 1, 4·hellinger2 at ½.
    ///
    /// Outside (0, 1) the sum is +∞, and so is the divergence, where a negative power meets a zero: α < 0 and q
    /// misses an output of p*, or α > 1 and q reaches an output that p* does not.
    pub alpha_divergence: Vec<Option<f64>>,
    /// KL(q‖p_\[β\]) for every tilt.
    pub kl_to_tilted: Vec<f64>,
    /// KL(p_\[β\]‖q) for every tilt.
    pub kl_from_tilted: Vec<f64>,
    /// Σ p*^s q^{1−s} for every s, over the outputs that p* or q reaches, with 0⁰ = 1.
    ///
    /// So the sum is 1 at s = 0 and at s = 1 (the total mass of q, of p*), whatever the supports; a positive
    /// power of 0 is 0, a negative one +∞. For 0 < s < 1 only outputs that both reach count.
    pub power_sums: Vec<Option<f64>>,
    /// Logs of the power sums, which neither overflow nor underflow: infinite only where the supports say so.
    pub log_power_sums: Vec<Option<f64>>,
    /// KL(u‖q) with u uniform on the valid outputs that the base reaches; +∞ as soon as q misses one.
    pub kl_from_uniform_valid: Option<f64>,
    /// Probability q of its likeliest valid output; `None` if no output is valid.
    pub top1_valid: Option<f64>,
    /// Log of that probability; −∞ iff q reaches no valid output.
    pub log_top1_valid: Option<f64>,
}

impl Divergences {
    /// Of `policy`, with its classes, [`Split::of`] it, which come from the same pass.
    ///
    /// # Range and cost
    /// Time O(outputs + valid outputs · orders); a square root and a logarithm a valid output, and an
    /// exponential a valid output and order.
    ///
    /// # Panics
    /// If policy, base and valid set are not about equally many outputs.
    pub fn with_split(policy: Distribution<'_>, targets: &Targets<'_>, orders: &Orders<'_>) -> (Split, Self) {
        let (own, ratios) = ClassRatios::with_split(policy, targets.base, targets.valid);
        let split = &own;
        let pairs = targets.filtered.map(|filtered| PairSums::of(policy, split, targets.valid, filtered));
        let alpha = |&alpha: &f64| {
            let (filtered, pairs) = (targets.filtered?, pairs.as_ref()?);
            Some(alpha::divergence(alpha, policy, split, targets.valid, filtered, pairs))
        };
        let power = |&power: &f64| {
            let (filtered, pairs) = (targets.filtered?, pairs.as_ref()?);
            Some(power::sum(power, policy, split, targets.valid, filtered, pairs))
        };
        let sums: Vec<Option<PowerSum>> = orders.powers.iter().map(power).collect();
        let parts = Parts {
            ratios,
            alpha_divergence: orders.alphas.iter().map(alpha).collect(),
            power_sums: sums,
            has_valid: targets.valid.count() > 0,
            pairs,
        };
        let divergences = Self::of_parts(parts, split, targets.split, targets.tilted);
        (own, divergences)
    }

    /// From the sums over outputs of a policy with classes `split`, against a base with classes `base`.
    pub(crate) fn of_parts(parts: Parts, split: &Split, base: &Split, tilted: &[TiltedModel]) -> Self {
        let Parts { ratios, pairs, alpha_divergence, power_sums, has_valid } = parts;
        let pairs = pairs.as_ref();
        Self {
            kl_to_base: nonnegative(ratios.valid.to_base + ratios.invalid.to_base),
            kl_from_base: nonnegative(ratios.valid.from_base + ratios.invalid.from_base),
            kl_to_filtered: pairs.map(|pairs| pairs.kl_to),
            kl_from_filtered: pairs.map(|pairs| pairs.kl_from),
            tv_to_filtered: pairs.and_then(|pairs| pairs.tv),
            js_to_filtered: pairs.and_then(|pairs| pairs.js),
            hellinger2_to_filtered: pairs.map(|pairs| pairs.hellinger2),
            alpha_divergence,
            kl_to_tilted: tilted.iter().map(|tilted| kl_to_tilted(split, &ratios, base, tilted)).collect(),
            kl_from_tilted: tilted
                .iter()
                .map(|tilted| kl_from_tilted(pairs, &ratios, base, tilted))
                .collect(),
            power_sums: power_sums.iter().map(|sum| Some((*sum)?.value)).collect(),
            log_power_sums: power_sums.iter().map(|sum| Some((*sum)?.log)).collect(),
            kl_from_uniform_valid: pairs.map(|pairs| pairs.kl_from_uniform),
            top1_valid: has_valid.then_some(split.valid.mass * split.valid.top1),
            log_top1_valid: has_valid.then(|| split.valid.log_greatest()),
        }
    }
}

/// Everything that a sum over outputs has to give, whatever way it was had.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) ratios: ClassRatios,
    pub(crate) pairs: Option<PairSums>,
    pub(crate) alpha_divergence: Vec<Option<f64>>,
    pub(crate) power_sums: Vec<Option<PowerSum>>,
    /// Whether the verifier accepts any output.
    pub(crate) has_valid: bool,
}

/// KL(q‖p_\[β\]), class by class: Σ q log(q/a) + q(class)·(log a(class) − log p_\[β\](class)).
fn kl_to_tilted(policy: &Split, ratios: &ClassRatios, base: &Split, tilted: &TiltedModel) -> f64 {
    let valid = weighted(policy.valid.mass, base.valid.log_mass - tilted.log_mu);
    let invalid = weighted(policy.invalid.mass, base.invalid.log_mass - tilted.log_one_minus_mu);
    // Where the base's class is empty, so is the policy's, or the sum against the base is infinite already.
    let part = |ratio: f64, class_empty: bool, shift: f64| if class_empty { ratio } else { ratio + shift };
    nonnegative(
        part(ratios.valid.to_base, base.valid.is_empty(), valid)
            + part(ratios.invalid.to_base, base.invalid.is_empty(), invalid),
    )
}

/// KL(p_\[β\]‖q), class by class.
///
/// Valid: μ·(KL(p*‖q) + log μ). Invalid, with the ratio r = (1−μ)/A0 ≤ 1: r·Σ a log(a/q) + (1−μ)·log r.
fn kl_from_tilted(pairs: Option<&PairSums>, ratios: &ClassRatios, base: &Split, tilted: &TiltedModel) -> f64 {
    let valid = match pairs {
        None => 0.0,
        Some(pairs) if pairs.kl_from == f64::INFINITY => return f64::INFINITY,
        Some(pairs) => weighted(tilted.mu, pairs.kl_from + tilted.log_mu),
    };
    if base.invalid.is_empty() {
        return nonnegative(valid);
    }
    if ratios.invalid.from_base == f64::INFINITY {
        return f64::INFINITY;
    }
    let log_ratio = tilted.log_one_minus_mu - base.invalid.log_mass;
    let ratio = pstar_core::math::exp(log_ratio);
    nonnegative(valid + ratio * ratios.invalid.from_base + weighted(tilted.one_minus_mu, log_ratio))
}

#[cfg(test)]
mod tests;
