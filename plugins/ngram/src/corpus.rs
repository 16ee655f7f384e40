//! Reading a corpus file.

use pstar_core::corpus::{Entry, Format, entries, text};
use pstar_core::{PluginError, Task};

/// Hands every entry of a corpus file to `visit`.
pub(crate) fn read(path: &str, task: &Task, mut visit: impl FnMut(&Entry)) -> Result<(), PluginError> {
    let bytes = task.read(path).map_err(|error| {
        let full = task.directory.join(path);
        let message = format!("the corpus `{}` cannot be read: {error}", full.display());
        PluginError::config("corpus", message).with_hint("relative paths start at the experiment file")
    })?;
    let fault = |error| PluginError::config("corpus", format!("corpus `{path}`, {error}"));
    let mut empty = true;
    for entry in entries(text(&bytes).map_err(fault)?, Format::of_path(path.as_ref()), &task.alphabet) {
        visit(&entry.map_err(fault)?);
        empty = false;
    }
    if empty {
        return Err(PluginError::config("corpus", format!("the corpus `{path}` is empty")));
    }
    Ok(())
}
