//! The batch that an objective sees.

use super::{Moment, PromptFacts, Source};
use crate::data::Ragged;
use crate::error::PluginError;
use std::ops::Range;

/// The columns of a batch as an [`ObjectiveBuffer`](super::ObjectiveBuffer) describes them, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) group_offsets: &'a [u64],
    pub(crate) prompt: &'a [u32],
    pub(crate) log_partition: &'a [f64],
    pub(crate) log_invalidity: &'a [f64],
    /// log Z_α of the power that the objective declared; empty where nobody says.
    pub(crate) log_power_partition: &'a [f64],
    /// For each group 1 if the coefficients of its sequences are applied now; 1 if empty.
    pub(crate) updated: &'a [u8],
    pub(crate) rewards: &'a [f64],
    pub(crate) weights: &'a [f64],
    pub(crate) ended: &'a [u8],
    pub(crate) source: &'a [u8],
    pub(crate) age: &'a [u32],
    /// For each sequence a number that equal answers of its group share; empty where nobody says.
    pub(crate) outcome: &'a [u64],
    /// The horizon of the task; 0 where there is none.
    pub(crate) horizon: u64,
    pub(crate) offsets: &'a [u64],
    pub(crate) log_probs: &'a [f64],
    pub(crate) behaviour_log_probs: &'a [f64],
    pub(crate) base_log_probs: &'a [f64],
}

/// The batch of a step: groups of sequences, all sequences of a group answering one prompt.
#[derive(Clone, Copy, Debug)]
pub struct ObjectiveBatch<'a> {
    columns: Columns<'a>,
    moment: Moment,
    log_probs: Ragged<'a, f64>,
    behaviour: Ragged<'a, f64>,
    base: Option<Ragged<'a, f64>>,
}

impl<'a> ObjectiveBatch<'a> {
    /// A batch of these columns, which must fit together.
    pub(crate) fn of(columns: &Columns<'a>, moment: Moment) -> Result<Self, PluginError> {
        let (rows, groups) = (columns.rewards.len(), columns.prompt.len());
        let malformed = || PluginError::contract("the columns of an objective's batch do not fit together");
        let grouped = columns.group_offsets.len() == groups + 1
            && columns.group_offsets.first() == Some(&0)
            && columns.group_offsets.last() == Some(&(rows as u64))
            && columns.group_offsets.is_sorted();
        let or_empty = |found: usize, expected: usize| found == 0 || found == expected;
        let fits = grouped
            && columns.log_partition.len() == groups
            && columns.log_invalidity.len() == groups
            && or_empty(columns.log_power_partition.len(), groups)
            && or_empty(columns.updated.len(), groups)
            && or_empty(columns.weights.len(), rows)
            && or_empty(columns.ended.len(), rows)
            && or_empty(columns.source.len(), rows)
            && or_empty(columns.age.len(), rows)
            && or_empty(columns.outcome.len(), rows)
            && columns.offsets.len() == rows + 1;
        if !fits {
            return Err(malformed());
        }
        if let Some(number) = columns.source.iter().find(|&&number| Source::from_number(number).is_none()) {
            let message = format!("the batch holds sequences of the unknown source {number}");
            return Err(
                PluginError::contract(message).with_hint("build the plugin with the host's interface")
            );
        }
        let ragged = |values| Ragged::new(columns.offsets, values).ok_or_else(malformed);
        let log_probs = ragged(columns.log_probs)?;
        let or_log_probs = |values: &'a [f64]| if values.is_empty() { Ok(log_probs) } else { ragged(values) };
        let without_base = columns.base_log_probs.is_empty() && !columns.log_probs.is_empty();
        Ok(Self {
            log_probs,
            behaviour: or_log_probs(columns.behaviour_log_probs)?,
            base: if without_base { None } else { Some(ragged(columns.base_log_probs)?) },
            columns: *columns,
            moment,
        })
    }

    pub(crate) fn columns(&self) -> &Columns<'a> {
        &self.columns
    }

    /// The same sequences with other log-probabilities under what sampled them.
    ///
    /// # Errors
    /// If there is not one value a token.
    pub fn with_behaviour_log_probs(self, behaviour_log_probs: &'a [f64]) -> Result<Self, PluginError> {
        Self::of(&Columns { behaviour_log_probs, ..self.columns }, self.moment)
    }

    /// The same sequences with other log-probabilities under the base, or with those that they had none of.
    ///
    /// # Errors
    /// If there is not one value a token.
    pub fn with_base_log_probs(self, base_log_probs: &'a [f64]) -> Result<Self, PluginError> {
        Self::of(&Columns { base_log_probs, ..self.columns }, self.moment)
    }

    /// The same sequences with other weights.
    ///
    /// # Errors
    /// If there is not one value a sequence.
    pub fn with_weights(self, weights: &'a [f64]) -> Result<Self, PluginError> {
        Self::of(&Columns { weights, ..self.columns }, self.moment)
    }

    /// The same sequences with log Z_α of every group, NaN where it is not known, or of none.
    ///
    /// # Errors
    /// If there is not one value a group.
    pub fn with_log_power_partitions(self, log_power_partition: &'a [f64]) -> Result<Self, PluginError> {
        Self::of(&Columns { log_power_partition, ..self.columns }, self.moment)
    }

    /// The same sequences, of which only the groups that are marked 1 are updated now.
    ///
    /// # Errors
    /// If there is not one mark a group.
    pub fn with_updated(self, updated: &'a [u8]) -> Result<Self, PluginError> {
        Self::of(&Columns { updated, ..self.columns }, self.moment)
    }

    /// When the objective is asked.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.columns.rewards.len()
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of the batch, from 0.
    pub fn step(&self) -> u64 {
        self.moment.step
    }

    /// Number of the pass over the batch, from 0.
    pub fn epoch(&self) -> u32 {
        self.moment.epoch
    }

    /// Whether the rows are all outputs, weighted by q, instead of samples.
    pub fn is_population(&self) -> bool {
        self.moment.population
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.columns.prompt.len()
    }

    /// The rows of a group.
    #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
    pub fn group(&self, g: usize) -> Range<usize> {
        self.columns.group_offsets[g] as usize..self.columns.group_offsets[g + 1] as usize
    }

    /// Number of sequences of the smallest group; `usize::MAX` without groups.
    pub fn smallest_group(&self) -> usize {
        (0..self.groups()).map(|g| self.group(g).len()).min().unwrap_or(usize::MAX)
    }

    /// Whether the coefficients of a group's sequences are applied now. The others are there because what an objective
    /// takes from the whole batch does not change from one of its parts to the next.
    pub fn is_updated(&self, g: usize) -> bool {
        self.columns.updated.get(g).is_none_or(|&updated| updated != 0)
    }

    /// The index of a group's prompt in the task.
    pub fn prompt(&self, g: usize) -> u32 {
        self.columns.prompt[g]
    }

    /// The exact values of a group's prompt, where the host knows them.
    pub fn facts(&self, g: usize) -> PromptFacts {
        let known = |value: f64| (!value.is_nan()).then_some(value);
        PromptFacts {
            log_partition: known(self.columns.log_partition[g]),
            log_invalidity: known(self.columns.log_invalidity[g]),
            log_top_valid: None,
            log_power_partition: self.columns.log_power_partition.get(g).copied().and_then(known),
        }
    }

    /// The reward of sequence `i`, 0 or 1.
    pub fn reward(&self, i: usize) -> f64 {
        self.columns.rewards[i]
    }

    /// w_i of sequence `i`: 1/N where sampled.
    pub fn weight(&self, i: usize) -> f64 {
        if self.columns.weights.is_empty() { 1.0 / self.len() as f64 } else { self.columns.weights[i] }
    }

    /// Whether sequence `i` ended of itself, rather than cut at the horizon.
    pub fn ended(&self, i: usize) -> bool {
        self.columns.ended.get(i).is_none_or(|&ended| ended != 0)
    }

    /// What sequence `i` was sampled from.
    pub fn source(&self, i: usize) -> Source {
        let number = self.columns.source.get(i).copied();
        number.and_then(Source::from_number).unwrap_or_default()
    }

    /// How many batches ago sequence `i` was drawn.
    pub fn age(&self, i: usize) -> u32 {
        self.columns.age.get(i).copied().unwrap_or(0)
    }

    /// A number that sequence `i` shares with the sequences of its group that give the same answer, and with no other.
    ///
    /// # Errors
    /// If the objective did not declare that it reads them.
    pub fn outcome(&self, i: usize) -> Result<u64, PluginError> {
        self.columns.outcome.get(i).copied().ok_or_else(|| {
            PluginError::contract("the batch does not say which answers are equal").with_hint(
                "an objective declares `outcomes()`; a batch to probe gives every sequence `outcome`",
            )
        })
    }

    /// The most tokens that a sequence of the task can have; `None` where there is no task.
    pub fn horizon(&self) -> Option<u64> {
        (self.columns.horizon > 0).then_some(self.columns.horizon)
    }

    /// Token log-probabilities under the policy.
    pub fn log_probs(&self) -> Ragged<'a, f64> {
        self.log_probs
    }

    /// Token log-probabilities under what sampled.
    pub fn behaviour_log_probs(&self) -> Ragged<'a, f64> {
        self.behaviour
    }

    /// log q(y_i), in nats.
    pub fn log_prob(&self, i: usize) -> f64 {
        self.log_probs.row(i).iter().sum()
    }

    /// log b(y_i) under what sampled, in nats.
    pub fn behaviour_log_prob(&self, i: usize) -> f64 {
        self.behaviour.row(i).iter().sum()
    }

    /// Token log-probabilities under the base.
    ///
    /// # Errors
    /// If the objective did not declare that it needs them.
    pub fn base_log_probs(&self) -> Result<Ragged<'a, f64>, PluginError> {
        self.base.ok_or_else(|| {
            PluginError::contract("the batch holds no base log-probabilities")
                .with_hint("an objective declares `base_log_probs()`; a batch to probe gives every sequence `base_log_probs`")
        })
    }

    /// log a(y_i) under the base, in nats.
    ///
    /// # Errors
    /// If the objective did not declare that it needs them.
    pub fn base_log_prob(&self, i: usize) -> Result<f64, PluginError> {
        Ok(self.base_log_probs()?.row(i).iter().sum())
    }

    /// R_i = q(y_i)/b(y_i): 1 on-policy.
    pub fn importance_weight(&self, i: usize) -> f64 {
        crate::math::exp(self.log_importance_weight(i))
    }

    /// log R_i, in nats; 0 of what neither q nor b can produce.
    pub fn log_importance_weight(&self, i: usize) -> f64 {
        let log_q = self.log_prob(i);
        // On-policy both are the same numbers in memory.
        let is_own = std::ptr::eq(self.log_probs.row(i), self.behaviour.row(i));
        let log_b = if is_own { log_q } else { self.behaviour_log_prob(i) };
        if log_q == f64::NEG_INFINITY && log_b == log_q { 0.0 } else { log_q - log_b }
    }
}
