//! Base models.

use super::{model_handle, unwrap};
use crate::abi::BaseModelBox;
use crate::author::ShapedParameters;
use crate::error::PluginError;
use crate::wire;

/// A base model of a plugin.
pub struct BaseModelHandle {
    pub(super) name: String,
    pub(super) inner: BaseModelBox,
    pub(super) shape: super::Shape,
}

model_handle!(BaseModelHandle);

impl BaseModelHandle {
    /// The parameters and their shape, if the model shows them.
    ///
    /// # Errors
    /// If the component fails.
    pub fn parameters(&self) -> Result<Option<ShapedParameters>, PluginError> {
        unwrap(self.inner.parameters())?.into_option().map(wire::take_parameters).transpose()
    }
}
