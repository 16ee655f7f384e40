//! Many exponentials at once, each with the bits of [`exp`].
//!
//! Operation by operation the method of `exp` (FreeBSD's `e_exp.c`, in `libm`), without its branches, so that a compiler
//! works on several numbers at a time; no operation is fused, so that the instruction set changes no bit.

use super::exp;

/// Beyond this, results may be subnormal or infinite: those numbers are worked out one by one.
const FAR: f64 = 700.0;

/// Numbers looked at together.
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
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "calls what is compiled for AVX2: twice as fast, the same bits")]
        // SAFETY: the processor was just asked for AVX2.
        return unsafe { with_avx2(values) };
    }
    in_chunks(values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(values: &mut [f64]) {
    in_chunks(values);
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn in_chunks(values: &mut [f64]) {
    let (chunks, rest) = values.as_chunks_mut::<CHUNK>();
    for chunk in chunks {
        one_chunk(chunk);
    }
    if !rest.is_empty() {
        let mut chunk = [0.0; CHUNK];
        chunk[..rest.len()].copy_from_slice(rest);
        one_chunk(&mut chunk);
        rest.copy_from_slice(&chunk[..rest.len()]);
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn one_chunk(chunk: &mut [f64; CHUNK]) {
    let near_all = chunk.iter().fold(true, |all, x| all & (x.abs() <= FAR));
    if !near_all {
        return one_by_one(chunk);
    }
    for x in chunk {
        *x = near(*x);
    }
}

#[cold]
#[inline(never)]
fn one_by_one(values: &mut [f64]) {
    for x in values {
        *x = exp(*x);
    }
}

/// e^x for |x| ≤ [`FAR`].
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn near(x: f64) -> f64 {
    let size = x.abs();
    let sign = 1f64.copysign(x);
    // Rounded towards zero.
    let quotient = INVERSE_LN2 * x + 0.5 * sign;
    let nearest = (quotient + WHOLE) - WHOLE;
    let whole = if nearest.abs() > quotient.abs() { nearest - sign } else { nearest };
    let k = if size >= SEVERAL { whole } else { sign };
    let k = if size >= ONE { k } else { 0.0 };
    let (high, low) = (x - k * LN2_HIGH, k * LN2_LOW);
    let rest = high - low;
    let square = rest * rest;
    let c = rest - square * (P[0] + square * (P[1] + square * (P[2] + square * (P[3] + square * P[4]))));
    let y = 1.0 + (rest * c / (2.0 - c) - low + high);
    let y = if size >= SQUARED { y } else { 1.0 + x };
    // A power of two from its exponent: neither y nor the product is subnormal, so that nothing is rounded.
    y * f64::from_bits(((k + WHOLE).to_bits().wrapping_add(1023)) << 52)
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
        values.extend([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
        let mut avx2 = values.clone();
        let mut portable = values.clone();
        exp_all(&mut avx2);
        in_chunks(&mut portable);
        for ((x, many), plain) in values.iter().zip(avx2).zip(portable) {
            let one = exp(*x);
            assert!(
                one.to_bits() == many.to_bits() || one.is_nan() && many.is_nan(),
                "{x:e}: {one:e} and {many:e}"
            );
            assert!(one.to_bits() == plain.to_bits() || one.is_nan() && plain.is_nan(), "{x:e}");
        }
    }
}
