//! The product of rows with a matrix.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use crate::block::{Block, Matrix, TILE, WIDTH};
use crate::simd::{Job, Simd};

/// Where the sums of a product start.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// At 0.
    Zero,
    /// One block for each of out.
    Bias(&'a [Block]),
    /// What out holds.
    Out,
    /// What out holds, and one block for each of out.
    OutAndBias(&'a [Block]),
}

/// out = start + x·W, where `start` is a bias, what `out` holds, or their sum.
#[derive(Debug)]
pub struct Multiply<'a> {
    /// x, of which the blocks from `first_block` on are read.
    pub x: &'a Matrix,
    /// First block of the inner dimension in x.
    pub first_block: usize,
    /// First row of x.
    pub from: usize,
    /// Number of rows, a multiple of [`TILE`](crate::block::TILE).
    pub rows: usize,
    /// W: blocks of out × inner features.
    pub weights: &'a [Block],
    /// Where the sums start.
    pub start: Start<'a>,
    /// The product.
    pub out: &'a mut Matrix,
    /// First row of out.
    pub to: usize,
    /// Number of blocks of out.
    pub out_blocks: usize,
}

impl Job for Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let (first, to, rows) = (self.from, self.to, self.rows);
        let slice = (SLICE * self.out_blocks / self.weights.len().max(1)).max(1) * TILE;
        for start in (0..rows).step_by(slice) {
            (self.from, self.to, self.rows) = (first + start, to + start, slice.min(rows - start));
            let mut block = 0;
            while block + 1 < self.out_blocks {
                self.columns::<S, ROWS, 2>(simd, block);
                block += 2;
            }
            if block < self.out_blocks {
                self.columns::<S, ROWS, 1>(simd, block);
            }
        }
    }
}

/// Inner features that are worked off before the next ones: as many as keep two blocks of their weights in the first cache.
const DEPTH: usize = 256;

/// Numbers of x in a tile's row that pass all blocks of out before the next rows do: with all rows of a tile 512 KiB, which
/// stay in the second cache.
const SLICE: usize = (1 << 17) / TILE;

impl Multiply<'_> {
    /// `BLOCKS` blocks of out, from `block` on.
    #[inline(always)]
    fn columns<S: Simd, const ROWS: usize, const BLOCKS: usize>(&mut self, simd: S, block: usize) {
        let Self { x, first_block, from, rows, weights, start, to, out_blocks, .. } = *self;
        let inner = weights.len() / out_blocks;
        let stride = self.out.rows;
        let mut columns = self.out.data[block * stride..].chunks_exact_mut(stride);
        let mut columns: [&mut [Block]; BLOCKS] =
            std::array::from_fn(|_| &mut columns.next().expect("a block of out")[to..][..rows]);
        for first in (0..inner).step_by(DEPTH) {
            let depth = DEPTH.min(inner - first);
            let panels: [&[Block]; BLOCKS] =
                std::array::from_fn(|j| &weights[(block + j) * inner + first..][..depth]);
            let source = first_block + first / WIDTH;
            for tile in (0..rows).step_by(ROWS) {
                let outs = columns.each_mut().map(|column| {
                    let rows: &mut [Block; ROWS] =
                        (&mut column[tile..][..ROWS]).try_into().expect("a tile of rows");
                    rows
                });
                for part in 0..WIDTH / S::LANES {
                    let mut sums = [[simd.splat(0.0); BLOCKS]; ROWS];
                    for j in 0..BLOCKS {
                        for row in 0..ROWS {
                            let held = simd.load(&outs[j][row], part);
                            sums[row][j] = match start {
                                _ if first > 0 => held,
                                Start::Zero => simd.splat(0.0),
                                Start::Bias(bias) => simd.load(&bias[block + j], part),
                                Start::Out => held,
                                Start::OutAndBias(bias) => simd.add(held, simd.load(&bias[block + j], part)),
                            };
                        }
                    }
                    for k in 0..depth / WIDTH {
                        let x: &[Block; ROWS] =
                            x.rows(source + k, from + tile, ROWS).try_into().expect("a tile of rows");
                        let panels: [&[Block; WIDTH]; BLOCKS] = std::array::from_fn(|j| {
                            panels[j][k * WIDTH..][..WIDTH].try_into().expect("a block of weights")
                        });
                        for i in 0..WIDTH {
                            let w: [S::V; BLOCKS] = std::array::from_fn(|j| simd.load(&panels[j][i], part));
                            for row in 0..ROWS {
                                let x = simd.splat(x[row].0[i]);
                                for j in 0..BLOCKS {
                                    sums[row][j] = simd.fma(x, w[j], sums[row][j]);
                                }
                            }
                        }
                    }
                    for j in 0..BLOCKS {
                        for row in 0..ROWS {
                            simd.store(sums[row][j], &mut outs[j][row], part);
                        }
                    }
                }
            }
        }
    }
}
