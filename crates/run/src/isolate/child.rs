//! The side of a process that another one watches.
#![allow(unsafe_code, reason = "asks the system for limits")]

use super::crash::note_what_ends_this_process;
use super::{BlackBox, keep};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, io};

/// Where the box is.
pub(super) const BOX_VARIABLE: &str = "PSTAR_BLACK_BOX";
/// What the process is to do.
pub(super) const STAGE_VARIABLE: &str = "PSTAR_STAGE";
/// Greatest number of bytes that it may have.
pub(super) const MEMORY_VARIABLE: &str = "PSTAR_MEMORY_LIMIT";
/// The components that it leaves alone, as JSON.
pub(super) const AVOID_VARIABLE: &str = "PSTAR_AVOID";

/// Whoever watches looks a hundred times a second.
const MOST_WAITING: Duration = Duration::from_millis(500);

/// What a child is to do of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// All of it: check the experiment, make the directory, train beside others, put the record together and print it.
    Lead,
    /// The same, after one that led and died.
    TakeLead,
    /// Train arms until none is left.
    Work,
    /// Put the record together and print it.
    Finish,
}

impl Stage {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Lead, "lead"), (Self::TakeLead, "take lead"), (Self::Work, "work"), (Self::Finish, "finish")];

    /// Whether it leads the run.
    pub(super) fn leads(self) -> bool {
        matches!(self, Self::Lead | Self::TakeLead)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("", |(_, name)| name)
    }
}

/// A component that is left alone, since it ends the process that makes or prepares it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Avoided {
    /// Its kind in words, of [`pstar_loader::AVOIDABLE`].
    pub kind: String,
    /// The component.
    pub name: String,
    /// The configuration that it is made from, or its beginning.
    pub configuration: String,
    /// What is said of it.
    pub why: String,
}

/// What this process is, as a child.
#[derive(Debug)]
pub struct Child {
    own: &'static BlackBox,
    /// What it is to do.
    pub stage: Stage,
    /// Components that would end the process.
    pub avoid: Vec<Avoided>,
}

impl Child {
    /// Waits, not for long, until whoever watches this process shows no progress any more: what it prints is printed alone.
    pub fn wait_for_quiet(&self) {
        self.own.ask_for_quiet();
        let begun = Instant::now();
        while !self.own.is_quiet() && begun.elapsed() < MOST_WAITING {
            sleep(Duration::from_millis(1));
        }
    }

    /// Says that the work is done: the process may end.
    pub fn done(&self) {
        self.own.set_done();
    }

    /// Says which directory the run has.
    pub fn set_directory(&self, path: &Path) {
        self.own.set_directory(path);
    }
}

/// What this process is, if another one started it to watch it; from now on every call of a component is noted.
///
/// # Errors
/// If it cannot do what it was told.
pub fn child() -> io::Result<Option<Child>> {
    let (Some(path), Ok(stage)) = (env::var_os(BOX_VARIABLE), env::var(STAGE_VARIABLE)) else {
        return Ok(None);
    };
    let known = Stage::ALL.iter().find(|(_, name)| *name == stage);
    let Some(&(stage, _)) = known else { return Ok(None) };
    if let Some(bytes) = env::var(MEMORY_VARIABLE).ok().and_then(|text| text.parse().ok()) {
        limit_memory(bytes)?;
    }
    end_with_the_parent();
    let avoid = env::var(AVOID_VARIABLE).ok().and_then(|text| serde_json::from_str(&text).ok());
    let own = keep(BlackBox::open(Path::new(&path))?);
    note_what_ends_this_process()?;
    Ok(Some(Child { own, stage, avoid: avoid.unwrap_or_default() }))
}

/// Refuses this process more memory than so many bytes.
fn limit_memory(bytes: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: a plain struct that lives until after the call.
    if unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const limit) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Has the system end this process with its parent, which would read its box; elsewhere it works on alone.
fn end_with_the_parent() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes numbers alone.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // The parent may have ended before.
        if libc::getppid() == 1 && env::var_os("PSTAR_PARENT").is_some_and(|parent| parent != "1") {
            libc::_exit(1);
        }
    }
}
