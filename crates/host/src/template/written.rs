//! A folder that is there whole, or not at all.

use std::io;
use std::path::{Path, PathBuf};
use std::{fs, process};

/// Writes files into a new folder, which appears under its name when all of them are there.
///
/// # Errors
/// If the folder exists, or cannot be written: nothing is left of it then.
pub(crate) fn write_new(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    if fs::symlink_metadata(folder).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let half = beside(folder);
    let written = fill(&half, files).and_then(|()| fs::rename(&half, folder));
    if written.is_err() {
        // Of a folder that could not be made there is nothing to remove.
        let _ = fs::remove_dir_all(&half);
    }
    written
}

/// A name beside a folder's that nobody else uses.
fn beside(folder: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(folder.file_name().unwrap_or_default());
    name.push(format!(".{}", process::id()));
    folder.with_file_name(name)
}

fn fill(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}
