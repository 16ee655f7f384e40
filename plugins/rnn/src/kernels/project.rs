//! W x + b of three gates.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use super::cell::add_products;
use pstar_neural::block::{Block, Matrix, WIDTH};
use pstar_neural::simd::{Job, Simd};

/// What a layer makes of its inputs, before it knows its state: W_ih x + b, for all gates of a number of rows.
pub(crate) struct Project<'a> {
    /// Blocks of hidden units × input features × gates.
    pub(crate) weights: &'a [Block],
    /// Blocks of hidden units × gates.
    pub(crate) bias: &'a [Block],
    /// x.
    pub(crate) x: &'a Matrix,
    /// First row of x.
    pub(crate) from: usize,
    /// Number of rows, a multiple of [`TILE`](pstar_neural::block::TILE).
    pub(crate) rows: usize,
    /// Rows × blocks of hidden units × gates.
    pub(crate) out: &'a mut [Block],
}

impl Job for Project<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let units = self.bias.len() / 3;
        let panel = self.weights.len() / units;
        for (unit, weights) in self.weights.chunks_exact(panel).enumerate() {
            let bias = &self.bias[3 * unit..][..3];
            for tile in (0..self.rows).step_by(ROWS) {
                for part in 0..WIDTH / S::LANES {
                    let mut sums = [std::array::from_fn(|gate| simd.load(&bias[gate], part)); ROWS];
                    for (k, weights) in weights.chunks_exact(3 * WIDTH).enumerate() {
                        let x = self.x.rows(k, self.from + tile, ROWS);
                        add_products::<S, ROWS>(simd, x, weights, part, &mut sums);
                    }
                    for (row, sums) in sums.iter().enumerate() {
                        let out = &mut self.out[((tile + row) * units + unit) * 3..][..3];
                        for (&sum, out) in sums.iter().zip(out) {
                            simd.store(sum, out, part);
                        }
                    }
                }
            }
        }
    }
}
