//! The way back through the choices.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "parts of a block are indexed")]

use super::{LEAST, PARTS, fold};
use crate::activation::exp;
use crate::block::{Block, Matrix, WIDTH};
use crate::simd::{Job, Simd};

/// From logits to the gradient at them, in their place: c (δ_token − p), where p is the softmax of a row.
#[derive(Debug)]
pub struct BackwardSoftmax<'a> {
    /// Logits, −∞ for padding.
    pub logits: &'a mut Matrix,
    /// For each row its token and its coefficient c. Where c is 0 the gradient is, whatever the logits.
    pub chosen: &'a [(u32, f32)],
}

impl Job for BackwardSoftmax<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { logits, chosen } = self;
        let (stride, end) = (logits.rows, logits.data.len());
        for (row, &(token, coefficient)) in chosen.iter().enumerate() {
            if coefficient == 0.0 {
                for at in (row..end).step_by(stride) {
                    logits.data[at] = Block::ZERO;
                }
                continue;
            }
            let mut greatest = [simd.splat(f32::NEG_INFINITY); PARTS];
            for at in (row..end).step_by(stride) {
                for part in 0..WIDTH / S::LANES {
                    greatest[part] = simd.max(simd.load(&logits.data[at], part), greatest[part]);
                }
            }
            let greatest = fold(simd, greatest, |a, b| simd.max(a, b));
            let mut sums = [simd.splat(0.0); PARTS];
            for at in (row..end).step_by(stride) {
                for part in 0..WIDTH / S::LANES {
                    let shifted = simd.sub(simd.load(&logits.data[at], part), greatest);
                    // NaN stays.
                    let e = exp(simd, simd.max(simd.splat(-87.0), shifted));
                    sums[part] = simd.add(sums[part], e);
                    simd.store(e, &mut logits.data[at], part);
                }
            }
            let sum = fold(simd, sums, |a, b| simd.add(a, b));
            let factor = simd.div(simd.splat(-coefficient), sum);
            for at in (row..end).step_by(stride) {
                for part in 0..WIDTH / S::LANES {
                    let g = simd.mul(simd.load(&logits.data[at], part), factor);
                    simd.store(simd.flush(g, LEAST), &mut logits.data[at], part);
                }
            }
            let token = token as usize;
            logits.data[token / WIDTH * stride + row].0[token % WIDTH] += coefficient;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::TILE;
    use crate::simd::InstructionSet;

    const CHOICES: usize = 19;

    /// Logits of a tile, some of them hopeless.
    fn logits() -> Matrix {
        let mut logits = Matrix::new(2, TILE);
        for row in 0..TILE {
            for choice in 0..2 * WIDTH {
                let wave = ((choice * TILE + row) as f32 * 1.7).sin() * 60.0;
                let x = if choice < CHOICES { wave } else { f32::NEG_INFINITY };
                logits.rows_mut(choice / WIDTH, row, 1)[0].0[choice % WIDTH] = x;
            }
        }
        logits
    }

    fn value(matrix: &Matrix, row: usize, choice: usize) -> f32 {
        matrix.rows(choice / WIDTH, row, 1)[0].0[choice % WIDTH]
    }

    fn gradient(set: InstructionSet, mut logits: Matrix, chosen: &[(u32, f32)]) -> Matrix {
        set.run(BackwardSoftmax { logits: &mut logits, chosen });
        logits
    }

    #[test]
    fn the_gradient_is_that_of_the_log_probability() {
        let chosen = [(0, 1.0), (18, -0.5), (15, 1e-3), (16, 1.0), (3, 0.0), (7, 2.0), (9, -1.0), (12, 0.25)];
        let before = logits();
        let widest = gradient(InstructionSet::detect(), logits(), &chosen);
        for set in InstructionSet::available() {
            let found = gradient(set, logits(), &chosen);
            if set.rounding() == InstructionSet::detect().rounding() {
                assert_eq!(found.data, widest.data, "{set:?}");
            }
            for (row, &(token, coefficient)) in chosen.iter().enumerate() {
                let exp = |choice: usize| f64::from(value(&before, row, choice)).exp();
                let sum: f64 = (0..CHOICES).map(exp).sum();
                for choice in 0..CHOICES {
                    let indicator = f64::from(u8::from(choice == token as usize));
                    let expected = f64::from(coefficient) * (indicator - exp(choice) / sum);
                    let error = (f64::from(value(&found, row, choice)) - expected).abs();
                    assert!(
                        error <= 3e-7 * f64::from(coefficient.abs()),
                        "{set:?} {row} {choice}: {error:e}"
                    );
                }
                assert!((CHOICES..2 * WIDTH).all(|padding| value(&found, row, padding) == 0.0));
            }
        }
    }

    #[test]
    fn one_logit_that_is_no_finite_number_spoils_its_row_unless_that_has_no_coefficient() {
        for set in InstructionSet::available() {
            for bad in [f32::NAN, f32::INFINITY] {
                let mut spoilt = logits();
                for row in [2, 5] {
                    spoilt.rows_mut(0, row, 1)[0].0[4] = bad;
                }
                let mut chosen = [(1, 0.5); TILE];
                chosen[5].1 = 0.0;
                let found = gradient(set, spoilt, &chosen);
                for row in 0..TILE {
                    let spoils = (0..CHOICES).all(|choice| value(&found, row, choice).is_nan());
                    let finite = (0..CHOICES).all(|choice| value(&found, row, choice).is_finite());
                    assert_eq!((spoils, finite), (row == 2, row != 2), "{set:?} {bad} {row}");
                }
            }
        }
    }
}
