//! A run's directory.

use super::{Provenance, RunRecord};
use crate::evaluation::{Measure, number};
use crate::inputs::{Inputs, climbs, without_dots};
use crate::training::told_apart;
use pstar_core::files::sha256;
use serde::Serialize;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
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

/// A run's directory: every file appears whole or not at all.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Makes the directory `path`, or takes it if it is empty.
    ///
    /// # Errors
    /// If it holds something or cannot be made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let unwritable = |source| StoreError::Unwritable { path: path.to_path_buf(), source };
        fs::create_dir_all(path).map_err(unwritable)?;
        if fs::read_dir(path).map_err(unwritable)?.next().is_some() {
            return Err(StoreError::NotEmpty { path: path.to_path_buf() });
        }
        // A directory that cannot be written is noticed now, not after the run.
        NamedTempFile::new_in(path).map_err(unwritable)?;
        Ok(Self { path: path.to_path_buf() })
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
    /// If one cannot be copied, or is no longer what was read.
    pub fn copy_inputs(&self, inputs: &Inputs, from: &Path) -> Result<(), StoreError> {
        let folder = copies(inputs);
        let start = self.path.join(&folder);
        for input in inputs.portable() {
            let source = from.join(&input.path);
            let copy = self.path.join(without_dots(&folder.join(&input.path)));
            let unwritable = |source| StoreError::Unwritable { path: copy.clone(), source };
            let bytes = fs::read(&source).map_err(unwritable)?;
            if sha256(&bytes) != input.sha256 {
                return Err(StoreError::Changed { path: source });
            }
            // Paths that climb do so through the folder that they start from.
            fs::create_dir_all(&start).map_err(unwritable)?;
            fs::create_dir_all(copy.parent().unwrap_or(&start)).map_err(unwritable)?;
            fs::write(&copy, bytes).map_err(unwritable)?;
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

    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let whole = || -> io::Result<()> {
            let mut file = NamedTempFile::new_in(&self.path)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            readable_by_all(&file)?;
            file.persist(&path)?;
            Ok(())
        };
        whole().map_err(|source| StoreError::Unwritable { path: path.clone(), source })
    }
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
                for (name, mean) in point.signals.iter().filter(|(_, mean)| !mean.is_nan()) {
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
