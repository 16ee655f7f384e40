//! Sums of values, weighted.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use super::each::each;
use pstar_neural::block::{Block, WIDTH};
use pstar_neural::simd::Simd;

/// Which of the rows of a source are summed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a, const N: usize> {
    /// Tokens × blocks of a head.
    pub(super) rows: [&'a [Block]; N],
    /// Blocks of a head.
    pub(super) stride: usize,
    /// Tokens that are summed.
    pub(super) count: usize,
    /// Where their blocks among the weights begin.
    pub(super) base: usize,
}

/// Adds parts of `BLOCKS` blocks, from `block` on, of the rows of a source, weighted, to sums. With `SAME` all sum the rows
/// of the first one.
#[inline(always)]
pub(super) fn mix<S: Simd, const N: usize, const BLOCKS: usize, const SAME: bool>(
    simd: S,
    weights: &[Block],
    source: &Source<'_, N>,
    (block, part): (usize, usize),
    sums: &mut [[S::V; BLOCKS]; N],
) {
    let &Source { rows, stride, count, base } = source;
    let total = weights.len() / N;
    for first in (0..count).step_by(WIDTH) {
        let weights: [&[f32; WIDTH]; N] = each(|i| &weights[i * total + base + first / WIDTH].0);
        for token in 0..WIDTH.min(count - first) {
            let rows: [&[Block]; N] =
                each(|i| &rows[if SAME { 0 } else { i }][(first + token) * stride + block..][..BLOCKS]);
            for i in 0..N {
                let weight = simd.splat(weights[i][token]);
                for b in 0..BLOCKS {
                    sums[i][b] = simd.fma(weight, simd.load(&rows[i][b], part), sums[i][b]);
                }
            }
        }
    }
}
