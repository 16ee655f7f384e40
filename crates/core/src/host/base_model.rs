//! Base models.

use super::{model_handle, unwrap};
use crate::abi::BaseModelBox;
use crate::author::Weights;
use crate::error::PluginError;
use crate::wire;

/// A base model of a plugin.
pub struct BaseModelHandle {
    pub(super) name: String,
    pub(super) inner: BaseModelBox,
}

model_handle!(BaseModelHandle);

impl BaseModelHandle {
    /// The parameters and their shape, if the model shows them.
    ///
    /// # Errors
    /// If the component fails.
    pub fn weights(&self) -> Result<Option<Weights>, PluginError> {
        unwrap(self.inner.weights())?.into_option().map(wire::take_weights).transpose()
    }
}
