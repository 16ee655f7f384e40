//! Asking an objective for its coefficients.

use super::json::read_whole;
use super::{Number, ProbeError};
use crate::evaluation::number;
use crate::objective_rows::{PackedRows, RowFault, SequenceRow};
use pstar_core::math;
use pstar_core::objective::{Moment, PromptFacts};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{ErrorKind, PluginError};
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
    /// log Z_α of groups where it is known, for objectives whose target is a power of the base.
    #[serde(default)]
    pub log_power_partition: BTreeMap<u32, Number>,
    /// The most tokens that a sequence can have; default: unknown.
    #[serde(default)]
    pub horizon: u64,
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
    /// A number that the sequences of its group with the same answer share; default: by `tokens`.
    #[serde(default)]
    pub outcome: Option<u64>,
    /// Its tokens, of which equal answers have equal ones; default: no two answers are equal.
    #[serde(default)]
    pub tokens: Option<Vec<u32>>,
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
    /// The sequences do not fit together.
    #[error(transparent)]
    Rows(#[from] RowFault),
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
        let mut rows: Vec<SequenceRow> = self.sequences.iter().map(SequenceInput::row).collect();
        let declaration = objective.declaration()?;
        if declaration.outcomes && rows.iter().all(|row| row.outcome.is_none()) {
            self.outcomes_by_tokens(&mut rows);
        }
        let mut packed = PackedRows::new(&rows, |group| self.facts(group))?;
        packed.buffer.horizon = self.horizon;
        let step = u32::try_from(self.step).unwrap_or(u32::MAX);
        let batch =
            packed.buffer.view(Moment::new(self.step, StreamKey::new(0, Purpose::Objective, step)))?;
        let (expected, found) = (declaration.minimum_group, batch.smallest_group());
        let answer = match objective.observe(&batch).and_then(|()| objective.step(&batch)) {
            // An objective that says why it refuses the group says it better, and one that does not refuse it is asked.
            Err(error) if error.kind == ErrorKind::Config => return Err(error.into()),
            Ok(answer) if answer.coefficients.iter().all(|c| c.is_finite()) => answer,
            _ if found < expected => return Err(BatchFault::SmallGroup { expected, found }),
            answer => answer?,
        };
        let coefficients = packed.by_sequence(&answer.coefficients);
        let diagnostics = answer.diagnostics.into_iter().map(|(name, value)| (name, number(Some(value))));
        Ok(ObjectiveOutput { coefficients, diagnostics: diagnostics.collect() })
    }
}

impl ObjectiveInput {
    /// What is known of a group's prompt.
    fn facts(&self, group: u32) -> PromptFacts {
        let of_z = |z: &Number| PromptFacts::new(z.0, math::ln(-math::exp_m1(z.0)));
        let facts = self.log_partition.get(&group).map(of_z).unwrap_or_default();
        let of_power = self.log_power_partition.get(&group);
        of_power.map_or(facts, |z| facts.with_log_power_partition(z.0))
    }

    /// Equal answers by equal tokens; those of a sequence without tokens are its own.
    fn outcomes_by_tokens(&self, rows: &mut [SequenceRow]) {
        let mut first = BTreeMap::new();
        for (row, (sequence, number)) in rows.iter_mut().zip(self.sequences.iter().zip(0..)) {
            let key = sequence.tokens.as_ref().map(|tokens| (sequence.group, tokens));
            row.outcome = Some(key.map_or(number, |key| *first.entry(key).or_insert(number)));
        }
    }
}

impl SequenceInput {
    fn row(&self) -> SequenceRow {
        let numbers = |column: &[Number]| column.iter().map(|number| number.0).collect::<Vec<f64>>();
        SequenceRow {
            group: self.group,
            reward: self.reward,
            weight: self.weight,
            ended: self.ended,
            log_probs: numbers(&self.log_probs),
            behaviour_log_probs: self.behaviour_log_probs.as_deref().map(numbers),
            base_log_probs: self.base_log_probs.as_deref().map(numbers),
            outcome: self.outcome,
        }
    }
}
