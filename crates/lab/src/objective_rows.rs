//! Sequences one by one, in any order of groups, packed into the columns that an objective sees.

use pstar_core::objective::{ObjectiveBuffer, PromptFacts, Row};
use thiserror::Error;

/// A sequence of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceRow {
    /// Its group, which also stands for its prompt.
    pub group: u32,
    /// 0 or 1.
    pub reward: f64,
    /// w; 1/N where it is absent.
    pub weight: Option<f64>,
    /// Whether it ended of itself.
    pub ended: bool,
    /// Token log-probabilities under the policy.
    pub log_probs: Vec<f64>,
    /// Under what sampled it; the policy where they are absent.
    pub behaviour_log_probs: Option<Vec<f64>>,
    /// Under the base; all sequences have them or none.
    pub base_log_probs: Option<Vec<f64>>,
    /// A number that the sequences of its group with the same answer share; all sequences have one or none.
    pub outcome: Option<u64>,
}

/// Why sequences are no batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RowFault {
    /// A column has another length than the sequence.
    #[error("sequence {sequence}: `{column}` must have {expected} values, one a token, found {found}")]
    Length {
        /// Which sequence, from 0.
        sequence: usize,
        /// Which column.
        column: &'static str,
        /// Number of tokens.
        expected: usize,
        /// Number of values.
        found: usize,
    },
    /// Some sequences have base log-probabilities and some have not.
    #[error("sequence {sequence} has no `base_log_probs`, but others have")]
    MixedBase {
        /// Which sequence, from 0.
        sequence: usize,
    },
    /// Some sequences say which answers they equal and some do not.
    #[error("sequence {sequence} has no `outcome`, but others have")]
    MixedOutcome {
        /// Which sequence, from 0.
        sequence: usize,
    },
    /// A reward is neither 0 nor 1.
    #[error("sequence {sequence}: `reward` must be 0 or 1")]
    Reward {
        /// Which sequence, from 0.
        sequence: usize,
    },
}

/// The columns of a batch, and which sequence each row is.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedRows {
    /// The columns: sequences by group, otherwise in their order.
    pub buffer: ObjectiveBuffer,
    /// For each row the number of its sequence.
    order: Vec<usize>,
}

impl PackedRows {
    /// Packs sequences; `facts` tells what is known of a group's prompt.
    ///
    /// # Errors
    /// At the first sequence that does not fit.
    pub fn new(rows: &[SequenceRow], facts: impl Fn(u32) -> PromptFacts) -> Result<Self, RowFault> {
        check(rows)?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&i| rows[i].group);
        let mut buffer = ObjectiveBuffer::default();
        let mut group = None;
        for row in order.iter().map(|&i| &rows[i]) {
            if group.replace(row.group) != Some(row.group) {
                buffer.push_group(row.group, facts(row.group));
            }
            let behaviour = row.behaviour_log_probs.as_ref().unwrap_or(&row.log_probs);
            let weight = row.weight.unwrap_or(1.0 / rows.len() as f64);
            let packed = Row::new(row.reward, &row.log_probs).ended(row.ended).weight(weight);
            let base = row.base_log_probs.as_deref().unwrap_or_default();
            let packed = packed.behaviour_log_probs(behaviour).base_log_probs(base);
            buffer.push(row.outcome.into_iter().fold(packed, Row::outcome));
        }
        Ok(Self { buffer, order })
    }

    /// Values of all tokens, as the columns have them, by sequence as they were given.
    pub fn by_sequence(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let mut sequences = vec![Vec::new(); self.order.len()];
        for (&sequence, ends) in self.order.iter().zip(self.buffer.offsets.windows(2)) {
            sequences[sequence] = values[index(ends[0])..index(ends[1])].to_vec();
        }
        sequences
    }
}

#[allow(clippy::cast_possible_truncation, reason = "offsets of what is in memory")]
fn index(offset: u64) -> usize {
    offset as usize
}

fn check(rows: &[SequenceRow]) -> Result<(), RowFault> {
    let with_base = rows.iter().any(|row| row.base_log_probs.is_some());
    let with_outcome = rows.iter().any(|row| row.outcome.is_some());
    for (sequence, row) in rows.iter().enumerate() {
        let expected = row.log_probs.len();
        let others =
            [("behaviour_log_probs", &row.behaviour_log_probs), ("base_log_probs", &row.base_log_probs)];
        for (column, values) in others {
            if let Some(found) = values.as_ref().map(Vec::len).filter(|&found| found != expected) {
                return Err(RowFault::Length { sequence, column, expected, found });
            }
        }
        if with_base && row.base_log_probs.is_none() {
            return Err(RowFault::MixedBase { sequence });
        }
        if with_outcome && row.outcome.is_none() {
            return Err(RowFault::MixedOutcome { sequence });
        }
        if ![0.0, 1.0].contains(&row.reward) {
            return Err(RowFault::Reward { sequence });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: u32, log_probs: &[f64]) -> SequenceRow {
        let (behaviour_log_probs, base_log_probs, weight) = (None, None, None);
        let log_probs = log_probs.to_vec();
        SequenceRow {
            group,
            reward: 1.0,
            weight,
            ended: true,
            log_probs,
            behaviour_log_probs,
            base_log_probs,
            outcome: None,
        }
    }

    #[test]
    fn sequences_are_packed_by_group_and_come_back_in_their_order() {
        let rows = [row(4, &[-1.0, -2.0]), row(1, &[-3.0]), row(4, &[]), row(1, &[-4.0, -5.0])];
        let packed = PackedRows::new(&rows, |group| match group {
            1 => PromptFacts::new(-0.5, -0.9),
            _ => PromptFacts::default(),
        })
        .unwrap();
        assert_eq!(packed.buffer.log_probs, [-3.0, -4.0, -5.0, -1.0, -2.0]);
        assert_eq!(
            (&packed.buffer.prompt[..], &packed.buffer.group_offsets[..]),
            (&[1, 4][..], &[0, 2, 4][..])
        );
        assert_eq!(packed.buffer.log_partition[0], -0.5);
        assert!(packed.buffer.log_partition[1].is_nan());
        let back = packed.by_sequence(&packed.buffer.log_probs);
        assert_eq!(back, rows.each_ref().map(|row| row.log_probs.clone()));
    }

    #[test]
    fn the_sequence_at_fault_is_named() {
        let found = |rows: &[SequenceRow]| PackedRows::new(rows, |_| PromptFacts::default()).unwrap_err();
        let with_base = SequenceRow { base_log_probs: Some(vec![-1.0]), ..row(0, &[-1.0]) };
        assert_eq!(found(&[with_base.clone(), row(0, &[-1.0])]), RowFault::MixedBase { sequence: 1 });
        let long = SequenceRow { base_log_probs: Some(vec![-1.0; 2]), ..with_base.clone() };
        let expected = RowFault::Length { sequence: 1, column: "base_log_probs", expected: 1, found: 2 };
        assert_eq!(found(&[with_base, long]), expected);
        assert_eq!(found(&[SequenceRow { reward: 0.5, ..row(0, &[]) }]), RowFault::Reward { sequence: 0 });
    }
}
