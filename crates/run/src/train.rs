//! Training the arms of a run that have no result yet, beside whoever else works on them.

use crate::claims::{Claim, Claims, Taken};
use crate::files::Unwritable;
use crate::isolate::{BlackBox, note};
use crate::observers::{ArmName, ArmObserver, JsonLines, Observer};
use crate::store::{ArmFolder, Found, Store};
use pstar_core::PluginError;
use pstar_lab::plan::ArmKey;
use pstar_lab::run::{ArmSpecs, Prepared, Progress, Starts, arm_record, resume_arm, start_arm, unbegun};
use pstar_lab::training::{ArmEvent, ArmOutcome, Control};
use pstar_record::{ArmPrompts, ArmRecord, ArmStatus};
use rayon::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks at the arms that others work on.
const LOOK: Duration = Duration::from_millis(100);

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
    unwritable: Mutex<Option<Unwritable>>,
}

/// Where an arm is.
enum Turn {
    Ended(Box<ArmRecord>),
    /// Another process works on it.
    Busy,
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
        Self { prepared, specs, starts, store, observers, checkpoint, progress, unwritable }
    }

    /// Has arms tried again that failed, by whoever comes to them: their results are removed.
    pub(crate) fn try_again(&self, known: &mut [Option<ArmRecord>]) {
        for failed in
            known.iter_mut().filter(|arm| arm.as_ref().is_some_and(|arm| arm.status == ArmStatus::Failed))
        {
            let removed = failed.take().map(|arm| self.store.arm(&arm.id).remove_result());
            removed.unwrap_or(Ok(())).unwrap_or_else(|error| self.tell_unwritable(error));
        }
    }

    /// Why something could not be written, if anything could not.
    pub(crate) fn into_unwritable(self) -> Option<Unwritable> {
        self.unwritable.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records of all arms, in their order, once each has ended or the run is stopped or patience is at its end:
    /// arms that have not ended are recorded as interrupted. `known` are those that were read already.
    pub(crate) fn run(
        &self,
        arms: &[RunArm],
        mut known: Vec<Option<ArmRecord>>,
        patience: Patience,
    ) -> Vec<ArmRecord> {
        let mut since = Instant::now();
        loop {
            let left: Vec<usize> = (0..arms.len()).filter(|&i| known[i].is_none()).collect();
            if left.is_empty() {
                break;
            }
            let turns: Vec<(usize, Turn)> = left.into_par_iter().map(|i| (i, self.turn(&arms[i]))).collect();
            let mut ended = false;
            for (i, turn) in turns {
                if let Turn::Ended(record) = turn {
                    known[i] = Some(*record);
                    ended = true;
                }
            }
            if ended {
                since = Instant::now();
            }
            let impatient = matches!(patience, Patience::For(time) if since.elapsed() >= time);
            if known.iter().all(Option::is_some) || self.progress.stopped() || impatient {
                break;
            }
            sleep(LOOK);
        }
        let ended = known.into_iter().zip(arms);
        ended.map(|(record, arm)| record.unwrap_or_else(|| self.record(arm, unbegun()))).collect()
    }

    /// One look at an arm: its result, or the work on it.
    fn turn(&self, arm: &RunArm) -> Turn {
        let folder = self.store.arm(&arm.id);
        if let Some(record) = self.found(&folder, arm) {
            return Turn::Ended(record);
        }
        if self.progress.stopped() {
            return Turn::Busy;
        }
        let claims = self.store.claims();
        // Before it is claimed: whoever watches this process must know whose claim it leaves.
        note(|own| own.arm(&arm.id, 0));
        let prepared = folder.prepare(self.specs.of(arm.key).text());
        let taken = prepared.and_then(|()| claims.take(folder.path(), &folder.mark()));
        let turn = self.turn_with(&folder, arm, taken);
        note(BlackBox::arm_ended);
        turn
    }

    fn turn_with(&self, folder: &ArmFolder, arm: &RunArm, taken: Result<Taken, Unwritable>) -> Turn {
        match taken {
            Ok(Taken::Busy) => Turn::Busy,
            Ok(Taken::Poison(deaths)) => self.leave_alone(folder, arm, deaths),
            Ok(Taken::Mine(claim)) => {
                // Another may have finished it between the look and the claim.
                if let Some(record) = self.found(folder, arm) {
                    Claims::clear(&claim);
                    return Turn::Ended(record);
                }
                Turn::Ended(self.work(folder, arm, *claim))
            }
            // What cannot be kept is worked out all the same, and told at the end.
            Err(error) => {
                self.tell_unwritable(error);
                let outcome = self.train(folder, arm, None);
                Turn::Ended(Box::new(self.record(arm, outcome)))
            }
        }
    }

    /// The result of an arm that counts.
    fn found(&self, folder: &ArmFolder, arm: &RunArm) -> Option<Box<ArmRecord>> {
        match folder.result() {
            Found::Whole(mut record) => {
                name(self.prepared, arm, &mut record);
                Some(record)
            }
            Found::Nothing => None,
            Found::Damaged(fault) => {
                self.progress.word(&format!("{}: {fault}: it is run again", self.called(arm)));
                folder.remove_result().unwrap_or_else(|error| self.tell_unwritable(error));
                None
            }
        }
    }

    /// Trains an arm that is this process's.
    fn work(&self, folder: &ArmFolder, arm: &RunArm, claim: Claim) -> Box<ArmRecord> {
        if folder.has_result() {
            folder.remove_result().unwrap_or_else(|error| self.tell_unwritable(error));
        }
        if claim.died.is_some() {
            self.progress
                .word(&format!("{}: the process that worked on it died: this one goes on", self.called(arm)));
        }
        let outcome = self.train(folder, arm, Some(&claim));
        let tensors = outcome.tensors.clone();
        let mut record = self.record(arm, outcome);
        let claims = self.store.claims();
        let written = if record.status == ArmStatus::Interrupted {
            claims.release(claim)
        } else if Claims::holds(&claim) {
            // Once it is kept, the record is all that memory needs.
            folder.write_result(&record, &tensors).map(|()| {
                Claims::clear(&claim);
                record.curve = Vec::new();
                record.parameters = Vec::new();
                record.prompts = ArmPrompts::default();
            })
        } else {
            Ok(())
        };
        written.unwrap_or_else(|error| self.tell_unwritable(error));
        if record.status != ArmStatus::Interrupted {
            let called = self.called(arm);
            note(|own| own.count_arm(&called));
            self.progress.arm_ended(&called);
        }
        Box::new(record)
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
    fn leave_alone(&self, folder: &ArmFolder, arm: &RunArm, deaths: u32) -> Turn {
        let message =
            format!("it has ended {deaths} processes, one after the other, at one point (out of memory?)");
        let outcome = ArmOutcome::of_failure(
            PluginError::contract(message).with_hint("run the experiment again to try it once more"),
        );
        let record = self.record(arm, outcome);
        folder.write_result(&record, &[]).unwrap_or_else(|error| self.tell_unwritable(error));
        Turn::Ended(Box::new(record))
    }

    fn record(&self, arm: &RunArm, outcome: ArmOutcome) -> ArmRecord {
        let mut record = arm_record(self.prepared, arm.key, outcome);
        record.id.clone_from(&arm.id);
        record
    }

    fn called(&self, arm: &RunArm) -> String {
        self.prepared.called(arm.key)
    }

    fn tell_unwritable(&self, error: Unwritable) {
        lock(&self.unwritable).get_or_insert(error);
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
