//! Removing what is in the way.

use super::Unwritable;
use std::fs;
use std::io;
use std::path::Path;

/// Removes a file, or a folder with all that is in it. What is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<(), Unwritable> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Unwritable::at(path)(error)),
        _ => Ok(()),
    }
}
