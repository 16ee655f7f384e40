//! A run from its beginning to its end: prepare, claim a directory, train, write.

use super::{
    Progress, RunDirectory, StoreError, add_optima, collect_provenance, execute, prepare_telling, resolved,
};
use crate::experiment::{Experiment, ExperimentError};
use pstar_loader::Registry;
use pstar_record::RunRecord;
use std::path::Path;
use thiserror::Error;

/// Where a run writes, and what it says of itself.
#[allow(missing_debug_implementations, reason = "holds a function")]
pub struct RunOptions<'a> {
    /// The directory; the first free name of the experiment's under `runs` if there is none.
    pub directory: Option<&'a Path>,
    /// The fields of the experiment that were replaced, for its provenance.
    pub set: &'a [String],
    /// The table that is written beside the record.
    pub table: &'a dyn Fn(&RunRecord) -> String,
}

/// Why a run did not end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The experiment cannot be run.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The run's directory cannot be used, or a file that the run is made from was changed.
    #[error(transparent)]
    Directory(StoreError),
    /// The inputs could not be written, before anything was trained.
    #[error(transparent)]
    Result(StoreError),
}

/// What a run found, and where it wrote that.
#[derive(Debug)]
pub struct Conducted {
    /// The record.
    pub record: RunRecord,
    /// The directory.
    pub directory: RunDirectory,
    /// Why the record, or a part of it, could not be written.
    pub unwritten: Option<StoreError>,
}

/// Runs an experiment on the current pool of threads, and writes what it finds. One that is told to stop
/// ([`Progress::stopped`]) writes what it has, without looking for optima. A record that cannot be written is no error:
/// the caller has it still.
///
/// # Errors
/// [`RunError`].
pub fn conduct(
    experiment: &Experiment,
    registry: &Registry,
    options: &RunOptions<'_>,
    progress: &dyn Progress,
) -> Result<Conducted, RunError> {
    let prepared = prepare_telling(experiment, registry, progress)?;
    prepared.check_memory()?;
    let directory = match options.directory {
        Some(path) => RunDirectory::create(path),
        None => RunDirectory::create_fresh(Path::new("runs"), experiment.file.name.value()),
    };
    let directory = directory.map_err(RunError::Directory)?;
    directory.copy_inputs(&experiment.inputs, &experiment.world.task.directory).map_err(
        |error| match error {
            StoreError::Changed { .. } | StoreError::Unreadable { .. } => RunError::Directory(error),
            _ => RunError::Result(error),
        },
    )?;
    let provenance = collect_provenance(registry, experiment, options.set);
    let inputs = directory.write_inputs(&resolved(experiment, directory.path()), &provenance);
    inputs.map_err(RunError::Result)?;
    let write = |record: &RunRecord| {
        directory.write_record(record).and_then(|()| directory.write_table(&(options.table)(record)))
    };
    let mut record = execute(&prepared, progress);
    // What was trained is safe before anything else is tried.
    let mut written = write(&record);
    if !progress.stopped() {
        if written.is_ok() {
            progress.written();
        }
        add_optima(&prepared, &mut record, progress);
        written = write(&record);
    }
    Ok(Conducted { record, directory, unwritten: written.err() })
}
