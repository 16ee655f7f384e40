//! The loops of a GRU, beside those of [`pstar_neural::kernels`].

mod backward_gates;
mod cell;
mod project;

pub(crate) use backward_gates::BackwardGates;
pub(crate) use cell::Cell;
pub(crate) use project::Project;
