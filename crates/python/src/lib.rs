//! The Rust side of the Python package `pstar`: what its Python files wrap, checked and documented there.

#![allow(
    clippy::needless_pass_by_value,
    clippy::type_complexity,
    reason = "arguments of Python are handed over; its answers are tuples"
)]

mod background;
mod columns;
mod component;
mod exact;
mod failure;
mod load;
mod math;
mod objective;
mod placing;
mod plugins;
mod probe;
mod program;
mod refusal;
mod registry;
mod run;

use pyo3::prelude::*;

/// The native half of `pstar`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::columns::lengths_of;
    #[pymodule_export]
    use super::exact::{exact, optimum};
    #[pymodule_export]
    use super::failure::PstarError;
    #[pymodule_export]
    use super::load::{Record, load};
    #[pymodule_export]
    use super::math::{exp, log};
    #[pymodule_export]
    use super::objective::Objective;
    #[pymodule_export]
    use super::plugins::plugins;
    #[pymodule_export]
    use super::probe::probe;
    #[pymodule_export]
    use super::program::{begin, main};
    #[pymodule_export]
    use super::run::{run, stop_runs};
}
