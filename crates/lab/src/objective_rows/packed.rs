//! The columns of a batch, in the order that an objective sees.

use super::tokens::index;
use super::{RowFault, SequenceColumns};
use pstar_core::PluginError;
use pstar_core::objective::{Moment, ObjectiveBatch, ObjectiveBuffer, PromptFacts};
use std::borrow::Cow;
use std::ops::Range;

/// The columns of a batch: sequences by group, in a group in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedRows<'a> {
    /// All but the columns of tokens.
    buffer: ObjectiveBuffer,
    log_probs: Cow<'a, [f64]>,
    /// Empty where they are the policy's.
    behaviour_log_probs: Cow<'a, [f64]>,
    base_log_probs: Option<Cow<'a, [f64]>>,
    /// For each row the number of its sequence; absent where the sequences were in order.
    order: Option<Vec<usize>>,
}

impl<'a> PackedRows<'a> {
    /// Packs sequences; `facts` tells what is known of a group's prompt.
    ///
    /// # Errors
    /// At the first column, or sequence, that does not fit.
    pub fn new(columns: &SequenceColumns<'a>, facts: impl Fn(u32) -> PromptFacts) -> Result<Self, RowFault> {
        columns.check()?;
        let order = (!columns.groups.is_sorted()).then(|| {
            let mut order: Vec<usize> = (0..columns.groups.len()).collect();
            order.sort_by_key(|&i| columns.groups[i]);
            order
        });
        let buffer = by_sequence(columns, order.as_deref(), facts);
        let starts = ends_behind(columns.lengths.iter().copied());
        let packed =
            |values: super::TokenValues<'a>| values.in_order(order.as_deref(), &starts, columns.lengths);
        Ok(Self {
            log_probs: packed(columns.log_probs),
            behaviour_log_probs: columns.behaviour_log_probs.map(packed).unwrap_or_default(),
            base_log_probs: columns.base_log_probs.map(packed),
            buffer,
            order,
        })
    }

    /// What an objective sees at a moment, of tasks whose sequences have at most `horizon` tokens; 0 where nobody knows.
    ///
    /// # Errors
    /// Never, for columns that were packed.
    pub fn view(&self, moment: Moment) -> Result<ObjectiveBatch<'_>, PluginError> {
        let batch = self.buffer.view_with(&self.log_probs, moment)?;
        let batch = batch.with_behaviour_log_probs(&self.behaviour_log_probs)?;
        match &self.base_log_probs {
            Some(base) => batch.with_base_log_probs(base),
            None => Ok(batch),
        }
    }

    /// The same, of a task whose sequences have at most so many tokens; 0 where nobody knows.
    #[must_use]
    pub fn within(mut self, horizon: u64) -> Self {
        self.buffer.horizon = horizon;
        self
    }

    /// The groups, in order.
    pub fn groups(&self) -> &[u32] {
        &self.buffer.prompt
    }

    /// Whether the sequences were in the order of their groups.
    pub fn is_in_order(&self) -> bool {
        self.order.is_none()
    }

    /// For each row of the batch, in its order: the number of its sequence, and where its tokens are.
    pub fn rows(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let order = self.order.as_deref();
        let ends = self.buffer.offsets.windows(2).enumerate();
        ends.map(move |(row, ends)| (order.map_or(row, |order| order[row]), index(ends[0])..index(ends[1])))
    }

    /// Values of all tokens, as the columns have them, by sequence as they were given.
    pub fn by_sequence(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let mut sequences = vec![Vec::new(); self.buffer.rewards.len()];
        for (sequence, tokens) in self.rows() {
            sequences[sequence] = values[tokens].to_vec();
        }
        sequences
    }
}

/// The columns that tell of sequences and groups.
fn by_sequence(
    columns: &SequenceColumns<'_>,
    order: Option<&[usize]>,
    facts: impl Fn(u32) -> PromptFacts,
) -> ObjectiveBuffer {
    let mut buffer = ObjectiveBuffer::default();
    let groups = in_order(columns.groups, order);
    for (row, group) in groups.iter().enumerate() {
        if row == 0 || groups[row - 1] != *group {
            buffer.push_group(*group, facts(*group));
            if let Some(start) = buffer.group_offsets.iter_mut().nth_back(1) {
                *start = row as u64;
            }
        }
    }
    if let Some(end) = buffer.group_offsets.last_mut() {
        *end = groups.len() as u64;
    }
    buffer.rewards = in_order(columns.rewards, order);
    buffer.weights = columns.weights.map(|values| in_order(values, order)).unwrap_or_default();
    buffer.ended = columns.ended.map(|values| in_order(values, order)).unwrap_or_default();
    buffer.outcome = columns.outcomes.map(|values| in_order(values, order)).unwrap_or_default();
    buffer.offsets = ends_behind(in_order(columns.lengths, order).into_iter());
    buffer
}

fn in_order<T: Copy>(values: &[T], order: Option<&[usize]>) -> Vec<T> {
    order.map_or_else(|| values.to_vec(), |order| order.iter().map(|&i| values[i]).collect())
}

/// 0, and where each of these lengths ends behind the one before.
fn ends_behind(lengths: impl Iterator<Item = u64>) -> Vec<u64> {
    let ends = lengths.scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

#[cfg(test)]
mod tests;
