//! Many exponentials at once, each with the bits of [`exp`], and many of e^x − 1.
//!
//! Operation by operation the method of `exp` (FreeBSD's `e_exp.c`, in `libm`), without its branches, so that a compiler
//! works on several numbers at a time; no operation is fused, so that the instruction set changes no bit.

use super::{exp, widest};

/// Beyond this, results may be subnormal or infinite: those numbers are worked out one by one.
const FAR: f64 = 700.0;

/// Numbers looked at together, where there are that many and where there are fewer.
const LARGE_CHUNK: usize = 32;
const CHUNK: usize = 8;

const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
const INVERSE_LN2: f64 = std::f64::consts::LOG2_E;
const P: [f64; 5] = [
    f64::from_bits(0x3fc5_5555_5555_553e),
    f64::from_bits(0xbf66_c16c_16be_bd93),
    f64::from_bits(0x3f11_566a_af25_de2c),
    f64::from_bits(0xbebb_bd41_c5d2_6bf1),
    f64::from_bits(0x3e66_3769_72be_a4d0),
];

/// Added to a number below 2^51, it leaves the nearest whole number in the last bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// The least |x| that are reduced by one ln 2, by several, and that add to 1 with something of their square.
const ONE: f64 = f64::from_bits(0x3fd6_2e43_0000_0000);
const SEVERAL: f64 = f64::from_bits(0x3ff0_a2b2_0000_0000);
const SQUARED: f64 = f64::from_bits(0x3e30_0001_0000_0000);

/// Replaces every x by e^x; the bits are those of [`exp`].
pub fn exp_all(values: &mut [f64]) {
    all::<Exp>(values);
}

/// Replaces every x by e^x − 1, within 2 units in the last place of it: the bits are not those of
/// [`exp_m1`](super::exp_m1), but the same on every processor.
pub fn exp_m1_all(values: &mut [f64]) {
    all::<ExpM1>(values);
}

/// A function of e^x.
trait Function {
    /// Its value from the parts of x, e^x = 2^k (1 + y).
    fn of_parts(x: f64, k: f64, y: f64) -> f64;

    /// Its value anywhere.
    fn anywhere(x: f64) -> f64;
}

struct Exp;

impl Function for Exp {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn of_parts(x: f64, k: f64, y: f64) -> f64 {
        let y = if x.abs() >= SQUARED { 1.0 + y } else { 1.0 + x };
        // Neither y nor the product is subnormal, so that nothing is rounded.
        y * power_of_two(k)
    }

    fn anywhere(x: f64) -> f64 {
        exp(x)
    }
}

struct ExpM1;

impl Function for ExpM1 {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn of_parts(_: f64, k: f64, y: f64) -> f64 {
        let power = power_of_two(k);
        power * y + (power - 1.0)
    }

    fn anywhere(x: f64) -> f64 {
        super::exp_m1(x)
    }
}

/// 2^k from its exponent.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits(((k + WHOLE).to_bits().wrapping_add(1023)) << 52)
}

fn all<F: Function>(values: &mut [f64]) {
    widest(|| in_chunks::<F>(values));
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn in_chunks<F: Function>(values: &mut [f64]) {
    let (chunks, rest) = values.as_chunks_mut::<LARGE_CHUNK>();
    for chunk in chunks {
        one_chunk::<F, LARGE_CHUNK>(chunk);
    }
    let (chunks, rest) = rest.as_chunks_mut::<CHUNK>();
    for chunk in chunks {
        one_chunk::<F, CHUNK>(chunk);
    }
    if !rest.is_empty() {
        let mut chunk = [0.0; CHUNK];
        chunk[..rest.len()].copy_from_slice(rest);
        one_chunk::<F, CHUNK>(&mut chunk);
        rest.copy_from_slice(&chunk[..rest.len()]);
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn one_chunk<F: Function, const N: usize>(chunk: &mut [f64; N]) {
    let all_below = |bound: f64| chunk.iter().fold(true, |all, x| all & (x.abs() < bound));
    if all_below(ONE) {
        // As logarithms of ratios to what sampled mostly are: nothing to reduce.
        for x in chunk {
            *x = F::of_parts(*x, 0.0, remainder(*x, *x, 0.0));
        }
    } else if all_below(FAR) {
        for x in chunk {
            *x = near::<F>(*x);
        }
    } else {
        one_by_one::<F>(chunk);
    }
}

/// e^rest − 1 for rest = high − low, |rest| ≤ ln 2 / 2.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn remainder(rest: f64, high: f64, low: f64) -> f64 {
    let square = rest * rest;
    let c = rest - square * (P[0] + square * (P[1] + square * (P[2] + square * (P[3] + square * P[4]))));
    rest * c / (2.0 - c) - low + high
}

#[cold]
#[inline(never)]
fn one_by_one<F: Function>(values: &mut [f64]) {
    for x in values {
        *x = F::anywhere(*x);
    }
}

/// The value at |x| < [`FAR`].
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn near<F: Function>(x: f64) -> f64 {
    let size = x.abs();
    let sign = 1f64.copysign(x);
    // Rounded towards zero.
    let quotient = INVERSE_LN2 * x + 0.5 * sign;
    let nearest = (quotient + WHOLE) - WHOLE;
    let whole = if nearest.abs() > quotient.abs() { nearest - sign } else { nearest };
    let k = if size >= SEVERAL { whole } else { sign };
    let k = if size >= ONE { k } else { 0.0 };
    let (high, low) = (x - k * LN2_HIGH, k * LN2_LOW);
    F::of_parts(x, k, remainder(high - low, high, low))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every bit pattern's top half with a bottom half of its own, and all thresholds with their neighbours.
    #[test]
    fn every_bit_is_that_of_one_exponential() {
        let mut values: Vec<f64> = (0..1u64 << 21)
            .map(|n| f64::from_bits((n << 43) | (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 21)))
            .collect();
        // Where results are neither 1 nor out of range, one thousand times as many.
        let fine = (0..2_000_000).map(|n| f64::from(n - 1_000_000) * 7.1e-4 + 1e-9 * f64::from(n % 977));
        values.extend(fine);
        let ln2 = std::f64::consts::LN_2;
        for at in [ONE, SEVERAL, SQUARED, FAR, 708.396, 709.782_712_893_384, 745.133_219_101_941_1] {
            let neighbours = (0..2001u64).map(|n| f64::from_bits(at.to_bits() - 1000 + n));
            values.extend(neighbours.flat_map(|x| [x, -x]));
        }
        for k in -1075..1075 {
            for half in [0.0, 0.5] {
                let at = (f64::from(k) + half) * ln2;
                values.extend(
                    (0..21u64).map(|n| f64::from_bits(at.to_bits().wrapping_sub(10).wrapping_add(n))),
                );
            }
        }
        // Whole chunks without anything to reduce.
        values.extend((0..800_000).map(|n| (f64::from(n) / 400_000.0 - 1.0) * ONE * 0.999_999));
        values.extend((0..1u64 << 17).map(|n| f64::from_bits((n << 43) | n) % 1.0 * 1e-9));
        values.extend([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
        let mut widest = values.clone();
        let mut portable = values.clone();
        exp_all(&mut widest);
        in_chunks::<Exp>(&mut portable);
        for ((x, many), plain) in values.iter().zip(widest).zip(portable) {
            let one = exp(*x);
            assert!(
                one.to_bits() == many.to_bits() || one.is_nan() && many.is_nan(),
                "{x:e}: {one:e} and {many:e}"
            );
            assert!(one.to_bits() == plain.to_bits() || one.is_nan() && plain.is_nan(), "{x:e}");
        }
    }

    /// Against the library's, which is within 1 unit in the last place.
    #[test]
    fn differences_from_one_are_within_two_units() {
        let fine = (0..2_000_000).map(|n| f64::from(n - 1_000_000) * 7.1e-4 + 1e-9 * f64::from(n % 977));
        let small = (0..600_000u64).map(|n| f64::from_bits((n << 43) + (1 << 40)));
        let mut values: Vec<f64> =
            fine.chain(small.flat_map(|x| [x, -x])).filter(|x| x.is_finite()).collect();
        values.extend([0.0, -0.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
        let mut portable = values.clone();
        let mut many = values.clone();
        in_chunks::<ExpM1>(&mut portable);
        exp_m1_all(&mut many);
        for ((x, many), plain) in values.iter().zip(many).zip(portable) {
            let one = crate::math::exp_m1(*x);
            assert!(many.to_bits() == plain.to_bits() || many.is_nan() && plain.is_nan(), "{x:e}");
            let unit = f64::from_bits(one.abs().to_bits() + 1) - one.abs();
            let close = one == many || (one - many).abs() <= 2.0 * unit || one.is_nan() && many.is_nan();
            assert!(close, "{x:e}: {one:e} and {many:e}");
        }
    }
}
