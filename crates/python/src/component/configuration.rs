//! What experiments configure.

use super::value::Value;
use pstar_core::Field;
use serde::Deserialize;

/// `(import: "module:Class", config: (…), files: […])`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// The class.
    pub(crate) import: String,
    /// What it is made with.
    #[serde(default = "nothing")]
    pub(crate) config: Value,
    /// What else it depends on.
    #[serde(default)]
    pub(crate) files: Vec<String>,
}

fn nothing() -> Value {
    Value::None
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
