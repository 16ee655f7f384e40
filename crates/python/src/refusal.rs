//! Exceptions about what was handed over, which Python's own classes of such exceptions catch as well.

use crate::failure::of_failure;
use pstar_core::ErrorKind;
use pstar_host::Failure;
use pstar_lab::probe::{BatchFault, ProbeError};
use pyo3::prelude::*;

/// Which class of `pstar._errors` an exception is of.
#[derive(Clone, Copy)]
pub(crate) enum Refused {
    /// A name or a configuration.
    Config,
    /// The values or the shape of a column, or a question.
    Batch,
}

/// The exception of a class.
pub(crate) fn refused(py: Python<'_>, class: Refused, message: &str) -> PyErr {
    let name = match class {
        Refused::Config => "ConfigError",
        Refused::Batch => "BatchError",
    };
    let made = py.import("pstar._errors").and_then(|module| module.getattr(name)?.call1((message,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// The exception of what came of a question; the fault of a component is of no class of its own.
pub(crate) fn of_probe(py: Python<'_>, error: ProbeError) -> PyErr {
    let class = match &error {
        ProbeError::Component(error) if error.kind == ErrorKind::Config => Some(Refused::Config),
        ProbeError::Unknown(_) | ProbeError::Unnamed => Some(Refused::Config),
        ProbeError::Batch(BatchFault::Objective(error)) => {
            matches!(error.kind, ErrorKind::Config | ErrorKind::Data).then_some(Refused::Batch)
        }
        ProbeError::Batch(_) | ProbeError::Malformed { .. } => Some(Refused::Batch),
        _ => None,
    };
    of_failure_in(py, class, &error.into())
}

/// The program's words in a class.
pub(crate) fn of_failure_in(py: Python<'_>, class: Option<Refused>, failure: &Failure) -> PyErr {
    let plain = of_failure(failure);
    class.map_or_else(|| plain.clone_ref(py), |class| refused(py, class, &plain.value(py).to_string()))
}
