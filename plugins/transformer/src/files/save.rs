//! Writing a model into a folder, for other programs to read.

use super::{Layout, write};
use crate::shape::TransformerShape;
use pstar_core::PluginError;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io, process};

/// Writes `config.json` and `model.safetensors` in the layout of GPT-2 or Llama, or `model.safetensors` alone in the
/// plugin's own where neither can hold the model; each whole or not at all, and not where it stands already. Whoever saves
/// another model into the folder waits, and no ending leaves the configuration of one model beside the tensors of another.
pub(crate) fn save(folder: &Path, shape: &TransformerShape, parameters: &[f64]) -> Result<(), PluginError> {
    let published = [Layout::Gpt2, Layout::Llama].into_iter();
    let written = published.map(|layout| write(layout, shape, parameters)).find_map(Result::ok);
    let written = match written {
        Some(written) => written,
        None => write(Layout::Own, shape, parameters).map_err(|fault| PluginError::config("save", fault))?,
    };
    let put = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        // Held until it is dropped; file systems without locks have none to wait for.
        let lock = fs::File::open(folder).ok().filter(|folder| folder.lock().is_ok());
        let (tensors, config) = (folder.join("model.safetensors"), folder.join("config.json"));
        let text = written.config.as_deref().map(str::as_bytes);
        if !stands(&config, text) || !stands(&tensors, Some(&written.tensors)) {
            // Both are there before the former model goes: where they find no room, that one stays.
            let new_tensors = Beside::write(&tensors, &written.tensors)?;
            let new_config = text.map(|text| Beside::write(&config, text)).transpose()?;
            // One of another model; without one nothing is loaded in a published layout.
            remove(&config)?;
            new_tensors.put()?;
            new_config.map_or(Ok(()), Beside::put)?;
        }
        drop(lock);
        Ok(())
    };
    put().map_err(|error| {
        let message = format!("the folder `{}` cannot be written: {error}", folder.display());
        PluginError::config("save", message).with_hint("relative paths start at the experiment file")
    })
}

/// Whether a file holds these bytes, or is not there where there are none.
fn stands(file: &Path, bytes: Option<&[u8]>) -> bool {
    match bytes {
        Some(bytes) => fs::read(file).is_ok_and(|found| found == bytes),
        None => !file.exists(),
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A file that is written beside the one whose place it is to take; gone where it does not.
struct Beside {
    temporary: PathBuf,
    file: PathBuf,
}

impl Beside {
    fn write(file: &Path, bytes: &[u8]) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = file.with_extension(format!("{}-{number}.tmp", process::id()));
        let beside = Self { temporary, file: file.into() };
        fs::write(&beside.temporary, bytes)?;
        fs::File::open(&beside.temporary)?.sync_all()?;
        Ok(beside)
    }

    fn put(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.file)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}
