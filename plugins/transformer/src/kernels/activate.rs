//! What stands between the two matrices behind attention, and the way back.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use crate::shape::Mlp;
use pstar_neural::activation::{gelu, silu};
use pstar_neural::block::{Matrix, WIDTH};
use pstar_neural::simd::{Job, Simd};

/// From u to gelu(u), or from (g, u) to silu(g) u; what the way back needs takes the place of the arguments.
#[derive(Debug)]
pub(crate) struct Activate<'a> {
    pub(crate) mlp: Mlp,
    /// Blocks of the result.
    pub(crate) inner: usize,
    /// u, or g and behind it u, before; the slopes at them after.
    pub(crate) arguments: &'a mut Matrix,
    /// First row, of both.
    pub(crate) at: usize,
    pub(crate) rows: usize,
    pub(crate) out: &'a mut Matrix,
}

impl Job for Activate<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { mlp, inner, arguments, at, rows, out } = self;
        let stride = arguments.rows;
        for block in 0..inner {
            let values = out.rows_mut(block, at, rows);
            let (first, second) = arguments.data.split_at_mut(inner * stride);
            let first = &mut first[block * stride + at..][..rows];
            match mlp {
                Mlp::Gelu => {
                    for (value, argument) in values.iter_mut().zip(first) {
                        for part in 0..WIDTH / S::LANES {
                            let (y, slope) = gelu(simd, simd.load(argument, part));
                            simd.store(y, value, part);
                            simd.store(slope, argument, part);
                        }
                    }
                }
                Mlp::SwiGlu => {
                    let second = &mut second[block * stride + at..][..rows];
                    for ((value, gate), argument) in values.iter_mut().zip(first).zip(second) {
                        for part in 0..WIDTH / S::LANES {
                            let (y, slope) = silu(simd, simd.load(gate, part));
                            let u = simd.load(argument, part);
                            simd.store(simd.mul(y, u), value, part);
                            simd.store(simd.mul(slope, u), gate, part);
                            simd.store(y, argument, part);
                        }
                    }
                }
            }
        }
    }
}

/// From the gradient at the result to that at the arguments, in place of the slopes.
#[derive(Debug)]
pub(crate) struct BackwardActivate<'a> {
    /// Blocks of the result.
    pub(crate) inner: usize,
    /// The gradient at the result.
    pub(crate) gradient: &'a Matrix,
    /// First row.
    pub(crate) from: usize,
    pub(crate) rows: usize,
    /// Slopes before, the gradient at the arguments after.
    pub(crate) slopes: &'a mut Matrix,
}

impl Job for BackwardActivate<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { inner, gradient, from, rows, slopes } = self;
        let stride = slopes.rows;
        for (block, slopes) in slopes.data.chunks_exact_mut(stride).enumerate() {
            let gradient = gradient.rows(block % inner, from, rows);
            for (slope, gradient) in slopes[from..].iter_mut().zip(gradient) {
                for part in 0..WIDTH / S::LANES {
                    let value = simd.mul(simd.load(slope, part), simd.load(gradient, part));
                    simd.store(value, slope, part);
                }
            }
        }
    }
}
