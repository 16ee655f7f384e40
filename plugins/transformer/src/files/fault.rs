//! What is wrong with a file, before it is said which file it is.

use pstar_core::PluginError;

/// The field of an experiment that names files.
const LOAD: &str = "load";

/// What was expected of a file and what was found, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    field: &'static str,
    message: String,
    hint: String,
}

impl Fault {
    /// A fault of a file.
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field: LOAD, message: message.into(), hint: hint.into() }
    }

    /// The same at another field than `load`.
    pub(super) fn at_field(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// The error of a component whose file this is.
    pub(super) fn of_file(self, path: &str) -> PluginError {
        PluginError::config(self.field, format!("file `{path}`: {}", self.message)).with_hint(self.hint)
    }
}

/// At most twelve names in backticks, and how many there are besides.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names.iter().take(MOST).map(|name| format!("`{}`", pstar_core::shown(name)));
    let more = names.len().checked_sub(MOST).filter(|&more| more > 0).map(|more| format!("{more} more"));
    let listed: Vec<String> = shown.chain(more).collect();
    if listed.is_empty() { "none at all".into() } else { listed.join(", ") }
}
