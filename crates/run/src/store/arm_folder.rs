//! The folder of one arm.

use super::metrics::{self, METRICS};
use super::result::{self, Seal};
use super::{checkpoint, parameters, prompts};
use crate::files::{Unwritable, Writer, remove, sync_folder};
use pstar_core::author::Tensor;
use pstar_core::files::{ReadError, open_regular, read_regular};
use pstar_record::{ArmPrompts, ArmRecord, ArmStatus, CurvePoint};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Greatest number of bytes of a file that is read: as large as a computer's memory might hold.
const MOST_BYTES: u64 = 1 << 34;

/// The file of what was found at single prompts.
const PROMPTS: &str = "prompts.json";

/// The folder of one arm: what determines it, how far it is, and what it gave.
#[derive(Clone, Debug)]
pub(crate) struct ArmFolder {
    path: PathBuf,
    /// The arm, by its content's name.
    id: String,
    writer: Writer,
}

/// What was found where a result would be.
#[derive(Debug)]
pub(crate) enum Found {
    /// The result, without curve and parameters.
    Whole(Box<ArmRecord>),
    /// None.
    Nothing,
    /// One that cannot be taken, and why.
    Damaged(String),
}

impl ArmFolder {
    pub(crate) fn new(arms: &Path, id: &str, writer: &Writer) -> Self {
        Self { path: arms.join(id), id: id.into(), writer: writer.clone() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder.
    pub(crate) fn make(&self) -> Result<(), Unwritable> {
        // Not the store as well: one that is removed while arms train does not come back in part.
        match fs::create_dir(&self.path) {
            Err(error) if !self.path.is_dir() => Err(Unwritable::at(&self.path)(error)),
            _ => Ok(()),
        }
    }

    /// Tells in it what determines the arm.
    pub(crate) fn tell(&self, spec: &str) -> Result<(), Unwritable> {
        let path = self.path.join("spec.ron");
        if fs::read(&path).is_ok_and(|found| found == spec.as_bytes()) {
            return Ok(());
        }
        self.writer.write_lightly(&path, spec.as_bytes())
    }

    /// The result, if it is whole.
    pub(crate) fn result(&self) -> Found {
        let found = match self.read("result.json") {
            Ok(None) => return Found::Nothing,
            Ok(Some(text)) => self.check(&text),
            Err(fault) => Err(fault),
        };
        found.map_or_else(Found::Damaged, |record| Found::Whole(Box::new(record)))
    }

    fn check(&self, text: &[u8]) -> Result<ArmRecord, String> {
        let metrics = self.read(METRICS)?.unwrap_or_default();
        let (parameters, prompts) = (self.read("parameters.safetensors")?, self.read(PROMPTS)?);
        Seal::read(text)?.check(&self.id, &metrics, parameters.as_deref(), prompts.as_deref())?;
        result::arm(text)
    }

    /// Whether the result is there as it was written, and the files beside it are those that it was written with. Reads
    /// them without understanding them.
    pub(crate) fn is_whole(&self) -> bool {
        let check = || {
            let result = Seal::read(&self.read("result.json").ok()??).ok()?;
            let metrics = self.read(METRICS).ok()?.unwrap_or_default();
            let (parameters, prompts) = (self.read("parameters.safetensors").ok()?, self.read(PROMPTS).ok()?);
            result.check(&self.id, &metrics, parameters.as_deref(), prompts.as_deref()).ok()
        };
        check().is_some()
    }

    /// The record of a result that is whole.
    pub(crate) fn record(&self) -> Option<ArmRecord> {
        match self.result() {
            Found::Whole(record) => Some(*record),
            Found::Nothing | Found::Damaged(_) => None,
        }
    }

    /// How it ended, if it did. Reads the result alone, which is what was written; the files beside it may be damaged.
    pub(crate) fn status(&self) -> Result<Option<ArmStatus>, String> {
        let Some(text) = self.read("result.json")? else { return Ok(None) };
        Seal::read(&text)?.check_arm(&self.id)?;
        let ending = result::ending(&text).ok_or("its result does not say how it ended")?;
        Ok(Some(ending.status))
    }

    /// How it ended, if it did, as its result says: whether that is whole is not looked at.
    pub(crate) fn ending(&self) -> Option<result::Ending> {
        result::ending(&self.read("result.json").ok()??)
    }

    /// When its result was written, by the file system's clock.
    pub(crate) fn ended_at(&self) -> Option<SystemTime> {
        fs::metadata(self.path.join("result.json")).and_then(|result| result.modified()).ok()
    }

    /// Removes a result that does not count.
    pub(crate) fn remove_result(&self) -> Result<(), Unwritable> {
        remove(&self.path.join("result.json"))
    }

    /// Writes what the arm gave, the result last: from then on it counts.
    pub(crate) fn write_result(&self, record: &ArmRecord, tensors: &[Tensor]) -> Result<(), Unwritable> {
        let metrics = metrics::text(&record.curve);
        let parameters =
            (!record.parameters.is_empty()).then(|| parameters::write(tensors, &record.parameters));
        let prompts = (!record.prompts.is_empty()).then(|| prompts::write(&record.prompts));
        // A result names its files' hashes, so that a machine that ends leaves none that is not whole unnoticed.
        self.writer.write_lightly(&self.path.join(METRICS), &metrics)?;
        for (name, bytes) in [("parameters.safetensors", &parameters), (PROMPTS, &prompts)] {
            let path = self.path.join(name);
            match bytes {
                Some(bytes) => self.writer.write_lightly(&path, bytes)?,
                // Of an earlier try, perhaps.
                None => drop(fs::remove_file(&path)),
            }
        }
        let result = result::write(record, &metrics, parameters.as_deref(), prompts.as_deref());
        self.writer.write(&self.path.join("result.json"), result.as_bytes())?;
        let _ = fs::remove_file(self.path.join("checkpoint"));
        let arms = self.path.parent().unwrap_or(Path::new("."));
        sync_folder(arms).map_err(Unwritable::at(arms))
    }

    /// Writes how far the arm is.
    pub(crate) fn write_checkpoint(&self, state: &str) -> Result<(), Unwritable> {
        self.writer.write(&self.path.join("checkpoint"), &checkpoint::write(&self.id, state))
    }

    /// What changes whenever the arm gets on; empty before it does.
    pub(crate) fn mark(&self) -> String {
        open_regular(&self.path.join("checkpoint"), MOST_BYTES)
            .map_or_else(|_| String::new(), checkpoint::mark)
    }

    /// How far the arm was, if it was begun.
    pub(crate) fn checkpoint(&self) -> Result<Option<String>, String> {
        self.read("checkpoint")?.map(|bytes| checkpoint::read(&self.id, bytes)).transpose()
    }

    /// The curve of a result.
    pub(crate) fn curve(&self) -> Result<Vec<CurvePoint>, String> {
        let text = self.read(METRICS)?.unwrap_or_default();
        metrics::read(&text).ok_or_else(|| "its `metrics.jsonl` is damaged".into())
    }

    /// What a result has of single prompts; nothing where it has nothing.
    pub(crate) fn prompts(&self) -> Result<ArmPrompts, String> {
        let Some(bytes) = self.read(PROMPTS)? else { return Ok(ArmPrompts::default()) };
        prompts::read(&bytes).ok_or_else(|| format!("its `{PROMPTS}` is damaged"))
    }

    /// The parameters of a result.
    pub(crate) fn parameters(&self) -> Result<Vec<f64>, String> {
        let bytes = self.read("parameters.safetensors")?.ok_or("its `parameters.safetensors` is missing")?;
        parameters::read(&bytes).ok_or_else(|| "its `parameters.safetensors` is damaged".into())
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        match read_regular(&self.path.join(name), MOST_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ReadError::System(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("its `{name}` cannot be read: {error}")),
        }
    }
}
