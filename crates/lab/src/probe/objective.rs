//! Asking an objective for its coefficients.

use super::json::read_whole;
use super::{Number, ProbeError};
use crate::evaluation::number;
use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{ErrorKind, PluginError, math};
use pstar_loader::ObjectiveHandle;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use thiserror::Error;

/// A batch as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveInput {
    /// Training step, from 0.
    pub step: u64,
    /// The sequences, in any order of groups.
    pub sequences: Vec<SequenceInput>,
    /// log Z of groups where it is known.
    #[serde(default)]
    pub log_partition: BTreeMap<u32, Number>,
}

/// A sequence of the batch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceInput {
    /// Its group, which also stands for its prompt.
    pub group: u32,
    /// 0 or 1.
    pub reward: f64,
    /// w; default: 1/N.
    #[serde(default)]
    pub weight: Option<f64>,
    /// Whether it ended of itself; default: yes.
    #[serde(default = "yes")]
    pub ended: bool,
    /// Token log-probabilities under the policy.
    pub log_probs: Vec<Number>,
    /// Under the policy that sampled; default: the policy.
    #[serde(default)]
    pub behaviour_log_probs: Option<Vec<Number>>,
    /// Under the base; all sequences have them or none.
    #[serde(default)]
    pub base_log_probs: Option<Vec<Number>>,
}

fn yes() -> bool {
    true
}

/// An objective's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectiveOutput {
    /// c_it, a row a sequence in the order of the input.
    pub coefficients: Vec<Vec<f64>>,
    /// The objective's own figures.
    pub diagnostics: BTreeMap<String, serde_json::Value>,
}

/// Why a batch is no batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BatchFault {
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
    /// A reward is neither 0 nor 1.
    #[error("sequence {sequence}: `reward` must be 0 or 1")]
    Reward {
        /// Which sequence, from 0.
        sequence: usize,
    },
    /// A group is smaller than the objective takes.
    #[error("the objective needs groups of at least {expected} sequences, found a group of {found}")]
    SmallGroup {
        /// Least number of sequences.
        expected: usize,
        /// Number of sequences of the smallest group.
        found: usize,
    },
    /// The objective failed.
    #[error(transparent)]
    Objective(#[from] PluginError),
}

impl ObjectiveInput {
    /// Reads a batch, one JSON value.
    ///
    /// # Errors
    /// At the first fault, behind which nothing is read.
    pub fn read(input: impl Read) -> Result<Self, ProbeError> {
        read_whole(input)
    }

    /// The objective's coefficients for this batch.
    ///
    /// # Errors
    /// If the batch is malformed or the objective fails.
    pub fn ask(&self, objective: &mut ObjectiveHandle) -> Result<ObjectiveOutput, BatchFault> {
        let order = self.order()?;
        let buffer = self.buffer(&order);
        let step = u32::try_from(self.step).unwrap_or(u32::MAX);
        let batch = buffer.view(Moment::new(self.step, StreamKey::new(0, Purpose::Objective, step)))?;
        let (expected, found) = (objective.declaration()?.minimum_group, batch.smallest_group());
        let answer = match objective.observe(&batch).and_then(|()| objective.step(&batch)) {
            // An objective that says why it refuses the group says it better.
            Err(error) if error.kind == ErrorKind::Config => return Err(error.into()),
            _ if found < expected => return Err(BatchFault::SmallGroup { expected, found }),
            answer => answer?,
        };
        let mut coefficients = vec![Vec::new(); order.len()];
        let mut rest = answer.coefficients.as_slice();
        for &i in &order {
            let (row, behind) = rest.split_at(self.sequences[i].log_probs.len());
            coefficients[i] = row.to_vec();
            rest = behind;
        }
        let diagnostics = answer.diagnostics.into_iter().map(|(name, value)| (name, number(Some(value))));
        Ok(ObjectiveOutput { coefficients, diagnostics: diagnostics.collect() })
    }

    /// The sequences by group, otherwise in their order.
    fn order(&self) -> Result<Vec<usize>, BatchFault> {
        let with_base = self.sequences.iter().any(|sequence| sequence.base_log_probs.is_some());
        for (i, sequence) in self.sequences.iter().enumerate() {
            let expected = sequence.log_probs.len();
            let others = [
                ("behaviour_log_probs", &sequence.behaviour_log_probs),
                ("base_log_probs", &sequence.base_log_probs),
            ];
            for (column, values) in others {
                if let Some(found) = values.as_ref().map(Vec::len).filter(|&found| found != expected) {
                    return Err(BatchFault::Length { sequence: i, column, expected, found });
                }
            }
            if with_base && sequence.base_log_probs.is_none() {
                return Err(BatchFault::MixedBase { sequence: i });
            }
            if ![0.0, 1.0].contains(&sequence.reward) {
                return Err(BatchFault::Reward { sequence: i });
            }
        }
        let mut order: Vec<usize> = (0..self.sequences.len()).collect();
        order.sort_by_key(|&i| self.sequences[i].group);
        Ok(order)
    }

    fn buffer(&self, order: &[usize]) -> ObjectiveBuffer {
        let mut buffer = ObjectiveBuffer::default();
        let mut group = None;
        for sequence in order.iter().map(|&i| &self.sequences[i]) {
            if group.replace(sequence.group) != Some(sequence.group) {
                let log_partition = self.log_partition.get(&sequence.group).map(|number| number.0);
                let facts = log_partition.map(|z| PromptFacts::new(z, math::ln(-math::exp_m1(z))));
                buffer.push_group(sequence.group, facts.unwrap_or_default());
            }
            let numbers = |column: &[Number]| column.iter().map(|number| number.0).collect::<Vec<f64>>();
            let log_probs = numbers(&sequence.log_probs);
            let behaviour = sequence.behaviour_log_probs.as_deref().map(numbers);
            let base = numbers(sequence.base_log_probs.as_deref().unwrap_or_default());
            let weight = sequence.weight.unwrap_or(1.0 / order.len() as f64);
            let row = Row::new(sequence.reward, &log_probs).ended(sequence.ended).weight(weight);
            let row = row.behaviour_log_probs(behaviour.as_ref().unwrap_or(&log_probs));
            buffer.push(row.base_log_probs(&base));
        }
        buffer
    }
}
