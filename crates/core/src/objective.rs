//! What authors of objectives implement, and the pieces that most objectives share.

mod baseline;
mod batch;
mod buffer;
mod claim;
mod declaration;
mod facts;
mod moment;
mod partition;
mod source;
mod state;
mod step;
mod target;

pub use baseline::Baseline;
pub(crate) use batch::Columns;
pub use batch::ObjectiveBatch;
pub use buffer::{ObjectiveBuffer, Row};
pub use claim::Claim;
pub use declaration::{Caution, Declaration, Divergence, PartitionNeed, PopulationForm, When};
pub use facts::PromptFacts;
pub use moment::Moment;
pub use partition::{Partition, PartitionEstimator, PartitionSource, PartitionUsed};
pub use source::Source;
pub use state::{restored, saved};
pub use step::{ObjectiveAnswer, ObjectiveStep};
pub use target::Target;

use crate::data::Task;
use crate::error::PluginError;
use crate::field::Field;
use serde::de::DeserializeOwned;

/// Makes an objective for a task.
///
/// # Errors
/// [`PluginError::config`] for a value out of range.
pub type ForTask<O> = fn(config: <O as Objective>::Config, task: &Task) -> Result<O, PluginError>;

/// A training objective, as the coefficients c_it of the update Σ_i w_i Σ_t c_it ∇ log q(y_it | x, y_i,<t).
///
/// The update ascends; c absorbs every normaliser, relative to w_i = 1/N for N sampled sequences.
pub trait Objective: Sized + Send + 'static {
    /// The name that experiments use.
    const NAME: &'static str;
    /// One sentence: what it maximises or minimises.
    const DOC: &'static str;
    /// What experiments configure. Put `#[serde(deny_unknown_fields)]` on it, so that a misspelt field is an
    /// error.
    type Config: DeserializeOwned;
    /// The fields of the configuration, for `host plugins`.
    const FIELDS: &'static [Field] = &[];
    /// Makes it in place of [`new`](Self::new) where it also needs the task, such as the place of its files. While an
    /// experiment is checked the task may be another one in the same folder.
    const FOR_TASK: Option<ForTask<Self>> = None;

    /// An objective with this configuration.
    ///
    /// # Errors
    /// [`PluginError::config`] for a value out of range.
    fn new(config: Self::Config) -> Result<Self, PluginError>;

    /// What it needs and where it heads. By default: nothing but rewards, and nowhere in particular.
    fn declaration(&self) -> Declaration {
        Declaration::default()
    }

    /// Called once before the first step with the exact values of every prompt of the task; refuses those
    /// that the configuration does not fit.
    ///
    /// # Errors
    /// [`PluginError::config`] naming the field that does not fit the task.
    fn prepare(&mut self, prompts: &[PromptFacts]) -> Result<(), PluginError> {
        let _ = prompts;
        Ok(())
    }

    /// Told of every batch that was drawn, once, before the first step on it, with the log-probabilities of what sampled in
    /// the place of the policy's. What an objective learns from samples it learns here: steps may be several, or none.
    ///
    /// # Errors
    /// If the objective is not defined on this batch.
    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        let _ = batch;
        Ok(())
    }

    /// The coefficients of one optimizer step. The batch is the whole one that was drawn, never a slice of it, with
    /// log-probabilities under the policy as it is now; [`ObjectiveBatch::is_updated`] tells which groups the step is of.
    ///
    /// # Errors
    /// If the objective is not defined on this batch.
    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError>;

    /// What it has learnt so far, for a run that stops and goes on: a text that [`restore`](Self::restore) reads, from
    /// [`saved`]. Nothing by default, which is right for an objective that learns nothing.
    ///
    /// # Errors
    /// If it cannot be said.
    fn save(&self) -> Result<String, PluginError> {
        Ok(String::new())
    }

    /// Takes up what [`save`](Self::save) gave.
    ///
    /// # Errors
    /// If it is the state of another objective.
    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        if state.is_empty() {
            return Ok(());
        }
        Err(PluginError::data(format!("`{}` keeps no state, found one of {} bytes", Self::NAME, state.len())))
    }
}

/// Another name of an objective, with defaults of its own.
pub trait ObjectivePreset: 'static {
    /// What it is a configuration of.
    type Objective: Objective;
    /// What experiments configure: the objective's own configuration, or fewer fields.
    type Config: DeserializeOwned;
    /// The name that experiments use.
    const NAME: &'static str;
    /// One sentence: what it maximises or minimises, and whose it is.
    const DOC: &'static str;

    /// The fields of the configuration with the preset's defaults, for `host plugins`.
    fn fields() -> Vec<Field>;

    /// The objective with this configuration, over the preset's.
    ///
    /// # Errors
    /// [`PluginError::config`] for a value out of range.
    fn new(config: Self::Config) -> Result<Self::Objective, PluginError>;
}
