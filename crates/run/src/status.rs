//! How far a run is: read from its directory while others work on it, and written nowhere.

use crate::claims::{Owner, WORKERS, claimed, silence};
use crate::conduct::RunError;
use crate::directory::{DirectoryError, RunDirectory};
use crate::files::Writer;
use crate::phases::Phases;
use crate::store::{ArmFolder, Ending};
use pstar_core::shown;
use pstar_lab::experiment::Experiment;
use pstar_lab::plan::{ArmKey, Plan};
use pstar_lab::run::ArmSpecs;
use pstar_loader::Registry;
use pstar_record::ArmStatus;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Arms that ended last, by which the pace is told.
const PACE: usize = 64;

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Arms of the run, those that select learning rates included.
    pub arms: u64,
    /// Arms that ended well.
    pub complete: u64,
    /// Arms that failed, and why, in the order of the plan.
    pub failed: Vec<FailedArm>,
    /// Who works on arms, in order of machine and process.
    pub workers: Vec<Worker>,
    /// Arms that were begun and that nobody works on: given back, or of workers that are dead.
    pub stopped: u64,
    /// Arms that nobody began.
    pub unbegun: u64,
    /// Seconds until the last arm has ended, at the pace of the last ones; absent where nobody works or too few have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
    /// Whether the run's summary is written and of all its arms.
    pub summarised: bool,
}

/// An arm that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedArm {
    /// What it is called.
    pub arm: String,
    /// The name of its folder; empty where no learning rate could be selected for it.
    pub id: String,
    /// Why.
    pub message: String,
}

/// A process that works on arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worker {
    /// The machine's name.
    pub machine: String,
    /// The process's number there.
    pub process: u32,
    /// Arms that it has.
    pub arms: u64,
    /// Seconds since its last sign of life, by this machine's clock and the file server's: a hint.
    pub silent_seconds: f64,
    /// Whether it is held for dead: what it has is taken over by whoever works next.
    pub is_dead: bool,
}

impl Status {
    /// Arms without a result.
    pub fn left(&self) -> u64 {
        self.arms - self.complete - self.failed.len() as u64
    }

    /// Arms that somebody alive works on.
    pub fn running(&self) -> u64 {
        self.workers.iter().filter(|worker| !worker.is_dead).map(|worker| worker.arms).sum()
    }
}

/// What is seen of one arm.
enum Seen {
    Ended(Ending, Option<SystemTime>),
    /// Somebody has claimed it.
    Claimed(Box<Owner>),
    Stopped,
    Unbegun,
}

/// Looks how far the run in a directory is. `experiment` is the one in the directory. Costs three operations of the file
/// system an arm.
///
/// # Errors
/// [`RunError::Directory`], if there is no run.
pub fn status(path: &Path, experiment: &Experiment, registry: &Registry) -> Result<Status, RunError> {
    let me = Owner::of_this_process();
    let directory = RunDirectory::at(path);
    let provenance =
        directory.provenance().ok_or_else(|| DirectoryError::NoRun { path: path.to_path_buf() })?;
    let root = provenance.store.as_ref().map_or(path, Path::new);
    let (arms, writer) = (root.join("arms"), Writer::of(&me));
    let folder = |id: &str| ArmFolder::new(&arms, id, &writer);
    let phases = Phases::new(&experiment.plan, ArmSpecs::new(experiment, registry));
    let (known, without_rate) = phases.known(&|id| folder(id).record());
    let seen: Vec<Seen> = known.par_iter().map(|arm| look(&folder(&arm.id))).collect();
    let mut status = Status {
        arms: experiment.plan.arm_count(),
        complete: 0,
        failed: Vec::new(),
        workers: Vec::new(),
        stopped: 0,
        unbegun: 0,
        seconds_left: None,
        summarised: directory.complete_record().is_some(),
    };
    let mut ended: Vec<SystemTime> = Vec::new();
    let mut owners: BTreeMap<(String, u32, String), (Owner, u64)> = BTreeMap::new();
    for (arm, seen) in known.iter().zip(seen) {
        match seen {
            Seen::Ended(Ending { status: ArmStatus::Complete, .. }, when) => {
                status.complete += 1;
                ended.extend(when);
            }
            Seen::Ended(Ending { message, .. }, when) => {
                let called = called(&experiment.plan, arm.key, true);
                status.failed.push(FailedArm { arm: called, id: arm.id.clone(), message });
                ended.extend(when);
            }
            Seen::Claimed(owner) => {
                let key = (owner.machine.clone(), owner.process, owner.id.clone());
                owners.entry(key).or_insert((*owner, 0)).1 += 1;
            }
            Seen::Stopped => status.stopped += 1,
            Seen::Unbegun => status.unbegun += 1,
        }
    }
    // Rows whose learning rate is not selected yet.
    status.unbegun += status.arms.saturating_sub((known.len() + without_rate.len()) as u64);
    status.failed.extend(without_rate.into_iter().map(|(arm, message)| {
        let arm = called(&experiment.plan, arm, false);
        FailedArm { arm, id: String::new(), message }
    }));
    let workers = root.join(WORKERS);
    status.workers = owners
        .into_values()
        .map(|(owner, arms)| {
            let silence = silence(&workers, &owner, &me);
            let (machine, process) = (owner.machine.clone(), owner.process);
            Worker {
                machine,
                process,
                arms,
                silent_seconds: silence.time.as_secs_f64(),
                is_dead: silence.is_death,
            }
        })
        .collect();
    status.stopped +=
        status.workers.iter().filter(|worker| worker.is_dead).map(|worker| worker.arms).sum::<u64>();
    if status.running() > 0 {
        status.seconds_left = pace(ended).map(|seconds| seconds * status.left() as f64);
    }
    Ok(status)
}

fn look(folder: &ArmFolder) -> Seen {
    if let Some(ending) = folder.ending() {
        return Seen::Ended(ending, folder.ended_at());
    }
    match claimed(folder.path()) {
        Ok(Some(owner)) => Seen::Claimed(Box::new(owner)),
        Ok(None) => Seen::Stopped,
        Err(_) => Seen::Unbegun,
    }
}

/// Seconds between the ends of two arms, by the last ones.
fn pace(mut ended: Vec<SystemTime>) -> Option<f64> {
    ended.sort_unstable();
    let last = &ended[ended.len().saturating_sub(PACE)..];
    let (first, end) = (last.first()?, last.last()?);
    let span = end.duration_since(*first).unwrap_or(Duration::ZERO).as_secs_f64();
    (last.len() > 2 && span > 0.0).then(|| span / (last.len() - 1) as f64)
}

/// What an arm is called, on one line; one that has no learning rate goes without.
fn called(plan: &Plan, arm: ArmKey, with_rate: bool) -> String {
    let (policy, objective) = (&plan.policies[arm.policy].name, &plan.objectives[arm.objective].name);
    let rates = plan.rates(arm.objective);
    let rate = match rates.len() {
        2.. if with_rate => format!(" · learning rate {:?}", plan.rate_of(arm)),
        _ => String::new(),
    };
    format!("{} · {}{rate} · seed {}", shown(policy), shown(objective), arm.seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_arms() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(pace(vec![]), None);
        assert_eq!(pace(vec![at(5), at(7)]), None);
        assert_eq!(pace(vec![at(7), at(5), at(9)]), Some(2.0));
        // A night's pause before the last ones does not count.
        let mut ended: Vec<SystemTime> = (0..100).map(at).collect();
        ended.extend((0..PACE as u64).map(|i| at(100_000 + 3 * i)));
        assert_eq!(pace(ended), Some(3.0));
        assert_eq!(pace(vec![at(1); 9]), None, "no time has passed");
    }
}
