//! Base models.

use super::model::model_handle;
use super::unwrap;
use crate::watch::Watched;
use pstar_core::PluginError;
use pstar_core::abi::BaseModelBox;
use pstar_core::author::ShapedParameters;
use pstar_core::wire;

/// A base model of a plugin.
pub struct BaseModelHandle {
    pub(crate) name: String,
    pub(crate) inner: Watched<BaseModelBox>,
    pub(crate) shape: super::Shape,
}

model_handle!(BaseModelHandle);

impl BaseModelHandle {
    /// The parameters and their shape, if the model shows them.
    ///
    /// # Errors
    /// If the component fails.
    pub fn parameters(&self) -> Result<Option<ShapedParameters>, PluginError> {
        unwrap(self.inner.call().parameters())?.into_option().map(wire::take_parameters).transpose()
    }
}
