//! The tilted distribution p_\[β\] ∝ a·e^{v/β}, the optimum of KL-control max_q E_q\[v\] − β KL(q‖a).
//!
//! The tilt moves mass between two classes and leaves each as it is, so that all here follows from A1, A0 and
//! β. Nothing is computed as 1 − μ or by e^{1/β}, which overflows below β = 1/709.

use pstar_core::math;

use crate::Split;
use crate::sum::{nonnegative, weighted};

/// The tilted distribution of one β, and its divergences to and from the base a and the filtered model p*.
///
/// What compares to p* is `None` where the base reaches no valid output; then the tilt is the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiltedModel {
    /// β > 0, the price of a nat of divergence from the base.
    pub beta: f64,
    /// λ = 1/β; infinite for a subnormal β.
    pub lambda: f64,
    /// μ, the validity rate: logit μ = λ + log A1 − log A0.
    pub mu: f64,
    /// log μ = −softplus(−logit μ).
    pub log_mu: f64,
    /// 1 − μ, by its own formula.
    pub one_minus_mu: f64,
    /// log(1 − μ) = −softplus(logit μ); finite long after 1 − μ has underflowed.
    pub log_one_minus_mu: f64,
    /// KL(p_\[β\]‖a) = μ log(μ/A1) + (1−μ) log((1−μ)/A0).
    pub kl_to_base: f64,
    /// KL(a‖p_\[β\]) = A1 log(A1/μ) + A0 log(A0/(1−μ)).
    pub kl_from_base: f64,
    /// KL(p_\[β\]‖p*): +∞ as soon as the base reaches an invalid output, else 0.
    pub kl_to_filtered: Option<f64>,
    /// KL(p*‖p_\[β\]) = −log μ.
    pub kl_from_filtered: Option<f64>,
    /// Total variation to p*: 1 − μ.
    pub tv_to_filtered: Option<f64>,
    /// Jensen–Shannon divergence to p*.
    pub js_to_filtered: Option<f64>,
    /// Squared Hellinger distance to p*: 1 − √μ.
    pub hellinger2_to_filtered: Option<f64>,
}

impl TiltedModel {
    /// Tilts a base of the given classes.
    ///
    /// # Panics
    /// If β is not positive.
    pub fn new(beta: f64, base: &Split) -> Self {
        assert!(beta > 0.0, "β must be positive, found {beta}");
        let lambda = beta.recip();
        let logit = if base.valid.is_empty() {
            f64::NEG_INFINITY
        } else {
            lambda + (base.valid.log_mass - base.invalid.log_mass)
        };
        let (log_mu, log_one_minus_mu) = (0.0 - math::softplus(-logit), 0.0 - math::softplus(logit));
        let (mu, one_minus_mu) = (math::exp(log_mu), math::exp(log_one_minus_mu));
        let exists = |value: f64| (!base.valid.is_empty()).then_some(value);
        let (kl_to_base, kl_from_base) = if lambda < 1.0 {
            weakly_tilted(lambda, base, [mu, one_minus_mu])
        } else {
            // A class that is empty has no part: its weight is 0 on either side.
            let valid_ratio = log_mu - base.valid.log_mass;
            let invalid_ratio = log_one_minus_mu - base.invalid.log_mass;
            (
                weighted(mu, valid_ratio) + weighted(one_minus_mu, invalid_ratio),
                weighted(base.valid.mass, -valid_ratio) + weighted(base.invalid.mass, -invalid_ratio),
            )
        };
        Self {
            beta,
            lambda,
            mu,
            log_mu,
            one_minus_mu,
            log_one_minus_mu,
            kl_to_base: nonnegative(kl_to_base),
            kl_from_base: nonnegative(kl_from_base),
            kl_to_filtered: exists(if base.invalid.is_empty() { 0.0 } else { f64::INFINITY }),
            kl_from_filtered: exists(0.0 - log_mu),
            tv_to_filtered: exists(one_minus_mu),
            js_to_filtered: exists(js_to_filtered(mu, log_mu, one_minus_mu)),
            hellinger2_to_filtered: exists(one_minus_mu / (1.0 + mu.sqrt())),
        }
    }

    /// The tilted distribution's classes, from the base's.
    pub fn split(&self, base: &Split) -> Split {
        Split {
            valid: base.valid.with_mass(self.mu, self.log_mu),
            invalid: base.invalid.with_mass(self.one_minus_mu, self.log_one_minus_mu),
        }
    }

    /// Log-probability that the tilt gives a valid output, from that of p*.
    pub fn log_prob_valid(&self, filtered_log_prob: f64) -> f64 {
        self.log_mu + filtered_log_prob
    }

    /// Log-probability that the tilt gives an invalid output, from the base's.
    pub fn log_prob_invalid(&self, base_log_prob: f64, base: &Split) -> f64 {
        if base_log_prob == f64::NEG_INFINITY {
            base_log_prob
        } else {
            self.log_one_minus_mu + (base_log_prob - base.invalid.log_mass)
        }
    }
}

/// KL(p_\[β\]‖a) and KL(a‖p_\[β\]) for a small λ, where they are of order λ² and their terms of order λ.
///
/// With log(μ/A1) = −log(1 − A0 (1 − e^−λ)) and log((1−μ)/A0) = −log(1 + A1 (e^λ − 1)), and with terms e^z − 1 − z, z
/// the logarithm of the second argument over the first: they add up to the same, as masses add up to 1, and none is
/// negative.
fn weakly_tilted(lambda: f64, base: &Split, [mu, one_minus_mu]: [f64; 2]) -> (f64, f64) {
    let valid_ratio = -math::ln_1p(base.invalid.mass * math::exp_m1(-lambda));
    let invalid_ratio = -math::ln_1p(base.valid.mass * math::exp_m1(lambda));
    (
        weighted(mu, above_tangent(-valid_ratio)) + weighted(one_minus_mu, above_tangent(-invalid_ratio)),
        weighted(base.valid.mass, above_tangent(valid_ratio))
            + weighted(base.invalid.mass, above_tangent(invalid_ratio)),
    )
}

/// e^z − 1 − z for |z| ≤ 1: z²/2 · (1 + z/3 (1 + z/4 (1 + …))).
fn above_tangent(z: f64) -> f64 {
    let series = (3..=20).rev().fold(1.0, |rest, n| 1.0 + rest * z / f64::from(n));
    0.5 * z * z * series
}

/// JS(p_\[β\], p*): on valid outputs the midpoint is p*·(1 + μ)/2, on the others it is half the tilt.
///
/// ½·[log(2/(1+μ)) + μ log(2μ/(1+μ)) + (1−μ) log 2], with log((1+μ)/2) = ln_1p(−(1−μ)/2).
fn js_to_filtered(mu: f64, log_mu: f64, one_minus_mu: f64) -> f64 {
    let log_midpoint = math::ln_1p(-0.5 * one_minus_mu);
    let js = 0.5 * (weighted(mu, log_mu) - (1.0 + mu) * log_midpoint + one_minus_mu * std::f64::consts::LN_2);
    nonnegative(js)
}

/// The β whose tilt has validity rate `mu`: 1/β = logit μ − logit A1.
///
/// `None` where no β > 0 does: μ ≤ A1, μ ≥ 1, A1 = 0, or A0 = 0.
pub(crate) fn beta_of_mu(mu: f64, log_valid_mass: f64, log_invalid_mass: f64) -> Option<f64> {
    if !(mu > 0.0 && mu < 1.0 && log_valid_mass.is_finite() && log_invalid_mass.is_finite()) {
        return None;
    }
    let lambda = math::ln(mu) - math::ln_1p(-mu) - (log_valid_mass - log_invalid_mass);
    (lambda > 0.0).then(|| lambda.recip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, table, toy_c, toy_e};
    use crate::{OutputTable, ValidSet};

    fn split(probs: &[f64], mask: &[bool]) -> Split {
        Split::of(table(probs).view(), &ValidSet::new(mask.to_vec()))
    }

    #[test]
    fn closed_forms_equal_sums_over_outputs() {
        let (base, mask) = ([0.1, 0.25, 0.35, 0.3], [true, true, false, false]);
        let split = split(&base, &mask);
        for beta in [0.05, 0.3, 1.0, 7.0] {
            let tilted = TiltedModel::new(beta, &split);
            let weight = |i: usize| if mask[i] { base[i] * (1.0 / beta).exp() } else { base[i] };
            let total: f64 = (0..4).map(weight).sum();
            let t: Vec<f64> = (0..4).map(|i| weight(i) / total).collect();
            let p = [0.1 / 0.35, 0.25 / 0.35, 0.0, 0.0];
            let kl = |x: &[f64], y: &[f64]| -> f64 {
                x.iter().zip(y).filter(|(x, _)| **x > 0.0).map(|(x, y)| x * (x / y).ln()).sum()
            };
            let midpoint: Vec<f64> = t.iter().zip(&p).map(|(t, p)| 0.5 * (t + p)).collect();
            assert_close(tilted.mu, t[0] + t[1], 1e-15);
            assert_close(tilted.one_minus_mu, t[2] + t[3], 1e-15);
            assert_close(tilted.kl_to_base, kl(&t, &base), 1e-14);
            assert_close(tilted.kl_from_base, kl(&base, &t), 1e-14);
            assert_close(tilted.kl_from_filtered.unwrap(), kl(&p, &t), 1e-14);
            assert_eq!(tilted.kl_to_filtered, Some(f64::INFINITY));
            let js = 0.5 * (kl(&t, &midpoint) + kl(&p, &midpoint));
            assert_close(tilted.js_to_filtered.unwrap(), js, 1e-14);
            let tv: f64 = t.iter().zip(&p).map(|(t, p)| 0.5 * (t - p).abs()).sum();
            assert_close(tilted.tv_to_filtered.unwrap(), tv, 1e-15);
            let affinity: f64 = t.iter().zip(&p).map(|(t, p)| (t * p).sqrt()).sum();
            assert_close(tilted.hellinger2_to_filtered.unwrap(), 1.0 - affinity, 1e-15);
            for i in 0..4 {
                let found = if mask[i] {
                    tilted.log_prob_valid(p[i].ln())
                } else {
                    tilted.log_prob_invalid(base[i].ln(), &split)
                };
                assert_close(found, t[i].ln(), 1e-13);
            }
        }
    }

    #[test]
    fn validity_rates_of_the_published_tables() {
        let rows_e =
            [(0.5, 0.2383), (1.0, 0.3403), (2.0, 0.5837), (3.0, 0.7921), (5.0, 0.9657), (10.0, 0.9998)];
        let rows_c = [(0.5, 0.6683), (1.0, 0.7686), (2.0, 0.9003), (3.0, 0.9609), (5.0, 0.9945)];
        for (case, rows) in [(toy_e(), &rows_e[..]), (toy_c(), &rows_c[..])] {
            let split = Split::of(case.base(), &case.valid);
            for &(lambda, mu) in rows {
                assert_close(TiltedModel::new(1.0 / lambda, &split).mu, mu, 5e-5);
            }
        }
    }

    #[test]
    fn mu_and_beta_are_inverse() {
        let split = split(&[0.2, 0.8], &[true, false]);
        let (log_valid, log_invalid) = (split.valid.log_mass, split.invalid.log_mass);
        for beta in [0.05, 0.2, 1.0, 30.0] {
            let mu = TiltedModel::new(beta, &split).mu;
            assert_close(beta_of_mu(mu, log_valid, log_invalid).unwrap() / beta, 1.0, 1e-8);
        }
        for mu in [0.2 - 1e-9, 0.1, 0.0, 1.0, -1.0, f64::NAN] {
            assert_eq!(beta_of_mu(mu, log_valid, log_invalid), None);
        }
        assert_eq!(beta_of_mu(0.5, f64::NEG_INFINITY, 0.0), None);
        assert_eq!(beta_of_mu(0.5, 0.0, f64::NEG_INFINITY), None);
    }

    #[test]
    fn a_small_beta_neither_overflows_nor_underflows_its_logarithms() {
        let split = split(&[0.2, 0.8], &[true, false]);
        let tilted = TiltedModel::new(1e-4, &split);
        assert_close(tilted.mu, 1.0, 0.0);
        assert_close(tilted.one_minus_mu, 0.0, 0.0);
        // log(1 − μ) = log A0 − log A1 − 1/β, up to e^{−10000}.
        assert_close(tilted.log_one_minus_mu, 4f64.ln() - 1e4, 1e-11);
        assert_close(tilted.kl_to_base, 5f64.ln(), 1e-14);
        // A1 log A1 + A0 (log A0 − log(1 − μ)).
        assert_close(tilted.kl_from_base, 0.2 * 0.2f64.ln() + 0.8 * (1e4 - 5f64.ln()), 1e-11);
        for beta in [1e-300, 5e-324] {
            let tilted = TiltedModel::new(beta, &split);
            assert_close(tilted.kl_to_base, 5f64.ln(), 1e-14);
            assert!(!tilted.kl_from_base.is_nan());
            assert_eq!(tilted.kl_to_filtered, Some(f64::INFINITY));
        }
    }

    #[test]
    fn without_valid_outputs_the_tilt_is_the_base() {
        let split = split(&[0.0, 1.0], &[true, false]);
        let tilted = TiltedModel::new(0.1, &split);
        assert_close(tilted.mu, 0.0, 0.0);
        assert_close(tilted.one_minus_mu, 1.0, 0.0);
        assert_close(tilted.kl_to_base, 0.0, 0.0);
        assert_close(tilted.kl_from_base, 0.0, 0.0);
        assert_eq!((tilted.kl_to_filtered, tilted.js_to_filtered), (None, None));
        assert_eq!(tilted.split(&split), split);
        assert!(!TiltedModel::new(5e-324, &split).kl_to_base.is_nan());
    }

    #[test]
    fn without_invalid_outputs_the_tilt_is_base_and_filtered_model() {
        let split = split(&[0.4, 0.6], &[true, true]);
        let tilted = TiltedModel::new(0.1, &split);
        assert_close(tilted.mu, 1.0, 0.0);
        assert_close(tilted.log_one_minus_mu, f64::NEG_INFINITY, 0.0);
        for divergence in [
            Some(tilted.kl_to_base),
            Some(tilted.kl_from_base),
            tilted.kl_to_filtered,
            tilted.kl_from_filtered,
            tilted.tv_to_filtered,
            tilted.js_to_filtered,
            tilted.hellinger2_to_filtered,
        ] {
            assert_close(divergence.unwrap(), 0.0, 0.0);
        }
    }

    #[test]
    fn a_tiny_invalid_mass_is_summed() {
        let split = split(&[1.0 - 1e-12, 1e-12], &[true, false]);
        let tilted = TiltedModel::new(1.0, &split);
        // 1 − μ = A0 / (A1 e + A0).
        let expected = 1e-12 / ((1.0 - 1e-12) * 1f64.exp() + 1e-12);
        assert_close(tilted.one_minus_mu / expected, 1.0, 1e-12);
        assert_close(tilted.kl_from_filtered.unwrap() / expected, 1.0, 1e-11);
        assert_eq!(tilted.kl_to_filtered, Some(f64::INFINITY));
    }

    /// By the definitions in 80 digits: A0, β, 1 − μ, KL(p_β‖a), KL(a‖p_β), JS and squared Hellinger to p*.
    #[test]
    fn small_divergences_keep_all_their_digits() {
        let rows = [
            [1e-12, 1e4, 9.999_000_049_998_334e-13, 4.999_666_679_161_334e-21, 4.999_833_337_494_917e-21],
            [0.45, 1e4, 0.449_975_250_123_77, 1.237_491_748_499_547_5e-9, 1.237_495_874_499_847_8e-9],
            [1e-12, 2.0, 6.065_306_597_128_721e-13, 9.020_401_043_100_795e-14, 1.065_306_597_125_560_2e-13],
            [1e-12, 0.5, 1.353_352_832_367_297_1e-13, 5.939_941_502_903_017e-13, 1.135_335_283_236_239e-12],
            [1e-12, 0.01, 3.720_075_976_024_556e-56, 1.000_000_000_000_5e-12, 9.899_999_999_999_95e-11],
        ];
        let to_filtered = [
            [3.465_389_346_538_799e-13, 4.999_500_025_000_417e-13],
            [0.189_081_612_486_599_94, 0.258_363_465_114_999_86],
            [2.102_075_083_516_164_3e-13, 3.032_653_298_564_82e-13],
            [4.690_363_500_291_27e-14, 6.766_764_161_836_715e-14],
            [1.289_280_087_125_104e-56, 1.860_037_988_012_278e-56],
        ];
        for ([invalid, beta, one_minus_mu, to_base, from_base], [js, hellinger2]) in
            rows.into_iter().zip(to_filtered)
        {
            let tilted = TiltedModel::new(beta, &split(&[1.0 - invalid, invalid], &[true, false]));
            let close = |found: f64, expected: f64| assert_close(found / expected, 1.0, 1e-13);
            close(tilted.one_minus_mu, one_minus_mu);
            close(tilted.kl_to_base, to_base);
            close(tilted.kl_from_base, from_base);
            close(tilted.tv_to_filtered.unwrap(), one_minus_mu);
            close(tilted.js_to_filtered.unwrap(), js);
            close(tilted.hellinger2_to_filtered.unwrap(), hellinger2);
        }
    }

    #[test]
    fn an_underflowed_base_is_tilted_like_any_other() {
        let base = OutputTable::from_log_probs(vec![-2000.0, 0.0]);
        let split = Split::of(base.view(), &ValidSet::new(vec![true, false]));
        let tilted = TiltedModel::new(1.0 / 2000.0, &split);
        assert_close(tilted.mu, 0.5, 1e-12);
        assert_close(tilted.kl_from_filtered.unwrap(), 2f64.ln(), 1e-12);
    }
}
