//! What a run and whoever waits for it tell each other.

use super::reporter::Told;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::sleep;
use std::time::Duration;

/// Between two looks at runs that are to end.
const LOOK: Duration = Duration::from_millis(20);

/// The runs that were begun: of a process, since a copy of it has none of its threads.
static RUNS: Mutex<Vec<(u32, Weak<Live>)>> = Mutex::new(Vec::new());

/// A run that has not ended.
#[derive(Debug, Default)]
pub(crate) struct Live {
    stop: AtomicBool,
    begun: AtomicBool,
    ended: AtomicBool,
    told: Mutex<Told>,
}

/// Tells, when it is dropped, that a run has ended.
pub(crate) struct Ends(Arc<Live>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Live {
    /// Has the run stop behind its present step.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Training begins.
    pub(crate) fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Whether it did.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Something that, once dropped, tells that it has ended.
    pub(crate) fn ends(self: &Arc<Self>) -> Ends {
        Ends(Arc::clone(self))
    }

    /// What is told so far.
    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings what was told up to date; whether anything is new.
    pub(crate) fn news(&self, known: &mut Told) -> bool {
        let told = self.told();
        let is_new = *told != *known;
        if is_new {
            *known = told.clone();
        }
        is_new
    }
}

/// Remembers a run.
pub(crate) fn enter(live: &Arc<Live>) {
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    runs.retain(|(process, run)| *process == process::id() && run.strong_count() > 0);
    runs.push((process::id(), Arc::downgrade(live)));
}

/// Has all runs of this process stop; whether none is left. Waits a little where some are.
pub(crate) fn stop_all() -> bool {
    // Where it is taken a thread that this process was copied without may have it.
    let Ok(runs) = RUNS.try_lock() else {
        sleep(LOOK);
        return false;
    };
    let own = runs.iter().filter(|(process, _)| *process == process::id());
    let live: Vec<Arc<Live>> =
        own.filter_map(|(_, run)| run.upgrade()).filter(|run| !run.ended.load(Ordering::Acquire)).collect();
    drop(runs);
    for run in &live {
        run.stop();
    }
    if live.is_empty() {
        return true;
    }
    sleep(LOOK);
    false
}
