//! Sums of outer products: the gradient of a weight matrix.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use crate::block::{Block, Matrix, WIDTH};
use crate::simd::{Job, Simd};

/// Adjacent rows of `a` and the rows of `b` that belong to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First row of a.
    pub a: usize,
    /// First row of b.
    pub b: usize,
    /// Number of rows.
    pub rows: usize,
}

/// Adds Σ aᵀb over the rows of `runs`, in their order, to `sums`.
#[derive(Debug)]
pub struct Outer<'a> {
    /// Its rows.
    pub a: &'a Matrix,
    /// Which blocks of a: the first, and how many.
    pub a_blocks: (usize, usize),
    /// Its rows.
    pub b: &'a Matrix,
    /// Number of blocks of b.
    pub b_blocks: usize,
    /// Which rows belong together.
    pub runs: &'a [Run],
    /// Features of a × features of b.
    pub sums: &'a mut [f64],
}

/// Features of a in a register tile.
const FEATURES: usize = 8;

impl Job for Outer<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let mut block = 0;
        while block + 1 < self.b_blocks {
            self.columns::<S, 2>(simd, block);
            block += 2;
        }
        if block < self.b_blocks {
            self.columns::<S, 1>(simd, block);
        }
    }
}

impl Outer<'_> {
    #[inline(always)]
    fn columns<S: Simd, const BLOCKS: usize>(&mut self, simd: S, block: usize) {
        for a_block in 0..self.a_blocks.1 {
            for part in 0..WIDTH / S::LANES {
                if S::LANES == WIDTH {
                    self.tile::<S, BLOCKS, FEATURES>(simd, block, a_block, part);
                } else {
                    self.tile::<S, BLOCKS, 4>(simd, block, a_block, part);
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const BLOCKS: usize, const COUNT: usize>(
        &mut self,
        simd: S,
        block: usize,
        a_block: usize,
        part: usize,
    ) {
        for first in (0..WIDTH).step_by(COUNT) {
            let mut sums = [[simd.splat(0.0); BLOCKS]; COUNT];
            for run in self.runs {
                let a = self.a.rows(self.a_blocks.0 + a_block, run.a, run.rows);
                let b: [&[Block]; BLOCKS] = std::array::from_fn(|j| self.b.rows(block + j, run.b, run.rows));
                for (row, a) in a.iter().enumerate() {
                    let b: [S::V; BLOCKS] = std::array::from_fn(|j| simd.load(&b[j][row], part));
                    for i in 0..COUNT {
                        let a = simd.splat(a.0[first + i]);
                        for j in 0..BLOCKS {
                            sums[i][j] = simd.fma(a, b[j], sums[i][j]);
                        }
                    }
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                for (j, &sum) in sums.iter().enumerate() {
                    let feature = a_block * WIDTH + first + i;
                    let place = feature * self.b_blocks + block + j;
                    simd.accumulate(sum, &mut self.sums.as_chunks_mut().0[place], part);
                }
            }
        }
    }
}
