//! A child as its parent sees it.

use super::black_box::BlackBox;
use super::child::{BOX_VARIABLE, STAGE_VARIABLE, Stage};
use super::death::{Cause, Death};
use pstar_lab::run::Progress;
use std::io::{self, Read};
use std::mem;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::{NamedTempFile, TempPath};

/// Greatest number of bytes of what a child says that are kept.
const MOST_SAID: usize = 2000;

/// A child with its box and the end of what it says.
pub(super) struct WatchedChild {
    pub(super) stage: Stage,
    pub(super) process: Child,
    pub(super) own: BlackBox,
    _file: TempPath,
    said: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
    /// The count of its steps, and since when it has been that.
    ticks: (u32, Instant),
    /// Steps and arms that were told of.
    told: (u64, u32),
    pub(super) told_to_stop: bool,
}

impl WatchedChild {
    /// Starts a child for a stage.
    pub(super) fn start(stage: Stage, mut command: Command) -> io::Result<Self> {
        let file = NamedTempFile::new()?.into_temp_path();
        let own = BlackBox::create(&file)?;
        command.env(BOX_VARIABLE, &file).env(STAGE_VARIABLE, stage.name()).stdin(Stdio::null());
        command.env("PSTAR_PARENT", std::process::id().to_string());
        // Its last words are told, which the places of calls would push out.
        command.env("RUST_BACKTRACE", "0");
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
        let (ticks, told) = ((0, Instant::now()), (0, 0));
        Ok(Self { stage, process, own, _file: file, said, reader, ticks, told, told_to_stop: false })
    }

    /// Tells it to stop behind its step.
    pub(super) fn stop(&mut self) {
        if !mem::replace(&mut self.told_to_stop, true) {
            terminate(self.process.id());
        }
    }

    /// Whether it has ended, and whether it was for having done nothing.
    pub(super) fn ended(&mut self, timeout: Option<Duration>) -> io::Result<Option<Cause>> {
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

    /// Tells of its steps, and of the arms that it has trained.
    pub(super) fn tell(&mut self, progress: &dyn Progress) {
        let (steps, ended, last) = self.own.progress();
        (self.told.0..steps).for_each(|_| progress.step());
        (self.told.1..ended).for_each(|_| progress.arm_ended(&last));
        self.told = (steps, ended);
    }

    /// Waits until all that it said is passed on.
    pub(super) fn hear_out(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }

    /// What there is to say of its end.
    pub(super) fn death(&mut self, cause: Cause) -> Death {
        self.hear_out();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        Death { cause, doing: self.own.doing(), said: String::from_utf8_lossy(&said).into_owned() }
    }
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
