//! The normal distribution.

use pstar_core::math::erfc;
use std::f64::consts::FRAC_1_SQRT_2;

/// Its 97.5 % quantile.
pub(super) const QUANTILE_975: f64 = 1.959_963_984_540_054;

/// The probability of at most `z`.
pub(super) fn probability(z: f64) -> f64 {
    0.5 * erfc(-z * FRAC_1_SQRT_2)
}

/// The z whose probability is `p`, by bisection: infinite at 0 and 1, within 1e-14 elsewhere below ½.
pub(super) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let (mut low, mut high) = (-39.0, 0.0);
    while high - low > 1e-14 {
        let middle = 0.5 * (low + high);
        if probability(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
