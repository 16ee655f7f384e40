//! Training the arms of a run that have no result yet, beside whoever else works on them.

use crate::blocks::{BLOCK, Blocks, order};
use crate::claims::{Claim, Claims, Taken};
use crate::files::Unwritable;
use crate::isolate::{BlackBox, note};
use crate::known::{Known, Look};
use crate::machine::is_portable;
use crate::observers::{ArmName, ArmObserver, JsonLines, Observer};
use crate::store::{ArmFolder, Found, Store};
use pstar_core::PluginError;
use pstar_lab::plan::ArmKey;
use pstar_lab::run::{ArmSpecs, Prepared, Progress, Starts, arm_record, resume_arm, start_arm};
use pstar_lab::training::{ArmEvent, ArmOutcome, Control};
use pstar_record::{ArmRecord, ArmStatus, Warning};
use rayon::prelude::*;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks at the arms that others work on, at first and at last; in between a share of the time that nothing
/// has ended. Of many that wait each would look at all that is left.
const LOOK: Duration = Duration::from_millis(100);
const MOST_LOOK: Duration = Duration::from_secs(5);
const LOOK_SHARE: u32 = 8;

/// An arm of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunArm {
    pub(crate) key: ArmKey,
    /// Its content's name.
    pub(crate) id: String,
}

/// How long a process that finds nothing but arms of others waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until they have ended.
    Endless,
    /// So long.
    For(Duration),
}

/// Trains arms.
pub(crate) struct Trainer<'a> {
    pub(crate) prepared: &'a Prepared<'a>,
    /// What determines arms, which is made when one is claimed: of many it is much.
    specs: ArmSpecs<'a>,
    pub(crate) starts: Starts,
    pub(crate) store: &'a Store,
    pub(crate) observers: &'a [Box<dyn Observer>],
    /// Between two checkpoints of an arm.
    pub(crate) checkpoint: Duration,
    pub(crate) progress: &'a dyn Progress,
    /// What a worker among others has beside.
    pub(crate) among: Option<Among<'a>>,
    /// What is to be said of arms that are trained here, where machines differ.
    pub(crate) machine: Option<String>,
    /// How results of others are looked at.
    pub(crate) look: Look<'a>,
    unwritable: Mutex<Option<Unwritable>>,
}

/// What a worker among others has.
pub(crate) struct Among<'a> {
    /// Notes of what has ended.
    pub(crate) blocks: &'a Blocks,
    /// A number of its own.
    pub(crate) number: u64,
}

impl<'a> Trainer<'a> {
    pub(crate) fn new(
        prepared: &'a Prepared<'a>,
        starts: Starts,
        store: &'a Store,
        observers: &'a [Box<dyn Observer>],
        checkpoint: Duration,
        progress: &'a dyn Progress,
    ) -> Self {
        let unwritable = Mutex::default();
        let specs = ArmSpecs::new(prepared.experiment, prepared.registry);
        let (among, machine, look) = (None, None, Look::Thorough);
        Self {
            prepared,
            specs,
            starts,
            store,
            observers,
            checkpoint,
            progress,
            among,
            machine,
            look,
            unwritable,
        }
    }

    /// Has arms tried again that failed, by whoever comes to them: their results are removed.
    pub(crate) fn try_again(&self, arms: &[RunArm], known: &mut [Option<Known>]) {
        for (arm, known) in arms.iter().zip(known) {
            if known.as_ref().is_some_and(|known| known.status() == ArmStatus::Failed) {
                *known = None;
                let removed = self.store.arm(&arm.id).remove_result();
                removed.unwrap_or_else(|error| self.tell_unwritable(error));
            }
        }
    }

    /// Whether something could not be written.
    pub(crate) fn is_unwritable(&self) -> bool {
        lock(&self.unwritable).is_some()
    }

    /// Why something could not be written, if anything could not.
    pub(crate) fn into_unwritable(self) -> Option<Unwritable> {
        self.unwritable.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of all arms, in their order, once each has ended or the run is stopped or patience is at its end.
    /// `known` is what was before.
    pub(crate) fn run(
        &self,
        arms: &[RunArm],
        mut known: Vec<Option<Known>>,
        patience: Patience,
    ) -> Vec<Option<Known>> {
        let parts = self.parts(arms.len());
        let mut since = Instant::now();
        while known.iter().any(Option::is_none) {
            let ended: Vec<(usize, Known)> = parts
                .par_iter()
                .flat_map_iter(|part| {
                    self.part(&arms[part.clone()], &known[part.clone()], part.start, arms.len())
                })
                .collect();
            if !ended.is_empty() {
                since = Instant::now();
            }
            for (i, ended) in ended {
                known[i] = Some(ended);
            }
            let waited = since.elapsed();
            let impatient = matches!(patience, Patience::For(time) if waited >= time);
            if known.iter().all(Option::is_some) || self.progress.stopped() || impatient {
                break;
            }
            sleep((waited / LOOK_SHARE).clamp(LOOK, MOST_LOOK));
        }
        known
    }

    /// The parts of the arms that are gone through one by one.
    fn parts(&self, count: usize) -> Vec<Range<usize>> {
        let Some(among) = &self.among else { return std::iter::once(0..count).collect() };
        let part = |i: usize| i * BLOCK..((i + 1) * BLOCK).min(count);
        order(count.div_ceil(BLOCK), among.number).into_iter().map(part).collect()
    }

    /// One look at the arms of a part, the first of which is number `first` of `all`: those that have ended since.
    fn part(
        &self,
        arms: &[RunArm],
        known: &[Option<Known>],
        first: usize,
        all: usize,
    ) -> Vec<(usize, Known)> {
        let mut open: Vec<usize> = (0..arms.len()).filter(|&i| known[i].is_none()).collect();
        // A run of one block needs no notes.
        let blocks = self.among.as_ref().filter(|_| arms.len() < all).map(|among| among.blocks);
        if !open.is_empty()
            && let Some(statuses) = blocks.and_then(|blocks| blocks.noted(arms))
        {
            return open.into_iter().map(|i| (first + i, Known::Kept(statuses[i]))).collect();
        }
        if let Some(among) = &self.among {
            let own = order(open.len(), among.number);
            open = own.into_iter().map(|i| open[i]).collect();
        }
        let ended: Vec<(usize, Known)> =
            open.par_iter().filter_map(|&i| Some((i, self.turn(&arms[i])?))).collect();
        if let Some(blocks) = blocks.filter(|_| !ended.is_empty()) {
            note_all(blocks, arms, known, &ended);
        }
        ended.into_iter().map(|(i, known)| (first + i, known)).collect()
    }

    /// One look at an arm: what is known of it once it has ended, or the work on it. Nothing if another process works on it.
    fn turn(&self, arm: &RunArm) -> Option<Known> {
        let folder = self.store.arm(&arm.id);
        if let Some(status) = self.found(&folder, arm) {
            return Some(Known::Kept(status));
        }
        if self.progress.stopped() {
            return None;
        }
        // Before it is claimed: whoever watches this process must know whose claim it leaves.
        note(|own| own.arm(&arm.id, 0));
        let taken = self.take(&folder);
        let turn = self.turn_with(&folder, arm, taken);
        note(BlackBox::arm_ended);
        turn
    }

    fn take(&self, folder: &ArmFolder) -> Result<Taken, Unwritable> {
        let take = || self.store.claims().take(folder.path(), &|| folder.mark());
        match take() {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                folder.make()?;
                take()
            }
            taken => taken,
        }
    }

    fn turn_with(&self, folder: &ArmFolder, arm: &RunArm, taken: Result<Taken, Unwritable>) -> Option<Known> {
        match taken {
            Ok(Taken::Busy) => None,
            Ok(Taken::Poison(deaths)) => Some(self.leave_alone(folder, arm, deaths)),
            Ok(Taken::Mine(claim)) => {
                // Another may have finished it between the look and the claim.
                if let Some(status) = self.found(folder, arm) {
                    Claims::clear(&claim);
                    return Some(Known::Kept(status));
                }
                folder
                    .tell(self.specs.of(arm.key).text())
                    .unwrap_or_else(|error| self.tell_unwritable(error));
                Some(self.work(folder, arm, *claim))
            }
            // What cannot be kept is worked out all the same, and told at the end.
            Err(error) => {
                self.tell_unwritable(error);
                let outcome = self.train(folder, arm, None);
                Some(Known::Record(Box::new(self.record(arm, outcome))))
            }
        }
    }

    /// How an arm ended whose result counts.
    fn found(&self, folder: &ArmFolder, arm: &RunArm) -> Option<ArmStatus> {
        let found = match self.look {
            Look::Light(_) => folder.status(),
            Look::Thorough | Look::Records => match folder.result() {
                Found::Whole(record) => Ok(Some(record.status)),
                Found::Nothing => Ok(None),
                Found::Damaged(fault) => Err(fault),
            },
        };
        found.unwrap_or_else(|fault| {
            self.progress.word(&format!("{}: {fault}: it is run again", self.called(arm)));
            folder.remove_result().unwrap_or_else(|error| self.tell_unwritable(error));
            None
        })
    }

    /// Trains an arm that is this process's.
    fn work(&self, folder: &ArmFolder, arm: &RunArm, claim: Claim) -> Known {
        if claim.died.is_some() {
            self.progress
                .word(&format!("{}: the process that worked on it died: this one goes on", self.called(arm)));
        }
        let outcome = self.train(folder, arm, Some(&claim));
        let tensors = outcome.tensors.clone();
        let record = self.record(arm, outcome);
        let kept = if record.status == ArmStatus::Interrupted {
            self.store.claims().release(claim).map(|()| false)
        } else if Claims::holds(&claim) {
            folder.write_result(&record, &tensors).map(|()| {
                Claims::clear(&claim);
                true
            })
        } else {
            Ok(false)
        };
        let kept = kept.unwrap_or_else(|error| {
            self.tell_unwritable(error);
            false
        });
        if record.status != ArmStatus::Interrupted {
            let called = self.called(arm);
            note(|own| own.count_arm(&called));
            self.progress.arm_ended(&called);
        }
        if kept { Known::Kept(record.status) } else { Known::Record(Box::new(record)) }
    }

    /// Trains from where the arm was left. Without a claim nothing is kept on the way.
    fn train(&self, folder: &ArmFolder, arm: &RunArm, claim: Option<&Claim>) -> ArmOutcome {
        let saved = if claim.is_some() { self.checkpoint(folder, arm) } else { None };
        let mut observers: Vec<Box<dyn ArmObserver>> = Vec::new();
        let mut due = Instant::now() + self.checkpoint;
        let mut tell = |event: ArmEvent<'_>| {
            if let ArmEvent::Begin { step, curve } = event {
                note(|own| own.arm(&arm.id, step));
                if claim.is_some() {
                    observers = self.observe(folder, arm, curve);
                }
                return Control::Continue;
            }
            for observer in &mut observers {
                observer.tell(&event).unwrap_or_else(|error| self.tell_unwritable(error));
            }
            match event {
                ArmEvent::Step { step } => {
                    note(|own| own.step(step));
                    self.progress.step();
                    if self.progress.stopped() {
                        return Control::Stop;
                    }
                    let now = Instant::now();
                    if claim.is_some() && now >= due {
                        due = now + self.checkpoint;
                        return Control::Save;
                    }
                }
                ArmEvent::State(state) if claim.is_some_and(Claims::holds) => {
                    folder.write_checkpoint(state).unwrap_or_else(|error| self.tell_unwritable(error));
                }
                _ => {}
            }
            Control::Continue
        };
        let begun = match saved {
            Some(state) => resume_arm(self.prepared, arm.key, &state, &mut tell).map_err(|error| {
                let (called, fault) = (self.called(arm), error.message);
                self.progress
                    .word(&format!("{called}: its checkpoint does not fit: {fault}: it starts again"));
            }),
            None => Err(()),
        };
        begun.unwrap_or_else(|()| {
            let start = self.starts.get(self.prepared, arm.key);
            start
                .and_then(|start| start_arm(self.prepared, &start, arm.key, &mut tell))
                .unwrap_or_else(ArmOutcome::of_failure)
        })
    }

    /// How far the arm was left.
    fn checkpoint(&self, folder: &ArmFolder, arm: &RunArm) -> Option<String> {
        folder.checkpoint().unwrap_or_else(|fault| {
            self.progress.word(&format!("{}: {fault}: it starts again", self.called(arm)));
            None
        })
    }

    fn observe(
        &self,
        folder: &ArmFolder,
        arm: &RunArm,
        curve: &[pstar_record::CurvePoint],
    ) -> Vec<Box<dyn ArmObserver>> {
        let (policy, objective) = self.prepared.names(arm.key);
        let plan = &self.prepared.experiment.plan;
        let learning_rate = plan.has_several_rates().then(|| plan.rate_of(arm.key));
        let name = ArmName { id: &arm.id, policy, objective, seed: arm.key.seed, learning_rate };
        let all = std::iter::once(&JsonLines as &dyn Observer)
            .chain(self.observers.iter().map(|observer| &**observer));
        all.filter_map(|observer| {
            observer.begin(name, folder.path(), curve).map_err(|error| self.tell_unwritable(error)).ok()
        })
        .collect()
    }

    /// An arm that has ended so many processes that it is not tried again.
    fn leave_alone(&self, folder: &ArmFolder, arm: &RunArm, deaths: u32) -> Known {
        let message =
            format!("it has ended {deaths} processes, one after the other, at one point (out of memory?)");
        let outcome = ArmOutcome::of_failure(
            PluginError::contract(message).with_hint("run the experiment again to try it once more"),
        );
        let record = self.record(arm, outcome);
        match folder.write_result(&record, &[]) {
            Ok(()) => Known::Kept(record.status),
            Err(error) => {
                self.tell_unwritable(error);
                Known::Record(Box::new(record))
            }
        }
    }

    fn record(&self, arm: &RunArm, outcome: ArmOutcome) -> ArmRecord {
        let mut record = arm_record(self.prepared, arm.key, outcome);
        record.id.clone_from(&arm.id);
        let experiment = self.prepared.experiment;
        let base = experiment.file.task.base.plugin.value();
        if let Some(message) = &self.machine
            && !is_portable(&experiment.plan, base, arm.key)
        {
            record.warnings.0.push(Warning::Text { message: message.clone() });
        }
        record
    }

    fn called(&self, arm: &RunArm) -> String {
        self.prepared.called(arm.key)
    }

    fn tell_unwritable(&self, error: Unwritable) {
        lock(&self.unwritable).get_or_insert(error);
    }
}

/// Notes a block whose arms have all ended and are kept.
fn note_all(blocks: &Blocks, arms: &[RunArm], known: &[Option<Known>], ended: &[(usize, Known)]) {
    let kept = |known: &Known| if let Known::Kept(status) = known { Some(*status) } else { None };
    let mut statuses: Vec<Option<ArmStatus>> =
        known.iter().map(|known| known.as_ref().and_then(kept)).collect();
    for (i, known) in ended {
        statuses[*i] = kept(known);
    }
    if let Some(statuses) = statuses.into_iter().collect::<Option<Vec<_>>>() {
        blocks.note(arms, &statuses);
    }
}

/// Gives a result the names that it has in this experiment.
pub(crate) fn name(prepared: &Prepared<'_>, arm: &RunArm, record: &mut ArmRecord) {
    let (policy, objective) = prepared.names(arm.key);
    (record.policy, record.objective) = (policy.into(), objective.into());
    record.id.clone_from(&arm.id);
    // Of an arm that ended its process nobody who knew could say these.
    record.seed = arm.key.seed;
    record.learning_rate = prepared.experiment.plan.rate_of(arm.key);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
