//! How far the policy of a product is from its targets.

use pstar_core::math;

use super::classes::split_of;
use crate::automata::product::Role;
use crate::dynamic::forward::{Scope, WeightedProduct};
use crate::dynamic::mixture::{LogMixed, Mixture};
use crate::dynamic::weight::{Expectation, LogDual};
use crate::measures::divergence::{ClassRatios, LogRatios, PairSums, Parts, PowerSum, settled};
use crate::sum::nonnegative;
use crate::{Divergences, Orders, Split, TiltedModel};

/// The policy's classes, and its divergences from the base, whose classes are `base`, from p* and from the tilts.
///
/// # Range and cost
/// About eight passes over the product's transitions, and one for each order; ten times slower where sums would
/// underflow and for orders that give a negative power.
pub fn divergences(
    weighted: &WeightedProduct<'_>,
    base: &Split,
    tilted: &[TiltedModel],
    orders: &Orders<'_>,
) -> (Split, Divergences) {
    let of_policy = Expectation { base: 0.0, policy: 1.0, moments: [[0.0, 1.0], [-1.0, 1.0]] };
    let of_base = Expectation { base: 1.0, policy: 0.0, moments: [[1.0, -1.0]] };
    let policy = weighted.expectations(Scope::All, &of_policy);
    let base_ratios = weighted.expectations(Scope::All, &of_base);
    let split = split_of(weighted, Role::Policy, policy);
    let supports = weighted.supports();
    let ratios = |i: usize| {
        let share = |mass: f64, mean: f64| if mass == 0.0 { 0.0 } else { mass * mean };
        let masses = [[split.valid.mass, base.valid.mass], [split.invalid.mass, base.invalid.mass]][i];
        let or_infinite = |infinite: bool, value: f64| if infinite { f64::INFINITY } else { value };
        LogRatios {
            to_base: or_infinite(supports[i].policy_escapes(), share(masses[0], policy[i].means[1])),
            from_base: or_infinite(supports[i].policy_misses(), share(masses[1], base_ratios[i].means[0])),
        }
    };
    let (escapes, misses) =
        (!split.invalid.is_empty() || supports[0].policy_escapes(), supports[0].policy_misses());
    let sums = Against { weighted, log_valid: base.valid.log_mass, policy: &split };
    let pairs = (!base.valid.is_empty()).then(|| {
        let or_infinite = |infinite: bool, value: f64| {
            if infinite { f64::INFINITY } else { nonnegative(value) }
        };
        let to = if split.valid.is_empty() { 0.0 } else { policy[0].means[1] + base.valid.log_mass };
        let from = base_ratios[0].means[0] - base.valid.log_mass;
        PairSums {
            kl_to: or_infinite(escapes, split.valid.mass * to),
            kl_from: or_infinite(misses, from),
            tv: None,
            js: None,
            hellinger2: sums.shortfall(0.5).clamp(0.0, 1.0),
            kl_from_uniform: or_infinite(misses, sums.kl_from_uniform()),
            escapes,
            misses,
        }
    });
    let alpha = |&alpha: &f64| pairs.as_ref().map(|pairs| sums.alpha_divergence(alpha, pairs));
    let power = |&power: &f64| {
        pairs.as_ref().map(|pairs| match power {
            0.0 | 1.0 => PowerSum::of_log(0.0),
            _ => PowerSum::of_supports(power, pairs).unwrap_or_else(|| sums.power_sum(power)),
        })
    };
    let parts = Parts {
        ratios: ClassRatios { valid: ratios(0), invalid: ratios(1) },
        alpha_divergence: orders.alphas.iter().map(alpha).collect(),
        power_sums: orders.powers.iter().map(power).collect(),
        has_valid: weighted.product.layers()[0].alive > 0,
        pairs,
    };
    let divergences = Divergences::of_parts(parts, &split, base, tilted);
    (split, divergences)
}

/// Sums over the valid outputs against p* = a / A1.
struct Against<'a> {
    weighted: &'a WeightedProduct<'a>,
    log_valid: f64,
    policy: &'a Split,
}

impl Against<'_> {
    /// Σ p*^s q^{1−s} over the outputs that both reach.
    fn power_sum(&self, power: f64) -> PowerSum {
        let wanted = Expectation { base: power, policy: 1.0 - power, moments: [] };
        let [LogDual { log_weight, .. }, _] = self.weighted.expectations(Scope::Valid, &wanted);
        PowerSum::of_log(log_weight - power * self.log_valid)
    }

    fn alpha_divergence(&self, alpha: f64, pairs: &PairSums) -> f64 {
        let by_sum = || nonnegative(self.shortfall(alpha) / (alpha * (1.0 - alpha)));
        settled(alpha, pairs).unwrap_or_else(by_sum)
    }

    /// 1 − Σ p*^{1−α} q^α, with digits of its own where α is near 0 or 1.
    fn shortfall(&self, alpha: f64) -> f64 {
        if alpha <= 0.5 {
            let mixture = Mixture { anchor: Role::Base, exponent: alpha };
            let LogMixed { log_ratio, .. } = self.weighted.mixed(mixture);
            return -math::exp_m1(log_ratio + alpha * self.log_valid);
        }
        let mixture = Mixture { anchor: Role::Policy, exponent: 1.0 - alpha };
        let Split { valid, invalid } = self.policy;
        if valid.is_empty() {
            return 1.0;
        }
        let LogMixed { log_ratio, .. } = self.weighted.mixed(mixture);
        let log_ratio = log_ratio - (1.0 - alpha) * self.log_valid;
        let lost = if log_ratio < 1.0 {
            -valid.mass * math::exp_m1(log_ratio)
        } else {
            valid.mass - math::exp(valid.log_mass + log_ratio)
        };
        invalid.mass + lost
    }

    /// KL(u‖q), u uniform on the valid outputs that the base reaches: −log N − mean of log q.
    fn kl_from_uniform(&self) -> f64 {
        // A power of 0 would count outputs that the base does not reach, so the count is taken by its own factor.
        let [counted, _] = self.weighted.uniform_over_base();
        -counted.log_weight - counted.means[0]
    }
}
