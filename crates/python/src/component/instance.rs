//! An object of a class that a configuration names.

use super::class::{class, directory};
use super::configuration::Configuration;
use super::value::{Value, named};
use super::{raised, value};
use pstar_core::{PluginError, Task, shown};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// An object of Python's that is asked in a component's place.
#[derive(Debug)]
pub(crate) struct Instance {
    object: Py<PyAny>,
    /// `module:Class`.
    pub(crate) name: String,
    /// The folder of the experiment.
    pub(crate) directory: PathBuf,
}

impl Instance {
    /// Makes the object that a configuration names.
    ///
    /// # Errors
    /// If there is no such class, or it refuses what it is called with.
    pub(crate) fn new(
        py: Python<'_>,
        configuration: &Configuration,
        task: &Task,
    ) -> Result<Self, PluginError> {
        let value = configuration.value()?;
        let class = class(py, configuration, task)?;
        let (name, directory) = (shown(&configuration.import), directory(task));
        let object = made(&class, &value).map_err(|error| {
            raised::refusal(py, "config", &format!("`{name}` refuses it"), &error, &directory)
        })?;
        Ok(Self { object: object.unbind(), name, directory })
    }

    /// The object.
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.object.bind(py)
    }

    /// Whether it has a method.
    pub(crate) fn has(&self, py: Python<'_>, method: &str) -> bool {
        let found = self.object(py).getattr_opt(method);
        found.is_ok_and(|found| found.is_some_and(|found| found.is_callable()))
    }

    /// A method, as messages name it.
    pub(crate) fn named(&self, method: &str) -> String {
        format!("`{method}` of `{}`", self.name)
    }

    /// The failure of a method that raised.
    pub(crate) fn failure(&self, py: Python<'_>, method: &str, error: &PyErr) -> PluginError {
        raised::failure(py, &self.named(method), error, &self.directory)
    }

    /// What went wrong in a method, in a sentence, and where.
    pub(crate) fn sentence(&self, py: Python<'_>, method: &str, error: &PyErr) -> String {
        let short = raised::in_short(py, error);
        let place = raised::place(py, error, &self.directory);
        let place = place.map(|place| format!(" at {place}")).unwrap_or_default();
        format!("{} raised `{short}`{place}", self.named(method))
    }

    /// That an object is no component of a kind, and what one has.
    pub(crate) fn unfit(&self, what: &str, hint: &str) -> PluginError {
        PluginError::config("import", format!("`{}` {what}", self.name)).with_hint(hint)
    }

    /// Another reference to the object.
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { object: self.object.clone_ref(py), name: self.name.clone(), directory: self.directory.clone() }
    }
}

/// The object that a class makes of a configuration.
fn made<'py>(class: &Bound<'py, PyAny>, config: &Value) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    match config {
        value::Value::None => class.call0(),
        Value::Named(values) => {
            let arguments: Bound<'py, PyDict> = named(py, values)?;
            class.call((), Some(&arguments))
        }
        other => class.call1((other.object(py)?,)),
    }
}
