//! Policies.

use super::model::model_handle;
use super::unwrap;
use crate::watch::Watched;
use pstar_core::PluginError;
use pstar_core::abi::{ColumnWriter, PolicyBox};
use pstar_core::author::{FitBatch, GradientBatch, ShapedParameters};
use pstar_core::rng::StreamKey;
use pstar_core::wire;

/// A policy of a plugin.
pub struct PolicyHandle {
    pub(crate) name: String,
    pub(crate) inner: Watched<PolicyBox>,
    pub(crate) shape: super::Shape,
}

model_handle!(PolicyHandle);

impl PolicyHandle {
    /// The parameters and their shape.
    ///
    /// # Errors
    /// If the component fails or shows none.
    pub fn parameters(&self) -> Result<ShapedParameters, PluginError> {
        let weights =
            unwrap(self.inner.call().parameters())?.into_option().map(wire::take_parameters).transpose()?;
        weights.ok_or_else(|| PluginError::contract(format!("policy `{}` shows no parameters", self.name)))
    }

    /// Number of parameters.
    ///
    /// # Errors
    /// If the component fails.
    pub fn parameter_count(&self) -> Result<usize, PluginError> {
        let count = unwrap(self.inner.call().parameter_count())?;
        usize::try_from(count).map_err(|_| PluginError::contract(format!("{count} parameters do not fit")))
    }

    /// Replaces the parameters.
    ///
    /// # Errors
    /// If the component refuses them.
    pub fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), PluginError> {
        unwrap(self.inner.call_mut().set_parameters(parameters.into()))
    }

    /// Draws initial parameters.
    ///
    /// # Errors
    /// If the component fails.
    pub fn randomise(&mut self, key: StreamKey) -> Result<(), PluginError> {
        unwrap(self.inner.call_mut().randomise(key.into()))
    }

    /// Writes Σ_i w_i Σ_t c_it ∇ log q to `gradient`.
    ///
    /// # Errors
    /// If the component fails.
    pub fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        let mut writer = ColumnWriter::default();
        wire::put_gradient_batch(&mut writer, batch);
        unwrap(self.inner.call().gradient(writer.columns(), gradient.into()))
    }

    /// Weighted maximum likelihood.
    ///
    /// # Errors
    /// If the component fails or does not offer it.
    pub fn fit(&mut self, batch: &FitBatch<'_>) -> Result<(), PluginError> {
        let mut writer = ColumnWriter::default();
        wire::put_fit_batch(&mut writer, batch);
        unwrap(self.inner.call_mut().fit(writer.columns()))
    }

    /// Writes where each state's logits begin among the parameters; `false` where the policy is no table of softmax
    /// rows. See [`Policy::row`](pstar_core::Policy::row).
    ///
    /// # Errors
    /// If the component fails.
    pub fn rows(&self, position: usize, states: &[u64], rows: &mut [u64]) -> Result<bool, PluginError> {
        unwrap(self.inner.call().rows(position as u64, states.into(), rows.into()))
    }

    /// What a row is conditioned on, where the policy says so.
    ///
    /// # Errors
    /// If the component fails.
    pub fn row_name(&self, row: usize) -> Result<Option<String>, PluginError> {
        Ok(unwrap(self.inner.call().row_name(row as u64))?.into_option().map(String::from))
    }
}
