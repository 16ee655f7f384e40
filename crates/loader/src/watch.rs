//! Who is told which component is being called: a process that a component ends cannot say it any more.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A component that is being called, or a plugin file that is being loaded.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// What it is, in words.
    pub kind: &'static str,
    /// The component's name, or the file's path.
    pub name: &'a str,
    /// The configuration that the component was made from, as RON text; empty of a file.
    pub configuration: &'a str,
    /// Whether it is being made, or loaded.
    pub making: bool,
    /// The component's number in this process, which no other has; 0 while it is being made.
    pub id: u64,
}

/// Told of every call of a component, on the thread that calls. What it does is part of every call's cost.
pub trait Watcher: Send + Sync {
    /// A call begins.
    fn entered(&self, called: Called<'_>);
    /// The last call of this thread came back.
    fn left(&self);
}

static WATCHER: OnceLock<Box<dyn Watcher>> = OnceLock::new();

/// Has a watcher told from now on, for the whole process; false if another one is already.
pub fn watch(watcher: Box<dyn Watcher>) -> bool {
    WATCHER.set(watcher).is_ok()
}

pub(crate) fn entered(called: Called<'_>) {
    if let Some(watcher) = WATCHER.get() {
        watcher.entered(called);
    }
}

pub(crate) fn left() {
    if let Some(watcher) = WATCHER.get() {
        watcher.left();
    }
}

/// An object of the binary interface that tells of its calls; the answer's [`unwrap`](crate::handles::unwrap) tells
/// that it came back.
pub(crate) struct Watched<B> {
    kind: &'static str,
    name: String,
    configuration: String,
    id: u64,
    /// Absent while it is dropped.
    inner: Option<B>,
}

impl<B> Watched<B> {
    pub(crate) fn new(kind: &'static str, name: &str, configuration: &str, inner: B) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self { kind, name: name.into(), configuration: configuration.into(), id, inner: Some(inner) }
    }

    /// An object that the component gave.
    pub(crate) fn part<P>(&self, inner: P) -> Watched<P> {
        Watched::new(self.kind, &self.name, &self.configuration, inner)
    }

    fn told(&self) -> Called<'_> {
        let (name, configuration) = (&self.name, &self.configuration);
        Called { kind: self.kind, name, configuration, making: false, id: self.id }
    }

    /// The object, to be called.
    pub(crate) fn call(&self) -> &B {
        entered(self.told());
        self.inner.as_ref().unwrap_or_else(|| unreachable!("nothing calls what is dropped"))
    }

    /// The object, to be called.
    pub(crate) fn call_mut(&mut self) -> &mut B {
        entered(self.told());
        self.inner.as_mut().unwrap_or_else(|| unreachable!("nothing calls what is dropped"))
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        entered(self.told());
        drop(self.inner.take());
        left();
    }
}
