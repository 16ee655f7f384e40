//! The loops that take the time, each compiled for every instruction set.
//!
//! All multiply by register tiles: a few rows by a few blocks of features stay in registers while the inner dimension
//! goes by, in one order, so that a row's numbers depend neither on its neighbours nor on the width of the vectors.
//!
//! A crate for matrix products would not be faster: on shapes of a step, on one core whose FMA peak is 107 GFLOP/s,
//! `gemm` reached 95–105 and `matrixmultiply` 44–104, and these loops about 100. It would leave what goes with a product
//! to a pass of its own, and the order of its sums to the batch.

use crate::block::WIDTH;
use crate::simd::Simd;

mod add;
mod backward_softmax;
mod column_sums;
mod multiply;
mod outer;
mod scatter;

pub use add::Add;
pub use backward_softmax::BackwardSoftmax;
pub use column_sums::ColumnSums;
pub use multiply::{Multiply, Start};
pub use outer::{Outer, Run};
pub use scatter::Scatter;

/// The numbers of the parts of a block put together by `f`, half with half: the result throughout.
#[allow(clippy::inline_always, reason = "part of a kernel")]
#[inline(always)]
pub fn fold<S: Simd>(simd: S, [low, high]: [S::V; PARTS], f: impl Fn(S::V, S::V) -> S::V) -> S::V {
    let x = f(low, if S::LANES == WIDTH { simd.turn::<8>(low) } else { high });
    let x = f(x, simd.turn::<4>(x));
    let x = f(x, simd.turn::<2>(x));
    f(x, simd.turn::<1>(x))
}

/// Greatest number of parts of a block.
pub const PARTS: usize = 2;

/// Gradients below this are taken for 0, so that they do not decay into numbers that the processor is slow with. The
/// greatest coefficient of a batch is scaled to about 1 first.
pub const LEAST: f32 = 1e-24;
