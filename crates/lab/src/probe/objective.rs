//! Asking an objective for its coefficients.

use super::json::read_whole;
use super::{BatchFault, BatchQuestion, Number, ProbeError};
use crate::evaluation::number;
use crate::objective_rows::{RowFault, SequenceColumns, TokenValues};
use pstar_loader::ObjectiveHandle;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;

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
        let declaration = objective.declaration()?;
        let columns = OwnedColumns::of(&self.sequences, declaration.outcomes)?;
        let numbers = |known: &BTreeMap<u32, Number>| known.iter().map(|(&group, z)| (group, z.0)).collect();
        let question = BatchQuestion {
            log_partition: numbers(&self.log_partition),
            log_power_partition: numbers(&self.log_power_partition),
            horizon: self.horizon,
            ..BatchQuestion::new(columns.view(), self.step)
        };
        let packed = question.pack()?;
        let answer = question.ask(&packed, objective, declaration.minimum_group)?;
        let coefficients = packed.by_sequence(&answer.coefficients);
        let diagnostics = answer.diagnostics.into_iter().map(|(name, value)| (name, number(Some(value))));
        Ok(ObjectiveOutput { coefficients, diagnostics: diagnostics.collect() })
    }
}

/// The sequences of an input, column by column.
struct OwnedColumns {
    groups: Vec<u32>,
    rewards: Vec<f64>,
    lengths: Vec<u64>,
    weights: Vec<f64>,
    ended: Vec<u8>,
    outcomes: Option<Vec<u64>>,
    log_probs: Vec<f64>,
    behaviour_log_probs: Vec<f64>,
    base_log_probs: Option<Vec<f64>>,
}

impl OwnedColumns {
    /// The columns of sequences; equal answers by equal tokens where the objective reads them and nobody says.
    fn of(sequences: &[SequenceInput], reads_outcomes: bool) -> Result<Self, RowFault> {
        check(sequences)?;
        let equal_share = 1.0 / sequences.len() as f64;
        let with_base = sequences.iter().any(|sequence| sequence.base_log_probs.is_some());
        let with_outcomes = sequences.iter().any(|sequence| sequence.outcome.is_some());
        let outcomes = if with_outcomes {
            Some(sequences.iter().filter_map(|sequence| sequence.outcome).collect())
        } else {
            reads_outcomes.then(|| outcomes_by_tokens(sequences))
        };
        let base = sequences.iter().flat_map(|sequence| sequence.base_log_probs.iter().flatten());
        Ok(Self {
            groups: sequences.iter().map(|sequence| sequence.group).collect(),
            rewards: sequences.iter().map(|sequence| sequence.reward).collect(),
            lengths: sequences.iter().map(|sequence| sequence.log_probs.len() as u64).collect(),
            weights: sequences.iter().map(|sequence| sequence.weight.unwrap_or(equal_share)).collect(),
            ended: sequences.iter().map(|sequence| sequence.ended.into()).collect(),
            outcomes,
            log_probs: numbers(sequences.iter().flat_map(|sequence| &sequence.log_probs)),
            behaviour_log_probs: numbers(sequences.iter().flat_map(SequenceInput::behaviour)),
            base_log_probs: with_base.then(|| numbers(base)),
        })
    }

    fn view(&self) -> SequenceColumns<'_> {
        SequenceColumns {
            groups: &self.groups,
            rewards: &self.rewards,
            lengths: &self.lengths,
            weights: Some(&self.weights),
            ended: Some(&self.ended),
            outcomes: self.outcomes.as_deref(),
            log_probs: TokenValues::Ragged(&self.log_probs),
            behaviour_log_probs: Some(TokenValues::Ragged(&self.behaviour_log_probs)),
            base_log_probs: self.base_log_probs.as_deref().map(TokenValues::Ragged),
        }
    }
}

fn numbers<'n>(values: impl Iterator<Item = &'n Number>) -> Vec<f64> {
    values.map(|number| number.0).collect()
}

/// Whether every sequence has what others have, and one value a token.
fn check(sequences: &[SequenceInput]) -> Result<(), RowFault> {
    let with_base = sequences.iter().any(|sequence| sequence.base_log_probs.is_some());
    let with_outcome = sequences.iter().any(|sequence| sequence.outcome.is_some());
    for (number, sequence) in sequences.iter().enumerate() {
        let expected = sequence.log_probs.len();
        let others = [
            ("behaviour_log_probs", &sequence.behaviour_log_probs),
            ("base_log_probs", &sequence.base_log_probs),
        ];
        for (column, values) in others {
            if let Some(found) = values.as_ref().map(Vec::len).filter(|&found| found != expected) {
                return Err(RowFault::Length { sequence: number, column, expected, found });
            }
        }
        if with_base && sequence.base_log_probs.is_none() {
            return Err(RowFault::MixedBase { sequence: number });
        }
        if with_outcome && sequence.outcome.is_none() {
            return Err(RowFault::MixedOutcome { sequence: number });
        }
    }
    Ok(())
}

/// Equal answers by equal tokens; those of a sequence without tokens are its own.
fn outcomes_by_tokens(sequences: &[SequenceInput]) -> Vec<u64> {
    let mut first = BTreeMap::new();
    let outcome = |(sequence, number): (&SequenceInput, u64)| {
        let key = sequence.tokens.clone().map(|tokens| (sequence.group, tokens));
        key.map_or(number, |key| *first.entry(key).or_insert(number))
    };
    sequences.iter().zip(0..).map(outcome).collect()
}

impl SequenceInput {
    /// Log-probabilities under what sampled it.
    fn behaviour(&self) -> &[Number] {
        self.behaviour_log_probs.as_ref().unwrap_or(&self.log_probs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(text: &str) -> Result<OwnedColumns, RowFault> {
        OwnedColumns::of(&serde_json::from_str::<Vec<SequenceInput>>(text).unwrap(), true)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let columns = sequences(
            r#"[{"group": 4, "reward": 1, "log_probs": [-1, "-inf"], "tokens": [7, 8]},
                {"group": 4, "reward": 0, "log_probs": [-3], "weight": 0.25, "ended": false, "behaviour_log_probs": [-2]},
                {"group": 4, "reward": 0, "log_probs": [], "tokens": [7, 8]},
                {"group": 5, "reward": 0, "log_probs": [], "tokens": [7, 8]}]"#,
        )
        .unwrap();
        assert_eq!((&columns.groups[..], &columns.lengths[..]), (&[4, 4, 4, 5][..], &[2, 1, 0, 0][..]));
        assert_eq!((&columns.weights[..], &columns.ended[..]), (&[0.25; 4][..], &[1, 0, 1, 1][..]));
        assert_eq!(columns.behaviour_log_probs, [-1.0, f64::NEG_INFINITY, -2.0]);
        assert_eq!((columns.base_log_probs, columns.outcomes), (None, Some(vec![0, 1, 0, 3])));
    }

    #[test]
    fn the_sequence_at_fault_is_named() {
        let fault = |text: &str| sequences(text).err().unwrap();
        let with_base = r#"{"group": 0, "reward": 1, "log_probs": [-1], "base_log_probs": [-1]}"#;
        let without = r#"{"group": 0, "reward": 1, "log_probs": [-1]}"#;
        let numbered = r#"{"group": 0, "reward": 1, "log_probs": [-1], "outcome": 1}"#;
        assert_eq!(fault(&format!("[{with_base}, {without}]")), RowFault::MixedBase { sequence: 1 });
        assert_eq!(fault(&format!("[{without}, {numbered}]")), RowFault::MixedOutcome { sequence: 0 });
        let long = with_base.replace("[-1]}", "[-1, -1]}");
        let (column, expected) = ("base_log_probs", 1);
        let length = RowFault::Length { sequence: 1, column, expected, found: 2 };
        assert_eq!(fault(&format!("[{with_base}, {long}]")), length);
    }
}
