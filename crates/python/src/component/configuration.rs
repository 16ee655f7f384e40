//! What experiments configure.

use super::value::Value;
use pstar_core::config::{as_written, options};
use pstar_core::{Field, PluginError};
use serde::Deserialize;

/// `(import: "module:Class", config: (…), files: […])`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// The class.
    pub(crate) import: String,
    /// What it is made with.
    #[serde(default = "nothing", deserialize_with = "as_written")]
    config: String,
    /// What else it depends on.
    #[serde(default)]
    pub(crate) files: Vec<String>,
}

fn nothing() -> String {
    "()".into()
}

impl Configuration {
    /// What the class is called with.
    ///
    /// # Errors
    /// If it is nothing that Python has.
    pub(crate) fn value(&self) -> Result<Value, PluginError> {
        let read = options().from_str::<Value>(&self.config);
        read.map_err(|error| PluginError::config("config", error.code.to_string()))
    }
}

/// The fields, as `pstar plugins` shows them.
pub(crate) const FIELDS: &[Field] = &[
    Field::required(
        "import",
        "text",
        "\"module:Class\"",
        "the class, of a module that is looked for in the folder of the experiment, then where Python looks",
    ),
    Field::optional(
        "config",
        "any",
        "struct, map, list, text, number or truth value",
        "()",
        "what the class is called with: a struct or a map by name, anything else as its only argument",
    ),
    Field::optional(
        "files",
        "[text]",
        "paths",
        "[]",
        "files that answers depend on, beside the modules that importing the class reads from the experiment's folder",
    ),
];
