//! Sums over the rows that share a token: the gradient at the first layer's inputs.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use crate::block::{Block, Matrix, WIDTH};
use crate::simd::{Job, Simd};

/// Adds each row of the first blocks of x to the row of its token.
pub(crate) struct Scatter<'a> {
    pub(crate) x: &'a Matrix,
    /// One for each row.
    pub(crate) tokens: &'a [u32],
    /// Blocks × `count` tokens.
    pub(crate) out: &'a mut [Block],
    /// Number of tokens that there is room for.
    pub(crate) count: usize,
}

impl Job for Scatter<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        for (block, sums) in self.out.chunks_exact_mut(self.count).enumerate() {
            for (row, &token) in self.x.rows(block, 0, self.tokens.len()).iter().zip(self.tokens) {
                let sum = &mut sums[token as usize];
                for part in 0..WIDTH / S::LANES {
                    simd.store(simd.add(simd.load(sum, part), simd.load(row, part)), sum, part);
                }
            }
        }
    }
}
