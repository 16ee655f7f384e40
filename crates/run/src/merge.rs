//! Putting together what a run has, at any time.

use crate::claims::Owner;
use crate::conduct::{Conducted, RunError, finish};
use crate::directory::{DirectoryError, ExistingRun, PARTIAL};
use crate::files::Writer;
use crate::known::Look;
use crate::phases::Phases;
use crate::shown::Shown;
use crate::store::Store;
use crate::summary::ClaimedSummary;
use crate::tidy::tidy;
use pstar_lab::experiment::Experiment;
use pstar_lab::run::{ArmSpecs, Progress, prepare_telling};
use pstar_loader::Registry;
use std::path::Path;

/// Puts together what the arms of the run in a directory found so far, and trains nothing: in the directory once all have
/// ended, as whoever ends the last arm does, and in the folder `partial` of it before. Others may work on it meanwhile.
/// `experiment` is the one in the directory.
///
/// # Errors
/// [`RunError`]; [`DirectoryError::InUse`] where another process is about to write the whole record.
pub fn merge(
    path: &Path,
    experiment: &Experiment,
    registry: &Registry,
    shown: Shown<'_>,
    progress: &dyn Progress,
) -> Result<Conducted, RunError> {
    let owner = Owner::of_this_process();
    let writer = Writer::of(&owner);
    let run = ExistingRun::open(path, registry)?;
    let phases = Phases::new(&experiment.plan, ArmSpecs::new(experiment, registry));
    let prepared = prepare_telling(experiment, registry, progress)?;
    let store = Store::open(&run.store, &owner, &writer, false);
    let trained = phases.look(&store, &prepared, Look::Records).untrained();
    let is_all = trained.worked(&phases, experiment.plan.arm_count()).is_all();
    let (ended, damaged) = trained.records(&phases, &prepared, &store);
    if !is_all || damaged {
        let partial = run.directory.partial()?;
        let (record, unwritten) = finish(&prepared, &partial, &store, ended, shown, progress);
        return Ok(Conducted { record, directory: path.join(PARTIAL), unwritten });
    }
    let Some(summary) = ClaimedSummary::take(&store, &run.directory)? else {
        let process = ClaimedSummary::owner(path).map_or(0, |owner| owner.process);
        return Err(DirectoryError::InUse { path: path.to_path_buf(), process }.into());
    };
    let (record, unwritten) = finish(&prepared, &run.directory, &store, ended, shown, progress);
    if unwritten.is_none() {
        tidy(path, &run.store, &record.arms, &owner);
    }
    summary.clear();
    Ok(Conducted { record, directory: path.to_path_buf(), unwritten })
}
