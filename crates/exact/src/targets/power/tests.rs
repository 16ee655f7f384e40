use super::*;
use crate::testing::{assert_close, sum, table, toy_e};
use crate::{OutputTable, Summary};

fn filtered(base: &OutputTable, mask: &[bool]) -> FilteredModel {
    let valid = ValidSet::new(mask.to_vec());
    FilteredModel::new(base.view(), &valid, &Split::of(base.view(), &valid)).unwrap()
}

#[test]
fn it_is_the_base_to_a_power_given_validity() {
    let (base, mask) = ([0.1, 0.25, 0.0, 0.35, 0.3], [true, true, true, true, false]);
    let valid = ValidSet::new(mask.to_vec());
    let filtered = filtered(&table(&base), &mask);
    let policy = [0.2f64, 0.3, 0.0, 0.5, 0.0];
    for power in [0.0, 1e-12, 0.3, 1.0, 2.0, 9.5] {
        let weights: Vec<f64> =
            base[..4].iter().map(|&a: &f64| if a > 0.0 { a.powf(power) } else { 0.0 }).collect();
        let z = sum(weights.iter().copied());
        let p: Vec<f64> = weights.iter().map(|weight| weight / z).collect();
        let star: Vec<f64> = base[..4].iter().map(|a| a / 0.7).collect();
        let kl = |x: &[f64], y: &[f64]| {
            sum(x.iter().zip(y).filter(|(x, _)| **x > 0.0).map(|(x, y)| x * (x / y).ln()))
        };
        let model = PowerModel::new(power, &filtered);
        for (found, expected) in model.probs.iter().zip(&p) {
            assert_close(*found, *expected, 1e-15);
        }
        assert_close(model.log_probs[2], f64::NEG_INFINITY, 0.0);
        let figures = model.figures;
        assert_close(figures.log_partition, z.ln(), 1e-14);
        assert_close(figures.valid.entropy, -kl(&p, &[1.0; 4]), 1e-14);
        assert_close(figures.valid.top1, p[3], 1e-15);
        assert_close(figures.kl_to_base, kl(&p, &base[..4]), 1e-14);
        assert_close(figures.kl_to_filtered, kl(&p, &star), 1e-14);
        assert_close(figures.kl_from_filtered, kl(&star, &p), 1e-14);
        let [to, from] = model.divergences(table(&policy).view(), &valid, [0.0; 2]);
        assert_close(to, kl(&policy[..4], &p), 1e-14);
        assert_close(from, kl(&p, &policy[..4]), 1e-14);
    }
}

#[test]
fn a_power_of_1_is_the_filtered_model_to_the_bit() {
    let case = toy_e();
    let split = Split::of(case.base(), &case.valid);
    let filtered = FilteredModel::new(case.base(), &case.valid, &split).unwrap();
    let model = PowerModel::new(1.0, &filtered);
    assert_eq!((&model.probs, &model.log_probs), (&filtered.probs, &filtered.log_probs));
    assert_eq!(model.figures.log_partition.to_bits(), split.valid.log_mass.to_bits());
    assert_eq!([model.figures.kl_to_filtered, model.figures.kl_from_filtered], [0.0; 2]);
    assert_eq!(model.figures.kl_to_base.to_bits(), filtered.kl_to_base().to_bits());
    // What is next to it is next to it.
    let near = PowerModel::new(1.0 + f64::EPSILON, &filtered);
    for (found, expected) in near.probs.iter().zip(&filtered.probs) {
        assert_close(*found, *expected, 1e-14);
    }
    assert_close(near.figures.log_partition, split.valid.log_mass, 1e-14);
}

#[test]
fn a_power_of_0_is_uniform_on_the_valid_outputs_that_the_base_reaches() {
    let filtered = filtered(&table(&[0.1, 0.0, 0.2, 0.3, 0.4]), &[true, true, true, true, false]);
    let model = PowerModel::new(0.0, &filtered);
    let k = [1, 4, 64];
    let (found, expected) = (Summary::of_power(&model, &k), Summary::of_uniform(3.0, 3f64.ln(), &k).unwrap());
    assert_eq!(model.probs, [1.0 / 3.0, 0.0, 1.0 / 3.0, 1.0 / 3.0]);
    assert_close(model.figures.log_partition, 3f64.ln(), 4e-16);
    assert_close(found.entropy, expected.entropy, 1e-15);
    assert_close(found.renyi2_entropy, expected.renyi2_entropy, 1e-15);
    assert_close(found.top1, expected.top1, 1e-15);
    for (found, expected) in found.coverage_at.iter().zip(&expected.coverage_at) {
        assert_close(found.unwrap(), expected.unwrap(), 1e-14);
    }
}

/// Outputs of a thousand tokens: e^−2000, and four times as much, whose powers are known relative to each other.
#[test]
fn a_base_that_underflows_has_its_powers() {
    let base = OutputTable::from_log_probs(vec![-2000.0, -2000.0 + 4f64.ln(), 0.0]);
    let filtered = filtered(&base, &[true, true, false]);
    for (power, share) in [(0.5, 2.0 / 3.0), (2.0, 16.0 / 17.0), (1e-300, 0.5)] {
        let model = PowerModel::new(power, &filtered);
        assert_close(model.probs[1], share, 1e-12);
        let log_z = -2000.0 * power + 4f64.powf(power).ln_1p();
        assert_close(model.figures.log_partition, log_z, 1e-11 * (1.0 + power));
    }
}

/// Any finite power: the likeliest take all, logarithms stay numbers, and nothing is NaN.
#[test]
fn the_sharpest_powers_leave_the_likeliest() {
    let filtered = filtered(&table(&[0.2, 0.4, 0.4, 0.0]), &[true; 4]);
    for power in [1e6, 1e300, f64::MAX] {
        let PowerModel { figures, log_probs, probs } = PowerModel::new(power, &filtered);
        assert_eq!(probs, [0.0, 0.5, 0.5, 0.0]);
        assert!(log_probs[0].is_finite() && log_probs[0] < -1e5 && log_probs[3] == f64::NEG_INFINITY);
        assert_close(figures.valid.entropy, 2f64.ln(), 1e-15);
        assert_close(figures.kl_to_filtered, -0.8f64.ln(), 1e-15);
        assert!(figures.log_partition.is_finite() && figures.kl_from_filtered > 1e5);
    }
}

#[test]
fn negative_powers_and_no_numbers_are_none() {
    let filtered = filtered(&table(&[0.5, 0.5]), &[true, false]);
    for power in [-0.5, f64::NAN, f64::INFINITY] {
        assert!(std::panic::catch_unwind(|| PowerModel::new(power, &filtered)).is_err(), "{power}");
    }
}
