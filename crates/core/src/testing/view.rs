//! Components as checks see them, wherever they come from: author types through their adapters here, handles of plugins in
//! the host's loader.

use crate::author::{GradientBatch, SampleRequest, Samples, ShapedParameters};
use crate::data::SequenceBatch;
use crate::error::PluginError;
use crate::objective::{Declaration, ObjectiveBatch, ObjectiveStep, PromptFacts};
use crate::rng::StreamKey;

/// What a call answers.
type Answer<T> = Result<T, PluginError>;

/// A verifier; see [`Verifier`](crate::Verifier). Every method fails where the component does, or answers against its contract.
#[allow(clippy::missing_errors_doc, reason = "one sentence says it of all")]
pub trait VerifierView: Send + Sync {
    /// Whether each response is valid; `None` where there is no verdict.
    fn judge(&self, batch: &SequenceBatch<'_>) -> Answer<Vec<Option<bool>>>;
    /// What each response answers; `None` where the component tells no answers.
    fn answers(&self, batch: &SequenceBatch<'_>) -> Answer<Option<Vec<Option<String>>>>;
    /// Prompts of its own making.
    fn prompts(&self, count: usize, key: StreamKey) -> Answer<Option<Vec<String>>>;
    /// The verifier of a prompt, reading symbol by symbol.
    fn incremental(&self, prompt: &[u32]) -> Answer<Option<Box<dyn IncrementalView>>>;
}

/// A verifier of one prompt that reads symbol by symbol; see [`Incremental`](crate::Incremental).
#[allow(clippy::missing_errors_doc, reason = "as of verifiers")]
pub trait IncrementalView {
    /// The state before the first of at most `horizon` symbols.
    fn start(&mut self, horizon: usize) -> Answer<u64>;
    /// Writes, for each state, whether a response may end there: 0 or 1.
    fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> Answer<()>;
    /// Writes states × symbols: the state behind each symbol, after which at most `remaining` may follow.
    fn expand(&mut self, states: &[u64], remaining: usize, next: &mut [u64]) -> Answer<()>;
}

/// A base model or a policy; see [`SequenceModel`](crate::SequenceModel).
#[allow(clippy::missing_errors_doc, reason = "as of verifiers")]
pub trait ModelView: Send + Sync {
    /// Samples, one a row of the request.
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Answer<Samples>;
    /// Writes the log-probability of every token.
    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Answer<()>;
    /// The state behind a prompt; `None` without a finite-state view.
    fn start(&self, prompt: &[u32]) -> Answer<Option<u64>>;
    /// The choices of states; see [`FiniteStateView::expand`](crate::author::FiniteStateView::expand).
    fn expand(&self, position: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]) -> Answer<()>;
    /// Log-probabilities of all outputs, and whether they were written.
    fn score_outputs(&self, prompt: &[u32], log_probs: &mut [f64]) -> Answer<bool>;
}

/// A policy; see [`Policy`](crate::Policy).
#[allow(clippy::missing_errors_doc, reason = "as of verifiers")]
pub trait PolicyView: ModelView {
    /// The parameters.
    fn parameters(&self) -> Answer<ShapedParameters>;
    /// Their number.
    fn parameter_count(&self) -> Answer<usize>;
    /// Replaces them.
    fn set_parameters(&mut self, parameters: &[f64]) -> Answer<()>;
    /// Draws them.
    fn randomise(&mut self, key: StreamKey) -> Answer<()>;
    /// Writes the gradient of a batch.
    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Answer<()>;
    /// The same policy as a model.
    fn as_model(&self) -> &dyn ModelView;
}

/// An objective; see [`Objective`](crate::Objective).
#[allow(clippy::missing_errors_doc, reason = "as of verifiers")]
pub trait ObjectiveView: Send {
    /// What it needs and where it heads.
    fn declaration(&self) -> Answer<Declaration>;
    /// Told of the task's prompts.
    fn prepare(&mut self, prompts: &[PromptFacts]) -> Answer<()>;
    /// Told of a batch.
    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Answer<()>;
    /// The coefficients of a step, finite or not.
    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Answer<ObjectiveStep>;
    /// What it has learnt.
    fn save(&self) -> Answer<String>;
    /// Takes up what was saved.
    fn restore(&mut self, state: &str) -> Answer<()>;
}
