//! Exponentials for decisions that seldom turn on their last digits: a quarter of the instructions of a whole one.

use pstar_core::math;
use std::f64::consts::{LN_2, LOG2_E};

/// What a rough exponential differs by at most, relative to it: the fourth power that is left out.
pub(crate) const ERROR: f64 = 1e-3;

/// Beyond this |x| it is no number to decide by.
pub(crate) const RANGE: f64 = 700.0;

/// Added to a number below 2^51, it leaves the nearest whole number in the last bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// e^x to within [`ERROR`], for |x| below [`RANGE`].
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(crate) fn rough_exp(x: f64) -> f64 {
    let shifted = x * LOG2_E + WHOLE;
    let rest = x - (shifted - WHOLE) * LN_2;
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    power * (1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0))))
}

/// Whether all |x| are below a bound: a difference says it by its sign, and signs need not wait for each other.
pub(crate) fn all_below(values: &[f64], bound: f64) -> bool {
    math::widest(|| values.iter().fold(0, |signs, x| signs | (bound - x.abs()).to_bits())) >> 63 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_beyond_is_found() {
        let mut values = [-1.0; 9];
        assert!(all_below(&values, RANGE));
        for beyond in [-700.5, 701.0, f64::NEG_INFINITY] {
            values[7] = beyond;
            assert!(!all_below(&values, RANGE), "{beyond}");
        }
    }

    #[test]
    fn it_is_within_its_error() {
        let values = (-699_900..699_900)
            .map(|n| f64::from(n) * 1e-3)
            .chain((-4000..4000).map(|n| f64::from(n) * 1e-5));
        for x in values {
            let error = (rough_exp(x) / math::exp(x) - 1.0).abs();
            // Less than what it promises by the rounding of a decision.
            assert!(error < 0.95 * ERROR, "{x}: {error:e}");
        }
    }
}
