//! The batch that an objective sees.

use super::PromptFacts;
use crate::data::Ragged;
use crate::error::PluginError;
use crate::rng::StreamKey;
use std::ops::Range;

/// The columns of an [`ObjectiveBatch`].
///
/// # Shapes
/// Rows are sequences, ordered by group. `log_probs` and the others of its kind have one value a token.
#[derive(Clone, Copy, Debug)]
pub struct BatchParts<'a> {
    /// Where the rows of each group start, and behind the last the number of rows.
    pub group_offsets: &'a [u64],
    /// For each group the index of its prompt in the task.
    pub prompt: &'a [u32],
    /// For each group log Z, NaN where unknown.
    pub log_partition: &'a [f64],
    /// For each group log(1 − Z), NaN where unknown.
    pub log_invalidity: &'a [f64],
    /// For each sequence its reward, 0 or 1.
    pub rewards: &'a [f64],
    /// For each sequence w_i: 1/N where sampled, b(y_i) where the whole space is enumerated, which is q(y_i) unless that is
    /// so small that the product with a coefficient would be lost.
    pub weights: &'a [f64],
    /// For each sequence 1 if it ended of itself, 0 if it was cut at the horizon.
    pub ended: &'a [u8],
    /// Where the tokens of each sequence start, and behind the last the number of tokens.
    pub offsets: &'a [u64],
    /// Token log-probabilities under the policy q.
    pub log_probs: &'a [f64],
    /// Token log-probabilities under the policy b that sampled the batch, or weighs what was enumerated.
    pub behaviour_log_probs: &'a [f64],
    /// Token log-probabilities under the base a; empty unless declared as needed.
    pub base_log_probs: &'a [f64],
    /// Training step, from 0.
    pub step: u64,
    /// The objective's own random numbers.
    pub key: StreamKey,
    /// Whether the rows of a group are all outputs of its prompt, weighted by q, instead of samples.
    pub population: bool,
}

/// The batch of one training step: groups of sequences, all sequences of a group answering one prompt.
#[derive(Clone, Copy, Debug)]
pub struct ObjectiveBatch<'a> {
    parts: BatchParts<'a>,
    log_probs: Ragged<'a, f64>,
    behaviour: Ragged<'a, f64>,
    base: Option<Ragged<'a, f64>>,
}

impl<'a> ObjectiveBatch<'a> {
    /// A batch of these columns.
    ///
    /// # Errors
    /// If their lengths do not fit together.
    pub fn new(parts: BatchParts<'a>) -> Result<Self, PluginError> {
        let (rows, groups) = (parts.rewards.len(), parts.prompt.len());
        let malformed = || PluginError::contract("the columns of an objective's batch do not fit together");
        let grouped = parts.group_offsets.len() == groups + 1
            && parts.group_offsets.first() == Some(&0)
            && parts.group_offsets.last() == Some(&(rows as u64))
            && parts.group_offsets.is_sorted();
        let fits = grouped
            && parts.log_partition.len() == groups
            && parts.log_invalidity.len() == groups
            && parts.weights.len() == rows
            && parts.ended.len() == rows
            && parts.offsets.len() == rows + 1;
        let ragged = |values| Ragged::new(parts.offsets, values).ok_or_else(malformed);
        if !fits {
            return Err(malformed());
        }
        let base = if parts.base_log_probs.is_empty() && !parts.log_probs.is_empty() {
            None
        } else {
            Some(ragged(parts.base_log_probs)?)
        };
        Ok(Self {
            log_probs: ragged(parts.log_probs)?,
            behaviour: ragged(parts.behaviour_log_probs)?,
            base,
            parts,
        })
    }

    /// The columns.
    pub fn parts(&self) -> &BatchParts<'a> {
        &self.parts
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.parts.rewards.len()
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Training step, from 0.
    pub fn step(&self) -> u64 {
        self.parts.step
    }

    /// Whether the rows are all outputs, weighted by q, instead of samples.
    pub fn is_population(&self) -> bool {
        self.parts.population
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.parts.prompt.len()
    }

    /// The rows of a group.
    #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
    pub fn group(&self, g: usize) -> Range<usize> {
        self.parts.group_offsets[g] as usize..self.parts.group_offsets[g + 1] as usize
    }

    /// Number of sequences of the smallest group; `usize::MAX` without groups.
    pub fn smallest_group(&self) -> usize {
        (0..self.groups()).map(|g| self.group(g).len()).min().unwrap_or(usize::MAX)
    }

    /// The index of a group's prompt in the task.
    pub fn prompt(&self, g: usize) -> u32 {
        self.parts.prompt[g]
    }

    /// The exact values of a group's prompt, where the host knows them.
    pub fn facts(&self, g: usize) -> PromptFacts {
        let known = |value: f64| (!value.is_nan()).then_some(value);
        PromptFacts {
            log_partition: known(self.parts.log_partition[g]),
            log_invalidity: known(self.parts.log_invalidity[g]),
        }
    }

    /// The reward of sequence `i`, 0 or 1.
    pub fn reward(&self, i: usize) -> f64 {
        self.parts.rewards[i]
    }

    /// w_i of sequence `i`.
    pub fn weight(&self, i: usize) -> f64 {
        self.parts.weights[i]
    }

    /// Token log-probabilities under the policy.
    pub fn log_probs(&self) -> Ragged<'a, f64> {
        self.log_probs
    }

    /// Token log-probabilities under the policy that sampled.
    pub fn behaviour_log_probs(&self) -> Ragged<'a, f64> {
        self.behaviour
    }

    /// log q(y_i), in nats.
    pub fn log_prob(&self, i: usize) -> f64 {
        self.log_probs.row(i).iter().sum()
    }

    /// log b(y_i) under the policy that sampled, in nats.
    pub fn behaviour_log_prob(&self, i: usize) -> f64 {
        self.behaviour.row(i).iter().sum()
    }

    /// log a(y_i) under the base, in nats.
    ///
    /// # Errors
    /// If the objective did not declare that it needs them.
    pub fn base_log_prob(&self, i: usize) -> Result<f64, PluginError> {
        let base = self.base.ok_or_else(|| {
            PluginError::contract("the batch holds no base log-probabilities")
                .with_hint("an objective declares `base_log_probs: true`; a batch to probe gives every sequence `base_log_probs`")
        })?;
        Ok(base.row(i).iter().sum())
    }

    /// R_i = q(y_i)/b(y_i): 1 on-policy.
    pub fn importance_weight(&self, i: usize) -> f64 {
        crate::math::exp(self.log_importance_weight(i))
    }

    /// log R_i, in nats; 0 of what neither q nor b can produce.
    pub fn log_importance_weight(&self, i: usize) -> f64 {
        let (log_q, log_b) = (self.log_prob(i), self.behaviour_log_prob(i));
        if log_q == f64::NEG_INFINITY && log_b == log_q { 0.0 } else { log_q - log_b }
    }
}
