//! Sums over rows: the gradient of a bias.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use crate::block::{Matrix, WIDTH};
use crate::simd::{Job, Simd};

/// Adds the sums of the first blocks of x, over its first `rows` rows, to `out`.
#[derive(Debug)]
pub struct ColumnSums<'a> {
    /// x.
    pub x: &'a Matrix,
    /// A multiple of [`TILE`](crate::block::TILE).
    pub rows: usize,
    /// One number a feature.
    pub out: &'a mut [f64],
}

/// Sums of rows so far apart, so that additions need not wait for one another.
const APART: usize = 4;

impl Job for ColumnSums<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        for (block, out) in self.out.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            for part in 0..WIDTH / S::LANES {
                let mut sums = [simd.splat(0.0); APART];
                for rows in self.x.rows(block, 0, self.rows).as_chunks::<APART>().0 {
                    for i in 0..APART {
                        sums[i] = simd.add(sums[i], simd.load(&rows[i], part));
                    }
                }
                let sum = simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3]));
                simd.accumulate(sum, out, part);
            }
        }
    }
}
