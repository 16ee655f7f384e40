//! The loops that take the time, each compiled for every instruction set.
//!
//! All multiply by register tiles: a few rows by a few blocks of features stay in registers while the inner dimension
//! goes by, in one order, so that a row's numbers depend neither on its neighbours nor on the width of the vectors.
//!
//! A crate for matrix products would not be faster: on shapes of a step, on one core whose FMA peak is 107 GFLOP/s,
//! `gemm` reached 95–105 and `matrixmultiply` 44–104, and these loops about 100. It would leave the gates to a pass of
//! their own, and the order of its sums to the batch.

mod add;
mod backward_gates;
mod backward_softmax;
mod cell;
mod column_sums;
mod multiply;
mod outer;
mod project;
mod scatter;

pub(crate) use add::Add;
pub(crate) use backward_gates::BackwardGates;
pub(crate) use backward_softmax::BackwardSoftmax;
pub(crate) use cell::Cell;
pub(crate) use column_sums::ColumnSums;
pub(crate) use multiply::Multiply;
pub(crate) use outer::{Outer, Run};
pub(crate) use project::Project;
pub(crate) use scatter::Scatter;
