//! Base models.

use super::SequenceModel;
use crate::data::Task;
use crate::error::PluginError;
use crate::field::Field;
use serde::de::DeserializeOwned;

/// The fixed distribution a that training starts from and that p* is defined by.
pub trait BaseModel: SequenceModel + Sized + 'static {
    /// The name that experiments use.
    const NAME: &'static str;
    /// One sentence: what model.
    const DOC: &'static str;
    /// What experiments configure; see [`Verifier::Config`](super::Verifier::Config).
    type Config: DeserializeOwned;
    /// The fields of the configuration, for `host plugins`.
    const FIELDS: &'static [Field] = &[];

    /// A model with this configuration. Relative paths start at [`Task::resolve`].
    ///
    /// # Errors
    /// [`PluginError::config`] for a value out of range or a file that cannot be used.
    fn new(config: Self::Config, task: &Task) -> Result<Self, PluginError>;
}
