//! What authors of objectives implement, and the pieces that most objectives share.

mod baseline;
mod batch;
mod declaration;
mod partition;
mod step;

pub use baseline::Baseline;
pub use batch::{BatchParts, ObjectiveBatch};
pub use declaration::{Declaration, Divergence, PartitionNeed, PopulationForm};
pub use partition::{Partition, PartitionEstimator, PartitionSource, PartitionUsed};
pub use step::ObjectiveStep;

use crate::error::PluginError;
use crate::field::Field;
use serde::de::DeserializeOwned;

/// The exact values of one prompt, where the host knows them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PromptFacts {
    /// log Z = log A1: the log-probability that a sample of the base is valid.
    pub log_partition: Option<f64>,
    /// log A0: the log-probability that it is not.
    pub log_invalidity: Option<f64>,
}

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

    /// The coefficients of one step. The batch is the whole step, never a slice of it.
    ///
    /// # Errors
    /// If the objective is not defined on this batch.
    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError>;
}
