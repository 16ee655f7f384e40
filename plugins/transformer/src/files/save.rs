//! Writing a model into a folder, for other programs to read.

use super::{Layout, write};
use crate::shape::TransformerShape;
use pstar_core::PluginError;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io, process};

/// Writes `config.json` and `model.safetensors` in the layout of GPT-2 or Llama, or `model.safetensors` alone in the
/// plugin's own where neither can hold the model; each whole or not at all, and not where it stands already.
pub(crate) fn save(folder: &Path, shape: &TransformerShape, parameters: &[f64]) -> Result<(), PluginError> {
    let published = [Layout::Gpt2, Layout::Llama].into_iter();
    let written = published.map(|layout| write(layout, shape, parameters)).find_map(Result::ok);
    let written = match written {
        Some(written) => written,
        None => write(Layout::Own, shape, parameters).map_err(|fault| PluginError::config("save", fault))?,
    };
    let put = || {
        fs::create_dir_all(folder)?;
        replace(&folder.join("model.safetensors"), &written.tensors)?;
        let config = folder.join("config.json");
        match written.config {
            Some(text) => replace(&config, text.as_bytes()),
            // One of another model.
            None if config.exists() => fs::remove_file(config),
            None => Ok(()),
        }
    };
    put().map_err(|error| {
        let message = format!("the folder `{}` cannot be written: {error}", folder.display());
        PluginError::config("save", message).with_hint("relative paths start at the experiment file")
    })
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    if fs::read(file).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = file.with_extension(format!("{}-{number}.tmp", process::id()));
    let put = || {
        fs::write(&temporary, bytes)?;
        fs::File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, file)
    };
    put().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}
