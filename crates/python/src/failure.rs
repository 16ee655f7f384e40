//! What went wrong, as a Python exception.

use pstar_core::PluginError;
use pstar_host::Failure;
use pstar_report::Screen;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(
    pstar,
    PstarError,
    PyException,
    "What the laboratory refuses or could not do, in the words of its program."
);

/// The exception of a failure: the text that the program would print, its paths never broken into lines.
pub(crate) fn of_failure(failure: &Failure) -> PyErr {
    let screen = Screen { colours: false, columns: Some(10_000) };
    PstarError::new_err(failure.text(screen).trim_end().to_string())
}

/// The exception of a component's error.
pub(crate) fn of_plugin(error: &PluginError) -> PyErr {
    let hint = error.hint.as_ref().map(|hint| format!("\nhelp: {hint}")).unwrap_or_default();
    PstarError::new_err(format!("{error}{hint}"))
}
