//! One worker of a run that others may work on as well.

use crate::claims::{Claim, Claims, Owner, Taken};
use crate::conduct::{RunError, finish};
use crate::directory::{DirectoryError, RunDirectory};
use crate::files::{Unwritable, Writer, make_folder};
use crate::observers::Observer;
use crate::phases::Phases;
use crate::shown::Shown;
use crate::store::{Store, Verdicts};
use crate::tidy::tidy;
use crate::train::{Patience, Trainer};
use pstar_lab::experiment::Experiment;
use pstar_lab::run::{ArmSpecs, Progress, Starts, prepare_telling};
use pstar_loader::Registry;
use pstar_record::ArmStatus;
use std::path::Path;
use std::time::Duration;
use std::{fs, io, mem};

/// How a worker works.
#[allow(missing_debug_implementations, reason = "holds a function")]
pub struct WorkOptions<'a> {
    /// Between two checkpoints of an arm.
    pub checkpoint: Duration,
    /// How long it waits for arms that others work on, once it finds no other: their owners may die.
    pub linger: Duration,
    /// Who is told of arms, beside the arms' own folders.
    pub observers: &'a [Box<dyn Observer>],
    /// Whether the run's summary is written once all arms have ended; else somebody else will.
    pub summarise: bool,
    /// What people read, written once all arms have ended.
    pub shown: Shown<'a>,
}

/// What is left of a run once a worker has found nothing more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// Arms.
    pub arms: usize,
    /// Arms that ended well.
    pub complete: usize,
    /// Arms that failed.
    pub failed: usize,
}

/// Trains the arms of the run in a directory that have no result and no owner, until none is left, and writes the run's
/// summary if nobody else does. `experiment` is the one in the directory.
///
/// # Errors
/// [`RunError`].
pub fn work(
    path: &Path,
    experiment: &Experiment,
    registry: &Registry,
    options: &WorkOptions<'_>,
    progress: &dyn Progress,
) -> Result<Worked, RunError> {
    let owner = Owner::of_this_process();
    let writer = Writer::of(&owner);
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
            return Err(DirectoryError::OtherPlugin { path: path.to_path_buf(), plugin }.into());
        }
    }
    let phases = Phases::new(&experiment.plan, ArmSpecs::new(experiment, registry));
    let root = provenance.store.as_ref().map_or(path, Path::new);
    let verdicts = Verdicts::of(experiment, registry);
    verdicts.go_on(root, &owner);
    let prepared = prepare_telling(experiment, registry, progress)?;
    prepared.check_memory()?;
    let store = Store::open(root, &owner, &writer, false);
    let mut left = phases.look(&store, &prepared);
    let trained = left.open.len();
    progress.phase("evaluating policies at their start");
    let starts = Starts::of(&prepared, mem::take(&mut left.open).into_iter());
    let trainer = Trainer::new(&prepared, starts, &store, options.observers, options.checkpoint, progress);
    progress.begin(trained as u64, prepared.training.steps.into());
    let number = usize::from_str_radix(&owner.id[..4], 16).unwrap_or(0);
    let ended = phases.run(&prepared, &store, left, &mut |arms, mut found| {
        let mut own = arms.to_vec();
        // Each worker begins elsewhere, so that they seldom look at the same arm.
        let first = number % own.len().max(1);
        own.rotate_left(first);
        found.rotate_left(first);
        let mut ended = trainer.run(&own, found, Patience::For(options.linger));
        ended.rotate_right(first);
        ended
    });
    progress.end();
    if let Some(error) = trainer.into_unwritable() {
        return Err(error.into());
    }
    let count = |status| ended.statuses().filter(|&other| other == status).count();
    let worked = Worked {
        arms: ended.statuses().count(),
        complete: count(ArmStatus::Complete),
        failed: count(ArmStatus::Failed),
    };
    if worked.complete + worked.failed == worked.arms && !progress.stopped() && options.summarise {
        let place = path.join("summary");
        if let Some(claim) = claim_summary(&store, &directory, &place)? {
            if directory.complete_record().is_none() {
                let (record, unwritten) =
                    finish(&prepared, &directory, &store, ended, options.shown, progress);
                unwritten.map_or(Ok(()), Err)?;
                tidy(path, root, &record.arms, &owner);
            }
            Claims::clear(&claim);
            let _ = fs::remove_dir(&place);
        }
    }
    Ok(worked)
}

/// Claims a run's summary in a folder; nothing if another process has it, or has written it.
fn claim_summary(
    store: &Store,
    directory: &RunDirectory,
    place: &Path,
) -> Result<Option<Box<Claim>>, Unwritable> {
    loop {
        make_folder(place)?;
        match store.claims().take(place, "") {
            Ok(Taken::Mine(claim)) => return Ok(Some(claim)),
            Ok(_) => return Ok(None),
            // Whoever had it removed the folder in between, which is done once the summary is written.
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                if directory.complete_record().is_some() {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
