//! Elementary functions with the same bits on every processor.

use numpy::{PyArray1, PyReadonlyArray1};
use pstar_core::math;
use pyo3::prelude::*;

/// e^x.
#[pyfunction]
pub(crate) fn exp<'py>(py: Python<'py>, x: PyReadonlyArray1<'py, f64>) -> Bound<'py, PyArray1<f64>> {
    PyArray1::from_iter(py, x.as_array().iter().map(|&x| math::exp(x)))
}

/// The natural logarithm.
#[pyfunction]
pub(crate) fn log<'py>(py: Python<'py>, x: PyReadonlyArray1<'py, f64>) -> Bound<'py, PyArray1<f64>> {
    PyArray1::from_iter(py, x.as_array().iter().map(|&x| math::ln(x)))
}
