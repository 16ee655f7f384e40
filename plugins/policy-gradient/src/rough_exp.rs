//! Exponentials for decisions that seldom turn on their last digits: a quarter of the instructions of a whole one.

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

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_core::math;

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
