//! Fitted parameters, kept by what they were fitted from: twenty arms and the next run fit once.

use crate::family::Family;
use crate::network::Shape;
use crate::tensor_file;
use pstar_core::Task;
use pstar_core::files::{ReadError, read_regular, sha256};
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The folder of fitted parameters: `$PSTAR_CACHE_DIR`, else `$XDG_CACHE_HOME/pstar`, else `$HOME/.cache/pstar`; `None`
/// where no variable is set.
pub(crate) fn folder() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("PSTAR_CACHE_DIR")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("pstar")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache").join("pstar")))
}

/// What a fit depends on, as a name: corpus, configuration, task and rounding.
pub fn key<F: Family>(
    corpus: &[u8],
    configuration: &str,
    shape: &F::Shape,
    task: &Task,
    rounding: &str,
) -> String {
    let format = F::FORMAT;
    let corpus = sha256(corpus);
    let alphabet = (task.alphabet.symbols(), task.alphabet.prompt_symbols());
    let (horizon, ending) = (task.horizon, task.ending);
    let text = format!(
        "{format}\n{corpus}\n{configuration}\n{shape:?}\n{alphabet:?}\n{horizon} {ending:?}\n{rounding} {}",
        env::consts::ARCH
    );
    sha256(text.as_bytes())
}

/// The file of a key.
pub(crate) fn file<F: Family>(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{}-{key}.safetensors", F::NAME))
}

/// The parameters in a file; `None` where there is no file.
///
/// # Errors
/// In words, where the file is damaged.
pub(crate) fn load(file: &Path, shape: &impl Shape) -> Result<Option<Vec<f64>>, String> {
    let bytes = match read_regular(file, u64::MAX) {
        Ok(bytes) => bytes,
        Err(ReadError::System(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    tensor_file::read_back(&bytes, shape).map(Some)
}

/// Writes parameters to a file, whole or not at all.
///
/// # Errors
/// In words, where it cannot be written.
pub(crate) fn store(file: &Path, shape: &impl Shape, parameters: &[f64]) -> Result<(), String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let bytes = tensor_file::write(shape, parameters)?;
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = file.with_extension(format!("{}-{number}.tmp", process::id()));
    let write = || {
        fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
        let mut out = fs::File::create(&temporary)?;
        out.write_all(&bytes)?;
        out.sync_all()?;
        fs::rename(&temporary, file)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        error.to_string()
    })
}
