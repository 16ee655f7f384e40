//! What is checked.

use super::Failure;
use crate::data::Task;
use crate::error::PluginError;
use crate::field::Field;

/// Makes an instance of a component from the RON text of its configuration and from a task.
pub type Make<'a, V> = dyn Fn(&str, &Task) -> Result<Box<V>, PluginError> + 'a;

/// A component with a configuration and a task, of which fresh instances can be had.
#[allow(missing_debug_implementations, reason = "holds a function")]
pub struct Subject<'a, V: ?Sized> {
    /// Its name.
    pub name: &'a str,
    /// Its configuration, as RON text.
    pub configuration: &'a str,
    /// The fields of its configuration, where its author lists them.
    pub fields: &'a [Field],
    /// The task that it is made for.
    pub task: &'a Task,
    /// Prompts and responses that a verifier is asked about besides those of the task.
    pub pairs: &'a [(String, String)],
    /// Told what is asked before it is, where the answer may end the process.
    pub asks: &'a dyn Fn(&str),
    /// Makes an instance.
    pub make: &'a Make<'a, V>,
}

impl<V: ?Sized> Subject<'_, V> {
    /// An instance.
    ///
    /// # Errors
    /// If the component cannot be made.
    pub fn fresh(&self) -> Result<Box<V>, Failure> {
        self.fresh_for(self.task)
    }

    /// An instance for another task.
    ///
    /// # Errors
    /// If the component cannot be made.
    pub fn fresh_for(&self, task: &Task) -> Result<Box<V>, Failure> {
        self.fresh_of(self.configuration, task)
    }

    /// An instance of another configuration.
    ///
    /// # Errors
    /// If the component cannot be made.
    pub fn fresh_of(&self, configuration: &str, task: &Task) -> Result<Box<V>, Failure> {
        let made = (self.make)(configuration, task);
        made.map_err(|error| {
            Failure::of_error(format!("to be made from the configuration `{configuration}`"), &error)
        })
    }
}
