//! Bringing rows to one size, and the way back.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use crate::shape::Norm;
use pstar_neural::block::{Block, Matrix, WIDTH};
use pstar_neural::kernels::{LEAST, PARTS, fold};
use pstar_neural::simd::{Job, Simd};

/// x̂ = (x − mean) / √(variance + ε), or x / √(mean square + ε); gain and bias belong to what reads it.
///
/// Variance and mean square are sums divided by the width.
#[derive(Debug)]
pub(crate) struct Normalise<'a> {
    pub(crate) norm: Norm,
    pub(crate) epsilon: f32,
    /// Numbers of a row; those that pad it are 0 before and after.
    pub(crate) width: usize,
    pub(crate) x: &'a Matrix,
    /// First row of x.
    pub(crate) from: usize,
    pub(crate) rows: usize,
    /// x̂.
    pub(crate) out: &'a mut Matrix,
    /// First row of x̂.
    pub(crate) to: usize,
    /// For each row of x̂ from the first one on what x was multiplied by.
    pub(crate) scales: &'a mut [f32],
}

/// The sum of all numbers of a row, of which `term` gives the parts of the blocks.
#[inline(always)]
fn sum_of<S: Simd>(simd: S, blocks: usize, term: impl Fn(usize, usize) -> S::V) -> f32 {
    let mut sums = [simd.splat(0.0); PARTS];
    for block in 0..blocks {
        for (part, sum) in sums.iter_mut().enumerate().take(WIDTH / S::LANES) {
            *sum = simd.add(*sum, term(block, part));
        }
    }
    let mut total = Block::ZERO;
    simd.store(fold(simd, sums, |a, b| simd.add(a, b)), &mut total, 0);
    total.0[0]
}

/// For each number of the last block 1, and 0 for those that pad it.
pub(super) fn mask(width: usize) -> Block {
    Block(std::array::from_fn(|i| f32::from(u8::from(i < (width - 1) % WIDTH + 1))))
}

impl Job for Normalise<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { norm, epsilon, width, x, from, rows, out, to, scales } = self;
        let (blocks, mask) = (width.div_ceil(WIDTH), mask(width));
        let share = 1.0 / width as f32;
        for row in 0..rows {
            let at = |block: usize, part: usize| simd.load(&x.data[block * x.rows + from + row], part);
            let mean = match norm {
                Norm::Layer => sum_of(simd, blocks, at) * share,
                Norm::Rms => 0.0,
            };
            let mean = simd.splat(mean);
            let centred = |block: usize, part: usize| {
                let x = simd.sub(at(block, part), mean);
                if block + 1 == blocks { simd.mul(x, simd.load(&mask, part)) } else { x }
            };
            let square = |block: usize, part: usize| {
                let x = centred(block, part);
                simd.mul(x, x)
            };
            let scale = 1.0 / (sum_of(simd, blocks, square) * share + epsilon).sqrt();
            scales[to + row] = scale;
            let scale = simd.splat(scale);
            for block in 0..blocks {
                for part in 0..WIDTH / S::LANES {
                    let value = simd.mul(centred(block, part), scale);
                    simd.store(value, &mut out.data[block * out.rows + to + row], part);
                }
            }
        }
    }
}

/// Adds the gradient at x to δ: scale (g − mean(g) − x̂ mean(g x̂)), where g is that at x̂; without mean(g) for RMSNorm.
#[derive(Debug)]
pub(crate) struct BackwardNormalise<'a> {
    pub(crate) norm: Norm,
    pub(crate) width: usize,
    /// Gradient at x̂.
    pub(crate) gradient: &'a Matrix,
    /// x̂.
    pub(crate) normalised: &'a Matrix,
    pub(crate) scales: &'a [f32],
    /// Number of rows, from the first of each matrix on.
    pub(crate) rows: usize,
    /// δ.
    pub(crate) out: &'a mut Matrix,
}

impl Job for BackwardNormalise<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { norm, width, gradient, normalised, scales, rows, out } = self;
        let (blocks, mask) = (width.div_ceil(WIDTH), mask(width));
        let share = 1.0 / width as f32;
        for (row, &scale) in scales.iter().enumerate().take(rows) {
            let g = |block: usize, part: usize| simd.load(&gradient.data[block * gradient.rows + row], part);
            let x =
                |block: usize, part: usize| simd.load(&normalised.data[block * normalised.rows + row], part);
            let mean = match norm {
                Norm::Layer => sum_of(simd, blocks, g) * share,
                Norm::Rms => 0.0,
            };
            let along = sum_of(simd, blocks, |block, part| simd.mul(g(block, part), x(block, part))) * share;
            let (mean, along, scale) = (simd.splat(mean), simd.splat(-along), simd.splat(scale));
            for block in 0..blocks {
                for part in 0..WIDTH / S::LANES {
                    let mut value = simd.sub(g(block, part), mean);
                    if block + 1 == blocks {
                        value = simd.mul(value, simd.load(&mask, part));
                    }
                    let value = simd.fma(x(block, part), along, value);
                    let delta = &mut out.data[block * out.rows + row];
                    let sum = simd.fma(value, scale, simd.load(delta, part));
                    simd.store(simd.flush(sum, LEAST), delta, part);
                }
            }
        }
    }
}
