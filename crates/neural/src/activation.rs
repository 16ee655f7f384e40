//! Sigmoid, tanh, SiLU and GELU, without the branches and the calls that keep a loop from becoming vector instructions.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use crate::simd::Simd;

/// 1.5·2^23: adding it rounds a number of magnitude below 2^22 to a whole one.
const SHIFT: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// (e^r − 1 − r) / r² on |r| ≤ ln 2 / 2, highest power first. From Cephes (Moshier 1989), `expf`.
const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

/// e^x for x in [−87, 87], with a relative error below 1.5·10⁻⁷.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::V) -> S::V {
    let shifted = simd.fma(x, simd.splat(std::f32::consts::LOG2_E), simd.splat(SHIFT));
    let n = simd.sub(shifted, simd.splat(SHIFT));
    let r = simd.fma(n, simd.splat(-LN_2[0]), x);
    let r = simd.fma(n, simd.splat(-LN_2[1]), r);
    let mut p = simd.splat(EXP[0]);
    for &coefficient in &EXP[1..] {
        p = simd.fma(p, r, simd.splat(coefficient));
    }
    let p = simd.fma(simd.mul(p, r), r, simd.add(r, simd.splat(1.0)));
    simd.scale(p, shifted)
}

/// 1 / (1 + e^−x), with a relative error below 3·10⁻⁷ for x ≥ −87; below, it stays at e^−87 ≈ 1.6·10⁻³⁸.
#[inline(always)]
pub fn sigmoid<S: Simd>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(1.0);
    let negated = simd.clamp(simd.sub(simd.splat(0.0), x), -87.0, 87.0);
    simd.div(one, simd.add(one, exp(simd, negated)))
}

/// x σ(x) and its derivative σ(x) + x σ(x) (1 − σ(x)).
#[inline(always)]
pub fn silu<S: Simd>(simd: S, x: S::V) -> (S::V, S::V) {
    let sigmoid = sigmoid(simd, x);
    let value = simd.mul(x, sigmoid);
    (value, simd.fma(value, simd.sub(simd.splat(1.0), sigmoid), sigmoid))
}

/// √(8/π), and the weight of x³ beside x.
const GELU: [f32; 2] = [1.595_769_2, 0.044_715];

/// x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 and its derivative: x σ(u) with u = √(8/π) (x + 0.044715 x³).
///
/// # Source
/// Hendrycks and Gimpel (2016), *Gaussian Error Linear Units*, in its tanh form.
#[inline(always)]
pub fn gelu<S: Simd>(simd: S, x: S::V) -> (S::V, S::V) {
    let square = simd.mul(x, x);
    let factor = simd.fma(simd.splat(GELU[0] * GELU[1]), square, simd.splat(GELU[0]));
    let slope = simd.fma(simd.splat(3.0 * GELU[0] * GELU[1]), square, simd.splat(GELU[0]));
    let sigmoid = sigmoid(simd, simd.mul(x, factor));
    let value = simd.mul(x, sigmoid);
    let rest = simd.mul(value, simd.sub(simd.splat(1.0), sigmoid));
    (value, simd.fma(rest, slope, sigmoid))
}

/// Beyond this magnitude tanh is ±1 to within half a unit in the last place or so.
const TANH_BOUND: f32 = 7.905_311;
/// Odd powers 13 to 1 of the numerator.
const NUMERATOR: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297e-8,
    1.485_722_4e-5,
    6.372_619e-4,
    4.893_524_6e-3,
];
/// Even powers 6 to 0 of the denominator.
const DENOMINATOR: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];

/// The hyperbolic tangent, with a relative error below 4·10⁻⁷; where |x| < 10⁻³⁰, an absolute one below 4·10⁻³⁷.
///
/// # Source
/// The rational approximation of Eigen (`generic_fast_tanh_float`).
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::V) -> S::V {
    let x = simd.clamp(x, -TANH_BOUND, TANH_BOUND);
    let square = simd.mul(x, x);
    let mut above = simd.splat(NUMERATOR[0]);
    for &coefficient in &NUMERATOR[1..] {
        above = simd.fma(above, square, simd.splat(coefficient));
    }
    let mut below = simd.splat(DENOMINATOR[0]);
    for &coefficient in &DENOMINATOR[1..] {
        below = simd.fma(below, square, simd.splat(coefficient));
    }
    simd.div(simd.mul(x, above), below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Block, WIDTH};
    use crate::simd::{InstructionSet, Job};

    struct All<'a>(&'a Block, &'a mut [Block; 3]);

    impl Job for All<'_> {
        #[inline(always)]
        fn run<S: Simd, const ROWS: usize>(self, simd: S) {
            for part in 0..WIDTH / S::LANES {
                let x = simd.load(self.0, part);
                let [s, t, e] = &mut *self.1;
                simd.store(sigmoid(simd, x), s, part);
                simd.store(tanh(simd, x), t, part);
                simd.store(exp(simd, simd.clamp(x, -87.0, 87.0)), e, part);
            }
        }
    }

    /// Sigmoid, tanh, and e^x with x held to [−87, 87].
    fn all(set: InstructionSet, x: &Block) -> [Block; 3] {
        let mut values = [Block::ZERO; 3];
        set.run(All(x, &mut values));
        values
    }

    /// Every sign and exponent with 512 mantissas each, and a fine grid where the functions bend.
    fn arguments() -> Vec<f32> {
        let spread = (0..1 << 17).map(|i: u32| f32::from_bits(i << 15 | i.wrapping_mul(0x9E37) & 0x7FFF));
        let grid = (-800_000..800_000).map(|i| i as f32 * 1.25e-4);
        let edges = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE];
        spread.filter(|x| !x.is_nan()).chain(grid).chain(edges).collect()
    }

    #[test]
    fn the_errors_are_as_stated_over_the_whole_range() {
        for set in InstructionSet::available() {
            let (mut worst_sigmoid, mut worst_tanh, mut worst_exp) = (0.0f64, 0.0f64, 0.0f64);
            for chunk in arguments().chunks(WIDTH) {
                let mut x = Block::ZERO;
                x.0[..chunk.len()].copy_from_slice(chunk);
                let [s, t, e] = all(set, &x);
                for i in 0..WIDTH {
                    let exact = f64::from(x.0[i]);
                    let sigmoid = 1.0 / (1.0 + (-exact.max(-87.0)).exp());
                    worst_sigmoid = worst_sigmoid.max((f64::from(s.0[i]) / sigmoid - 1.0).abs());
                    let exponential = exact.clamp(-87.0, 87.0).exp();
                    worst_exp = worst_exp.max((f64::from(e.0[i]) / exponential - 1.0).abs());
                    // Products of the least numbers lose bits; what is asked there is an absolute error.
                    let error = (f64::from(t.0[i]) - exact.tanh()).abs();
                    worst_tanh = worst_tanh.max(error / exact.tanh().abs().max(1e-30));
                    assert!(s.0[i] >= 0.0 && s.0[i] <= 1.0 && t.0[i].abs() <= 1.0, "{}", x.0[i]);
                }
            }
            assert!(
                worst_sigmoid < 3e-7 && worst_tanh < 4e-7 && worst_exp < 1.5e-7,
                "{set:?}: {worst_sigmoid:e} {worst_tanh:e} {worst_exp:e}"
            );
        }
    }

    #[test]
    fn fused_instruction_sets_give_the_same_bits() {
        let sets = InstructionSet::available();
        let fused: Vec<_> = sets.iter().filter(|set| set.rounding() == sets[0].rounding()).collect();
        for chunk in arguments().chunks_exact(WIDTH) {
            let x = Block(chunk.try_into().unwrap());
            for &&set in &fused {
                assert_eq!(all(set, &x), all(*fused[0], &x));
            }
        }
    }
}
