//! The process that loads no plugin, and has others do what may end them.

use super::black_box::{BlackBox, Doing};
use super::child::{AVOID_VARIABLE, BOX_VARIABLE, MEMORY_VARIABLE, STAGE_VARIABLE, Stage};
use super::death::{Cause, Death};
use crate::claims::{Claims, Owner, SUPERVISOR_VARIABLE, Taken};
use crate::directory::RunDirectory;
use crate::files::{Unwritable, Writer};
use crate::store::{Found, Store};
use pstar_lab::run::Progress;
use pstar_record::{ArmRecord, Failure};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use tempfile::{NamedTempFile, TempPath};

/// Between two looks at the children.
const LOOK: Duration = Duration::from_millis(10);

/// Greatest number of bytes of what a child says that are kept.
const MOST_SAID: usize = 2000;

/// The exit code of a worker that found failed arms, which the run's table tells.
const ARM_FAILED: i32 = 4;

/// Deaths outside of any arm, one after the other, behind which the run gives up.
const MOST_IDLE_DEATHS: u32 = 3;

/// How a run is isolated.
#[allow(missing_debug_implementations, reason = "holds functions")]
pub struct Isolation<'a> {
    /// The command of a child: for [`Stage::Work`] given the run's directory.
    pub command: &'a dyn Fn(Stage, Option<&Path>) -> Command,
    /// Children that work at once, at least 1.
    pub workers: usize,
    /// After how long without a step an arm is given up.
    pub arm_timeout: Option<Duration>,
    /// Greatest number of bytes that a child may have.
    pub memory_limit: Option<u64>,
    /// Told of deaths, and asked whether to stop.
    pub progress: &'a dyn Progress,
}

/// What became of an isolated run.
#[derive(Debug)]
pub enum Isolated {
    /// The last child ended by itself, with this code, having told what there is to tell.
    Ended(i32),
    /// A child died where no arm is to blame, so that the run cannot go on.
    Died(Box<Death>),
}

/// Runs an experiment in children: one prepares, several work, one puts the record together. A child that dies over an
/// arm costs that arm.
///
/// # Errors
/// If a child cannot be started or a result not be written.
pub fn supervise(isolation: &Isolation<'_>) -> io::Result<Isolated> {
    let mut supervisor =
        Supervisor { isolation, owner: Owner::of_this_process(), avoid: Vec::new(), trouble: 0 };
    let directory = match supervisor.alone(Stage::Prepare)? {
        Alone::Ended(0, Some(directory)) => directory,
        Alone::Ended(code, _) => return Ok(Isolated::Ended(code)),
        Alone::Died(death) => return Ok(Isolated::Died(death)),
    };
    if let Some(death) = supervisor.work(&directory)? {
        return Ok(Isolated::Died(death));
    }
    match supervisor.alone(Stage::Finish)? {
        Alone::Ended(0 | ARM_FAILED, _) if supervisor.trouble != 0 => Ok(Isolated::Ended(supervisor.trouble)),
        Alone::Ended(code, _) => Ok(Isolated::Ended(code)),
        Alone::Died(death) => Ok(Isolated::Died(death)),
    }
}

/// What became of a child that works alone.
enum Alone {
    Ended(i32, Option<PathBuf>),
    Died(Box<Death>),
}

struct Supervisor<'a> {
    isolation: &'a Isolation<'a>,
    owner: Owner,
    /// Objectives that end the process that makes them: component, configuration, what is said of it.
    avoid: Vec<(String, String, String)>,
    /// The exit code of a worker that could not go on, if one could not.
    trouble: i32,
}

/// A child with its box and the end of what it says.
struct WatchedChild {
    process: Child,
    own: BlackBox,
    _file: TempPath,
    said: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
    /// The count of its steps, and since when it has been that.
    ticks: (u32, Instant),
    told_to_stop: bool,
}

impl WatchedChild {
    /// Tells it to stop behind its step.
    fn stop(&mut self) {
        if !std::mem::replace(&mut self.told_to_stop, true) {
            terminate(self.process.id());
        }
    }

    /// Whether it has ended, and whether it was for having done nothing.
    fn ended(&mut self, timeout: Option<Duration>) -> io::Result<Option<Cause>> {
        if let Some(status) = self.process.try_wait()? {
            return Ok(Some(Cause::of(status)));
        }
        let ticks = self.own.ticks();
        if ticks != self.ticks.0 {
            self.ticks = (ticks, Instant::now());
        }
        let at_work = || self.own.doing().iter().any(|doing| doing.arm.is_some());
        if let Some(timeout) = timeout.filter(|timeout| self.ticks.1.elapsed() >= *timeout)
            && at_work()
        {
            self.process.kill()?;
            self.process.wait()?;
            return Ok(Some(Cause::Idle(timeout)));
        }
        Ok(None)
    }

    /// What there is to say of its end.
    fn death(&mut self, cause: Cause) -> Death {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        Death { cause, doing: self.own.doing(), said: String::from_utf8_lossy(&said).into_owned() }
    }
}

impl Supervisor<'_> {
    fn start(&self, stage: Stage, directory: Option<&Path>) -> io::Result<WatchedChild> {
        let file = NamedTempFile::new()?.into_temp_path();
        let own = BlackBox::create(&file)?;
        let mut command = (self.isolation.command)(stage, directory);
        command.env(BOX_VARIABLE, &file).env(STAGE_VARIABLE, stage.name()).stdin(Stdio::null());
        command.env("PSTAR_PARENT", std::process::id().to_string());
        command.env(SUPERVISOR_VARIABLE, &self.owner.id);
        // Its last words are told, which the places of calls would push out.
        command.env("RUST_BACKTRACE", "0");
        command.env(AVOID_VARIABLE, serde_json::to_string(&self.avoid).unwrap_or_default());
        if let Some(bytes) = self.isolation.memory_limit {
            command.env(MEMORY_VARIABLE, bytes.to_string());
        }
        if stage == Stage::Work {
            command.stdout(Stdio::null());
        }
        #[cfg(unix)]
        {
            // What a terminal sends to all is told to children once, by their parent.
            use std::os::unix::process::CommandExt;
            command.process_group(0);
        }
        let mut process = command.stderr(Stdio::piped()).spawn()?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let reader = process.stderr.take().map(|pipe| {
            let said = Arc::clone(&said);
            thread::spawn(move || pass_on(pipe, &said))
        });
        let ticks = (0, Instant::now());
        Ok(WatchedChild { process, own, _file: file, said, reader, ticks, told_to_stop: false })
    }

    /// Has a child prepare or finish, again without an objective that ends it while it is made.
    fn alone(&mut self, stage: Stage) -> io::Result<Alone> {
        loop {
            let mut child = self.start(stage, None)?;
            let cause = loop {
                // What there is is put together even where a signal ends the run.
                if stage == Stage::Prepare && self.isolation.progress.stopped() {
                    child.stop();
                }
                if let Some(cause) = child.ended(None)? {
                    break cause;
                }
                sleep(LOOK);
            };
            match cause {
                Cause::Exit(code) if child.own.is_done() => {
                    if let Some(reader) = child.reader.take() {
                        let _ = reader.join();
                    }
                    return Ok(Alone::Ended(code, child.own.directory()));
                }
                Cause::Signal(signal) if child.told_to_stop => return Ok(Alone::Ended(128 + signal, None)),
                cause => {
                    let death = child.death(cause);
                    if !self.avoid_maker(&death) {
                        return Ok(Alone::Died(Box::new(death)));
                    }
                }
            }
        }
    }

    /// Has the next children leave an objective alone that ended one while it was made, if that was so.
    fn avoid_maker(&mut self, death: &Death) -> bool {
        let maker = death.component().and_then(|doing| {
            let name = doing.called.as_deref()?.strip_prefix("objective `")?.strip_suffix('`')?;
            Some((name.to_string(), doing.configuration.clone()?))
        });
        let Some((name, configuration)) = maker else { return false };
        if self.avoid.iter().any(|(known, of, _)| (known, of) == (&name, &configuration)) {
            return false;
        }
        self.isolation.progress.word(&death.to_string());
        self.avoid.push((name, configuration, death.to_string()));
        true
    }

    /// Has children work until nothing is left to do. A death outside of any arm that comes again and again ends it.
    fn work(&mut self, directory: &Path) -> io::Result<Option<Box<Death>>> {
        let run = RunDirectory::at(directory);
        let root = run.provenance().and_then(|provenance| provenance.store).map(PathBuf::from);
        let root = root.unwrap_or_else(|| directory.to_path_buf());
        let owner = self.owner.clone();
        let writer = Writer::of(&owner);
        // Clears away what this process left, if it was another program before.
        drop(Store::open(&root, &owner, &writer, true));
        let mut children: Vec<WatchedChild> = Vec::new();
        let mut idle_deaths = 0;
        for _ in 0..self.isolation.workers.max(1) {
            children.push(self.start(Stage::Work, Some(directory))?);
        }
        while !children.is_empty() {
            let mut next = Vec::new();
            for mut child in children {
                if self.isolation.progress.stopped() {
                    child.stop();
                }
                let Some(cause) = child.ended(self.isolation.arm_timeout)? else {
                    next.push(child);
                    continue;
                };
                if let Cause::Exit(code) = cause
                    && child.own.is_done()
                {
                    if !matches!(code, 0 | ARM_FAILED) && !child.told_to_stop {
                        self.trouble = code;
                    }
                    continue;
                }
                if child.told_to_stop {
                    continue;
                }
                let death = child.death(cause);
                if let Some(doing) = death.culprit().filter(|doing| doing.arm.is_some()) {
                    idle_deaths = 0;
                    self.isolation.progress.word(&death.to_string());
                    let store = Store::open(&root, &owner, &writer, true);
                    bury(&store, doing, &death).map_err(io::Error::other)?;
                } else if !self.avoid_maker(&death) {
                    idle_deaths += 1;
                    if idle_deaths >= MOST_IDLE_DEATHS {
                        next.iter_mut().for_each(WatchedChild::stop);
                        for mut other in next {
                            other.process.wait()?;
                        }
                        return Ok(Some(Box::new(death)));
                    }
                }
                next.push(self.start(Stage::Work, Some(directory))?);
            }
            children = next;
            sleep(LOOK);
        }
        Ok(None)
    }
}

/// Gives the arm over which a child died its result: a failure.
fn bury(store: &Store, doing: &Doing, death: &Death) -> Result<(), Unwritable> {
    let Some(id) = &doing.arm else { return Ok(()) };
    let folder = store.arm(id);
    // Whose arm it was is dead, so that it can be had at once.
    let Taken::Mine(claim) = store.claims().take(folder.path(), &folder.mark())? else { return Ok(()) };
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

/// Passes on what a child says, and keeps the end of it.
fn pass_on(mut pipe: impl Read, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(count) = pipe.read(&mut buffer) {
        if count == 0 {
            break;
        }
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&buffer[..count]);
        let beyond = said.len().saturating_sub(MOST_SAID);
        said.drain(..beyond);
        // Where standard error is gone there is nobody left to tell.
        let _ = io::Write::write_all(&mut io::stderr(), &buffer[..count]);
    }
}

#[allow(unsafe_code, reason = "sends a signal")]
fn terminate(process: u32) {
    if let Ok(process) = libc::pid_t::try_from(process) {
        // SAFETY: takes numbers alone; the child was not waited for yet, so that its number is its own.
        unsafe { libc::kill(process, libc::SIGTERM) };
    }
}
