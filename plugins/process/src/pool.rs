//! The children of a verifier, shared by all threads that ask it.

use crate::child::Child;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A fixed number of places for children. Which child is asked shows in no verdict.
#[derive(Debug)]
pub(crate) struct Pool {
    /// The places that nobody uses; `None` where a child is to be started.
    free: Mutex<Vec<Option<Child>>>,
    freed: Condvar,
}

impl Pool {
    /// A pool of `places` children, one of which has been started.
    pub(crate) fn new(first: Child, places: usize) -> Self {
        let mut free: Vec<Option<Child>> = (1..places).map(|_| None).collect();
        free.push(Some(first));
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    /// Works with a place, as soon as one is free; with one whose child runs if there is one.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Option<Child>) -> T) -> T {
        /// A place in use, given back whatever happens.
        struct Lease<'a>(&'a Pool, Option<Child>);

        impl Drop for Lease<'_> {
            fn drop(&mut self) {
                // Behind the empty places, so that it is taken before them.
                self.0.free().push(self.1.take());
                self.0.freed.notify_one();
            }
        }

        let free = self.freed.wait_while(self.free(), |free| free.is_empty());
        let mut free = free.unwrap_or_else(PoisonError::into_inner);
        let running = free.iter().rposition(Option::is_some).or(free.len().checked_sub(1));
        let mut lease = Lease(self, running.and_then(|place| free.remove(place)));
        drop(free);
        work(&mut lease.1)
    }

    fn free(&self) -> MutexGuard<'_, Vec<Option<Child>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
