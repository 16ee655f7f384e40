use super::*;
use crate::ExplicitAutomaton;
use crate::dynamic::sampler::tests::{Task, even, independent};

#[test]
fn counts_equal_enumeration() {
    for seed in 0..300 {
        let task = Task::random(seed);
        let all = task.outputs();
        let valid = all.iter().filter(|output| output.valid);
        let reached = valid.clone().filter(|output| output.log_probs[0] > f64::NEG_INFINITY);
        assert_eq!(outputs(task.space), BigUint::from(all.len()), "seed {seed}");
        assert_eq!(valid_outputs(&task.acceptor), BigUint::from(valid.count()), "seed {seed}");
        assert_eq!(valid_support(&task.weighted()), BigUint::from(reached.count()), "seed {seed}");
    }
}

#[test]
fn counts_of_long_outputs_are_exact() {
    let power = |base: u32, exponent: u32| BigUint::from(base).pow(exponent);
    let fixed = OutputSpace { symbols: 8, horizon: 40, ending: Ending::FixedLength };
    assert_eq!(outputs(fixed), power(2, 120));
    let task = Task::new(vec![independent(&[0.125; 8], 8)], even(8), fixed, false);
    // ((7 + 1)^T + (7 − 1)^T) / 2.
    let parity = (power(8, 40) + power(6, 40)) / 2u8;
    assert_eq!(valid_outputs(&task.acceptor), parity);
    assert_eq!(valid_support(&task.weighted()), parity);
    let zero = [0.0, 0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0];
    let task = Task::new(vec![independent(&zero, 8)], even(8), fixed, false);
    assert_eq!(valid_support(&task.weighted()), power(4, 40));

    let ended = OutputSpace { ending: Ending::EndSymbol, ..fixed };
    let total: BigUint = (0..=40).map(|length| power(8, length)).sum();
    assert_eq!(outputs(ended), total);
    let everything = ExplicitAutomaton { symbols: 8, next: vec![0; 8], accepts: vec![true] };
    let task = Task::new(vec![independent(&[1.0 / 9.0; 9], 8)], everything, ended, true);
    assert_eq!(valid_outputs(&task.acceptor), total - power(8, 40));
}

#[test]
fn one_symbol_has_as_many_outputs_as_lengths() {
    let fixed = OutputSpace { symbols: 1, horizon: usize::MAX, ending: Ending::FixedLength };
    assert_eq!(outputs(fixed), BigUint::from(1u8));
    let ended = OutputSpace { ending: Ending::EndSymbol, ..fixed };
    assert_eq!(outputs(ended), BigUint::from(usize::MAX) + 1u8);
}

#[test]
fn logarithms_of_counts_are_those_of_their_factors() {
    for (base, exponent) in [(2u8, 1u32), (3, 40), (8, 400), (10, 5000)] {
        let found = ln(&BigUint::from(base).pow(exponent));
        let expected = f64::from(exponent) * f64::from(base).ln();
        assert!((found - expected).abs() <= 1e-15 * expected, "{base}^{exponent}: {found}, not {expected}");
    }
    assert_eq!((ln(&BigUint::ZERO), ln(&BigUint::from(1u8))), (f64::NEG_INFINITY, 0.0));
}
