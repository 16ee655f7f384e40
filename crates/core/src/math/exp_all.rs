//! Many exponentials at once, each with the bits of [`exp`], and many of e^x − 1.
//!
//! The method of `exp` (FreeBSD's `e_exp.c`, in `libm`), operation by operation for e^x, without its branches, so that a
//! compiler works on several numbers at a time; no operation is fused, so that the instruction set changes no bit. What a
//! number becomes depends on no other.

use super::{exp, exp_m1};

/// Beyond this, results may be subnormal or infinite: those numbers are worked out one by one.
const FAR: f64 = 700.0;

/// Numbers worked on stage by stage.
const CHUNK: usize = 32;

/// Of fewer, as many as fill the widest vectors.
const LANES: usize = 4;

/// ln 2 in two parts, of which the first times a whole number is exact.
pub(super) const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
pub(super) const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
const INVERSE_LN2: f64 = std::f64::consts::LOG2_E;

/// Of the correction, for |x| ≤ ln 2 / 2.
const P: [f64; 5] = [
    f64::from_bits(0x3fc5_5555_5555_553e),
    f64::from_bits(0xbf66_c16c_16be_bd93),
    f64::from_bits(0x3f11_566a_af25_de2c),
    f64::from_bits(0xbebb_bd41_c5d2_6bf1),
    f64::from_bits(0x3e66_3769_72be_a4d0),
];

/// Below this there is nothing to reduce: a little less than ln 2 / 2.
const NEAR: f64 = 0.346;

/// Added to a number below 2^51, it leaves the nearest whole number in the last bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// The least |x| of which `exp` adds to 1 something of the square.
const SQUARED: f64 = f64::from_bits(0x3e30_0001_0000_0000);

/// How far from a multiple of ln 2, in units of it, `exp` is certain to take that one: where it goes over to the next lies
/// a little beside the halves.
const CERTAIN: f64 = 0.499_999;

/// Replaces every x by e^x; the bits are those of [`exp`].
pub fn exp_all(values: &mut [f64]) {
    crate::vectorised!([values: &mut [f64] = values] { in_chunks::<Exp>(values) });
}

/// Replaces every x by e^x − 1, within 2 units in the last place of it: the bits are not those of
/// [`exp_m1`](super::exp_m1), but the same on every processor, whatever stands beside x.
pub fn exp_m1_all(values: &mut [f64]) {
    crate::vectorised!([values: &mut [f64] = values] { in_chunks::<ExpM1>(values) });
}

/// A function of e^x.
trait Function {
    /// Whether it goes over from one multiple of ln 2 to the next where `exp` does.
    const AS_EXP: bool;

    /// Its value from the parts of x, e^x = 2^k (1 + y).
    fn of_parts(x: f64, k: f64, y: f64) -> f64;

    /// Its value anywhere.
    fn anywhere(x: f64) -> f64;
}

struct Exp;

impl Function for Exp {
    const AS_EXP: bool = true;

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
    const AS_EXP: bool = false;

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn of_parts(_: f64, k: f64, y: f64) -> f64 {
        let power = power_of_two(k);
        power * y + (power - 1.0)
    }

    fn anywhere(x: f64) -> f64 {
        if x.abs() < FAR { near::<Self>(x) } else { exp_m1(x) }
    }
}

/// 2^k from its exponent.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits(((k + WHOLE).to_bits().wrapping_add(1023)) << 52)
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn in_chunks<F: Function>(values: &mut [f64]) {
    let (chunks, rest) = values.as_chunks_mut::<CHUNK>();
    for chunk in chunks {
        in_stages::<F>(chunk);
    }
    let (whole, last) = rest.split_at_mut(rest.len() - rest.len() % LANES);
    let mut padded = [0.0; LANES];
    padded[..last.len()].copy_from_slice(last);
    // In one loop, so that its body is compiled once, for any number of them.
    for few in [whole, &mut padded[..last.len().next_multiple_of(LANES)]] {
        in_turn::<F>(few);
    }
    last.copy_from_slice(&padded[..last.len()]);
}

/// Stage by stage: a processor works on one stage of several numbers at a time, where all stages of one would wait for each
/// other.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn in_stages<F: Function>(chunk: &mut [f64; CHUNK]) {
    let [mut k, mut high, mut low, mut c] = [[0.0; CHUNK]; 4];
    if all_below(chunk, NEAR) {
        for (c, x) in c.iter_mut().zip(&*chunk) {
            *c = correction(*x);
        }
        for (x, c) in chunk.iter_mut().zip(c) {
            *x = unreduced::<F>(*x, c);
        }
        return;
    }
    let mut signs = 0;
    for ((((x, k), high), low), c) in chunk.iter().zip(&mut k).zip(&mut high).zip(&mut low).zip(&mut c) {
        (*k, *high, *low) = reduced(*x);
        *c = *high - *low;
        signs |= doubt::<F>(*x);
    }
    if signs >> 63 != 0 {
        return one_by_one::<F>(chunk);
    }
    for c in &mut c {
        *c = correction(*c);
    }
    for ((((x, k), high), low), c) in chunk.iter_mut().zip(k).zip(high).zip(low).zip(c) {
        *x = F::of_parts(*x, k, remainder([high, low], c));
    }
}

/// Number by number.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn in_turn<F: Function>(few: &mut [f64]) {
    if all_below(few, NEAR) {
        for x in few {
            *x = unreduced::<F>(*x, correction(*x));
        }
        return;
    }
    if few.iter().fold(0, |signs, x| signs | doubt::<F>(*x)) >> 63 != 0 {
        return one_by_one::<F>(few);
    }
    for x in few {
        *x = near::<F>(*x);
    }
}

/// Whether all are below a bound: a difference says it by its sign, for fewer instructions than a comparison.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn all_below(values: &[f64], bound: f64) -> bool {
    values.iter().fold(0, |signs, value| signs | (bound - value.abs()).to_bits()) >> 63 == 0
}

/// A number whose first bit is set if x cannot be worked out with others.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn doubt<F: Function>(x: f64) -> u64 {
    let distance = (INVERSE_LN2 * x - nearest(x)).abs();
    let doubt = if F::AS_EXP { (CERTAIN - distance).to_bits() } else { 0 };
    doubt | (FAR - x.abs()).to_bits()
}

/// The value where nothing is reduced.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn unreduced<F: Function>(x: f64, c: f64) -> f64 {
    F::of_parts(x, 0.0, remainder([x, 0.0], c))
}

/// The value at |x| < [`FAR`].
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn near<F: Function>(x: f64) -> f64 {
    let (k, high, low) = reduced(x);
    F::of_parts(x, k, remainder([high, low], correction(high - low)))
}

/// The multiple of ln 2 that is nearest to x.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn nearest(x: f64) -> f64 {
    (INVERSE_LN2 * x + WHOLE) - WHOLE
}

/// x = k ln 2 + high − low, with k whole.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn reduced(x: f64) -> (f64, f64, f64) {
    let k = nearest(x);
    (k, x - k * LN2_HIGH, k * LN2_LOW)
}

/// c(r) = r + 2 − r coth(r/2), so that e^r = 1 + r + r c/(2 − c).
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn correction(rest: f64) -> f64 {
    let square = rest * rest;
    rest - square * (P[0] + square * (P[1] + square * (P[2] + square * (P[3] + square * P[4]))))
}

/// e^rest − 1 for rest = high − low, from its correction.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn remainder([high, low]: [f64; 2], c: f64) -> f64 {
    (high - low) * c / (2.0 - c) - low + high
}

#[cold]
#[inline(never)]
fn one_by_one<F: Function>(values: &mut [f64]) {
    for x in values {
        *x = F::anywhere(*x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `exp` goes over from no ln 2 to one, and from one to several.
    const ONE: f64 = f64::from_bits(0x3fd6_2e43_0000_0000);
    const SEVERAL: f64 = f64::from_bits(0x3ff0_a2b2_0000_0000);

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
            // Between what is certain and what is not.
            let beside = (0..400).map(|n| (f64::from(k) + 0.5 + 1e-8 * f64::from(n - 200)) * ln2);
            values.extend(beside);
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

    /// Against e^x − 1 in decimal arithmetic of 400 digits, rounded: half a unit more.
    #[test]
    fn differences_from_one_are_those_of_decimal_arithmetic() {
        #[rustfmt::skip]
        let cases = [
            (1e-300, 1e-300),
            (-1e-20, -1e-20),
            (3e-09, 3.000_000_004_5e-09),
            (-0.0001, -9.999_500_016_666_251e-05),
            (0.01, 0.010_050_167_084_168_058),
            (-0.1, -0.095_162_581_964_040_43),
            (0.2, 0.221_402_758_160_169_85),
            (-0.3465, -0.292_841_180_712_728_7),
            (0.34657, 0.414_208_484_959_579_7),
            (0.3466, 0.414_250_911_850_528_65),
            (-0.346_573_590_279_97, -0.292_893_218_813_450_6),
            (0.5, 0.648_721_270_700_128_2),
            (-0.6932, -0.500_026_409_022_566_3),
            (0.7, 1.013_752_707_470_476_4),
            (-1.0397, -0.646_439_265_729_580_9),
            (1.039_720_770_839_91, 1.828_427_124_746_167_9),
            (-1.5, -0.776_869_839_851_570_2),
            (2.0, 6.389_056_098_930_65),
            (-3.3, -0.963_116_832_598_76),
            (5.75, 313.190_660_285_694_2),
            (-8.0, -0.999_664_537_372_097_5),
            (17.5, 39_824_783.397_576_23),
            (-36.0, -0.999_999_999_999_999_8),
            (-40.0, -1.0),
            (100.1, 2.970_828_889_515_807_3e43),
            (-300.0, -1.0),
            (699.9, 9.177_151_136_957_067e303),
        ];
        for (x, expected) in cases {
            let mut found = [x];
            exp_m1_all(&mut found);
            let unit = f64::from_bits(f64::abs(expected).to_bits() + 1) - f64::abs(expected);
            assert!((found[0] - expected).abs() <= 2.5 * unit, "{x:e}: {} and {expected}", found[0]);
        }
    }

    /// Whatever stands beside a number, and wherever in a slice it stands.
    #[test]
    fn a_number_becomes_the_same_beside_any_others() {
        let all = [exp_all as fn(&mut [f64]), exp_m1_all];
        let ln2 = std::f64::consts::LN_2;
        let values: Vec<f64> =
            (0..400).map(|n| f64::from(n - 200) * 0.017_33 * ln2).chain([1e-9, 800.0]).collect();
        for function in all {
            for &x in &values {
                let mut alone = [x];
                function(&mut alone);
                for (length, other) in
                    [(32, 0.1), (32, 1.7), (32, 900.0), (45, -0.2), (45, 3.0), (45, 0.5 * ln2)]
                {
                    for place in [0, length / 2, length - 1] {
                        let mut beside = vec![other; length];
                        beside[place] = x;
                        function(&mut beside);
                        assert_eq!(beside[place].to_bits(), alone[0].to_bits(), "{x:e} beside {other}");
                    }
                }
            }
        }
    }
}
