//! The bytes of a model's files.

use pstar_core::files::{MOST_BYTES, ReadError, read_regular};
use pstar_core::{PluginError, Task};

/// Greatest size of a file: 4 GiB.
const MOST_OF_A_MODEL: u64 = 1 << 32;

/// Reads a file that `load` names or that is in the folder it names, once and whole.
///
/// # Errors
/// Of kind [`Config`](pstar_core::ErrorKind::Config), at `load`.
pub(super) fn read(path: &str, task: &Task) -> Result<Vec<u8>, PluginError> {
    let read = match task.read(path) {
        // Published models are larger than the files that components read otherwise; the host hashes them itself.
        Err(ReadError::TooLarge { limit: MOST_BYTES, .. }) => {
            read_regular(&task.resolve(path), MOST_OF_A_MODEL)
        }
        read => read,
    };
    read.map_err(|error| {
        let full = task.directory.join(path);
        let message = format!("the file `{}` cannot be read: {error}", full.display());
        PluginError::config("load", message).with_hint(
            "name a folder with `config.json` and `model.safetensors`, or a file `.safetensors` that this plugin wrote; \
             relative paths start at the experiment file",
        )
    })
}
