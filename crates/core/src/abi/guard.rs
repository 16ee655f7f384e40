//! A panic in a component becomes an error of that component.

use super::{AbiError, AbiResult};
use crate::error::{ErrorKind, PluginError};
use abi_stable::std_types::RResult;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// How many guards this thread is inside of.
    static GUARDS: Cell<usize> = const { Cell::new(0) };
    /// Where the last panic inside of a guard was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Lets panics inside of [`guard`] leave their place for it instead of being printed; all others, those of threads that a
/// component starts among them, go to the hook that was there before.
///
/// Called when a plugin is loaded. The library of a plugin has its own copy of the standard library and so of the hook; components
/// that are part of a program share its hook, which must go on telling what goes wrong elsewhere.
pub(crate) fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A thread at its end may have no locals any more: it is inside of no guard.
            if GUARDS.try_with(Cell::get).is_ok_and(|guards| guards > 0) {
                let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line()));
                let _ = PLACE.try_with(|last| last.replace(place));
            } else {
                before(info);
            }
        }));
    });
}

/// Runs `body` inside of a guard, where a panic is not printed.
fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    let count = |by: fn(usize) -> usize| {
        let _ = GUARDS.try_with(|guards| guards.set(by(guards.get())));
    };
    count(|guards| guards + 1);
    let outcome = catch_unwind(AssertUnwindSafe(body));
    count(|guards| guards - 1);
    outcome
}

/// The message of a panic, with its place.
fn told(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = PLACE.try_with(RefCell::take).ok().flatten().unwrap_or_default();
    format!("{}{place}", text.unwrap_or("a panic without a message"))
}

/// Runs `body`; a panic becomes an error of kind [`ErrorKind::Panic`].
pub(crate) fn guard<T>(component: &str, body: impl FnOnce() -> Result<T, PluginError>) -> AbiResult<T> {
    match caught(body) {
        Ok(Ok(value)) => RResult::ROk(value),
        Ok(Err(error)) => RResult::RErr(error.into()),
        Err(payload) => {
            let text = told(&*payload);
            // Dropping the payload may panic again.
            std::mem::forget(payload);
            let error = PluginError::new(ErrorKind::Panic, format!("`{component}` panicked: {text}"));
            RResult::RErr(AbiError::from(
                error.with_hint("this is a defect of the plugin; report it to its author"),
            ))
        }
    }
}

/// A component whose `Drop` may panic without harm.
pub(crate) struct Guarded<T>(ManuallyDrop<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }
}

impl<T> std::ops::Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the value is dropped here only, and not used afterwards.
        if let Err(payload) = caught(|| unsafe { ManuallyDrop::drop(&mut self.0) }) {
            let _ = PLACE.try_with(RefCell::take);
            std::mem::forget(payload);
        }
    }
}
