//! What a distribution looks like by itself: validity, spread, and what k samples find.

use pstar_core::math;

use crate::measures::coverage::{at_least_once, coverage_at};
use crate::sum::nonnegative;
use crate::{Distribution, FilteredModel, OutputClass, PowerModel, Split, TiltedModel, ValidSet};

/// Validity and diversity of one distribution. Y1 are the valid outputs, V their mass.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// V, the exact probability of a valid output.
    pub validity_rate: f64,
    /// The mass of all others, summed on its own.
    pub invalidity_rate: f64,
    /// log V; −∞ iff no valid output is in the support.
    pub log_validity_rate: f64,
    /// H = −Σ q log q, in nats.
    pub entropy: f64,
    /// Rényi entropy of order 2, −log Σ q², in nats.
    pub renyi2_entropy: f64,
    /// e^H; infinite where no number holds it, while the entropy, its logarithm, stays finite.
    pub effective_number: f64,
    /// Probability of the likeliest output; may underflow to 0.
    pub top1: f64,
    /// Log of that probability, which does not underflow.
    pub log_top1: f64,
    /// H(q | Y1), in nats; `None` if no valid output is in the support.
    pub entropy_given_valid: Option<f64>,
    /// 1 − (1 − V)^k for every k asked for.
    pub pass_at: Vec<f64>,
    /// Expected number of distinct valid outputs among k samples, Σ_{Y1} 1 − (1 − q)^k, for every k; `None` for those
    /// that are out of reach.
    pub coverage_at: Vec<Option<f64>>,
}

impl Summary {
    /// Of any distribution over an enumerated space.
    pub fn of(distribution: Distribution<'_>, valid: &ValidSet, k: &[u64]) -> Self {
        Self::with_split(distribution, valid, &Split::of(distribution, valid), k)
    }

    /// The same where [`Split::of`] the two is known already.
    pub fn with_split(distribution: Distribution<'_>, valid: &ValidSet, split: &Split, k: &[u64]) -> Self {
        let indices = valid.indices();
        let prob = |j: usize| distribution.probs[indices[j] as usize];
        Self::new(split, coverage_of(indices.len(), prob, k), k)
    }

    /// Of the filtered model.
    pub fn of_filtered(filtered: &FilteredModel, k: &[u64]) -> Self {
        let coverage = coverage_of(filtered.probs.len(), |j| filtered.probs[j], k);
        Self::new(&filtered.split(), coverage, k)
    }

    /// Of a tilted distribution, class by class from its base; `filtered` is the base's filtered model.
    pub fn of_tilted(
        tilted: &TiltedModel,
        base: &Split,
        filtered: Option<&FilteredModel>,
        k: &[u64],
    ) -> Self {
        let probs = filtered.map_or(&[][..], |filtered| &filtered.probs);
        let coverage = coverage_of(probs.len(), |j| tilted.mu * probs[j], k);
        Self::new(&tilted.split(base), coverage, k)
    }

    /// Of a power-filtered target.
    pub fn of_power(model: &PowerModel, k: &[u64]) -> Self {
        let coverage = coverage_of(model.probs.len(), |j| model.probs[j], k);
        Self::new(&model.figures.split(), coverage, k)
    }

    /// Of the uniform distribution on `count` valid outputs, infinite where only its logarithm is a number; `None` if
    /// there are none.
    pub fn of_uniform(count: f64, log_count: f64, k: &[u64]) -> Option<Self> {
        if count == 0.0 {
            return None;
        }
        let prob = count.recip();
        let valid = OutputClass {
            mass: 1.0,
            log_mass: 0.0,
            entropy: log_count,
            log_collision: -log_count,
            top1: prob,
            log_top1: 0.0 - log_count,
        };
        // Beyond the range of numbers no two samples agree.
        let covered = |k: u64| if prob == 0.0 { k as f64 } else { count * at_least_once(prob, k) };
        let coverage = k.iter().map(|&k| Some(covered(k))).collect();
        Some(Self::new(&Split { valid, invalid: OutputClass::EMPTY }, coverage, k))
    }

    /// From the classes and coverage@k, whatever way they were had.
    pub fn new(split: &Split, coverage_at: Vec<Option<f64>>, k: &[u64]) -> Self {
        let entropy = split.entropy();
        Self {
            validity_rate: split.valid.mass,
            invalidity_rate: split.invalid.mass,
            log_validity_rate: split.valid.log_mass,
            entropy,
            renyi2_entropy: nonnegative(-split.log_collision()),
            effective_number: math::exp(entropy),
            top1: split.top1(),
            log_top1: split.log_top1(),
            entropy_given_valid: (!split.valid.is_empty()).then_some(split.valid.entropy),
            pass_at: k.iter().map(|&k| at_least_once(split.valid.mass, k)).collect(),
            coverage_at,
        }
    }
}

/// coverage@k by enumeration, which has every k within reach.
fn coverage_of(len: usize, prob: impl Fn(usize) -> f64, k: &[u64]) -> Vec<Option<f64>> {
    coverage_at(len, prob, k).into_iter().map(Some).collect()
}

#[cfg(test)]
mod tests {
    use pstar_core::data::Ending;

    use super::*;
    use crate::testing::{Bigram, Case, assert_close, table, toy_c, toy_e};
    use crate::{OutputSpace, OutputTable};

    const K: [u64; 4] = [1, 4, 16, 256];

    fn assert_same(found: &Summary, expected: &Summary, tolerance: f64) {
        let numbers = |summary: &Summary| {
            let mut numbers = vec![
                summary.validity_rate,
                summary.invalidity_rate,
                summary.log_validity_rate,
                summary.entropy,
                summary.renyi2_entropy,
                summary.effective_number,
                summary.top1,
                summary.entropy_given_valid.unwrap_or(-1.0),
            ];
            numbers.push(summary.log_top1);
            numbers.extend(&summary.pass_at);
            numbers.extend(summary.coverage_at.iter().map(|coverage| coverage.unwrap()));
            numbers
        };
        for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
            assert_close(found, expected, tolerance);
        }
    }

    #[test]
    fn equals_the_definitions() {
        let q = [0.1, 0.25, 0.0, 0.35, 0.3];
        let found =
            Summary::of(table(&q).view(), &ValidSet::new(vec![true, true, true, false, false]), &[0, 3]);
        let entropy: f64 = q.iter().filter(|q| **q > 0.0).map(|q| -q * q.ln()).sum();
        let given: f64 = [0.1f64, 0.25].iter().map(|q| -(q / 0.35) * (q / 0.35).ln()).sum();
        let expected = Summary {
            validity_rate: 0.35,
            invalidity_rate: 0.65,
            log_validity_rate: 0.35f64.ln(),
            entropy,
            renyi2_entropy: -q.iter().map(|q| q * q).sum::<f64>().ln(),
            effective_number: entropy.exp(),
            top1: 0.35,
            log_top1: 0.35f64.ln(),
            entropy_given_valid: Some(given),
            pass_at: vec![0.0, 1.0 - 0.65f64.powi(3)],
            coverage_at: vec![Some(0.0), Some(2.0 - 0.9f64.powi(3) - 0.75f64.powi(3))],
        };
        assert_same(&found, &expected, 1e-14);
    }

    #[test]
    fn tilted_and_filtered_equal_their_materialised_distributions() {
        for case in [toy_c(), toy_e()] {
            let split = Split::of(case.base(), &case.valid);
            let filtered = FilteredModel::new(case.base(), &case.valid, &split).unwrap();
            for beta in [1e-4, 0.1, 1.0] {
                let tilted = TiltedModel::new(beta, &split);
                let log_probs = (0..case.base().len())
                    .map(|i| {
                        let log_prob = case.base().log_probs[i];
                        match case.valid.indices().binary_search(&u32::try_from(i).unwrap()) {
                            Ok(j) => tilted.log_prob_valid(filtered.log_probs[j]),
                            Err(_) => tilted.log_prob_invalid(log_prob, &split),
                        }
                    })
                    .collect();
                let explicit = OutputTable::from_log_probs(log_probs);
                let expected = Summary::of(explicit.view(), &case.valid, &K);
                assert_same(&Summary::of_tilted(&tilted, &split, Some(&filtered), &K), &expected, 1e-12);
            }
            // As β → 0 the tilt becomes p*.
            let limit = Summary::of_tilted(&TiltedModel::new(1e-4, &split), &split, Some(&filtered), &K);
            assert_same(&limit, &Summary::of_filtered(&filtered, &K), 1e-12);
        }
    }

    #[test]
    fn an_independent_base_has_a_binomial_validity_rate() {
        // Valid: at most 2 of 6 symbols are the first, each with probability 0.3.
        let model = Bigram::new(&[&[0.3, 0.7][..]; 3]);
        let space = OutputSpace { symbols: 2, horizon: 6, ending: Ending::FixedLength };
        let case = Case::new(&model, space, |tokens| tokens.iter().filter(|&&token| token == 0).count() <= 2);
        let term = |choose: f64, i: i32| choose * 0.3f64.powi(i) * 0.7f64.powi(6 - i);
        let summary = Summary::of(case.base(), &case.valid, &K);
        assert_close(summary.validity_rate, term(1.0, 0) + term(6.0, 1) + term(15.0, 2), 1e-15);
        let one = -(0.3 * 0.3f64.ln() + 0.7 * 0.7f64.ln());
        assert_close(summary.entropy, 6.0 * one, 1e-14);
        assert_close(summary.renyi2_entropy, -6.0 * 0.58f64.ln(), 1e-14);
        assert_close(summary.top1, 0.7f64.powi(6), 1e-15);
        assert_close(summary.pass_at[0] - summary.coverage_at[0].unwrap(), 0.0, 1e-15);
    }

    #[test]
    fn uniform_on_valid_equals_the_sum_over_outputs() {
        for count in [1usize, 2, 7] {
            let mut probs = vec![1.0 / count as f64; count];
            probs.push(0.0);
            let valid = ValidSet::new((0..=count).map(|i| i < count).collect());
            let expected = Summary::of(table(&probs).view(), &valid, &K);
            assert_same(
                &Summary::of_uniform(count as f64, (count as f64).ln(), &K).unwrap(),
                &expected,
                1e-13,
            );
        }
        assert_eq!(Summary::of_uniform(0.0, f64::NEG_INFINITY, &K), None);
    }

    #[test]
    fn no_valid_output_is_no_nan() {
        let base = table(&[0.0, 0.4, 0.6]);
        let valid = ValidSet::new(vec![true, false, false]);
        let split = Split::of(base.view(), &valid);
        let summary = Summary::of(base.view(), &valid, &K);
        assert_close(summary.log_validity_rate, f64::NEG_INFINITY, 0.0);
        assert_eq!(summary.entropy_given_valid, None);
        assert_eq!(summary.coverage_at, [Some(0.0); 4]);
        assert_eq!(Summary::of_tilted(&TiltedModel::new(0.1, &split), &split, None, &K), summary);
    }

    #[test]
    fn one_certain_output_has_no_spread() {
        let summary = Summary::of(table(&[0.0, 1.0]).view(), &ValidSet::new(vec![false, true]), &K);
        assert_close(summary.entropy, 0.0, 0.0);
        assert_close(summary.renyi2_entropy, 0.0, 0.0);
        assert_close(summary.effective_number, 1.0, 0.0);
        assert_eq!(summary.coverage_at, [Some(1.0); 4]);
    }
}
