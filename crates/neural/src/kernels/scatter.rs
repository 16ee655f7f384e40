//! Sums over the rows that share a token: the gradient at the first layer's inputs.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use crate::block::{Block, Matrix, WIDTH};
use crate::simd::{Job, Simd};

/// Adds each row of the first blocks of x to the row of its token.
#[derive(Debug)]
pub struct Scatter<'a> {
    /// x.
    pub x: &'a Matrix,
    /// One for each row.
    pub tokens: &'a [u32],
    /// Blocks × `count` tokens.
    pub out: &'a mut [Block],
    /// Number of tokens that there is room for.
    pub count: usize,
}

/// Blocks of a row that are added together.
const TOGETHER: usize = 4;

impl Job for Scatter<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        // Some blocks of a row before the next row, whose token may be the same: its sums need not wait.
        for (group, sums) in self.out.chunks_mut(TOGETHER * self.count).enumerate() {
            for (row, &token) in self.tokens.iter().enumerate() {
                for (i, sums) in sums.chunks_exact_mut(self.count).enumerate() {
                    let x = &self.x.rows(group * TOGETHER + i, row, 1)[0];
                    let sum = &mut sums[token as usize];
                    for part in 0..WIDTH / S::LANES {
                        simd.store(simd.add(simd.load(sum, part), simd.load(x, part)), sum, part);
                    }
                }
            }
        }
    }
}
