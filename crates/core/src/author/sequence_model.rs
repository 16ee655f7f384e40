//! What base models and policies have in common.

use super::FiniteStateView;
use crate::data::{Ragged, RaggedBuffer, SequenceBatch};
use crate::error::PluginError;
use crate::rng::StreamKey;

/// Which sequences to sample: row i answers prompt `prompt_of[i]` with the uniforms
/// `key.row(prompt_of[i], sample[i])`.
#[derive(Clone, Copy, Debug)]
pub struct SampleRequest<'a> {
    /// The prompts of the task.
    pub prompts: Ragged<'a, u32>,
    /// For each sequence the index of its prompt.
    pub prompt_of: &'a [u32],
    /// For each sequence its number among the samples of that prompt.
    pub sample: &'a [u32],
}

/// Sampled sequences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// The emitted tokens of each sequence, an emitted end symbol included.
    pub tokens: RaggedBuffer<u32>,
    /// Log-probability of each token, aligned with the values of `tokens`.
    pub log_probs: Vec<f64>,
}

/// The parameters of a model, for a policy that copies them.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapedParameters {
    /// Everything that two models must share for one to take the other's parameters, as text.
    pub shape: String,
    /// The parameters.
    pub values: Vec<f64>,
}

/// A distribution over sequences given a prompt.
pub trait SequenceModel: Send + Sync {
    /// Samples by inverse CDF: the token at position t is [`pick`](crate::rng::pick)ed by the uniform at t of
    /// the row's stream. Equal requests give equal answers.
    ///
    /// # Errors
    /// If the model cannot work with the request.
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError>;

    /// Writes the log-probability of every token, in nats, aligned with `batch.tokens().values()`.
    ///
    /// # Errors
    /// If the model cannot work with the batch.
    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError>;

    /// The finite-state view, where there is one.
    fn finite_state(&self) -> Option<&dyn FiniteStateView> {
        None
    }

    /// Writes the log-probability of every output to a prompt, in canonical order (by length, then lexicographic in
    /// the symbols' order), and returns whether it did. Worth offering where there is no finite-state view and walking
    /// shared prefixes is cheaper than scoring each output from its start.
    ///
    /// # Errors
    /// If the model cannot work with the prompt.
    fn score_outputs(&self, prompt: &[u32], log_probs: &mut [f64]) -> Result<bool, PluginError> {
        let _ = (prompt, log_probs);
        Ok(false)
    }

    /// The parameters and their shape; always `Some` for a policy.
    fn parameters(&self) -> Option<ShapedParameters> {
        None
    }
}
