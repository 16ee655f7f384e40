//! Where the sources of `pstar-core` are, which a new package depends on.

use crate::failure::Failure;
use pstar_core::escaped;
use std::fs;
use std::path::{Path, PathBuf};

/// The sources that this program was built from.
const BUILT_FROM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core");

/// The folder that is named, or else the one that this program was built from.
///
/// # Errors
/// If it does not hold `pstar-core`, or its path cannot stand in a manifest.
pub(crate) fn core_folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = named.unwrap_or(Path::new(BUILT_FROM));
    let refused = |message: String| Failure::Usage {
        message,
        hint: Some("name the folder `crates/core` of a checkout of pstar with `--core`".into()),
    };
    let told = escaped(&folder.display().to_string());
    let full = fs::canonicalize(folder).map_err(|_| match named {
        Some(_) => refused(format!("there is no folder `{told}`")),
        None => refused(format!(
            "the sources of `pstar-core` that this program was built from are gone: `{told}`"
        )),
    })?;
    let manifest = fs::read_to_string(full.join("Cargo.toml")).unwrap_or_default();
    if !manifest.lines().any(|line| line.replace(' ', "") == "name=\"pstar-core\"") {
        return Err(refused(format!("`{told}` is not the folder of the package `pstar-core`")));
    }
    let plain = full.to_str().is_some_and(|path| !path.contains(char::is_control));
    plain.then_some(full).ok_or_else(|| refused(format!("the path `{told}` cannot stand in a manifest")))
}
