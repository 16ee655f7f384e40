//! Logarithms for decisions that seldom turn on their last digits, without branches.

use std::f64::consts::LN_2;

/// What a rough logarithm differs by at most.
pub(crate) const ERROR: f64 = 1e-7;

/// The bits of √½, from which on the fraction of a number is taken.
const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;

/// Added to a whole number below 2^51 in the last bits, it makes that number.
const WHOLE: u64 = 0x4338_0000_0000_0000;

/// ln x to within [`ERROR`], for positive normal x; no number that means anything for others.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(crate) fn rough_ln(x: f64) -> f64 {
    // x = 2^k · fraction, the fraction within √½ and √2.
    let shifted = x.to_bits().wrapping_sub(ROOT_HALF);
    // The exponent, moved up so that no shift has to keep a sign.
    let k = (shifted.wrapping_add(1024 << 52)) >> 52;
    let fraction = f64::from_bits((shifted & ((1 << 52) - 1)).wrapping_add(ROOT_HALF));
    let k = f64::from_bits(WHOLE.wrapping_add(k)) - f64::from_bits(WHOLE) - 1024.0;
    let z = (fraction - 1.0) / (fraction + 1.0);
    let square = z * z;
    let series = 1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0)));
    k * LN_2 + 2.0 * z * series
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_core::math;

    #[test]
    fn it_is_within_its_error() {
        let wide = (-200_000..200_000).map(|n| math::exp(f64::from(n) * 3.5e-3));
        let near = (1..400_000).map(|n| f64::from(n) * 1e-5);
        for x in wide.chain(near) {
            let error = (rough_ln(x) - math::ln(x)).abs();
            assert!(error < 0.95 * ERROR, "{x:e}: {error:e}");
        }
    }
}
