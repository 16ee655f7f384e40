//! Products of queries with keys.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use super::each::each;
use crate::keys::Lanes;
use pstar_neural::block::{Block, Matrix, WIDTH};
use pstar_neural::simd::Simd;

/// A head's numbers of some rows of a matrix: left factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<'a, const N: usize> {
    pub(super) x: &'a Matrix,
    /// First block of the head.
    pub(super) first: usize,
    /// Numbers of the head.
    pub(super) size: usize,
    pub(super) rows: [usize; N],
}

/// Products of left factors with all tokens of a source, whose `count` blocks among those of `out` begin at `base`. With
/// `SAME` all meet the tokens of the first one.
#[inline(always)]
pub(super) fn dots<S: Simd, const N: usize, const SAME: bool>(
    simd: S,
    left: &Left<'_, N>,
    lanes: [Lanes<'_>; N],
    (count, base): (usize, usize),
    out: &mut [Block],
) {
    let mut block = 0;
    while block + 1 < count {
        tile::<S, N, 2, SAME>(simd, left, lanes, (block, base), out);
        block += 2;
    }
    if block < count {
        tile::<S, N, 1, SAME>(simd, left, lanes, (block, base), out);
    }
}

/// Those with `BLOCKS` blocks of tokens.
#[inline(always)]
fn tile<S: Simd, const N: usize, const BLOCKS: usize, const SAME: bool>(
    simd: S,
    left: &Left<'_, N>,
    lanes: [Lanes<'_>; N],
    (block, base): (usize, usize),
    out: &mut [Block],
) {
    let &Left { x, first, size, rows } = left;
    let total = out.len() / N;
    for part in 0..WIDTH / S::LANES {
        let mut sums = [[simd.splat(0.0); BLOCKS]; N];
        for start in (0..size).step_by(WIDTH) {
            let count = WIDTH.min(size - start);
            let left: [&[f32; WIDTH]; N] = each(|i| &x.data[(first + start / WIDTH) * x.rows + rows[i]].0);
            let panels: [[&[Block]; BLOCKS]; N] =
                each(|i| each(|b| lanes[if SAME { 0 } else { i }].numbers(block + b, start, count)));
            for j in 0..count {
                let keys: [[S::V; BLOCKS]; N] =
                    each(|i| each(|b| simd.load(&panels[if SAME { 0 } else { i }][b][j], part)));
                for i in 0..N {
                    let factor = simd.splat(left[i][j]);
                    for b in 0..BLOCKS {
                        sums[i][b] = simd.fma(factor, keys[i][b], sums[i][b]);
                    }
                }
            }
        }
        for i in 0..N {
            for b in 0..BLOCKS {
                simd.store(sums[i][b], &mut out[i * total + base + block + b], part);
            }
        }
    }
}
