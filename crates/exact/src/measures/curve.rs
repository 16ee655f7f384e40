//! The cheap part of the measures, for every evaluation of a training curve.

use crate::measures::coverage::coverage_at;
use crate::sum::{block_sums, nonnegative};
use crate::{Distribution, FilteredModel};

/// What a training curve shows of one prompt, from its valid outputs alone.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveMeasures {
    /// V, the mass on valid outputs.
    pub validity_rate: f64,
    /// KL(p*‖q), in nats; +∞ iff q misses a valid output that the base reaches; `None` if p* is absent.
    pub kl_from_filtered: Option<f64>,
    /// Expected number of distinct valid outputs among k samples, for every k asked for.
    pub coverage_at: Vec<f64>,
}

impl CurveMeasures {
    /// Of a policy's valid outputs, in order; `filtered` is the base's filtered model over the same ones.
    pub fn of(policy: Distribution<'_>, filtered: Option<&FilteredModel>, k: &[u64]) -> Self {
        let prob = |j: usize| policy.probs[j];
        let [validity_rate] = block_sums(policy.len(), |j| [prob(j)]);
        Self {
            validity_rate: validity_rate.min(1.0),
            kl_from_filtered: filtered.map(|filtered| kl_from_filtered(policy, filtered)),
            coverage_at: coverage_at(policy.len(), prob, k),
        }
    }
}

/// KL(p*‖q) = Σ p* (log p* − log q) over the valid outputs, in nats.
fn kl_from_filtered(policy: Distribution<'_>, filtered: &FilteredModel) -> f64 {
    let (probs, log_probs) = (&filtered.probs[..policy.len()], &filtered.log_probs[..policy.len()]);
    let mut misses = false;
    let [kl] = block_sums(policy.len(), |j| {
        let log_prob = policy.log_probs[j];
        misses |= log_prob == f64::NEG_INFINITY && log_probs[j] > f64::NEG_INFINITY;
        [if probs[j] > 0.0 { probs[j] * (log_probs[j] - log_prob) } else { 0.0 }]
    });
    if misses { f64::INFINITY } else { nonnegative(kl) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, table, toy_c};
    use crate::{OutputTable, Split, Summary, ValidSet, entropy};

    fn of(
        all: Distribution<'_>,
        valid: &ValidSet,
        filtered: Option<&FilteredModel>,
        k: &[u64],
    ) -> CurveMeasures {
        let mut table = OutputTable::default();
        table.gather(all, valid.indices());
        CurveMeasures::of(table.view(), filtered, k)
    }

    #[test]
    fn the_base_itself_is_at_minus_log_validity() {
        let case = toy_c();
        let split = Split::of(case.base(), &case.valid);
        let filtered = FilteredModel::new(case.base(), &case.valid, &split).unwrap();
        let point = of(case.base(), &case.valid, Some(&filtered), &[1, 16]);
        assert_close(point.validity_rate, 0.55, 1e-14);
        assert_close(point.kl_from_filtered.unwrap(), -0.55f64.ln(), 1e-14);
        let summary = Summary::of(case.base(), &case.valid, &[1, 16]);
        let coverage: Vec<Option<f64>> = point.coverage_at.iter().copied().map(Some).collect();
        assert_eq!(coverage, summary.coverage_at);
        assert_close(entropy(case.base()), summary.entropy, 1e-14);
    }

    #[test]
    fn a_missed_valid_output_is_infinitely_far_even_if_its_weight_underflows() {
        let valid = ValidSet::new(vec![true, true]);
        let base = OutputTable::from_log_probs(vec![0.0, -2000.0]);
        let filtered = FilteredModel::new(base.view(), &valid, &Split::of(base.view(), &valid)).unwrap();
        let point = |q: &[f64]| of(table(q).view(), &valid, Some(&filtered), &[]);
        assert_eq!(point(&[1.0, 0.0]).kl_from_filtered, Some(f64::INFINITY));
        assert_close(point(&[0.5, 0.5]).kl_from_filtered.unwrap(), 2f64.ln(), 1e-15);
    }

    #[test]
    fn without_a_filtered_model_there_is_no_divergence() {
        let point = of(table(&[0.0, 1.0]).view(), &ValidSet::new(vec![true, false]), None, &[8]);
        assert_eq!(point.kl_from_filtered, None);
        assert_eq!(point.coverage_at, [0.0]);
    }
}
