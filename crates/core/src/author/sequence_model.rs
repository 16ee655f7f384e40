//! What base models and policies have in common.

use super::FiniteStateView;
use crate::data::{Ragged, RaggedBuffer, SequenceBatch};
use crate::error::PluginError;
use crate::rng::StreamKey;
use serde::{Deserialize, Serialize};

/// Which sequences to sample: row i answers prompt `prompt_of[i]` with the uniforms
/// `key.row(prompt_of[i], sample[i])`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SampleRequest<'a> {
    /// The prompts of the task.
    pub prompts: Ragged<'a, u32>,
    /// For each sequence the index of its prompt.
    pub prompt_of: &'a [u32],
    /// For each sequence its number among the samples of that prompt.
    pub sample: &'a [u32],
}

impl<'a> SampleRequest<'a> {
    /// A request of these columns.
    ///
    /// # Errors
    /// If they are not of one length, or a prompt is none of the table.
    pub fn new(
        prompts: Ragged<'a, u32>,
        prompt_of: &'a [u32],
        sample: &'a [u32],
    ) -> Result<Self, PluginError> {
        let known = prompt_of.iter().all(|&prompt| (prompt as usize) < prompts.len());
        let fits = known && prompt_of.len() == sample.len();
        fits.then_some(Self { prompts, prompt_of, sample })
            .ok_or_else(|| PluginError::contract("the columns of a sample request do not fit together"))
    }
}

/// Sampled sequences.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Samples {
    /// The emitted tokens of each sequence, an emitted end symbol included.
    pub tokens: RaggedBuffer<u32>,
    /// Log-probability of each token, aligned with the values of `tokens`.
    pub log_probs: Vec<f64>,
}

impl Samples {
    /// These tokens with these log-probabilities, one a token.
    pub fn new(tokens: RaggedBuffer<u32>, log_probs: Vec<f64>) -> Self {
        Self { tokens, log_probs }
    }
}

/// Room for samples that is another's: where [`sample_into`](SequenceModel::sample_into) writes.
///
/// # Shapes
/// `ends`: one a sequence of the request. `tokens` and `log_probs`: at least sequences × horizon, which is the most that they
/// can take.
#[derive(Debug)]
#[non_exhaustive]
pub struct SampleRoom<'a> {
    /// The emitted tokens, an emitted end symbol included, of one sequence behind another.
    pub tokens: &'a mut [u32],
    /// Log-probability of each token.
    pub log_probs: &'a mut [f64],
    /// For each sequence how many tokens there are up to its end, those of all before it included.
    pub ends: &'a mut [u64],
}

impl<'a> SampleRoom<'a> {
    /// Room in these slices for so many sequences of at most `horizon` tokens.
    ///
    /// # Errors
    /// If they are too short.
    pub fn new(
        tokens: &'a mut [u32],
        log_probs: &'a mut [f64],
        ends: &'a mut [u64],
        horizon: usize,
    ) -> Result<Self, PluginError> {
        let needed = ends.len().checked_mul(horizon);
        let fits = needed.is_some_and(|needed| tokens.len() >= needed && log_probs.len() >= needed);
        if fits {
            return Ok(Self { tokens, log_probs, ends });
        }
        Err(PluginError::contract(format!("room for samples is too small for {} sequences", ends.len())))
    }
}

/// A part of a model's parameters that has a name: a matrix, a bias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tensor {
    /// Its name, as files of tensors have it.
    pub name: String,
    /// Its dimensions; values are in row-major order.
    pub dimensions: Vec<u64>,
}

impl Tensor {
    /// A tensor of a name and dimensions.
    pub fn new(name: impl Into<String>, dimensions: &[usize]) -> Self {
        Self { name: name.into(), dimensions: dimensions.iter().map(|&d| d as u64).collect() }
    }

    /// Number of values.
    pub fn len(&self) -> u64 {
        self.dimensions.iter().product()
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The parameters of a model, for a policy that copies them and for files.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ShapedParameters {
    /// Everything that two models must share for one to take the other's parameters, as text.
    pub shape: String,
    /// The parameters.
    pub values: Vec<f64>,
    /// What the parameters are, one tensor behind another; empty where the model does not say.
    pub tensors: Vec<Tensor>,
}

impl ShapedParameters {
    /// Parameters of a shape, of which nothing more is said.
    pub fn new(shape: impl Into<String>, values: Vec<f64>) -> Self {
        Self { shape: shape.into(), values, tensors: Vec::new() }
    }

    /// The same, as tensors one behind another.
    ///
    /// # Errors
    /// If the tensors do not hold all values, and nothing else.
    pub fn with_tensors(self, tensors: Vec<Tensor>) -> Result<Self, PluginError> {
        let (expected, found) = (self.values.len() as u64, tensors.iter().map(Tensor::len).sum::<u64>());
        if expected == found {
            return Ok(Self { tensors, ..self });
        }
        Err(PluginError::contract(format!("tensors of {found} values, expected {expected}")))
    }
}

/// A distribution over sequences given a prompt.
pub trait SequenceModel: Send + Sync {
    /// Samples by inverse CDF: the token at position t is [`pick`](crate::rng::pick)ed by the uniform at t of
    /// the row's stream. Equal requests give equal answers.
    ///
    /// # Errors
    /// If the model cannot work with the request.
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError>;

    /// As [`sample`](Self::sample), into room that the host uses again, and returns whether it did. Worth offering where
    /// drawing a token takes some nanoseconds.
    ///
    /// # Errors
    /// If the model cannot work with the request.
    fn sample_into(
        &self,
        request: &SampleRequest<'_>,
        key: StreamKey,
        room: SampleRoom<'_>,
    ) -> Result<bool, PluginError> {
        let _ = (request, key, room);
        Ok(false)
    }

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
