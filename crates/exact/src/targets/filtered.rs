//! The filtered model p* = a·v / A1: the base given that its output is valid.

use pstar_core::math;

use crate::targets::split::TINY;
use crate::{Distribution, OutputClass, Split, ValidSet};

/// The base restricted to the valid outputs and renormalised.
///
/// It is the I-projection of the base on the fully valid distributions.
#[derive(Clone, Debug, PartialEq)]
pub struct FilteredModel {
    /// The base's classes: A1, A0 and their logarithms.
    pub base: Split,
    /// log p* of the valid outputs, in the order of [`ValidSet::indices`]; −∞ where the base is.
    pub log_probs: Vec<f64>,
    /// p* of the valid outputs, in the same order.
    pub probs: Vec<f64>,
    /// Number of valid outputs that the base reaches.
    pub support: usize,
}

impl FilteredModel {
    /// Filters `base`; `None` if it reaches no valid output. `split` is [`Split::of`] the same two.
    pub fn new(base: Distribution<'_>, valid: &ValidSet, split: &Split) -> Option<Self> {
        let OutputClass { mass, log_mass, .. } = split.valid;
        if split.valid.is_empty() {
            return None;
        }
        let log_probs: Vec<f64> =
            valid.indices().iter().map(|&index| base.log_probs[index as usize] - log_mass).collect();
        let probs = if mass > TINY {
            valid.indices().iter().map(|&index| base.probs[index as usize] / mass).collect()
        } else {
            log_probs.iter().map(|&log_prob| math::exp(log_prob)).collect()
        };
        let support = log_probs.iter().filter(|&&log_prob| log_prob > f64::NEG_INFINITY).count();
        Some(Self { base: *split, log_probs, probs, support })
    }

    /// KL(p*‖a) = −log A1, in nats: the least that full validity costs.
    pub fn kl_to_base(&self) -> f64 {
        0.0 - self.base.valid.log_mass
    }

    /// p* as two classes, of which the invalid one is empty.
    pub fn split(&self) -> Split {
        Split { valid: self.base.valid.with_mass(1.0, 0.0), invalid: OutputClass::EMPTY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputTable;
    use crate::testing::{assert_close, sum, table, toy_c, toy_e};

    fn filter(base: &OutputTable, mask: &[bool]) -> Option<FilteredModel> {
        let valid = ValidSet::new(mask.to_vec());
        FilteredModel::new(base.view(), &valid, &Split::of(base.view(), &valid))
    }

    #[test]
    fn it_is_the_base_given_validity() {
        let filtered = filter(&table(&[0.1, 0.3, 0.0, 0.6]), &[true, true, true, false]).unwrap();
        for (found, expected) in filtered.probs.iter().zip([0.25, 0.75, 0.0]) {
            assert_close(*found, expected, 1e-15);
        }
        assert_close(filtered.log_probs[2], f64::NEG_INFINITY, 0.0);
        assert_eq!(filtered.support, 2);
        assert_close(filtered.kl_to_base(), -0.4f64.ln(), 1e-15);
        let by_definition = sum([(0.25, 0.1), (0.75, 0.3)].map(|(p, a): (f64, f64)| p * (p / a).ln()));
        assert_close(filtered.kl_to_base(), by_definition, 1e-15);
    }

    #[test]
    fn no_reachable_valid_output_means_no_filtered_model() {
        assert_eq!(filter(&table(&[0.0, 1.0]), &[true, false]), None);
        assert_eq!(filter(&table(&[0.5, 0.5]), &[false, false]), None);
    }

    #[test]
    fn an_underflowed_base_still_has_one() {
        let base = OutputTable::from_log_probs(vec![-2000.0, -2000.0 + 3f64.ln(), 0.0]);
        let filtered = filter(&base, &[true, true, false]).unwrap();
        assert_close(filtered.probs[1], 0.75, 1e-12);
        assert_close(filtered.kl_to_base(), 2000.0 - 4f64.ln(), 1e-11);
    }

    #[test]
    fn published_figures_of_the_toys() {
        let case = toy_e();
        let split = Split::of(case.base(), &case.valid);
        let filtered = FilteredModel::new(case.base(), &case.valid, &split).unwrap();
        assert_eq!(case.valid.count(), 16);
        assert_close(split.valid.mass, 0.159_470, 5e-7);
        assert_close(filtered.split().entropy(), 1.3878, 5e-5);
        assert_close(filtered.split().top1(), 0.658, 5e-4);
        let case = toy_c();
        let split = Split::of(case.base(), &case.valid);
        assert_eq!(case.valid.count(), 16);
        assert_close(split.valid.mass, 0.55, 1e-14);
        assert_close(split.valid.entropy, 2.032, 5e-4);
        assert_eq!(case.space.count(), Some(32));
    }
}
