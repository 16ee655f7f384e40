//! Work on a thread of its own, while the thread that Python called on looks for signals.

use crate::failure::PstarError;
use pyo3::prelude::*;
use rayon::ThreadPoolBuilder;
use std::any::Any;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Work that is done on threads of its own.
pub(crate) struct Work<T> {
    done: Mutex<Receiver<Result<T, Box<dyn Any + Send>>>>,
}

impl<T: Send + 'static> Work<T> {
    /// Begins it, in a pool of so many threads; of one a core if there are none.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub(crate) fn begin(threads: usize, work: impl FnOnce() -> T + Send + 'static) -> PyResult<Self> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool
            .map_err(|error| PstarError::new_err(format!("{threads} threads cannot be started: {error}")))?;
        let (sender, done) = channel();
        let body = move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.install(work)));
            // Whoever asked may have gone on.
            let _ = sender.send(result);
        };
        thread::Builder::new()
            .name("pstar".into())
            .spawn(body)
            .map_err(|error| PstarError::new_err(format!("a thread cannot be started: {error}")))?;
        Ok(Self { done: Mutex::new(done) })
    }

    /// What it gave, if it ends within a short time. Python goes on meanwhile.
    ///
    /// # Errors
    /// If it panicked.
    pub(crate) fn look(&self, py: Python<'_>) -> PyResult<Option<T>> {
        let wait = || self.done.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LOOK);
        let waited = py.detach(wait);
        match waited {
            Ok(Ok(value)) => Ok(Some(value)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Ok(Err(payload)) => Err(defect(&*payload)),
            Err(RecvTimeoutError::Disconnected) => Err(defect(&())),
        }
    }
}

/// Waits for work that cannot be stopped: a signal's exception is raised at once, and the work is left to its end.
///
/// # Errors
/// That of a signal, or if the work panicked.
pub(crate) fn wait<T: Send + 'static>(py: Python<'_>, work: &Work<T>) -> PyResult<T> {
    loop {
        if let Some(value) = work.look(py)? {
            return Ok(value);
        }
        py.check_signals()?;
    }
}

/// What work is unwound with that was told to stop before it had anything to keep.
pub(crate) struct Left;

fn defect(payload: &(dyn Any + Send)) -> PyErr {
    if payload.is::<Left>() {
        return PstarError::new_err("the run was stopped before training began");
    }
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string));
    let text = text.unwrap_or_else(|| "without a message".into());
    PstarError::new_err(format!(
        "the laboratory panicked: {text}\nhelp: this is a defect of pstar; report it to its authors"
    ))
}
