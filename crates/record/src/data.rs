//! All that a run's directory holds, read back.

use crate::layout::Known;
use crate::portable::portable;
use crate::{LikelyOutputs, PromptFigures, Provenance, ReadError, RunRecord, curves, prompts};
use pstar_core::files::{self, open_regular, read_regular};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Greatest number of bytes of a file that is read.
const MOST_BYTES: u64 = 1 << 32;

const SUMMARY: &str = "summary.json";
const CURVES: &str = "curves.csv";
const PROMPTS: &str = "prompts.csv";
const OUTPUTS: &str = "outputs.json";
const PROVENANCE: &str = "provenance.json";
const EXPERIMENT: &str = "experiment.ron";

/// All that a run's directory holds for people and pages.
#[derive(Clone, Debug)]
pub struct RunData {
    /// The record, with the curves of its arms.
    pub record: RunRecord,
    /// Figures of single prompts; empty where they were not kept.
    pub prompts: Vec<PromptFigures>,
    /// The most probable outputs; empty where they were not kept.
    pub outputs: Vec<LikelyOutputs>,
    /// What the run was made with.
    pub provenance: Option<Provenance>,
    /// The experiment as it was run, without paths of the machine.
    pub experiment: Option<String>,
    /// Files that are damaged or missing, which the page names.
    pub faults: Vec<FileFault>,
}

/// A file of a run's directory that cannot be used, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// Its name in the directory.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Why a directory holds no run that can be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// Its record cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The record.
        path: PathBuf,
        /// Why.
        source: files::ReadError,
    },
    /// Its record is none.
    #[error("`{}` {source}", path.display())]
    NoRecord {
        /// The record.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
}

impl RunData {
    /// Reads the directory of a run. All but the record may be missing or damaged: what can be used of it is, and
    /// [`faults`](Self::faults) tells.
    ///
    /// # Range and cost
    /// Files of at most 4 GiB. Curves are read as they come: a million rows take less than a second.
    ///
    /// # Errors
    /// If there is no record, or it cannot be understood.
    pub fn read(directory: &Path) -> Result<Self, DataError> {
        let path = directory.join(SUMMARY);
        let record = match read_regular(&path, MOST_BYTES) {
            Ok(bytes) => RunRecord::read(&bytes),
            Err(source) => return Err(DataError::Unreadable { path, source }),
        };
        match record {
            Ok(record) => Ok(Self::beside(record, directory)),
            Err(source) => Err(DataError::NoRecord { path, source }),
        }
    }

    /// The same, of a record that is known: reads what is beside it. Curves that the record has are left aside.
    pub fn beside(mut record: RunRecord, directory: &Path) -> Self {
        record.arms.iter_mut().for_each(|arm| arm.curve.clear());
        let mut files = Files { directory, faults: Vec::new() };
        let known = Known::of(record.arms.iter().flat_map(|arm| arm.initial.iter().chain(&arm.last)));
        if let Some(file) = files.open(CURVES) {
            let read = curves::read(file, &mut record.arms, &known);
            files.tell(CURVES, read);
        }
        let references = record.references.iter().map(|(_, measures)| measures);
        let known = Known::of(
            record.arms.iter().flat_map(|arm| arm.initial.iter().chain(&arm.last)).chain(references),
        );
        let prompts = files.open(PROMPTS).map_or_else(Vec::new, |file| {
            let (found, read) = prompts::read(file, &record.arms, &known);
            files.tell(PROMPTS, read);
            found
        });
        let outputs = files.json(OUTPUTS).unwrap_or_default();
        let provenance: Option<Provenance> = files.json(PROVENANCE);
        let inputs = provenance.as_ref().map_or(&[][..], |provenance| &provenance.files);
        let experiment = files.text(EXPERIMENT).map(|text| portable(&text, inputs));
        let faults = files.faults;
        Self { record, prompts, outputs, provenance, experiment, faults }
    }
}

/// The files beside the record, and what is wrong with them.
struct Files<'a> {
    directory: &'a Path,
    faults: Vec<FileFault>,
}

impl Files<'_> {
    fn tell<T>(&mut self, file: &str, result: Result<T, String>) -> Option<T> {
        let fault = |problem| FileFault { file: file.into(), problem };
        result.map_err(|problem| self.faults.push(fault(problem))).ok()
    }

    fn open(&mut self, name: &str) -> Option<File> {
        let opened = open_regular(&self.directory.join(name), MOST_BYTES);
        self.tell(name, opened.map_err(|error| said(&error)))
    }

    fn bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        let read = read_regular(&self.directory.join(name), MOST_BYTES);
        self.tell(name, read.map_err(|error| said(&error)))
    }

    fn json<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let bytes = self.bytes(name)?;
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        self.tell(name, serde_json::from_slice(bytes).map_err(|error| error.to_string()))
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let bytes = self.bytes(name)?;
        let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_string());
        self.tell(name, text).map(|text| text.trim_start_matches('\u{feff}').to_string())
    }
}

fn said(error: &files::ReadError) -> String {
    match error {
        files::ReadError::System(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            "it is missing".into()
        }
        other => other.to_string(),
    }
}
