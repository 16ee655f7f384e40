//! Policies.

use super::SequenceModel;
use crate::data::{SequenceBatch, Task};
use crate::error::{ErrorKind, PluginError};
use crate::field::Field;
use crate::rng::StreamKey;
use serde::de::DeserializeOwned;

/// Sequences with a weight each and a coefficient for each token.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GradientBatch<'a> {
    /// The sequences.
    pub sequences: SequenceBatch<'a>,
    /// w_i, one a sequence.
    pub weights: &'a [f64],
    /// c_it, one a token.
    pub coefficients: &'a [f64],
    /// e_it, one a token: how much of the gradient of the entropy of π(· | x, y_i,<t) is added, in nats; empty for none.
    /// Only of policies with [`Policy::ENTROPY`].
    pub entropy: &'a [f64],
}

impl<'a> GradientBatch<'a> {
    /// A batch of these columns.
    ///
    /// # Errors
    /// If there is not one weight a sequence and one coefficient a token.
    pub fn new(
        sequences: SequenceBatch<'a>,
        weights: &'a [f64],
        coefficients: &'a [f64],
    ) -> Result<Self, PluginError> {
        let fits =
            weights.len() == sequences.len() && coefficients.len() == sequences.tokens().values().len();
        fits.then_some(Self { sequences, weights, coefficients, entropy: &[] })
            .ok_or_else(|| unfit("a gradient's batch"))
    }

    /// The same with so much of the entropy of every position.
    ///
    /// # Errors
    /// If there is neither none nor one value a token.
    pub fn with_entropy(self, entropy: &'a [f64]) -> Result<Self, PluginError> {
        let fits = entropy.is_empty() || entropy.len() == self.coefficients.len();
        fits.then_some(Self { entropy, ..self }).ok_or_else(|| unfit("a gradient's batch"))
    }
}

/// Sequences with a weight each, for maximum likelihood.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FitBatch<'a> {
    /// The sequences.
    pub sequences: SequenceBatch<'a>,
    /// w_i, one a sequence.
    pub weights: &'a [f64],
    /// The weight that every choice is credited with wherever the batch leads, so that a choice that no sample made keeps
    /// some probability; 0 where the batch holds all outputs.
    pub pseudo_count: f64,
}

impl<'a> FitBatch<'a> {
    /// A batch of these columns, without a pseudo-count.
    ///
    /// # Errors
    /// If there is not one weight a sequence.
    pub fn new(sequences: SequenceBatch<'a>, weights: &'a [f64]) -> Result<Self, PluginError> {
        let fits = weights.len() == sequences.len();
        fits.then_some(Self { sequences, weights, pseudo_count: 0.0 }).ok_or_else(|| unfit("a batch to fit"))
    }

    /// The same with every choice credited with so much.
    #[must_use]
    pub fn with_pseudo_count(self, pseudo_count: f64) -> Self {
        Self { pseudo_count, ..self }
    }
}

fn unfit(what: &str) -> PluginError {
    PluginError::contract(format!("the columns of {what} do not fit together"))
}

/// The trained distribution q: a sequence model with a flat vector of parameters.
pub trait Policy: SequenceModel + Sized + 'static {
    /// The name that experiments use.
    const NAME: &'static str;
    /// One sentence: what class of distributions.
    const DOC: &'static str;
    /// What experiments configure; see [`Verifier::Config`](super::Verifier::Config).
    type Config: DeserializeOwned;
    /// The fields of the configuration, for `host plugins`.
    const FIELDS: &'static [Field] = &[];
    /// Whether [`gradient`](Self::gradient) adds the entropy that a batch asks for; those that do not are never asked.
    const ENTROPY: bool = false;

    /// A policy with this configuration, at the parameters it configures.
    ///
    /// # Errors
    /// [`PluginError::config`] for a value out of range.
    fn new(config: Self::Config, task: &Task) -> Result<Self, PluginError>;

    /// Number of parameters.
    fn parameter_count(&self) -> usize;

    /// Replaces the parameters; the slice has [`parameter_count`](Self::parameter_count) values.
    ///
    /// # Errors
    /// If a value is no parameter (NaN, +∞).
    fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), PluginError>;

    /// Where the logits of a state's choices begin among the parameters, for a policy whose distribution in every
    /// state of its [finite-state view](super::FiniteStateView) is the softmax of adjacent parameters; `None` for any
    /// other. With it, exact gradients and optima can be had on spaces that nobody can enumerate.
    fn row(&self, position: usize, state: u64) -> Option<usize> {
        let _ = (position, state);
        None
    }

    /// What a [`row`](Self::row) is conditioned on, as people write it: the context of an n-gram.
    fn row_name(&self, row: usize) -> Option<String> {
        let _ = row;
        None
    }

    /// Draws initial parameters.
    fn randomise(&mut self, key: StreamKey);

    /// Writes Σ_i w_i Σ_t c_it ∇ log q(y_it | x_i, y_i,<t) to `gradient`, one value a parameter; with
    /// [`ENTROPY`](Self::ENTROPY) and Σ_i w_i Σ_t e_it ∇ H(q(· | x_i, y_i,<t)) added where the batch has an e.
    ///
    /// A sequence of weight 0 contributes nothing, whatever its coefficients.
    ///
    /// # Errors
    /// If the policy cannot work with the batch.
    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError>;

    /// Sets the parameters to the weighted maximum likelihood, arg max Σ_i w_i log q(y_i | x_i), with the batch's
    /// pseudo-count added to every choice where the policy can tell choices apart. What no
    /// sequence of positive weight touches keeps its parameters.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the policy does not offer it.
    fn fit(&mut self, batch: &FitBatch<'_>) -> Result<(), PluginError> {
        let _ = batch;
        Err(PluginError::new(ErrorKind::Unsupported, format!("policy `{}` cannot be fitted", Self::NAME)))
    }
}
