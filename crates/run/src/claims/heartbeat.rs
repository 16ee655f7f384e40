//! A sign of life that other machines can see: a file whose number grows.

use super::Owner;
use crate::files::{Unwritable, Writer, make_folder};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

/// So many beats must stay out before a process is held for dead: three, and what a network's file system may hide.
const SILENT_BEATS: f64 = 6.0;

/// The folder of the signs, in a store.
pub(crate) const WORKERS: &str = "workers";

/// The processes that left their signs in a folder and are not known to be dead.
pub(crate) fn living(folder: &Path, observer: &Owner) -> Vec<Owner> {
    let signs = Signs::new(folder.to_path_buf(), observer.clone());
    let owners = signs.names().into_iter().filter_map(|id| Some(signs.sign(&id)?.owner));
    owners.filter(|owner| owner.lives(observer) != Some(false)).collect()
}

/// How long a process has given no sign of life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Silence {
    /// So long, by this machine's clock and that of the file system.
    pub(crate) time: Duration,
    /// Whether the process is dead: known at once on its own machine, elsewhere held for by its silence.
    pub(crate) is_death: bool,
}

/// How long a process, whose sign is in a folder, has been silent: one look, for people. Who takes over an arm watches longer,
/// and by its own clock alone.
#[allow(clippy::disallowed_methods, reason = "told to people, and no result")]
pub(crate) fn silence(folder: &Path, owner: &Owner, observer: &Owner) -> Silence {
    let beaten = fs::metadata(path_of(folder, &owner.id)).and_then(|sign| sign.modified());
    let time = beaten.ok().and_then(|beaten| SystemTime::now().duration_since(beaten).ok());
    let is_silent = beaten_out(time, owner.beat);
    let is_death = owner.lives(observer).map_or(is_silent, |lives| !lives);
    Silence { time: time.unwrap_or_default(), is_death }
}

/// Whether so many beats stayed out; a sign that is in the future, or not there, tells nothing.
fn beaten_out(time: Option<Duration>, beat: f64) -> bool {
    time.is_some_and(|time| time.as_secs_f64() >= SILENT_BEATS * beat)
}

/// A sign of life.
#[derive(Debug, Serialize, Deserialize)]
struct Sign {
    #[serde(flatten)]
    owner: Owner,
    count: u64,
}

/// Beats while it exists, from a thread of its own: long work is no death.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    path: PathBuf,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Begins, in a folder.
    pub(crate) fn begin(folder: &Path, owner: &Owner, writer: &Writer) -> Result<Self, Unwritable> {
        let path = path_of(folder, &owner.id);
        let beat = Duration::from_secs_f64(owner.beat);
        let mut sign = Sign { owner: owner.clone(), count: 0 };
        let (own, writer) = (path.clone(), writer.clone());
        let write = move |sign: &Sign| {
            let text = serde_json::to_vec(sign).unwrap_or_default();
            writer.write_lightly(&own, &text)
        };
        // The last one to leave removes the folder, which may be just now.
        loop {
            make_folder(folder)?;
            match write(&sign) {
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
                written => break written?,
            }
        }
        let (stop, stopped) = mpsc::channel();
        let beats = move || {
            while stopped.recv_timeout(beat) == Err(RecvTimeoutError::Timeout) {
                sign.count += 1;
                // A beat that cannot be written is one that stays out.
                let _ = write(&sign);
            }
        };
        let thread = thread::Builder::new().name("heartbeat".into()).spawn(beats);
        let thread = thread.map_err(Unwritable::at(&path))?;
        Ok(Self { path, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

fn path_of(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// The process whose sign a file of this name is.
pub(crate) fn sign_of(name: &str) -> Option<&str> {
    name.strip_suffix(".json")
}

/// Watches the signs of other processes' lives, by its own clock alone.
#[derive(Debug)]
pub(super) struct Signs {
    folder: PathBuf,
    observer: Owner,
    /// For each process the last count that was seen, if any, and since when it has been that.
    seen: HashMap<String, (Option<u64>, Instant)>,
}

impl Signs {
    pub(super) fn new(folder: PathBuf, observer: Owner) -> Self {
        Self { folder, observer, seen: HashMap::new() }
    }

    /// Whether a process is dead, at a moment of this process's clock.
    pub(super) fn is_dead(&mut self, owner: &Owner, now: Instant) -> bool {
        if let Some(lives) = owner.lives(&self.observer) {
            // A process that became another program has no sign of its own any more: who begins sweeps those away.
            return !lives || !path_of(&self.folder, &owner.id).exists();
        }
        // A file that is missing may not be seen yet, so that it must be missing for as long.
        let count = self.sign(&owner.id).map(|sign| sign.count);
        let (last, since) = self.seen.entry(owner.id.clone()).or_insert((count, now));
        if *last != count {
            (*last, *since) = (count, now);
        }
        now.duration_since(*since).as_secs_f64() >= SILENT_BEATS * owner.beat
    }

    /// Whether the process of a name is dead.
    pub(super) fn is_dead_by_name(&mut self, id: &str, now: Instant) -> bool {
        if id == self.observer.id {
            return false;
        }
        if let Some(sign) = self.sign(id) {
            self.is_dead(&sign.owner, now)
        } else {
            // It took its sign with it when it ended, or was never of this store.
            {
                let (last, since) = self.seen.entry(id.into()).or_insert((None, now));
                last.is_none()
                    && now.duration_since(*since).as_secs_f64() >= SILENT_BEATS * self.observer.beat
            }
        }
    }

    /// The processes that left signs.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let name = |entry: fs::DirEntry| sign_of(entry.file_name().to_str()?).map(String::from);
        entries.filter_map(name).collect()
    }

    /// Removes a dead process's sign.
    pub(super) fn forget(&mut self, id: &str) {
        let _ = fs::remove_file(path_of(&self.folder, id));
    }

    fn sign(&self, id: &str) -> Option<Sign> {
        serde_json::from_slice(&fs::read(path_of(&self.folder, id)).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elsewhere(beat: f64) -> Owner {
        let mut text = serde_json::to_value(Owner::of_this_process()).unwrap();
        text["machine"] = "elsewhere".into();
        text["beat"] = beat.into();
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn silence_is_death_after_six_beats_of_the_observers_clock() {
        let folder = tempfile::tempdir().unwrap();
        let (owner, me) = (elsewhere(10.0), Owner::of_this_process());
        let mut signs = Signs::new(folder.path().into(), me);
        let say = |count: u64| {
            let text = serde_json::to_vec(&Sign { owner: owner.clone(), count }).unwrap();
            fs::write(path_of(folder.path(), &owner.id), text).unwrap();
        };
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        say(3);
        assert!(!signs.is_dead(&owner, at(0)) && !signs.is_dead(&owner, at(59)));
        say(4);
        assert!(!signs.is_dead(&owner, at(60)) && !signs.is_dead(&owner, at(119)));
        assert!(signs.is_dead(&owner, at(120)));
        // A machine whose file went back is alive too.
        say(1);
        assert!(!signs.is_dead(&owner, at(121)));
        // One without a sign must be without one for as long.
        fs::remove_file(path_of(folder.path(), &owner.id)).unwrap();
        assert!(!signs.is_dead(&owner, at(122)) && !signs.is_dead(&owner, at(181)));
        assert!(signs.is_dead(&owner, at(182)));
    }

    #[test]
    fn a_heart_beats_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let owner = elsewhere(0.01);
        let heartbeat = Heartbeat::begin(folder.path(), &owner, &Writer::new(&owner.id)).unwrap();
        let signs = Signs::new(folder.path().into(), Owner::of_this_process());
        assert_eq!(signs.names(), std::slice::from_ref(&owner.id));
        let begun = Instant::now();
        while signs.sign(&owner.id).unwrap().count < 3 {
            assert!(begun.elapsed() < Duration::from_secs(30));
        }
        drop(heartbeat);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
