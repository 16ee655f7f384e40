//! The class that a configuration names, and the files that it was read from.

use super::configuration::Configuration;
use super::raised;
use pstar_core::files::sha256;
use pstar_core::{PluginError, Task, shown};
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::path::{Path, PathBuf, absolute};

/// The folder that modules are looked for in first.
pub(crate) fn directory(task: &Task) -> PathBuf {
    let here = if task.directory.as_os_str().is_empty() { Path::new(".") } else { &task.directory };
    // As Python tells paths, so that they can be told apart from others.
    let whole = here.canonicalize().or_else(|_| absolute(here));
    whole.unwrap_or_else(|_| here.to_path_buf())
}

/// The class; the host is told of its files.
pub(crate) fn class<'py>(
    py: Python<'py>,
    configuration: &Configuration,
    task: &Task,
) -> Result<Bound<'py, PyAny>, PluginError> {
    let directory = directory(task);
    let loaded = py
        .import("pstar._imports")
        .and_then(|module| module.call_method1("load", (&directory, &configuration.import)))
        .map_err(|error| not_loaded(py, &error, &directory))?;
    let (class, files): (Bound<'py, PyAny>, Vec<(String, String)>) = loaded.extract().map_err(|error| {
        PluginError::contract(format!("`pstar._imports.load` answered something else: {error}"))
    })?;
    for (path, expected) in &files {
        let found = task.read(path).map(|bytes| sha256(&bytes));
        if !found.is_ok_and(|found| found == *expected) {
            let message = format!("`{}` was changed while it was read", shown(path));
            return Err(PluginError::config("import", message).with_hint("run the same again"));
        }
    }
    for path in &configuration.files {
        if !task.directory.join(path).is_file() {
            let message = format!("`files` names `{}`, which is no regular file", shown(path));
            return Err(PluginError::config("files", message)
                .with_hint("relative paths start at the experiment file"));
        }
        task.resolve(path);
    }
    Ok(class)
}

/// Why there is no class: what `pstar._imports` says, or what a module raised as it was read.
fn not_loaded(py: Python<'_>, error: &PyErr, directory: &Path) -> PluginError {
    let of_ours = error.value(py).getattr("hint");
    match of_ours.and_then(|hint| hint.cast_into::<PyString>().map_err(PyErr::from)) {
        Ok(hint) => {
            let message = error.value(py).str().map(|text| text.to_string_lossy().into_owned());
            PluginError::config("import", message.unwrap_or_default()).with_hint(hint.to_string_lossy())
        }
        Err(_) => raised::refusal(py, "import", "the module cannot be imported", error, directory),
    }
}
