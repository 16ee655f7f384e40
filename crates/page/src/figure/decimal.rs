//! Powers of ten, the same bits everywhere.

use pstar_core::math;
use std::f64::consts::LN_10;

/// The power of ten of the first digit; 0 of 0 and of what is no number.
pub(crate) fn exponent(x: f64) -> i32 {
    format!("{x:e}").split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// 10ⁿ, correctly rounded.
pub(crate) fn decade(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::INFINITY)
}

/// The decimal logarithm, to rounding.
pub(crate) fn log10(x: f64) -> f64 {
    math::ln(x) / LN_10
}

/// 10ˣ, to rounding, within the positive numbers.
pub(crate) fn power(x: f64) -> f64 {
    math::exp(x * LN_10).clamp(f64::MIN_POSITIVE, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_exact() {
        assert_eq!([1.0, 999.9, 1000.0, 0.001, 0.0, -25.0].map(exponent), [0, 2, 3, -3, 0, 1]);
        assert_eq!([-3, 0, 22].map(decade), [1e-3, 1.0, 1e22]);
        assert!((log10(1000.0) - 3.0).abs() < 1e-14 && (power(3.0) - 1000.0).abs() < 1e-10);
    }
}
