//! What experiments can name.

use crate::refusal::{Refused, of_failure_in};
use crate::registry::registry;
use pstar_host::{Failure, listings};
use pyo3::prelude::*;
use std::path::PathBuf;

/// The components of these names, all if there are none, as JSON.
#[pyfunction]
pub(crate) fn plugins(py: Python<'_>, names: Vec<String>, folders: Vec<PathBuf>) -> PyResult<String> {
    let registry = registry(py, folders)?;
    let listed = py.detach(|| listings(registry, &names));
    let refused = |failure: &Failure| of_failure_in(py, Some(Refused::Config), failure);
    listed.map(|listed| listed["components"].to_string()).map_err(|failure| refused(&failure))
}
