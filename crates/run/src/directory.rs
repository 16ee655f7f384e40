//! A run's directory: whose it is, what is in it, and what it is told.

use crate::blocks::BLOCKS;
use crate::claims::{Owner, WORKERS, living};
use crate::files::{Unwritable, Writer, owner_of, remove};
use crate::store::VERDICTS;
use crate::summary::SUMMARY;
use pstar_core::files::{CopyError, ReadError, copy_hashed, open_regular, read_regular, sha256_file};
use pstar_lab::inputs::{Inputs, copies, without_dots};
use pstar_loader::Registry;
use pstar_record::{
    CurvesWriter, ExperimentDifference, LikelyOutputs, PromptsWriter, Provenance, RunData, RunRecord,
    experiment_differences, to_json, write_json,
};
use std::fs;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Greatest number of bytes of a record that is read.
const MOST_BYTES: u64 = 1 << 30;

/// The experiment as it is run, whose presence makes a directory a run's.
const EXPERIMENT: &str = "experiment.ron";

/// What is put together of a run before its arms have ended.
pub(crate) const PARTIAL: &str = "partial";

/// Everything else that a run writes.
const RESULTS: [&str; 16] = [
    "report.html",
    "summary.json",
    "curves.csv",
    "prompts.csv",
    "outputs.json",
    "table.txt",
    "tensorboard",
    "arms",
    VERDICTS,
    "inputs",
    "workers",
    "slurm",
    SUMMARY,
    BLOCKS,
    PARTIAL,
    "provenance.json",
];

/// A run's directory that cannot be used or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It holds something else than a run.
    #[error("the output directory `{}` holds files that are of no run: `{found}`", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of them.
        found: String,
    },
    /// It is another experiment's.
    #[error("the output directory `{}` is of another experiment, which differs in {}", path.display(), ExperimentDifference::list(differences))]
    Different {
        /// The directory.
        path: PathBuf,
        /// In what.
        differences: Vec<ExperimentDifference>,
    },
    /// It holds no run.
    #[error("`{}` holds no run", path.display())]
    NoRun {
        /// The directory.
        path: PathBuf,
    },
    /// A plugin is not the one that the run was made with.
    #[error("the plugin `{plugin}` is not the one that the run in `{}` was begun with", path.display())]
    OtherPlugin {
        /// The directory.
        path: PathBuf,
        /// The plugin's file.
        plugin: String,
    },
    /// Another process works in it.
    #[error("process {process} works in the output directory `{}`", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process's number.
        process: u32,
    },
    /// It is no directory, and cannot become one.
    #[error("`{}` is no directory", path.display())]
    NoDirectory {
        /// What was meant as one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be made or written.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
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

/// The directory of a run that was begun.
#[derive(Clone, Debug)]
pub(crate) struct ExistingRun {
    pub(crate) directory: RunDirectory,
    /// Where its arms are.
    pub(crate) store: PathBuf,
}

impl ExistingRun {
    /// # Errors
    /// If there is none, or if it was begun with other plugins.
    pub(crate) fn open(path: &Path, registry: &Registry) -> Result<Self, DirectoryError> {
        let directory = RunDirectory::at(path);
        let provenance =
            directory.provenance().ok_or_else(|| DirectoryError::NoRun { path: path.to_path_buf() })?;
        let made_with = provenance.parts.last().map_or(&provenance.plugins, |part| &part.plugins);
        for plugin in &registry.plugins {
            let file = plugin.path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(known) =
                made_with.iter().find(|known| known.file == file && known.sha256 != plugin.sha256)
            {
                let plugin = known.file.clone();
                return Err(DirectoryError::OtherPlugin { path: path.to_path_buf(), plugin });
            }
        }
        let store = provenance.store.map_or_else(|| path.to_path_buf(), PathBuf::from);
        Ok(Self { directory, store })
    }
}

/// What makes a directory a run's: the experiment as it is written there, and the files that it is made from.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The resolved experiment as text, for a directory.
    pub(crate) experiment: &'a dyn Fn(&Path) -> String,
    pub(crate) inputs: &'a Inputs,
    pub(crate) writer: &'a Writer,
}

/// A run's directory, which is this experiment's.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    writer: Writer,
}

impl RunDirectory {
    /// The directory `path` if there is a run of this experiment in it; nothing if it is free.
    pub(crate) fn look(path: &Path, place: &Place<'_>) -> Result<Option<Self>, DirectoryError> {
        let directory = Self::of(path, place.writer);
        if !path.join(EXPERIMENT).exists() {
            return match foreign(path) {
                Some(found) => Err(DirectoryError::Foreign { path: path.to_path_buf(), found }),
                None => Ok(None),
            };
        }
        let differences = directory.differences(place)?;
        if differences.is_empty() {
            Ok(Some(directory))
        } else {
            Err(DirectoryError::Different { path: path.to_path_buf(), differences })
        }
    }

    /// The run of this experiment among `parent/name`, `parent/name-2`, `parent/name-3`, …, if there is one.
    pub(crate) fn look_for(
        parent: &Path,
        name: &str,
        place: &Place<'_>,
    ) -> Result<Option<Self>, DirectoryError> {
        for path in candidates(parent, name).take_while(|path| path.exists()) {
            match Self::look(&path, place) {
                Err(DirectoryError::Foreign { .. } | DirectoryError::Different { .. }) | Ok(None) => {}
                found => return found,
            }
        }
        Ok(None)
    }

    /// Makes the directory `path`, or takes it if it is empty or a run of this experiment.
    pub(crate) fn open(path: &Path, place: &Place<'_>) -> Result<Self, DirectoryError> {
        if let Some(directory) = Self::look(path, place)? {
            return Ok(directory);
        }
        fs::create_dir_all(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                DirectoryError::NoDirectory { path: path.to_path_buf(), source }
            }
            _ => Unwritable::at(path)(source).into(),
        })?;
        // Of two that come at once one makes it; the other sees what it made.
        if place.writer.create(&path.join(EXPERIMENT), (place.experiment)(path).as_bytes())? {
            return Ok(Self::of(path, place.writer));
        }
        Self::look(path, place)?.ok_or_else(|| DirectoryError::Unreadable {
            path: path.join(EXPERIMENT),
            source: ReadError::System(io::ErrorKind::NotFound.into()),
        })
    }

    /// The same, and whatever run there was in it is removed, unless somebody works on it.
    pub(crate) fn open_anew(path: &Path, place: &Place<'_>, owner: &Owner) -> Result<Self, DirectoryError> {
        if path.join(EXPERIMENT).exists() {
            if let Some(other) = living(&path.join(WORKERS), owner).first() {
                return Err(DirectoryError::InUse { path: path.to_path_buf(), process: other.process });
            }
            // The experiment last: until then it is a run, which can be removed again.
            for name in RESULTS {
                remove(&path.join(name))?;
            }
            remove(&path.join(EXPERIMENT))?;
        }
        Self::open(path, place)
    }

    /// The directory `parent/name`, or the first of `parent/name-2`, `parent/name-3`, … that is free or, unless it is to
    /// be fresh, of this experiment.
    pub(crate) fn find(
        parent: &Path,
        name: &str,
        fresh: bool,
        place: &Place<'_>,
    ) -> Result<Self, DirectoryError> {
        for path in candidates(parent, name) {
            let taken = fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some());
            if fresh && taken || path.exists() && !path.is_dir() {
                continue;
            }
            match Self::open(&path, place) {
                Err(DirectoryError::Foreign { .. } | DirectoryError::Different { .. }) => {}
                opened => return opened,
            }
        }
        unreachable!("numbers do not end")
    }

    /// A directory that is a run's already.
    pub fn at(path: &Path) -> Self {
        Self::of(path, &Writer::of(&Owner::of_this_process()))
    }

    fn of(path: &Path, writer: &Writer) -> Self {
        Self { path: path.to_path_buf(), writer: writer.clone() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In what an experiment differs from the one whose directory this is.
    fn differences(&self, own: &Place<'_>) -> Result<Vec<ExperimentDifference>, DirectoryError> {
        let file = self.path.join(EXPERIMENT);
        let found = read_regular(&file, MOST_BYTES)
            .map_err(|source| DirectoryError::Unreadable { path: file.clone(), source })?;
        let mut differences =
            experiment_differences(&String::from_utf8_lossy(&found), &(own.experiment)(&self.path));
        // Where there is no provenance yet nothing was trained.
        let provenance = self.provenance();
        for input in own.inputs.all() {
            let known = provenance.iter().flat_map(|provenance| &provenance.files);
            let mut known = known.filter(|known| known.path == input.path && known.used_by == input.used_by);
            if known.any(|known| known.sha256 != input.sha256) {
                differences.push(ExperimentDifference::File { path: input.path.clone() });
            }
        }
        Ok(differences)
    }

    /// What the run was made with, as far as that can be read.
    pub(crate) fn provenance(&self) -> Option<Provenance> {
        let bytes = read_regular(&self.path.join("provenance.json"), MOST_BYTES).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// What the run found, if it is complete and all its files are there.
    pub(crate) fn complete_record(&self) -> Option<RunRecord> {
        // As it comes: the text of many arms is more than what it says.
        let file = open_regular(&self.path.join("summary.json"), MOST_BYTES).ok()?;
        let record: RunRecord = serde_json::from_reader(BufReader::new(file)).ok()?;
        let whole = ["curves.csv", "prompts.csv", "outputs.json", "table.txt", "report.html"]
            .iter()
            .all(|name| self.path.join(name).exists());
        (record.complete && whole && self.provenance().is_some()).then_some(record)
    }

    /// Writes what the run is made with.
    pub(crate) fn write_provenance(&self, provenance: &Provenance) -> Result<(), Unwritable> {
        self.write("provenance.json", to_json(provenance).as_bytes())
    }

    /// Copies the files that components read, which relative paths of the experiment start `from`.
    ///
    /// # Errors
    /// If one cannot be read or its copy not be written, or it is no longer what was read.
    pub fn copy_inputs(&self, inputs: &Inputs, from: &Path) -> Result<(), DirectoryError> {
        let folder = copies(inputs);
        let start = self.path.join(&folder);
        for input in inputs.portable() {
            let source = from.join(&input.path);
            let copy = self.path.join(without_dots(&folder.join(&input.path)));
            let unreadable = |error| DirectoryError::Unreadable { path: source.clone(), source: error };
            if sha256_file(&source).map_err(unreadable)?.0 != input.sha256 {
                return Err(DirectoryError::Changed { path: source });
            }
            if sha256_file(&copy).is_ok_and(|(found, _)| found == input.sha256) {
                continue;
            }
            // Paths that climb do so through the folder that they start from.
            let own = copy.parent().unwrap_or(&start);
            let made = fs::create_dir_all(&start).and_then(|()| fs::create_dir_all(own));
            made.map_err(Unwritable::at(&copy))?;
            // It may have been changed since, and is not held in memory: a model is large.
            let mut file = open_regular(&source, u64::MAX).map_err(unreadable)?;
            let mut fault = None;
            let written = self.writer.write_with(&copy, &mut |out| {
                fault = Some(match copy_hashed(&mut file, out) {
                    Ok((found, _)) if found == input.sha256 => return Ok(()),
                    Ok(_) => DirectoryError::Changed { path: source.clone() },
                    Err(CopyError::Read(error)) => unreadable(error.into()),
                    Err(CopyError::Write(error)) => return Err(error),
                });
                Err(io::ErrorKind::InvalidData.into())
            });
            if let Some(fault) = fault {
                return Err(fault);
            }
            written?;
            // A verifier may be a program.
            let permissions = fs::metadata(&source).map(|metadata| metadata.permissions());
            permissions
                .and_then(|permissions| fs::set_permissions(&copy, permissions))
                .map_err(Unwritable::at(&copy))?;
        }
        Ok(())
    }

    /// Writes what the run found so far, and the table that people read. One that cannot be written does not keep the
    /// others from being written.
    pub(crate) fn write_record(&self, record: &RunRecord, table: &str) -> Result<(), Unwritable> {
        let table = self.write("table.txt", table.as_bytes());
        let summary = self.writer.write_with(&self.path.join("summary.json"), &mut |file| {
            let mut buffered = BufWriter::new(file);
            write_json(&mut buffered, record)?;
            buffered.flush()
        });
        summary.and(table)
    }

    /// The folder of what is put together before all arms have ended, with what says whose it is.
    pub(crate) fn partial(&self) -> Result<Self, Unwritable> {
        let folder = self.path.join(PARTIAL);
        fs::create_dir_all(&folder).map_err(Unwritable::at(&folder))?;
        for name in [EXPERIMENT, "provenance.json"] {
            let from = self.path.join(name);
            let text = fs::read(&from).map_err(Unwritable::at(&from))?;
            self.writer.write_lightly(&folder.join(name), &text)?;
        }
        Ok(Self::of(&folder, &self.writer))
    }

    /// Removes a record that is no longer what the arms found.
    pub(crate) fn remove_record(&self) -> Result<(), Unwritable> {
        remove(&self.path.join("summary.json"))
    }

    /// Writes the page that people open, made from the record, as written, and what the directory holds beside it. Gives
    /// the record back.
    pub(crate) fn write_page(
        &self,
        record: RunRecord,
        page: &dyn Fn(&RunData) -> String,
    ) -> (RunRecord, Result<(), Unwritable>) {
        let data = RunData::beside(record, &self.path);
        let written = self.write("report.html", page(&data).as_bytes());
        let mut record = data.record;
        record.arms.iter_mut().for_each(|arm| arm.curve = Vec::new());
        (record, written)
    }

    /// Writes the curves of all arms.
    pub(crate) fn write_curves(
        &self,
        with_rate: bool,
        fill: &mut dyn FnMut(&mut CurvesWriter<&mut dyn Write>) -> io::Result<()>,
    ) -> Result<(), Unwritable> {
        self.writer.write_with(&self.path.join("curves.csv"), &mut |file| {
            let mut buffered = BufWriter::new(file);
            let mut curves = CurvesWriter::begin(&mut buffered as &mut dyn Write, with_rate)?;
            fill(&mut curves)?;
            curves.end()?;
            buffered.flush()
        })
    }

    /// Writes figures of single prompts.
    pub(crate) fn write_prompts(
        &self,
        with_rate: bool,
        fill: &mut dyn FnMut(&mut PromptsWriter<&mut dyn Write>) -> io::Result<()>,
    ) -> Result<(), Unwritable> {
        self.writer.write_with(&self.path.join("prompts.csv"), &mut |file| {
            let mut buffered = BufWriter::new(file);
            let mut prompts = PromptsWriter::begin(&mut buffered as &mut dyn Write, with_rate)?;
            fill(&mut prompts)?;
            prompts.end()?;
            buffered.flush()
        })
    }

    /// Writes the most probable outputs.
    pub(crate) fn write_outputs(&self, outputs: &[LikelyOutputs]) -> Result<(), Unwritable> {
        self.write("outputs.json", to_json(&outputs).as_bytes())
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), Unwritable> {
        self.writer.write(&self.path.join(name), content)
    }
}

/// `parent/name`, `parent/name-2`, `parent/name-3`, …
fn candidates<'a>(parent: &'a Path, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    let numbered = (2..).map(move |number: u64| parent.join(format!("{name}-{number}")));
    std::iter::once(parent.join(name)).chain(numbered)
}

/// The name of a file in a directory that has no experiment, but for temporary files.
fn foreign(path: &Path) -> Option<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut foreign: Vec<String> = names.filter(|name| owner_of(name).is_none()).collect();
    foreign.sort_unstable();
    // The experiment may appear while one looks.
    let begun = foreign.iter().any(|name| name == EXPERIMENT);
    foreign.into_iter().next().filter(|_| !begun)
}
