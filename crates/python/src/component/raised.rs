//! What Python raised, as a component's error.

use pstar_core::PluginError;
use pyo3::prelude::*;
use pyo3::types::PyTracebackMethods;
use std::path::Path;

/// The name of an exception's class and its message, on one line.
pub(crate) fn in_short(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map_or_else(|_| "an exception".into(), |name| name.to_string());
    let said =
        error.value(py).str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
    if said.is_empty() { name } else { format!("{name}: {said}") }
}

/// The traceback as Python prints it, without the folder of the experiment, so that the record of a run says the same
/// wherever it is made.
pub(crate) fn in_full(py: Python<'_>, error: &PyErr, directory: &Path) -> String {
    let formatted = py
        .import("traceback")
        .and_then(|module| {
            let told = (error.get_type(py), error.value(py), error.traceback(py));
            module.call_method1("format_exception", told)
        })
        .and_then(|lines| lines.extract::<Vec<String>>());
    let text = formatted.map_or_else(
        |_| error.traceback(py).and_then(|frames| frames.format().ok()).unwrap_or_default(),
        |lines| lines.concat(),
    );
    let folder = format!("{}/", directory.display());
    let text = if directory.as_os_str().is_empty() { text } else { text.replace(&folder, "") };
    text.trim_end().to_string()
}

/// Where it was raised: the last line of the traceback that names a file.
pub(crate) fn place(py: Python<'_>, error: &PyErr, directory: &Path) -> Option<String> {
    let text = in_full(py, error, directory);
    text.lines().rev().map(str::trim).find(|line| line.starts_with("File ")).map(|line| {
        let line = line.strip_prefix("File ").unwrap_or(line);
        line.replace('"', "").replace(", line ", ":")
    })
}

/// The failure of a method that raised.
pub(crate) fn failure(py: Python<'_>, what: &str, error: &PyErr, directory: &Path) -> PluginError {
    let short = in_short(py, error);
    PluginError::data(format!("{what} raised `{short}`\n{}", in_full(py, error, directory)))
}

/// The fault of a configuration that an object refused by raising.
pub(crate) fn refusal(
    py: Python<'_>,
    field: &str,
    what: &str,
    error: &PyErr,
    directory: &Path,
) -> PluginError {
    let refused = PluginError::config(field, format!("{what}: {}", in_short(py, error)));
    match place(py, error, directory) {
        Some(place) => refused.with_hint(format!("raised at {place}")),
        None => refused,
    }
}
