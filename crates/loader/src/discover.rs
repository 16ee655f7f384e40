//! Where plugin files are looked for.

use super::{LoadFailure, trust};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The environment variable with further folders, separated as in `PATH`.
pub const PATH_VARIABLE: &str = "PSTAR_PLUGIN_PATH";

/// Beside the program only files of this stem are plugins; in a named folder every dynamic library is one.
const STEM: &str = "pstar_plugin_";

/// The plugin files, in a fixed order: those that come with the program, `beside` it, in `folders`, and in [`PATH_VARIABLE`]. One file
/// found in several ways is listed once.
///
/// # Errors
/// Every folder that cannot be read, those of `folders` that hold no library, and folders and files that everybody may
/// write to.
pub fn find(beside: Option<&Path>, folders: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<LoadFailure>> {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    if let Some(beside) = beside {
        let plugins = libraries(beside).unwrap_or_default().into_iter().filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.trim_start_matches("lib").starts_with(STEM)
        });
        let plugins: Vec<PathBuf> = plugins.collect();
        if !plugins.is_empty() {
            failures.extend(trust::fault(beside));
        }
        found.extend(plugins);
    }
    let variable = env::var_os(PATH_VARIABLE).unwrap_or_default();
    let listed = env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty());
    let named = folders.len();
    for (number, folder) in folders.iter().cloned().chain(listed).enumerate() {
        if let Some(failure) = trust::fault(&folder) {
            failures.push(failure);
            continue;
        }
        match libraries(&folder) {
            Ok(files) if files.is_empty() && number < named => failures.push(LoadFailure::new(
                &folder,
                format!("there is no file of a dynamic library (`.{}`) in it", env::consts::DLL_EXTENSION),
                "`--plugin-dir` is the folder that holds the built library, such as `target/release`",
            )),
            Ok(files) => found.extend(files),
            Err(error) => failures.push(LoadFailure::new(
                &folder,
                format!("the plugin folder cannot be read: {error}"),
                "check `--plugin-dir` and the environment variable PSTAR_PLUGIN_PATH",
            )),
        }
    }
    failures.extend(found.iter().filter_map(|path| trust::fault(path)));
    if failures.is_empty() { Ok(without_repeats(found)) } else { Err(failures) }
}

/// The dynamic libraries of a folder, in order of name.
fn libraries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == env::consts::DLL_EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn without_repeats(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut known = Vec::new();
    paths
        .into_iter()
        .filter(|path| {
            let canonical = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            let new = !known.contains(&canonical);
            known.push(canonical);
            new
        })
        .collect()
}
