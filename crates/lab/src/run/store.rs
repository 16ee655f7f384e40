//! A run's directory.

use crate::inputs::{Inputs, climbs, without_dots};
use crate::training::told_apart;
use pstar_core::files::{ReadError, read_regular, sha256};
use pstar_record::number::number;
use pstar_record::{Measure, Provenance, RunRecord};
use serde::Serialize;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::{Builder, NamedTempFile, TempPath};
use thiserror::Error;

/// A run's directory that cannot be used or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It holds something already.
    #[error("the output directory `{}` is not empty", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// It cannot be made or written.
    #[error("`{}` cannot be written", path.display())]
    Unwritable {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that the experiment is made from can no longer be read.
    #[error("`{}` cannot be read again", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// A file that the experiment is made from is no longer what it was when it was read.
    #[error("`{}` was changed after it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// The folder of copies, in a run's directory.
const COPIES: &str = "inputs";

/// The folder among the copies that relative paths start from, seen from a run's directory: as deep as paths climb.
pub(super) fn copies(inputs: &Inputs) -> PathBuf {
    let portable = inputs.portable();
    if portable.is_empty() {
        return PathBuf::from(".");
    }
    let depth = portable.iter().map(|input| climbs(Path::new(&input.path))).max().unwrap_or(0);
    std::iter::once(COPIES).chain(std::iter::repeat_n("_", depth)).collect()
}

/// A file that stands in a run's directory until the run has ended, so that no other run takes it.
const CLAIM: &str = ".running";

/// A run's directory: every file appears whole or not at all, and no two runs have the same one.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    _claim: Arc<TempPath>,
}

impl RunDirectory {
    /// Makes the directory `path`, or takes it if it is empty.
    ///
    /// # Errors
    /// If it holds something or cannot be made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let unwritable = |source| StoreError::Unwritable { path: path.to_path_buf(), source };
        let not_empty = || StoreError::NotEmpty { path: path.to_path_buf() };
        fs::create_dir_all(path).map_err(unwritable)?;
        if fs::read_dir(path).map_err(unwritable)?.next().is_some() {
            return Err(not_empty());
        }
        // A directory that cannot be written is noticed now, not after the run.
        let claim = Builder::new().prefix(CLAIM).rand_bytes(0).tempfile_in(path).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists { not_empty() } else { unwritable(error) }
        })?;
        // Another run may have come and gone since the look above.
        if fs::read_dir(path).map_err(unwritable)?.nth(1).is_some() {
            return Err(not_empty());
        }
        Ok(Self { path: path.to_path_buf(), _claim: Arc::new(claim.into_temp_path()) })
    }

    /// Makes `parent/name`, or the first of `parent/name-2`, `parent/name-3`, … that is free.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create_fresh(parent: &Path, name: &str) -> Result<Self, StoreError> {
        let mut number = 1;
        loop {
            let candidate = if number == 1 { name.to_string() } else { format!("{name}-{number}") };
            let path = parent.join(candidate);
            match fs::create_dir_all(parent).and_then(|()| fs::create_dir(&path)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(StoreError::Unwritable { path, source }),
                Ok(()) => return Self::create(&path),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is known before training: the resolved experiment and the provenance.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_inputs(&self, experiment: &str, provenance: &Provenance) -> Result<(), StoreError> {
        self.write("experiment.ron", experiment.as_bytes())?;
        self.write("provenance.json", &json(provenance))
    }

    /// Copies the files that components read, which relative paths of the experiment start `from`.
    ///
    /// # Errors
    /// If one cannot be read or its copy not be written, or it is no longer what was read.
    pub fn copy_inputs(&self, inputs: &Inputs, from: &Path) -> Result<(), StoreError> {
        let folder = copies(inputs);
        let start = self.path.join(&folder);
        for input in inputs.portable() {
            let source = from.join(&input.path);
            let copy = self.path.join(without_dots(&folder.join(&input.path)));
            let unwritable = |source| StoreError::Unwritable { path: copy.clone(), source };
            let bytes = read_regular(&source, u64::MAX)
                .map_err(|error| StoreError::Unreadable { path: source.clone(), source: error })?;
            if sha256(&bytes) != input.sha256 {
                return Err(StoreError::Changed { path: source });
            }
            // Paths that climb do so through the folder that they start from.
            fs::create_dir_all(&start).map_err(unwritable)?;
            fs::create_dir_all(copy.parent().unwrap_or(&start)).map_err(unwritable)?;
            write_whole(&copy, &bytes)?;
        }
        Ok(())
    }

    /// Writes what the run found.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_record(&self, record: &RunRecord) -> Result<(), StoreError> {
        self.write("curves.csv", &curves(record))?;
        self.write("summary.json", &json(record))
    }

    /// Writes the table that people read.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_table(&self, table: &str) -> Result<(), StoreError> {
        self.write("table.txt", table.as_bytes())
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        write_whole(&self.path.join(name), content)
    }
}

/// Writes a file under another name beside it first, so that it is whole or absent whenever the program ends.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let whole = || -> io::Result<()> {
        let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        readable_by_all(&file)?;
        file.persist(path)?;
        Ok(())
    };
    whole().map_err(|source| StoreError::Unwritable { path: path.to_path_buf(), source })
}

/// Temporary files are private; results are not.
fn readable_by_all(file: &NamedTempFile) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut text =
        serde_json::to_vec_pretty(value).unwrap_or_else(|error| unreachable!("records serialise: {error}"));
    text.push(b'\n');
    text
}

/// The curves of all arms in long form.
fn curves(record: &RunRecord) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = (|| -> csv::Result<()> {
        writer.write_record(["policy", "objective", "seed", "step", "metric", "value"])?;
        for arm in &record.arms {
            let (seed, policy, objective) = (arm.seed.to_string(), &arm.policy, &arm.objective);
            for point in &arm.curve {
                let step = point.step.to_string();
                let mut write = |metric: &str, value: f64| -> csv::Result<()> {
                    let value = match number(Some(value)) {
                        serde_json::Value::String(text) => text,
                        other => other.to_string(),
                    };
                    writer.write_record([policy, objective, &seed, &step, metric, &value])
                };
                let figures: Vec<(String, Measure)> = point.measures.flat().collect();
                for (metric, measure) in &figures {
                    measure.value.map_or(Ok(()), |value| write(metric, value))?;
                }
                for (name, mean) in point.signals.iter() {
                    let Some(mean) = mean else { continue };
                    let taken = figures.iter().any(|(metric, _)| metric == name);
                    write(&if taken { told_apart(name) } else { name.into() }, mean)?;
                }
            }
        }
        writer.flush()?;
        Ok(())
    })();
    written.unwrap_or_else(|error| unreachable!("a buffer in memory can be written: {error}"));
    writer.into_inner().unwrap_or_default()
}
