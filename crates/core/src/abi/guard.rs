//! A panic in a component becomes an error of that component.

use super::{AbiError, AbiResult};
use crate::error::{ErrorKind, PluginError};
use abi_stable::std_types::RResult;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Lets panics leave their message and place for [`guard`] instead of printing it.
///
/// Called when a plugin is loaded: a plugin has its own copy of the standard library, so that the host's hook
/// is not touched.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".into());
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        LAST_PANIC.with(|last| *last.borrow_mut() = Some(format!("{text}{place}")));
    }));
}

/// Runs `body`; a panic becomes an error of kind [`ErrorKind::Panic`].
pub(crate) fn guard<T>(component: &str, body: impl FnOnce() -> Result<T, PluginError>) -> AbiResult<T> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => RResult::ROk(value),
        Ok(Err(error)) => RResult::RErr(error.into()),
        Err(payload) => {
            // Dropping the payload may panic again.
            std::mem::forget(payload);
            let text = LAST_PANIC.with(|last| last.borrow_mut().take()).unwrap_or_default();
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
        let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(&mut self.0) }));
        if let Err(payload) = outcome {
            std::mem::forget(payload);
        }
    }
}
