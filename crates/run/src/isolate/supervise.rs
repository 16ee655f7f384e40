//! The process that loads no plugin, and has others do what may end them.

use super::black_box::Doing;
use super::child::{AVOID_VARIABLE, Avoided, MEMORY_VARIABLE, Stage};
use super::death::{Cause, Death};
use super::watched::WatchedChild;
use crate::claims::{Claims, Owner, SUPERVISOR_VARIABLE, Taken};
use crate::directory::RunDirectory;
use crate::files::{Unwritable, Writer};
use crate::store::{Found, Store};
use pstar_lab::run::Progress;
use pstar_loader::AVOIDABLE;
use pstar_record::{ArmRecord, Failure};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Between two looks at the children.
const LOOK: Duration = Duration::from_millis(10);

/// The exit code of a worker that found failed arms, which the run's table tells.
const ARM_FAILED: i32 = 4;

/// Deaths outside of any arm, one after the other, behind which the run gives up.
const MOST_IDLE_DEATHS: u32 = 3;

/// How a run is isolated.
#[allow(missing_debug_implementations, reason = "holds functions")]
pub struct Isolation<'a> {
    /// The command of a child, given the run's directory once it has one.
    pub command: &'a dyn Fn(Stage, Option<&Path>) -> Command,
    /// Children that train at once, at least 1.
    pub workers: usize,
    /// After how long without a step an arm is given up.
    pub arm_timeout: Option<Duration>,
    /// Greatest number of bytes that a child may have.
    pub memory_limit: Option<u64>,
    /// Told of training and of deaths, and asked whether to stop.
    pub progress: &'a dyn Progress,
}

/// What became of an isolated run.
#[derive(Debug)]
pub enum Isolated {
    /// The child that led ended by itself, having told what there is to tell.
    Ended {
        /// Its exit code.
        code: i32,
        /// The run's directory, where training began.
        directory: Option<PathBuf>,
    },
    /// A child died where no arm is to blame, so that the run cannot go on.
    Died(Box<Death>),
}

/// Runs an experiment in children: one prepares, trains and puts the record together, the others join it in training. A
/// child that dies over an arm costs that arm, and another takes its place.
///
/// # Errors
/// If a child cannot be started or a result not be written.
pub fn supervise(isolation: &Isolation<'_>) -> io::Result<Isolated> {
    let mut supervisor = Supervisor {
        isolation,
        owner: Owner::of_this_process(),
        avoid: Vec::new(),
        place: None,
        idle_deaths: 0,
        led: None,
        trouble: 0,
    };
    if let Some(death) = supervisor.train()? {
        return Ok(Isolated::Died(death));
    }
    if supervisor.led.is_none() {
        // Whoever led was stopped before it came to that.
        match supervisor.finish()? {
            Ok(code) => supervisor.led = Some(code),
            Err(death) => return Ok(Isolated::Died(death)),
        }
    }
    let code = supervisor.led.unwrap_or(ARM_FAILED);
    let is_told = !matches!(code, 0 | ARM_FAILED) || supervisor.trouble == 0;
    let code = if is_told { code } else { supervisor.trouble };
    Ok(Isolated::Ended { code, directory: supervisor.place.map(|place| place.directory) })
}

/// Where a run is kept.
#[derive(Clone, Debug)]
struct Place {
    directory: PathBuf,
    /// The store's folder.
    root: PathBuf,
}

struct Supervisor<'a> {
    isolation: &'a Isolation<'a>,
    owner: Owner,
    /// Components that end the process before it trains.
    avoid: Vec<Avoided>,
    /// Known from when training begins.
    place: Option<Place>,
    /// Deaths outside of any arm, since the last one over an arm.
    idle_deaths: u32,
    /// The exit code of the child that led, once it has told what there is to tell.
    led: Option<i32>,
    /// The exit code of a worker that could not go on, if one could not.
    trouble: i32,
}

/// What comes of a child's end.
enum Next {
    Nothing,
    /// Another takes its place.
    Start(Stage),
    /// The run cannot go on.
    Dead(Box<Death>),
}

impl Supervisor<'_> {
    fn start(&self, stage: Stage) -> io::Result<WatchedChild> {
        let directory = self.place.as_ref().map(|place| &*place.directory);
        let mut command = (self.isolation.command)(stage, directory);
        command.env(SUPERVISOR_VARIABLE, &self.owner.id);
        command.env(AVOID_VARIABLE, serde_json::to_string(&self.avoid).unwrap_or_default());
        if let Some(bytes) = self.isolation.memory_limit {
            command.env(MEMORY_VARIABLE, bytes.to_string());
        }
        if stage == Stage::Work {
            command.stdout(Stdio::null());
        }
        WatchedChild::start(stage, command)
    }

    /// Has children train until nothing is left to do. The death after which it cannot be, if there is one.
    fn train(&mut self) -> io::Result<Option<Box<Death>>> {
        let mut children = vec![self.start(Stage::Lead)?];
        while !children.is_empty() {
            let mut left = Vec::new();
            for mut child in mem::take(&mut children) {
                if self.isolation.progress.stopped() {
                    child.stop();
                }
                let ended = child.ended(self.isolation.arm_timeout)?;
                // Behind the look at its end: one that died over an arm must have been seen to train.
                if child.stage.leads() && self.place.is_none() && child.own.is_training() {
                    left.extend(self.join(&child)?);
                }
                if child.own.wants_quiet() {
                    self.isolation.progress.end();
                    child.own.set_quiet();
                }
                child.tell(self.isolation.progress);
                let Some(cause) = ended else {
                    left.push(child);
                    continue;
                };
                match self.after(&mut child, cause)? {
                    Next::Nothing => {}
                    Next::Start(stage) => left.push(self.start(stage)?),
                    Next::Dead(death) => {
                        left.append(&mut children);
                        left.iter_mut().for_each(WatchedChild::stop);
                        for mut other in left {
                            other.process.wait()?;
                        }
                        return Ok(Some(death));
                    }
                }
            }
            children = left;
            sleep(LOOK);
        }
        Ok(None)
    }

    /// The children that join the one that leads, as soon as that has begun to train.
    fn join(&mut self, leader: &WatchedChild) -> io::Result<Vec<WatchedChild>> {
        let Some(directory) = leader.own.directory() else { return Ok(Vec::new()) };
        let provenance = RunDirectory::at(&directory).provenance();
        let root = provenance.and_then(|provenance| provenance.store).map(PathBuf::from);
        let root = root.unwrap_or_else(|| directory.clone());
        // Clears away what this process left, if it was another program before.
        drop(self.store(&root));
        self.place = Some(Place { directory, root });
        let (arms, steps) = leader.own.extent();
        self.isolation.progress.begin(arms.into(), steps.into());
        let others = self.isolation.workers.min(arms as usize).saturating_sub(1);
        (0..others).map(|_| self.start(Stage::Work)).collect()
    }

    fn store(&self, root: &Path) -> Store {
        Store::open(root, &self.owner, &Writer::of(&self.owner), true)
    }

    /// What comes of the end of a child.
    fn after(&mut self, child: &mut WatchedChild, cause: Cause) -> io::Result<Next> {
        let leads = child.stage.leads();
        if let Cause::Exit(code) = cause
            && child.own.is_done()
        {
            if leads {
                child.hear_out();
                self.led = Some(code);
            } else if !matches!(code, 0 | ARM_FAILED) && !child.told_to_stop {
                self.trouble = code;
            }
            return Ok(Next::Nothing);
        }
        if child.told_to_stop {
            // There is nothing yet to put together, or nothing is left but to look for optima.
            if leads && (self.place.is_none() || child.own.has_trained()) {
                self.led = Some(match cause {
                    Cause::Signal(signal) => 128 + signal,
                    Cause::Exit(code) => code,
                    Cause::Idle(_) => ARM_FAILED,
                });
            }
            return Ok(Next::Nothing);
        }
        let death = child.death(cause);
        let again = if leads && self.place.is_some() { Stage::TakeLead } else { child.stage };
        if let (Some(doing), Some(place)) = (death.culprit().filter(|doing| doing.arm.is_some()), &self.place)
        {
            self.idle_deaths = 0;
            self.isolation.progress.word(&death.to_string());
            bury(&self.store(&place.root), doing, &death).map_err(io::Error::other)?;
            self.isolation.progress.arm_ended(doing.arm.as_deref().unwrap_or_default());
        } else if child.own.has_trained() || !self.avoid_maker(&death) {
            self.idle_deaths += 1;
            let trains = !leads || child.own.is_training();
            if !trains || self.idle_deaths >= MOST_IDLE_DEATHS {
                return Ok(Next::Dead(Box::new(death)));
            }
        }
        // Once the record is put together nobody is needed any more.
        Ok(if self.led.is_some() { Next::Nothing } else { Next::Start(again) })
    }

    /// Has a child put together what there is, even where a signal ended the run. Its exit code, or how it died.
    fn finish(&mut self) -> io::Result<Result<i32, Box<Death>>> {
        self.isolation.progress.end();
        let mut child = self.start(Stage::Finish)?;
        child.own.set_quiet();
        let cause = Cause::of(child.process.wait()?);
        child.hear_out();
        match cause {
            Cause::Exit(code) if child.own.is_done() => Ok(Ok(code)),
            cause => Ok(Err(Box::new(child.death(cause)))),
        }
    }

    /// Has the next children leave a component alone that belongs to some arms only and ended a child before it had an arm,
    /// if that was so.
    fn avoid_maker(&mut self, death: &Death) -> bool {
        let maker = death.component().and_then(|doing| {
            let (kind, name) = doing.called.as_deref()?.strip_suffix('`')?.split_once(" `")?;
            let (kind, name) = (kind.to_string(), name.to_string());
            AVOIDABLE.contains(&&*kind).then_some((kind, name, doing.configuration.clone()?))
        });
        let Some((kind, name, configuration)) = maker else { return false };
        let is_it = |known: &Avoided| {
            (&known.kind, &known.name, &known.configuration) == (&kind, &name, &configuration)
        };
        if self.avoid.iter().any(is_it) {
            return false;
        }
        self.isolation.progress.word(&death.to_string());
        self.avoid.push(Avoided { kind, name, configuration, why: death.to_string() });
        true
    }
}

/// Gives the arm over which a child died its result: a failure.
fn bury(store: &Store, doing: &Doing, death: &Death) -> Result<(), Unwritable> {
    let Some(id) = &doing.arm else { return Ok(()) };
    let folder = store.arm(id);
    // Whose arm it was is dead, so that it can be had at once.
    let Taken::Mine(claim) = store.claims().take(folder.path(), &|| folder.mark())? else { return Ok(()) };
    if matches!(folder.result(), Found::Whole(_)) {
        Claims::clear(&claim);
        return Ok(());
    }
    let failure = Failure { step: doing.step, message: death.to_string() };
    let record = ArmRecord::of_failure(id.clone(), failure);
    folder.write_result(&record, &[])?;
    Claims::clear(&claim);
    Ok(())
}
