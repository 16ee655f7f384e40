//! A run from its beginning to its end: find its directory, prepare, train what has no result yet, write.

use crate::blocks::Blocks;
use crate::claims::Owner;
use crate::directory::{DirectoryError, Place, RunDirectory};
use crate::files::{Unwritable, Writer};
use crate::isolate::{BlackBox, note};
use crate::known::Look;
use crate::machine::difference;
use crate::observers::Observer;
use crate::part::tell_part;
use crate::phases::Phases;
use crate::prompts::write_prompts;
use crate::shown::Shown;
use crate::store::{ArmFolder, Store, Verdicts};
use crate::tidy::tidy;
use crate::train::{Patience, Trainer};
use pstar_lab::experiment::{Experiment, ExperimentError};
use pstar_lab::kappa::kappa_of_run;
use pstar_lab::run::{
    ArmSpecs, Ended, Prepared, Progress, Starts, assemble, collect_provenance, look_for_optima,
    prepare_telling, resolved,
};
use pstar_loader::Registry;
use pstar_record::{ArmRecord, ArmStatus, CurvePoint, RunRecord, Selection};
use rayon::prelude::*;
use std::mem;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;
use thiserror::Error;

/// Seconds between two checkpoints of an arm, where nothing else is said.
pub const CHECKPOINT_SECONDS: u64 = 30;

/// Arms whose files are read side by side, while those before are written.
pub(crate) const READ_AT_ONCE: usize = 256;

/// Where a run writes, and what it says of itself.
#[allow(missing_debug_implementations, reason = "holds functions")]
pub struct RunOptions<'a> {
    /// The directory; the first name of the experiment's under `runs` that is free, or its own, if there is none.
    pub directory: Option<&'a Path>,
    /// Where arms are kept; in the directory if there is none.
    pub store: Option<&'a Path>,
    /// Whether what an earlier run found is left aside.
    pub fresh: bool,
    /// What is done of it.
    pub part: Part,
    /// Where arms are trained, if not on the current pool of threads.
    pub pool: Option<&'a rayon::ThreadPool>,
    /// Told of the directory as soon as it is known.
    pub began: &'a (dyn Fn(&Path) + Sync),
    /// The fields of the experiment that were replaced, for its provenance.
    pub set: &'a [String],
    /// The command line, without folders of the machine, for its provenance.
    pub command: &'a [String],
    /// The file that holds the program's code, where that is not the executable, for its provenance.
    pub program: Option<&'a Path>,
    /// Between two checkpoints of an arm.
    pub checkpoint: Duration,
    /// Who is told of arms, beside the arms' own folders. Given the run's directory.
    pub observers: &'a dyn Fn(&Path) -> Vec<Box<dyn Observer>>,
    /// What people read, written beside the record.
    pub shown: Shown<'a>,
}

/// What is done of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it. Arms that failed before are tried once more.
    #[default]
    All,
    /// What is left of it, of which another process did a part and died: it is no new part of the run.
    Rest,
    /// The directory is made, and no arm is run: others will.
    Prepare,
    /// What there is is put together: no arm is run.
    Finish,
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
    Directory(DirectoryError),
    /// Results could not be written.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

impl From<DirectoryError> for RunError {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

/// What a run found, and where it wrote that.
#[derive(Debug)]
pub struct Conducted {
    /// The record.
    pub record: RunRecord,
    /// The directory.
    pub directory: PathBuf,
    /// Why the record, or a part of it, could not be written.
    pub unwritten: Option<Unwritable>,
}

/// Runs an experiment on the current pool of threads, and writes what it finds. Arms that have a result are not run
/// again, and those that were begun go on where they were left; a run that is complete is shown. One that is told to
/// stop ([`Progress::stopped`]) writes what it has, without looking for optima. A record that cannot be written is no
/// error: the caller has it still.
///
/// # Errors
/// [`RunError`].
pub fn conduct(
    experiment: &Experiment,
    registry: &Registry,
    options: &RunOptions<'_>,
    progress: &dyn Progress,
) -> Result<Conducted, RunError> {
    let owner = Owner::of_this_process();
    let writer = Writer::of(&owner);
    let text = |path: &Path| resolved(experiment, path);
    let place = Place { experiment: &text, inputs: &experiment.inputs, writer: &writer };
    let parent = Path::new("runs");
    let name = experiment.file.name.value();
    let verdicts = Verdicts::of(experiment, registry);
    if let Some(store) = options.store {
        verdicts.go_on(store, &owner);
    }
    let phases = Phases::new(&experiment.plan, ArmSpecs::new(experiment, registry));
    if !options.fresh {
        let known = match options.directory {
            Some(path) => RunDirectory::look(path, &place)?,
            None => RunDirectory::look_for(parent, name, &place)?,
        };
        if let Some(directory) = &known {
            verdicts.go_on(options.store.unwrap_or(directory.path()), &owner);
        }
        if let Some((directory, record)) = known.and_then(|directory| {
            let record = directory.complete_record().filter(|record| phases.are_of(record))?;
            // What failed is tried again, and what was not kept or is damaged is run again.
            let root = options.store.unwrap_or(directory.path());
            let good = record.failures() == 0 && are_whole(root, &writer, &record);
            (good || options.part == Part::Finish).then_some((directory, record))
        }) {
            (options.began)(directory.path());
            // Its last process may have been killed when all was written.
            tidy(directory.path(), options.store.unwrap_or(directory.path()), &record.arms, &owner);
            if options.part != Part::Finish {
                progress.word("nothing is left to do: this run is complete");
            }
            return Ok(Conducted { record, directory: directory.path().to_path_buf(), unwritten: None });
        }
    }
    let prepared = prepare_telling(experiment, registry, progress)?;
    prepared.check_memory()?;
    let directory = match options.directory {
        Some(path) if options.fresh => RunDirectory::open_anew(path, &place, &owner)?,
        Some(path) => RunDirectory::open(path, &place)?,
        None => RunDirectory::find(parent, name, options.fresh, &place)?,
    };
    (options.began)(directory.path());
    directory.copy_inputs(&experiment.inputs, &experiment.world.task.directory)?;
    let store = Store::open(options.store.unwrap_or(directory.path()), &owner, &writer, true);
    verdicts.go_on(store.root(), &owner);
    let mut left = phases.look(&store, &prepared, Look::Records);
    let (done, all) = (left.done, experiment.plan.arm_count());
    let mut provenance =
        collect_provenance(registry, experiment, options.set, options.command, options.program);
    let is_new_part = matches!(options.part, Part::All | Part::Prepare);
    provenance.store =
        options.store.map(|store| absolute(store).unwrap_or_else(|_| store.into()).display().to_string());
    let machine = directory.provenance().as_ref().and_then(difference);
    if is_new_part {
        directory.write_provenance(&tell_part(directory.provenance(), provenance, done))?;
    }
    if matches!(options.part, Part::Prepare | Part::Finish) {
        let (ended, _) = left.untrained().records(&phases, &prepared, &store);
        let (record, unwritten) = match options.part {
            Part::Finish => finish(&prepared, &directory, &store, ended, options.shown, progress),
            _ => (assemble(&prepared, ended), None),
        };
        return Ok(Conducted { record, directory: directory.path().to_path_buf(), unwritten });
    }
    if done > 0 && options.part == Part::All {
        progress.word(&format!("{done} of {all} arms are done already"));
    }
    let observers = (options.observers)(directory.path());
    progress.phase("evaluating policies at their start");
    let starts = Starts::of(&prepared, mem::take(&mut left.open).into_iter());
    let mut trainer = Trainer::new(&prepared, starts, &store, &observers, options.checkpoint, progress);
    trainer.machine = machine;
    let open = all.saturating_sub(done as u64);
    progress.begin(open, prepared.training.steps.into());
    note(|own| own.begin_training(open, prepared.training.steps));
    if options.part == Part::All && left.failures() > 0 {
        Blocks::forget(directory.path());
    }
    let trained = phases.run(&prepared, &store, left, &mut |arms, mut known| {
        if options.part == Part::All {
            trainer.try_again(arms, &mut known);
        }
        let train = || trainer.run(arms, known, Patience::Endless);
        match options.pool {
            Some(pool) => pool.install(train),
            None => train(),
        }
    });
    note(BlackBox::end_training);
    progress.end();
    let unkept = trainer.into_unwritable();
    let (ended, _) = trained.records(&phases, &prepared, &store);
    let (record, unwritten) = finish(&prepared, &directory, &store, ended, options.shown, progress);
    if record.complete {
        tidy(directory.path(), store.root(), &record.arms, &owner);
    }
    let directory = directory.path().to_path_buf();
    Ok(Conducted { record, directory, unwritten: unkept.or(unwritten) })
}

/// Puts the record together and writes it: once before its optima are looked for, and once with them. The record, and
/// why something could not be written.
pub(crate) fn finish(
    prepared: &Prepared<'_>,
    directory: &RunDirectory,
    store: &Store,
    ended: Ended,
    shown: Shown<'_>,
    progress: &dyn Progress,
) -> (RunRecord, Option<Unwritable>) {
    let mut record = assemble(prepared, ended);
    let optima = record.missing.optima;
    let all_ended = record.missing.arms.is_empty() && !progress.stopped();
    // A record that is complete without optima is written once.
    if all_ended && !optima {
        record.kappa = kappa_of_run(prepared).ok();
    }
    // What was trained is safe before anything else is tried.
    let with_rate = prepared.experiment.plan.has_several_rates();
    let curves = write_curves(directory, store, &record, with_rate);
    let prompts = write_prompts(prepared, directory, store, &record);
    let mut unwritten = curves.and(prompts).err();
    if all_ended && optima && !progress.stopped() {
        unwritten = directory.write_record(&record, &(shown.table)(&record)).err().or(unwritten);
        if unwritten.is_none() {
            progress.written();
        }
        let ends = |policy: &str| ends(store, &record, policy);
        look_for_optima(prepared, &ends, progress).put_into(&mut record);
        record.kappa = kappa_of_run(prepared).ok();
    }
    if unwritten.is_none() {
        let written;
        (record, written) = directory.write_page(record, shown.page);
        unwritten = written.err();
    }
    // The record last: once it is complete, so is everything beside it.
    unwritten = directory.write_record(&record, &(shown.table)(&record)).err().or(unwritten);
    (record, unwritten)
}

/// Whether the results of all arms of a record are in a store as they were written. Costs a look at their files: of 10,000
/// small arms some tenths of a second.
fn are_whole(store: &Path, writer: &Writer, record: &RunRecord) -> bool {
    let arms = store.join("arms");
    let selecting = record.selection.iter().flat_map(Selection::arms).map(|arm| &arm.id);
    let ids: Vec<&String> = selecting.chain(record.arms.iter().map(|arm| &arm.id)).collect();
    // An arm for which no learning rate could be selected has no name.
    ids.into_par_iter().filter(|id| !id.is_empty()).all(|id| ArmFolder::new(&arms, id, writer).is_whole())
}

fn write_curves(
    directory: &RunDirectory,
    store: &Store,
    record: &RunRecord,
    with_rate: bool,
) -> Result<(), Unwritable> {
    directory.write_curves(with_rate, &mut |curves| {
        for arms in record.arms.chunks(READ_AT_ONCE) {
            // What is kept is not in memory.
            let read = |arm: &ArmRecord| {
                arm.curve.is_empty().then(|| store.arm(&arm.id).curve().unwrap_or_default())
            };
            let kept: Vec<Option<Vec<CurvePoint>>> = arms.par_iter().map(read).collect();
            for (arm, kept) in arms.iter().zip(&kept) {
                curves.arm(arm, kept.as_ref().unwrap_or(&arm.curve))?;
            }
        }
        Ok(())
    })
}

/// The parameters at which the arms of a policy ended.
fn ends(store: &Store, record: &RunRecord, policy: &str) -> Vec<Vec<f64>> {
    let complete = record.arms.iter().filter(|arm| arm.policy == policy && arm.status == ArmStatus::Complete);
    let parameters = |arm: &ArmRecord| {
        if arm.parameters.is_empty() {
            store.arm(&arm.id).parameters().ok()
        } else {
            Some(arm.parameters.clone())
        }
    };
    complete.filter_map(parameters).collect()
}
