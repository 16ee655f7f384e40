use pstar_core::data::Ending;
use pstar_core::math;

use super::*;
use crate::dynamic::sampler::tests::{Task, even, independent};
use crate::measures::coverage::at_least_once;
use crate::testing::assert_close;
use crate::{ExplicitAutomaton, OutputSpace};

const K: [u64; 7] = [0, 1, 2, 3, 16, 1000, 1_000_000];

/// Σ of terms that are right to a rounding, and of their sizes.
fn expected(probs: &[f64], k: u64) -> f64 {
    crate::testing::sum(probs.iter().map(|&prob| at_least_once(prob, k)))
}

fn all_of(coverage: Vec<Option<f64>>) -> Vec<f64> {
    coverage.into_iter().map(|coverage| coverage.expect("within reach")).collect()
}

fn all(symbols: usize) -> ExplicitAutomaton {
    ExplicitAutomaton { symbols, next: vec![0; symbols], accepts: vec![true] }
}

#[test]
fn coverage_equals_enumeration() {
    for seed in 0..300 {
        let task = Task::random(seed);
        let outputs = task.outputs();
        for (role, index) in [(Role::Base, 0), (Role::Policy, usize::MAX)] {
            let probs = |scale: f64| -> Vec<f64> {
                let valid = outputs.iter().filter(|output| output.valid);
                let log_prob = |log_probs: &[f64]| log_probs[index.min(log_probs.len() - 1)];
                valid.map(|output| scale * math::exp(log_prob(&output.log_probs))).collect()
            };
            let mass: f64 = probs(1.0).iter().sum();
            let scales = [1.0, 1e-6, if mass > 0.0 { 1.0 / mass } else { 1.0 }];
            for scale in scales {
                let probs = probs(scale);
                // All at once, so that most outputs are heavy, and each alone.
                let found = all_of(coverage_at_k(&task.weighted(), role, scale.ln(), &K, usize::MAX));
                for (&k, &found) in K.iter().zip(&found) {
                    let expected = expected(&probs, k);
                    assert_close(found, expected, 1e-12 * expected);
                    let alone = coverage_at_k(&task.weighted(), role, scale.ln(), &[k], usize::MAX);
                    assert_close(alone[0].unwrap(), expected, 1e-12 * expected);
                }
                assert_eq!(found[0], 0.0);
            }
        }
    }
}

#[test]
fn equal_outputs_have_a_closed_form() {
    let space = OutputSpace { symbols: 4, horizon: 40, ending: Ending::FixedLength };
    let task = Task::new(vec![independent(&[0.25; 4], 4)], even(4), space, false);
    let valid = f64::midpoint(4f64.powi(40), 2f64.powi(40));
    let prob = 4f64.powi(-40);
    let k = [0, 1, 1000, 1_000_000, 1 << 62];
    let found = all_of(coverage_at_k(&task.weighted(), Role::Base, 0.0, &k, 100));
    for (&k, found) in k.iter().zip(found) {
        let expected = valid * at_least_once(prob, k);
        assert_close(found, expected, 1e-12 * expected);
    }
    let log_scale = -(valid * prob).ln();
    let filtered = all_of(coverage_at_k(&task.weighted(), Role::Policy, log_scale, &[1, 1 << 20], 100));
    assert_close(filtered[0], 1.0, 1e-13);
    let expected = valid * at_least_once(1.0 / valid, 1 << 20);
    assert_close(filtered[1], expected, 1e-12 * expected);
}

/// Σ over i.i.d. outputs of `horizon` symbols with an even number of the first, one symbol of probability `likely` and
/// two of `other`: grouped by the number of each.
fn grouped(likely: f64, other: f64, horizon: u32, k: u64) -> f64 {
    let mut total = Accumulator::default();
    let mut choose = 1.0;
    for rare in 0..=horizon {
        let prob = other.powi(rare.cast_signed()) * likely.powi((horizon - rare).cast_signed());
        // Of the rare symbols' strings, those with an even number of the first of the two.
        let strings = if rare == 0 { 1.0 } else { 2f64.powi(rare.cast_signed() - 1) };
        total.add(choose * strings * at_least_once(prob, k));
        choose = choose * f64::from(horizon - rare) / f64::from(rare + 1);
    }
    total.total()
}

#[test]
fn heavy_and_light_outputs_add_up() {
    let space = OutputSpace { symbols: 3, horizon: 40, ending: Ending::FixedLength };
    for other in [0.01, 0.03, 0.1] {
        let likely = 1.0 - 2.0 * other;
        let task = Task::new(vec![independent(&[other, likely, other], 3)], even(3), space, false);
        for k in [[1, 2, 16], [3, 50, 1000], [0, 1000, 100_000]] {
            let found = all_of(coverage_at_k(&task.weighted(), Role::Base, 0.0, &k, 10_000_000));
            for (&k, found) in k.iter().zip(found) {
                let expected = grouped(likely, other, 40, k);
                assert_close(found, expected, 1e-12 * expected);
            }
        }
    }
}

#[test]
fn outputs_that_underflow_are_covered_after_filtering() {
    // 2^300 valid outputs of probability 10^−1200 each; filtered, each has 2^−300, and one in a million is found.
    let dead = u64::MAX;
    let automaton = ExplicitAutomaton { symbols: 3, next: vec![0, 0, dead], accepts: vec![true] };
    let space = OutputSpace { symbols: 3, horizon: 300, ending: Ending::FixedLength };
    let task = Task::new(vec![independent(&[1e-4, 1e-4, 0.9998], 3)], automaton, space, false);
    let log_scale = -300.0 * 2e-4f64.ln();
    let found = all_of(coverage_at_k(&task.weighted(), Role::Base, log_scale, &[1, 1_000_000], 10));
    assert_close(found[0], 1.0, 1e-12);
    assert_close(found[1], 1e6, 1e-6);
    // One heavy output among them.
    let space = OutputSpace { horizon: 400, ..space };
    let automaton = ExplicitAutomaton { symbols: 3, next: vec![0, 0, dead], accepts: vec![true] };
    let skewed = independent(&[1e-3, 1e-6, 1.0 - 1e-3 - 1e-6], 3);
    let task = Task::new(vec![skewed], automaton, space, false);
    let log_scale = -400.0 * (1e-3 + 1e-6f64).ln();
    let (heavy, light) = (1e-3 / (1e-3 + 1e-6), 1e-6 / (1e-3 + 1e-6));
    let found = all_of(coverage_at_k(&task.weighted(), Role::Base, log_scale, &[1, 1000], 100_000));
    let mut choose = 1.0;
    let mut expected = 0.0;
    for rare in 0..=20 {
        let prob = f64::powi(heavy, 400 - rare) * f64::powi(light, rare);
        expected += choose * at_least_once(prob, 1000);
        choose *= f64::from(400 - rare) / f64::from(rare + 1);
    }
    assert_close(found[0], 1.0, 1e-12);
    assert_close(found[1], expected, 1e-11 * expected);
}

#[test]
fn too_many_prefixes_are_refused() {
    let space = OutputSpace { symbols: 2, horizon: 10, ending: Ending::FixedLength };
    let task = Task::new(vec![independent(&[0.5; 2], 2)], all(2), space, false);
    let coverage = |k, limit| coverage_at_k(&task.weighted(), Role::Base, 0.0, &[k], limit)[0];
    // All 1023 proper prefixes, as each output has probability 1/1024.
    assert_eq!(coverage(1024, 1022), None);
    assert_close(coverage(1024, 1023).unwrap(), 1024.0 * at_least_once(1.0 / 1024.0, 1024), 1e-10);
    assert!(coverage(1023, 0).is_some(), "none is heavy");
}

/// Outputs of every size: what a k within reach finds does not depend on the others, in whatever order they are asked.
#[test]
fn one_number_of_samples_out_of_reach_takes_no_other_along() {
    let space = OutputSpace { symbols: 2, horizon: 16, ending: Ending::FixedLength };
    let task = Task::new(vec![independent(&[0.8, 0.2], 2)], all(2), space, false);
    let found = |k: &[u64], limit| coverage_at_k(&task.weighted(), Role::Base, 0.0, k, limit);
    for k in [&[1, 16, 1000, 1_000_000, u64::MAX][..], &[u64::MAX, 16, 1, 16, 0, 1_000_000, 1000]] {
        let everything = all_of(found(k, usize::MAX));
        for limit in [0, 20, 500, 5000, 70_000] {
            let mut out_of_reach = 0;
            for ((&k, found), &expected) in k.iter().zip(found(k, limit)).zip(&everything) {
                assert_eq!(found.is_some(), self::alone(&task, k, limit).is_some(), "{k} of {limit}");
                out_of_reach += u64::from(found.is_none());
                let Some(found) = found else { continue };
                assert_close(found, expected, 1e-12 * expected);
            }
            assert_eq!(out_of_reach == 0, limit == 70_000, "2^16 − 1 prefixes are all");
        }
    }
}

fn alone(task: &Task, k: u64, limit: usize) -> Option<f64> {
    coverage_at_k(&task.weighted(), Role::Base, 0.0, &[k], limit)[0]
}

#[test]
fn what_cannot_be_covered_is_zero() {
    let space = OutputSpace { symbols: 2, horizon: 3, ending: Ending::FixedLength };
    let nothing = ExplicitAutomaton { symbols: 2, next: vec![0, 0], accepts: vec![false] };
    for (automaton, row) in [(nothing, [0.5, 0.5]), (even(2), [1.0, 0.0])] {
        let task = Task::new(vec![independent(&row, 2)], automaton, space, false);
        for log_scale in [0.0, f64::INFINITY, f64::NEG_INFINITY] {
            let found = coverage_at_k(&task.weighted(), Role::Base, log_scale, &[0, 1, u64::MAX], 10);
            assert_eq!(found, [Some(0.0); 3]);
        }
    }
    let task = Task::new(vec![independent(&[0.5; 2], 2)], all(2), space, false);
    assert_eq!(coverage_at_k(&task.weighted(), Role::Base, 0.0, &[], 0), []);
    let everything = all_of(coverage_at_k(&task.weighted(), Role::Base, 0.0, &[u64::MAX], 10));
    assert_close(everything[0], 8.0, 1e-14);
}

#[test]
fn the_curve_equals_enumeration_for_real_k() {
    for seed in 0..300 {
        let task = Task::random(seed);
        let outputs = task.outputs();
        for (role, index) in [(Role::Base, 0), (Role::Policy, usize::MAX)] {
            let valid = outputs.iter().filter(|output| output.valid);
            let log_prob = |log_probs: &[f64]| log_probs[index.min(log_probs.len() - 1)];
            let probs: Vec<f64> = valid.map(|output| math::exp(log_prob(&output.log_probs))).collect();
            for greatest in [1, 7, 1000] {
                let curve = coverage_curve(&task.weighted(), role, greatest, usize::MAX).unwrap();
                for k in [0.5, 1.0, 2.7, 6.99, 100.3] {
                    if k > greatest as f64 {
                        continue;
                    }
                    let term = |&prob: &f64| if prob >= 1.0 { 1.0 } else { -(k * (-prob).ln_1p()).exp_m1() };
                    let expected = crate::testing::sum(probs.iter().map(term));
                    assert_close(curve.at(k), expected, 1e-12 * expected);
                }
            }
        }
    }
    let space = OutputSpace { symbols: 4, horizon: 40, ending: Ending::FixedLength };
    let task = Task::new(vec![independent(&[0.25; 4], 4)], even(4), space, false);
    assert!(coverage_curve(&task.weighted(), Role::Base, 1 << 20, 100).is_some());
    let skewed = Task::new(vec![independent(&[0.4, 0.3, 0.2, 0.1], 4)], even(4), space, false);
    assert_eq!(coverage_curve(&skewed.weighted(), Role::Base, 1 << 60, 100), None);
}
