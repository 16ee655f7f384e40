use proptest::prelude::*;

use super::*;
use crate::OutputTable;
use crate::testing::{assert_close, sum, table, toy_c, toy_e};

const ALPHAS: [f64; 9] = [-0.5, 0.0, 1e-9, 0.25, 0.5, 0.9, 1.0 - 1e-9, 1.0, 1.5];
const POWERS: [f64; 6] = [-0.5, 0.0, 0.25, 0.5, 1.0, 1.5];

/// A base, its targets, and the divergences of policies over the same outputs.
struct Fixture {
    base: OutputTable,
    valid: ValidSet,
    split: Split,
    filtered: Option<FilteredModel>,
    tilted: Vec<TiltedModel>,
}

impl Fixture {
    fn new(base: OutputTable, valid: ValidSet, betas: &[f64]) -> Self {
        let split = Split::of(base.view(), &valid);
        let filtered = FilteredModel::new(base.view(), &valid, &split);
        let tilted = betas.iter().map(|&beta| TiltedModel::new(beta, &split)).collect();
        Self { base, valid, split, filtered, tilted }
    }

    fn from_probs(base: &[f64], mask: &[bool], betas: &[f64]) -> Self {
        Self::new(table(base), ValidSet::new(mask.to_vec()), betas)
    }

    fn of(&self, policy: &OutputTable) -> Divergences {
        let targets = Targets {
            base: self.base.view(),
            valid: &self.valid,
            split: &self.split,
            filtered: self.filtered.as_ref(),
            tilted: &self.tilted,
        };
        let orders = Orders { alphas: &ALPHAS, powers: &POWERS };
        let (split, divergences) = Divergences::with_split(policy.view(), &targets, &orders);
        // The bits of a pass of its own.
        assert_eq!(split, Split::of(policy.view(), &self.valid));
        divergences
    }

    /// The filtered model over all outputs.
    fn filtered_table(&self) -> OutputTable {
        let mut log_probs = vec![f64::NEG_INFINITY; self.valid.outputs()];
        let filtered = self.filtered.as_ref().unwrap();
        for (&index, &log_prob) in self.valid.indices().iter().zip(&filtered.log_probs) {
            log_probs[index as usize] = log_prob;
        }
        OutputTable::from_log_probs(log_probs)
    }

    /// A tilt over all outputs.
    fn tilted_table(&self, tilted: &TiltedModel) -> OutputTable {
        let log_probs = self
            .base
            .log_probs
            .iter()
            .zip(self.valid.mask())
            .map(|(&log_prob, &valid)| {
                if valid {
                    tilted.log_prob_valid(log_prob - self.split.valid.log_mass)
                } else {
                    tilted.log_prob_invalid(log_prob, &self.split)
                }
            })
            .collect();
        OutputTable::from_log_probs(log_probs)
    }
}

/// KL(x‖y) from probabilities that do not underflow.
fn kl(x: &[f64], y: &[f64]) -> f64 {
    sum(x.iter().zip(y).filter(|(x, _)| **x > 0.0).map(|(x, y)| x * (x / y).ln()))
}

fn power_sum(p: &[f64], q: &[f64], s: f64) -> f64 {
    sum(p.iter().zip(q).filter(|(p, q)| **p > 0.0 || **q > 0.0).map(|(p, q)| p.powf(s) * q.powf(1.0 - s)))
}

/// Every divergence against its definition, for distributions whose numbers do not underflow.
fn check_definitions(fixture: &Fixture, policy: &OutputTable, tolerance: f64) {
    let found = fixture.of(policy);
    let (q, a) = (&policy.probs, &fixture.base.probs);
    assert_close(found.kl_to_base, kl(q, a), tolerance);
    assert_close(found.kl_from_base, kl(a, q), tolerance);
    for (i, tilted) in fixture.tilted.iter().enumerate() {
        let t = fixture.tilted_table(tilted).probs;
        assert_close(found.kl_to_tilted[i], kl(q, &t), tolerance);
        assert_close(found.kl_from_tilted[i], kl(&t, q), tolerance);
    }
    let p = &fixture.filtered_table().probs;
    let midpoint: Vec<f64> = p.iter().zip(q).map(|(p, q)| 0.5 * (p + q)).collect();
    assert_close(found.kl_to_filtered.unwrap(), kl(q, p), tolerance);
    assert_close(found.kl_from_filtered.unwrap(), kl(p, q), tolerance);
    let tv = 0.5 * sum(p.iter().zip(q).map(|(p, q)| (p - q).abs()));
    assert_close(found.tv_to_filtered.unwrap(), tv, tolerance);
    assert_close(found.js_to_filtered.unwrap(), 0.5 * (kl(p, &midpoint) + kl(q, &midpoint)), tolerance);
    assert_close(found.hellinger2_to_filtered.unwrap(), 1.0 - power_sum(p, q, 0.5), tolerance);
    for (&alpha, found) in ALPHAS.iter().zip(&found.alpha_divergence) {
        let (expected, tolerance) = match alpha {
            0.0 => (kl(p, q), tolerance),
            1.0 => (kl(q, p), tolerance),
            // By its continuity: the definition itself has no digits left there.
            x if x.abs() < 1e-6 && kl(p, q).is_finite() => (kl(p, q), 1e-6),
            x if (x - 1.0).abs() < 1e-6 && kl(q, p).is_finite() => (kl(q, p), 1e-6),
            x if x.abs() < 1e-6 || (x - 1.0).abs() < 1e-6 => continue,
            x => {
                let expected = (1.0 - power_sum(p, q, 1.0 - x)) / (x * (1.0 - x));
                (expected, tolerance * expected.abs().max(1.0))
            }
        };
        assert_close(found.unwrap(), expected, tolerance);
    }
    for (&s, found) in POWERS.iter().zip(&found.power_sums) {
        let expected = power_sum(p, q, s);
        assert_close(found.unwrap(), expected, tolerance * expected.max(1.0));
    }
    let support: Vec<f64> = p.iter().map(|&p| f64::from(p > 0.0)).collect();
    let count: f64 = support.iter().sum();
    let uniform: Vec<f64> = support.iter().map(|x| x / count).collect();
    assert_close(found.kl_from_uniform_valid.unwrap(), kl(&uniform, q), tolerance);
    let top =
        q.iter().zip(fixture.valid.mask()).filter(|(_, valid)| **valid).fold(0.0, |top, (q, _)| q.max(top));
    assert_close(found.top1_valid.unwrap(), top, tolerance);
}

fn normalised(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

proptest! {
    #[test]
    fn all_equal_their_definitions(
        rows in prop::collection::vec((0.01f64..1.0, 0.01f64..1.0, any::<bool>()), 2..20),
        (a_zero, q_zero) in (0usize..20, 0usize..20),
    ) {
        let mut a: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let mut q: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let mut mask: Vec<bool> = rows.iter().map(|row| row.2).collect();
        mask[0] = true;
        // Zeros in either, so that infinities are met; one valid output stays in both supports.
        if a_zero > 0 && a_zero < a.len() { a[a_zero] = 0.0; }
        if q_zero > 0 && q_zero < q.len() { q[q_zero] = 0.0; }
        let fixture = Fixture::from_probs(&normalised(&a), &mask, &[0.1, 1.0]);
        check_definitions(&fixture, &table(&normalised(&q)), 1e-12);
    }
}

#[test]
fn the_base_is_minus_log_validity_from_the_filtered_model() {
    for case in [toy_c(), toy_e()] {
        let base = case.base.clone();
        let fixture = Fixture::new(case.base, case.valid, &[0.1, 1.0]);
        let found = fixture.of(&base);
        assert_close(found.kl_to_base, 0.0, 0.0);
        assert_close(found.kl_from_base, 0.0, 0.0);
        assert_close(found.kl_from_filtered.unwrap(), -fixture.split.valid.log_mass, 1e-14);
        assert_eq!(found.kl_to_filtered, Some(f64::INFINITY));
        for (i, tilted) in fixture.tilted.iter().enumerate() {
            assert_close(found.kl_to_tilted[i], tilted.kl_from_base, 1e-13);
            assert_close(found.kl_from_tilted[i], tilted.kl_to_base, 1e-13);
        }
        check_definitions(&fixture, &base, 1e-12);
    }
}

#[test]
fn a_tilt_is_where_its_closed_forms_say() {
    let betas = [1e-4, 0.05, 0.2, 1.0, 10.0];
    for case in [toy_c(), toy_e()] {
        let fixture = Fixture::new(case.base, case.valid, &betas);
        for (i, tilted) in fixture.tilted.iter().enumerate() {
            let found = fixture.of(&fixture.tilted_table(tilted));
            assert_close(found.kl_to_base, tilted.kl_to_base, 1e-12);
            assert_close(found.kl_from_base, tilted.kl_from_base, 1e-10);
            assert_eq!(found.kl_to_filtered, tilted.kl_to_filtered);
            assert_close(found.kl_from_filtered.unwrap(), -tilted.log_mu, 1e-13);
            assert_close(found.tv_to_filtered.unwrap(), tilted.one_minus_mu, 1e-13);
            assert_close(found.js_to_filtered.unwrap(), tilted.js_to_filtered.unwrap(), 1e-13);
            let hellinger2 = found.hellinger2_to_filtered.unwrap();
            assert_close(hellinger2, 1.0 - tilted.mu.sqrt(), 1e-13);
            assert_close(found.alpha_divergence[4].unwrap(), 4.0 * hellinger2, 1e-13);
            assert_close(found.kl_to_tilted[i], 0.0, 1e-12);
            assert_close(found.kl_from_tilted[i], 0.0, 1e-12);
        }
    }
}

#[test]
fn the_filtered_model_is_minus_log_mu_from_a_tilt() {
    let case = toy_c();
    let fixture = Fixture::new(case.base, case.valid, &[1e-4, 0.1, 1.0]);
    let found = fixture.of(&fixture.filtered_table());
    for divergence in [
        found.kl_to_filtered,
        found.kl_from_filtered,
        found.tv_to_filtered,
        found.js_to_filtered,
        found.hellinger2_to_filtered,
    ] {
        assert_close(divergence.unwrap(), 0.0, 1e-15);
    }
    for divergence in &found.alpha_divergence {
        assert_close(divergence.unwrap(), 0.0, 1e-14);
    }
    assert_close(found.kl_to_base, -fixture.split.valid.log_mass, 1e-14);
    assert_close(found.kl_from_base, f64::INFINITY, 0.0);
    for (i, tilted) in fixture.tilted.iter().enumerate() {
        assert_close(found.kl_to_tilted[i], -tilted.log_mu, 1e-14);
        assert_close(found.kl_from_tilted[i], f64::INFINITY, 0.0);
    }
    for power_sum in found.power_sums {
        assert_close(power_sum.unwrap(), 1.0, 1e-14);
    }
}

#[test]
fn infinity_is_read_off_supports_not_off_underflowed_numbers() {
    let mask = [true, true, false];
    let fixture = Fixture::from_probs(&[0.25, 0.25, 0.5], &mask, &[1e-4]);
    // Mass e^-2000 on an invalid output underflows, and still is mass; so it is on a valid one.
    let found = fixture.of(&OutputTable::from_log_probs(vec![0.0, -2000.0, -2000.0]));
    assert_eq!(found.kl_to_filtered, Some(f64::INFINITY));
    assert_close(found.kl_from_filtered.unwrap(), 0.5 * (2000.0 - 4f64.ln()), 1e-11);
    assert!(found.kl_from_base.is_finite());
    assert!(found.kl_from_tilted[0].is_finite());
    // α > 1 is infinite by support, α < 0 is finite by support.
    assert_eq!(found.alpha_divergence[8], Some(f64::INFINITY));
    assert_eq!(found.power_sums[0], Some(f64::INFINITY));
    // A zero on a valid output.
    let found = fixture.of(&table(&[1.0, 0.0, 0.0]));
    assert_close(found.kl_to_filtered.unwrap(), 2f64.ln(), 1e-15);
    assert_eq!(found.kl_from_filtered, Some(f64::INFINITY));
    assert_eq!(found.kl_from_uniform_valid, Some(f64::INFINITY));
    assert_eq!(found.kl_from_tilted, [f64::INFINITY]);
    // A base that does not reach where the policy goes, by any small mass.
    let fixture = Fixture::from_probs(&[0.5, 0.0, 0.5], &mask, &[0.5]);
    let found = fixture.of(&OutputTable::from_log_probs(vec![0.0, -2000.0, f64::NEG_INFINITY]));
    assert_close(found.kl_to_base, f64::INFINITY, 0.0);
    assert_eq!(found.kl_to_filtered, Some(f64::INFINITY));
    assert_eq!(found.kl_to_tilted, [f64::INFINITY]);
    // u is uniform on the one valid output that the base reaches.
    assert_close(found.kl_from_uniform_valid.unwrap(), 0.0, 0.0);
}

#[test]
fn without_a_filtered_model_the_rest_remains() {
    let fixture = Fixture::from_probs(&[0.0, 0.4, 0.6], &[true, false, false], &[1e-4, 1.0]);
    let found = fixture.of(&table(&[0.0, 0.5, 0.5]));
    assert_eq!(found.kl_from_filtered, None);
    assert_eq!(found.alpha_divergence, [None; 9]);
    assert_eq!(found.power_sums, [None; 6]);
    assert_eq!(found.top1_valid, Some(0.0));
    assert_eq!(found.kl_to_tilted, [found.kl_to_base; 2]);
    assert_eq!(found.kl_from_tilted, [found.kl_from_base; 2]);
    assert_eq!(fixture.of(&table(&[0.1, 0.4, 0.5])).kl_to_tilted, [f64::INFINITY; 2]);
    let nothing_valid = Fixture::from_probs(&[1.0], &[false], &[1.0]);
    assert_eq!(nothing_valid.of(&table(&[1.0])).top1_valid, None);
}

#[test]
fn when_all_is_valid_the_base_is_every_target() {
    let fixture = Fixture::from_probs(&[0.3, 0.7], &[true, true], &[1e-4, 1.0]);
    let policy = table(&[0.6, 0.4]);
    let found = fixture.of(&policy);
    assert_close(found.kl_to_filtered.unwrap(), found.kl_to_base, 1e-15);
    assert_close(found.kl_from_filtered.unwrap(), found.kl_from_base, 1e-15);
    for i in 0..2 {
        assert_close(found.kl_to_tilted[i], found.kl_to_base, 1e-15);
        assert_close(found.kl_from_tilted[i], found.kl_from_base, 1e-15);
    }
    check_definitions(&fixture, &policy, 1e-14);
}

#[test]
fn an_invalid_mass_of_1e_minus_12_is_not_lost() {
    let invalid_mass = 1e-12;
    let fixture = Fixture::from_probs(
        &[0.5 - 0.5 * invalid_mass, 0.5 - 0.5 * invalid_mass, invalid_mass],
        &[true, true, false],
        &[1.0],
    );
    let found = fixture.of(&table(&[0.5 - 0.5 * invalid_mass, 0.5 - 0.5 * invalid_mass, invalid_mass]));
    assert_close(found.kl_from_filtered.unwrap() / invalid_mass, 1.0, 1e-3);
    assert_close(found.tv_to_filtered.unwrap() / invalid_mass, 1.0, 1e-3);
    assert_close(found.hellinger2_to_filtered.unwrap() / (0.5 * invalid_mass), 1.0, 1e-9);
    assert_eq!(found.kl_to_filtered, Some(f64::INFINITY));
}

#[test]
fn near_the_filtered_model_divergences_keep_their_digits() {
    // To second order all α-divergences are half the χ² distance, here ε².
    let epsilon = 1e-5;
    let fixture = Fixture::from_probs(&[0.25, 0.25, 0.5], &[true, true, false], &[]);
    let found = fixture.of(&table(&[0.5 * (1.0 + epsilon), 0.5 * (1.0 - epsilon), 0.0]));
    for divergence in &found.alpha_divergence {
        assert_close(divergence.unwrap() / (0.5 * epsilon * epsilon), 1.0, 1e-5);
    }
    assert_close(found.js_to_filtered.unwrap() / (0.125 * epsilon * epsilon), 1.0, 1e-5);
    assert_close(found.hellinger2_to_filtered.unwrap() / (0.125 * epsilon * epsilon), 1.0, 1e-5);
}
