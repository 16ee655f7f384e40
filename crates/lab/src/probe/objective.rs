//! Asking an objective for its coefficients.

use super::json::read_whole;
use super::{Number, ProbeError};
use crate::evaluation::number;
use pstar_core::objective::{BatchParts, ObjectiveBatch};
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

/// The columns of a batch, ordered by group.
#[derive(Default)]
struct Columns {
    groups: Vec<u32>,
    group_offsets: Vec<u64>,
    offsets: Vec<u64>,
    log_partition: Vec<f64>,
    log_invalidity: Vec<f64>,
    rewards: Vec<f64>,
    weights: Vec<f64>,
    ended: Vec<u8>,
    log_probs: Vec<f64>,
    behaviour: Vec<f64>,
    base: Vec<f64>,
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
        let columns = self.columns(&order);
        let batch = ObjectiveBatch::new(BatchParts {
            group_offsets: &columns.group_offsets,
            prompt: &columns.groups,
            log_partition: &columns.log_partition,
            log_invalidity: &columns.log_invalidity,
            rewards: &columns.rewards,
            weights: &columns.weights,
            ended: &columns.ended,
            offsets: &columns.offsets,
            log_probs: &columns.log_probs,
            behaviour_log_probs: &columns.behaviour,
            base_log_probs: &columns.base,
            step: self.step,
            key: StreamKey::new(0, Purpose::Objective, u32::try_from(self.step).unwrap_or(u32::MAX)),
            population: false,
        })?;
        let (expected, found) = (objective.declaration()?.minimum_group, batch.smallest_group());
        let answer = match objective.step(&batch) {
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

    fn columns(&self, order: &[usize]) -> Columns {
        let mut columns = Columns { offsets: vec![0], ..Columns::default() };
        for (row, sequence) in order.iter().map(|&i| &self.sequences[i]).enumerate() {
            if columns.groups.last() != Some(&sequence.group) {
                columns.groups.push(sequence.group);
                columns.group_offsets.push(row as u64);
                let log_partition = self.log_partition.get(&sequence.group).map(|number| number.0);
                columns.log_partition.push(log_partition.unwrap_or(f64::NAN));
                columns.log_invalidity.push(log_partition.map_or(f64::NAN, |z| math::ln(-math::exp_m1(z))));
            }
            columns.rewards.push(sequence.reward);
            columns.weights.push(sequence.weight.unwrap_or(1.0 / order.len() as f64));
            columns.ended.push(u8::from(sequence.ended));
            let behaviour = sequence.behaviour_log_probs.as_ref().unwrap_or(&sequence.log_probs);
            columns.log_probs.extend(sequence.log_probs.iter().map(|number| number.0));
            columns.behaviour.extend(behaviour.iter().map(|number| number.0));
            columns.base.extend(sequence.base_log_probs.iter().flatten().map(|number| number.0));
            columns.offsets.push(columns.log_probs.len() as u64);
        }
        columns.group_offsets.push(order.len() as u64);
        columns
    }
}
