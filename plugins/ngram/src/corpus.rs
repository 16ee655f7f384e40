//! Reading a corpus file.

use pstar_core::corpus::{Entry, Format, parse};
use pstar_core::{PluginError, Task};

/// The entries of a corpus file.
pub(crate) fn read(path: &str, task: &Task) -> Result<Vec<Entry>, PluginError> {
    let full = task.resolve(path);
    let text = std::fs::read_to_string(&full).map_err(|error| {
        let message = format!("the corpus `{}` cannot be read: {error}", full.display());
        PluginError::config("corpus", message).with_hint("relative paths start at the experiment file")
    })?;
    let entries = parse(&text, Format::of_path(&full), &task.alphabet)
        .map_err(|error| PluginError::config("corpus", format!("corpus `{path}`, {error}")))?;
    if entries.is_empty() {
        return Err(PluginError::config("corpus", format!("the corpus `{path}` is empty")));
    }
    Ok(entries)
}
