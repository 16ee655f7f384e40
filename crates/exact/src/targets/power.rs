//! The power-filtered target p_α = a^α·v / Z_α: the base given validity, sharpened or flattened.
//!
//! At α = 1 it is the filtered model p*, at α = 0 the uniform distribution on the valid outputs that the base reaches; as
//! α grows, all goes to the likeliest of them. It has the support of p* for every α. All is relative to the likeliest
//! valid output, so that no a^α underflows.

use pstar_core::math;

use crate::sum::{block_sums, nonnegative};
use crate::{Distribution, FilteredModel, OutputClass, Split, ValidSet};

/// What is told of a power-filtered target, whatever way it was had.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerFigures {
    /// α ≥ 0.
    pub power: f64,
    /// log Z_α = log Σ a^α over the valid outputs that the base reaches; of any sign for α < 1.
    pub log_partition: f64,
    /// The target's only class.
    pub valid: OutputClass,
    /// KL(p_α‖a) = KL(p_α‖p*) − log A1.
    pub kl_to_base: f64,
    /// KL(p_α‖p*).
    pub kl_to_filtered: f64,
    /// KL(p*‖p_α).
    pub kl_from_filtered: f64,
}

impl PowerFigures {
    /// As two classes, of which the invalid one is empty.
    pub fn split(&self) -> Split {
        Split { valid: self.valid, invalid: OutputClass::EMPTY }
    }
}

/// The power-filtered target over enumerated outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerModel {
    /// Its own figures.
    pub figures: PowerFigures,
    /// log p_α of the valid outputs, in the order of [`ValidSet::indices`]; −∞ where the base is.
    pub log_probs: Vec<f64>,
    /// p_α of the valid outputs, in the same order.
    pub probs: Vec<f64>,
}

impl PowerModel {
    /// Raises a filtered model to the power α.
    ///
    /// # Range and cost
    /// Any finite α: probabilities are relative to the greatest. An exponential a valid output. The rounding of log a counts
    /// α times, as it does in whatever is made of a^α.
    ///
    /// # Panics
    /// If α is negative or not finite.
    pub fn new(power: f64, filtered: &FilteredModel) -> Self {
        assert!(power >= 0.0 && power.is_finite(), "α must be at least 0 and finite, found {power}");
        let log_valid = filtered.base.valid.log_mass;
        let (log_partition, log_probs, probs) = if power == 1.0 {
            (log_valid, filtered.log_probs.clone(), filtered.probs.clone())
        } else {
            let (log_relative, log_probs, probs) = raised(power, &filtered.log_probs);
            (log_relative + power * log_valid, log_probs, probs)
        };
        let class = OutputClass::of(probs.len(), |j| (log_probs[j], probs[j]), |_| false);
        let [to, from] = block_sums(probs.len(), |j| {
            let log_ratio = log_ratio(log_probs[j], filtered.log_probs[j]);
            [probs[j] * log_ratio, -filtered.probs[j] * log_ratio]
        });
        let figures = PowerFigures {
            power,
            // Adding 0 keeps −0 out of the records.
            log_partition: log_partition.max(f64::MIN) + 0.0,
            valid: class.with_mass(1.0, 0.0),
            kl_to_base: nonnegative(to) - log_valid,
            kl_to_filtered: nonnegative(to),
            kl_from_filtered: nonnegative(from),
        };
        Self { figures, log_probs, probs }
    }

    /// KL(q‖p_α) and KL(p_α‖q) of a policy q: infinite where that to p* or that from p* is, whose support is the same.
    ///
    /// # Panics
    /// If `policy` is about another number of outputs than `valid`.
    pub fn divergences(
        &self,
        policy: Distribution<'_>,
        valid: &ValidSet,
        [kl_to_filtered, kl_from_filtered]: [f64; 2],
    ) -> [f64; 2] {
        let [to, from] = block_sums(self.probs.len(), |j| {
            let index = valid.indices()[j] as usize;
            let log_ratio = log_ratio(policy.log_probs[index], self.log_probs[j]);
            [policy.probs[index] * log_ratio, -self.probs[j] * log_ratio]
        });
        [unless_infinite(kl_to_filtered, to), unless_infinite(kl_from_filtered, from)]
    }
}

/// A divergence that is infinite where another one is, since the supports are those of the other.
pub(crate) fn unless_infinite(other: f64, value: f64) -> f64 {
    if other == f64::INFINITY { other } else { nonnegative(value) }
}

/// log x/y where neither is 0.
fn log_ratio(log_x: f64, log_y: f64) -> f64 {
    if log_x > f64::NEG_INFINITY && log_y > f64::NEG_INFINITY { log_x - log_y } else { 0.0 }
}

/// The normalised powers: log Σ p^α, and the logarithms and values of p^α over that sum.
fn raised(power: f64, log_probs: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let greatest = log_probs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Beyond the range of numbers a logarithm stays finite: only what the base misses is impossible.
    let mut logs: Vec<f64> = log_probs
        .iter()
        .map(|&log| if log == f64::NEG_INFINITY { log } else { (power * (log - greatest)).max(f64::MIN) })
        .collect();
    let mut probs: Vec<f64> = logs.iter().map(|&log| math::exp(log)).collect();
    let [total] = block_sums(probs.len(), |j| [probs[j]]);
    let log_total = math::ln(total);
    for (log, prob) in logs.iter_mut().zip(&mut probs) {
        *log -= log_total;
        *prob /= total;
    }
    (power * greatest + log_total, logs, probs)
}

#[cfg(test)]
mod tests;
