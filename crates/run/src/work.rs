//! One worker of a run that others may work on as well.

use crate::blocks::Blocks;
use crate::claims::{Claims, Owner};
use crate::conduct::{RunError, finish};
use crate::directory::{ExistingRun, RunDirectory};
use crate::files::{Unwritable, Writer};
use crate::known::Look;
use crate::machine::difference;
use crate::observers::Observer;
use crate::phases::Phases;
use crate::shown::Shown;
use crate::store::{Store, Verdicts};
use crate::summary::ClaimedSummary;
use crate::tidy::tidy;
use crate::train::{Among, Patience, RunArm, Trainer};
use pstar_lab::experiment::Experiment;
use pstar_lab::run::{ArmSpecs, Progress, Starts, prepare_telling};
use pstar_loader::Registry;
use pstar_record::ArmStatus;
use rayon::prelude::*;
use std::mem;
use std::path::Path;
use std::time::Duration;

/// How a worker works.
#[allow(missing_debug_implementations, reason = "holds a function")]
pub struct WorkOptions<'a> {
    /// Between two checkpoints of an arm.
    pub checkpoint: Duration,
    /// How long it waits for arms that others work on, once it finds no other: their owners may die.
    pub linger: Duration,
    /// Who is told of arms, beside the arms' own folders.
    pub observers: &'a [Box<dyn Observer>],
    /// Whether arms that failed are tried again.
    pub retry_failed: bool,
    /// Whether the run's summary is written once all arms have ended; else somebody else will.
    pub summarise: bool,
    /// What people read, written once all arms have ended.
    pub shown: Shown<'a>,
}

/// What is left of a run once a worker has found nothing more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// Arms.
    pub arms: u64,
    /// Arms that ended well.
    pub complete: u64,
    /// Arms that failed.
    pub failed: u64,
}

impl Worked {
    /// Whether all arms have ended.
    pub(crate) fn is_all(self) -> bool {
        self.complete + self.failed == self.arms
    }
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
    let run = ExistingRun::open(path, registry)?;
    let phases = Phases::new(&experiment.plan, ArmSpecs::new(experiment, registry));
    let verdicts = Verdicts::of(experiment, registry);
    verdicts.go_on(&run.store, &owner);
    let prepared = prepare_telling(experiment, registry, progress)?;
    prepared.check_memory()?;
    let store = Store::open(&run.store, &owner, &writer, false);
    let blocks = Blocks::new(path, &writer);
    if options.retry_failed {
        retry(&phases, &store, &run.directory)?;
    }
    let mut left = phases.look(&store, &prepared, Look::Light(&blocks));
    let trained = left.open.len();
    progress.phase("evaluating policies at their start");
    let starts = Starts::of(&prepared, mem::take(&mut left.open).into_iter());
    let mut trainer =
        Trainer::new(&prepared, starts, &store, options.observers, options.checkpoint, progress);
    trainer.among = Some(Among { blocks: &blocks, number: owner.number() });
    // Of the arms that select learning rates every worker reads the records.
    if experiment.plan.select_on.is_none() {
        trainer.look = Look::Light(&blocks);
    }
    trainer.machine = run.directory.provenance().as_ref().and_then(difference);
    if let Some(message) = &trainer.machine {
        progress.word(&format!("{message}, but for n-gram models"));
    }
    progress.begin(trained as u64, prepared.training.steps.into());
    let worked = loop {
        let linger = Patience::For(options.linger);
        let trained =
            phases.run(&prepared, &store, left, &mut |arms, found| trainer.run(arms, found, linger));
        let worked = trained.worked(&phases, experiment.plan.arm_count());
        if !worked.is_all() || progress.stopped() || !options.summarise || trainer.is_unwritable() {
            break worked;
        }
        progress.end();
        let Some(summary) = ClaimedSummary::take(&store, &run.directory)? else { break worked };
        let known = run.directory.complete_record();
        if known.is_some_and(|record| record.failures() as u64 == worked.failed) {
            summary.clear();
            break worked;
        }
        let (ended, damaged) = trained.records(&phases, &prepared, &store);
        if damaged {
            summary.clear();
            // Whoever looked at the results alone took them for whole.
            Blocks::forget(path);
            trainer.among = None;
            trainer.look = Look::Thorough;
            left = phases.look(&store, &prepared, Look::Thorough);
            continue;
        }
        let (record, unwritten) = finish(&prepared, &run.directory, &store, ended, options.shown, progress);
        unwritten.map_or(Ok(()), Err)?;
        tidy(path, &run.store, &record.arms, &owner);
        summary.clear();
        break worked;
    };
    progress.end();
    match trainer.into_unwritable() {
        Some(error) => Err(error.into()),
        None => Ok(worked),
    }
}

/// Removes the results of the arms that failed in the run in a directory, so that whoever comes to them tries again: how many
/// these were. `experiment` is the one in the directory.
///
/// # Errors
/// [`RunError`].
pub fn retry_failed(path: &Path, experiment: &Experiment, registry: &Registry) -> Result<u64, RunError> {
    let owner = Owner::of_this_process();
    let run = ExistingRun::open(path, registry)?;
    let phases = Phases::new(&experiment.plan, ArmSpecs::new(experiment, registry));
    let store = Store::open(&run.store, &owner, &Writer::of(&owner), true);
    Ok(retry(&phases, &store, &run.directory)?)
}

fn retry(phases: &Phases<'_>, store: &Store, directory: &RunDirectory) -> Result<u64, Unwritable> {
    let (arms, _) = phases.known(&|id| store.arm(id).record());
    let failed = |arm: &&RunArm| store.arm(&arm.id).status() == Ok(Some(ArmStatus::Failed));
    let failed: Vec<&RunArm> = arms.par_iter().filter(failed).collect();
    if failed.is_empty() {
        return Ok(0);
    }
    Blocks::forget(directory.path());
    directory.remove_record()?;
    for arm in &failed {
        let folder = store.arm(&arm.id);
        // While there is a result nobody claims it: the deaths of those that did are forgotten.
        Claims::forget(folder.path());
        folder.remove_result()?;
    }
    Ok(failed.len() as u64)
}
