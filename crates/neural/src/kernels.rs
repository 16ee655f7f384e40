//! The loops that take the time, each compiled for every instruction set.
//!
//! All multiply by register tiles: a few rows by a few blocks of features stay in registers while the inner dimension
//! goes by, in one order, so that a row's numbers depend neither on its neighbours nor on the width of the vectors.
//!
//! A crate for matrix products would not be faster: on shapes of a step, on one core whose FMA peak is 107 GFLOP/s,
//! `gemm` reached 95–105 and `matrixmultiply` 44–104, and these loops about 100. It would leave what goes with a product
//! to a pass of its own, and the order of its sums to the batch.

mod add;
mod backward_softmax;
mod column_sums;
mod multiply;
mod outer;
mod scatter;

pub use add::Add;
pub use backward_softmax::BackwardSoftmax;
pub use column_sums::ColumnSums;
pub use multiply::Multiply;
pub use outer::{Outer, Run};
pub use scatter::Scatter;

/// Gradients below this are taken for 0, so that they do not decay into numbers that the processor is slow with. The
/// greatest coefficient of a batch is scaled to about 1 first.
pub const LEAST: f32 = 1e-24;
