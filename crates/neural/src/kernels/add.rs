//! Adding `f32` to `f64`.

use crate::block::{Block, WIDTH};
use crate::simd::{Job, Simd};

/// Adds the numbers of blocks to sums.
#[derive(Debug)]
pub struct Add<'a> {
    /// What is added.
    pub blocks: &'a [Block],
    /// 16 a block.
    pub sums: &'a mut [f64],
}

impl Job for Add<'_> {
    #[allow(clippy::inline_always, reason = "part of a kernel")]
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        for (sums, block) in self.sums.as_chunks_mut::<WIDTH>().0.iter_mut().zip(self.blocks) {
            for part in 0..WIDTH / S::LANES {
                simd.accumulate(simd.load(block, part), sums, part);
            }
        }
    }
}
