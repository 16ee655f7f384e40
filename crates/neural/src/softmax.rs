//! The choices at a position: softmax of logits, in `f64`.
//!
//! Logits are `f32`; from there on everything is `f64` and uses no fused operations, so that probabilities sum to 1 to
//! `f64` rounding and depend on the processor through the logits alone. The rows of a tile stand side by side in
//! vectors: sums over choices need no shuffling, and a row's numbers do not depend on its neighbours.
#![allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
#![allow(clippy::needless_range_loop, reason = "a loop over the rows of a tile is a vector instruction")]

use crate::block::{Matrix, TILE, WIDTH};
use pstar_core::math;

/// A number for each row of a tile.
type Row = [f64; TILE];

/// Number of sums over choices that are added up in the end.
const SUMS: usize = 8;

/// The distributions of the rows of a tile.
#[derive(Clone, Debug, Default)]
pub struct Softmax {
    /// For each choice the logits less the greatest one of their row.
    shifted: Vec<Row>,
    /// Their exponentials.
    exps: Vec<Row>,
    sum: Row,
}

impl Softmax {
    /// Memory for a number of choices.
    pub fn new(choices: usize) -> Self {
        let zeros = vec![[0.0; TILE]; choices];
        Self { shifted: zeros.clone(), exps: zeros, sum: [1.0; TILE] }
    }

    /// Takes on the logits of the tile that begins at a row.
    ///
    /// # Panics
    /// Where there is no such tile.
    #[inline(always)]
    pub fn fill(&mut self, logits: &Matrix, row: usize) {
        let mut greatest = [f32::NEG_INFINITY; TILE];
        for (block, shifted) in self.shifted.chunks_mut(WIDTH).enumerate() {
            let rows: &[_; TILE] = logits.rows(block, row, TILE).try_into().expect("a tile of rows");
            for (i, shifted) in shifted.iter_mut().enumerate() {
                for row in 0..TILE {
                    let x = rows[row].0[i];
                    greatest[row] = if x > greatest[row] { x } else { greatest[row] };
                    shifted[row] = f64::from(x);
                }
            }
        }
        let greatest = greatest.map(f64::from);
        // One choice after another goes to one sum after another: fewer roundings pile up than in a single one.
        let mut sums = [[0.0; TILE]; SUMS];
        for (choice, (shifted, exps)) in self.shifted.iter_mut().zip(&mut self.exps).enumerate() {
            let (mut x, mut e) = (*shifted, [0.0; TILE]);
            for row in 0..TILE {
                x[row] -= greatest[row];
            }
            for row in 0..TILE {
                e[row] = exp(x[row]);
            }
            for row in 0..TILE {
                sums[choice % SUMS][row] += e[row];
            }
            (*shifted, *exps) = (x, e);
        }
        for half in [4, 2, 1] {
            for i in 0..half {
                for row in 0..TILE {
                    sums[i][row] += sums[i + half][row];
                }
            }
        }
        self.sum = sums[0];
    }

    /// The log-probability of a choice of a row.
    pub fn log_prob(&self, row: usize, choice: usize) -> f64 {
        self.shifted[choice][row] - math::ln(self.sum[row])
    }

    /// The log-probabilities of all choices of a row.
    pub fn log_probs(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        let log_sum = math::ln(self.sum[row]);
        self.shifted.iter().map(move |shifted| shifted[row] - log_sum)
    }

    /// The choices of uniform numbers, one for each row, by inverse CDF as in [`pstar_core::rng`].
    #[inline(always)]
    pub fn pick(&self, uniforms: &Row) -> [u32; TILE] {
        let mut factor = [1.0; TILE];
        for row in 0..TILE {
            factor[row] /= self.sum[row];
        }
        let (mut cumulative, mut below, mut last) = ([0.0; TILE], [0; TILE], [0; TILE]);
        for (choice, exps) in (0..).zip(&self.exps) {
            for row in 0..TILE {
                let prob = exps[row] * factor[row];
                cumulative[row] += prob;
                below[row] += u32::from(cumulative[row] <= uniforms[row]);
                last[row] = if prob > 0.0 { choice } else { last[row] };
            }
        }
        // Where rounding leaves the sum below 1, no choice of probability 0 is picked.
        for row in 0..TILE {
            below[row] = below[row].min(last[row]);
        }
        below
    }
}

/// 1.5·2^52: adding it rounds to a whole number.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];

/// e^x for x ≤ 0, with a relative error below 10⁻¹⁵; 0 for x below −708; NaN for NaN.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // 1/2!, 1/3!, …, 1/13!.
    const TAYLOR: [f64; 12] = [
        0.5,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let held = if x < -708.0 { -708.0 } else { x };
    let shifted = held * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (held - n * LN_2[0]) - n * LN_2[1];
    // In pairs (Estrin's scheme), so that few operations wait for one another.
    let (r2, pair) = (r * r, |k: usize| TAYLOR[k] + TAYLOR[k + 1] * r);
    let r4 = r2 * r2;
    let four = |k: usize| pair(k) + pair(k + 2) * r2;
    let p = (four(0) + four(4) * r4) + four(8) * (r4 * r4);
    let p = p * r2 + r + 1.0;
    let scaled = f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52));
    if x < -708.0 { 0.0 } else { scaled }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_core::rng::{cumulative, pick};

    #[test]
    fn the_exponential_is_as_accurate_as_stated() {
        for i in 0..2_000_000 {
            let x = -708.0 * f64::from(i) / 2_000_000.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "{x}");
        }
        assert_eq!((exp(0.0), exp(-709.0), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp(f64::NAN).is_nan());
    }

    /// A tile whose rows have these logits.
    fn softmax(logits: &[[f32; TILE]]) -> Softmax {
        let mut matrix = Matrix::new(logits.len().div_ceil(WIDTH), TILE);
        for (choice, rows) in logits.iter().enumerate() {
            for (row, &x) in rows.iter().enumerate() {
                matrix.rows_mut(choice / WIDTH, row, 1)[0].0[choice % WIDTH] = x;
            }
        }
        let mut softmax = Softmax::new(logits.len());
        softmax.fill(&matrix, 0);
        softmax
    }

    /// 19 choices, from likely ones to some of probability 0.
    fn waves() -> Softmax {
        let wave = |choice: usize, row: usize| ((choice * TILE + row) as f32 * 1.7).sin();
        let logits: Vec<_> =
            (0..19).map(|choice| std::array::from_fn(|row| wave(choice, row) * 400.0)).collect();
        softmax(&logits)
    }

    /// The host refuses such log-probabilities, whichever choice is taken.
    #[test]
    fn one_logit_that_is_no_finite_number_spoils_every_choice_of_its_row_alone() {
        for bad in [f32::NAN, f32::INFINITY] {
            for place in [0, 2] {
                let mut logits = [[0.5; TILE], [1.0; TILE], [-0.5; TILE]];
                logits[place][3] = bad;
                let softmax = softmax(&logits);
                assert!(softmax.log_probs(3).all(f64::is_nan), "{bad} at {place}");
                assert!((0..TILE).all(|row| row == 3 || softmax.log_probs(row).all(f64::is_finite)));
            }
        }
    }

    #[test]
    fn probabilities_sum_to_1() {
        let softmax = waves();
        for row in 0..TILE {
            let sum: f64 = softmax.log_probs(row).map(f64::exp).sum();
            assert!((sum - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn choices_are_those_of_the_core() {
        let softmax = waves();
        for i in 0..1000 {
            let uniform =
                (f64::from(i) * 0.618).fract().max(if i == 0 { 1.0 - f64::EPSILON / 2.0 } else { 0.0 });
            let picks = softmax.pick(&[uniform; TILE]);
            for row in 0..TILE {
                let factor = 1.0 / softmax.sum[row];
                let probs: Vec<f64> = softmax.exps.iter().map(|exps| exps[row] * factor).collect();
                let mut sums = vec![0.0; probs.len()];
                cumulative(&probs, &mut sums);
                assert_eq!(picks[row] as usize, pick(&sums, uniform));
            }
        }
    }
}
