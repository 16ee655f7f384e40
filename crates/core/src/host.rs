//! The host's side of the boundary: opening plugin files, and typed handles on components whose every answer
//! is checked.

mod base_model;
mod objective;
mod open;
mod policy;
mod shape;
mod verifier;

pub use base_model::BaseModelHandle;
pub use objective::ObjectiveHandle;
pub use open::{Component, Handle, INTERFACE_VERSION, OpenError, Plugin, open};
pub use policy::PolicyHandle;
pub use shape::Shape;
pub use verifier::{IncrementalHandle, VerifierHandle};

use crate::abi::{AbiResult, Columns};
use crate::author::{SampleRequest, Samples};
use crate::data::SequenceBatch;
use crate::error::PluginError;
use crate::rng::StreamKey;
use crate::wire;

/// What base models and policies have in common, seen from the host. See
/// [`SequenceModel`](crate::SequenceModel) for the meaning of the methods.
pub trait ModelHandle: Send + Sync {
    /// Samples sequences.
    ///
    /// # Errors
    /// If the component fails, or its answer does not have one sequence a row.
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError>;

    /// Writes the log-probability of every token.
    ///
    /// # Errors
    /// If the component fails or answers NaN or a positive number.
    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError>;

    /// The state of the finite-state view behind a prompt; `None` where there is no such view.
    ///
    /// # Errors
    /// If the component fails.
    fn start(&self, prompt: &[u32]) -> Result<Option<u64>, PluginError>;

    /// The choices of states; see [`FiniteStateView::expand`](crate::author::FiniteStateView::expand).
    ///
    /// # Errors
    /// If the component fails.
    fn expand(
        &self,
        position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), PluginError>;

    /// Log-probabilities of all outputs to a prompt, and whether they were written; see
    /// [`SequenceModel::score_outputs`](crate::SequenceModel::score_outputs).
    ///
    /// # Errors
    /// If the component fails.
    fn score_outputs(&self, prompt: &[u32], log_probs: &mut [f64]) -> Result<bool, PluginError>;

    /// The component's name.
    fn name(&self) -> &str;
}

fn unwrap<T>(result: AbiResult<T>) -> Result<T, PluginError> {
    result.into_result().map_err(PluginError::from)
}

/// Writes the sequences of a batch as columns and hands them to `call`.
fn with_sequences<T>(batch: &SequenceBatch<'_>, call: impl FnOnce(Columns<'_>) -> T) -> T {
    let mut writer = crate::abi::ColumnWriter::default();
    wire::put_sequences(&mut writer, batch);
    call(writer.columns())
}

/// Writes a sample request as columns and hands them to `call`.
fn with_request<T>(request: &SampleRequest<'_>, call: impl FnOnce(Columns<'_>) -> T) -> T {
    let mut writer = crate::abi::ColumnWriter::default();
    wire::put_request(&mut writer, request);
    call(writer.columns())
}

/// Implements [`ModelHandle`] for a handle with the fields `name` and `inner`.
macro_rules! model_handle {
    ($handle:ty) => {
        impl crate::host::ModelHandle for $handle {
            fn sample(
                &self,
                request: &crate::author::SampleRequest<'_>,
                key: crate::rng::StreamKey,
            ) -> Result<crate::author::Samples, crate::PluginError> {
                let columns = super::with_request(request, |columns| self.inner.sample(columns, key.into()));
                let samples = crate::wire::take_samples(super::unwrap(columns)?)?;
                self.shape.check_samples(&self.name, &samples, request.prompt_of.len())?;
                Ok(samples)
            }

            fn score(
                &self,
                batch: &crate::data::SequenceBatch<'_>,
                log_probs: &mut [f64],
            ) -> Result<(), crate::PluginError> {
                let answer = super::with_sequences(batch, |columns| {
                    self.inner.score(columns, (&mut *log_probs).into())
                });
                super::unwrap(answer)?;
                super::shape::check_log_probs(&self.name, log_probs)
            }

            fn start(&self, prompt: &[u32]) -> Result<Option<u64>, crate::PluginError> {
                super::unwrap(self.inner.start(prompt.into())).map(Into::into)
            }

            fn expand(
                &self,
                position: usize,
                states: &[u64],
                log_probs: &mut [f64],
                next: &mut [u64],
            ) -> Result<(), crate::PluginError> {
                let log_probs_out = (&mut *log_probs).into();
                let answer = self.inner.expand(position as u64, states.into(), log_probs_out, next.into());
                super::unwrap(answer)?;
                super::shape::check_log_probs(&self.name, log_probs)
            }

            fn score_outputs(
                &self,
                prompt: &[u32],
                log_probs: &mut [f64],
            ) -> Result<bool, crate::PluginError> {
                let written =
                    super::unwrap(self.inner.score_outputs(prompt.into(), (&mut *log_probs).into()))?;
                if written {
                    super::shape::check_log_probs(&self.name, log_probs)?;
                }
                Ok(written)
            }

            fn name(&self) -> &str {
                &self.name
            }
        }
    };
}
use model_handle;
