//! An owned batch, built row by row or column by column.

use super::batch::Columns;
use super::{Moment, ObjectiveBatch, PromptFacts, Source};
use crate::error::PluginError;

/// The columns of a batch, owned: what hosts, tests and probes build, and objectives see as an [`ObjectiveBatch`].
///
/// Rows are sequences, ordered by group. A column that is left empty has the value that it says.
///
/// ```
/// use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
/// use pstar_core::rng::{Purpose, StreamKey};
///
/// let mut buffer = ObjectiveBuffer::default();
/// buffer.push_group(0, PromptFacts::default());
/// buffer.push(Row::new(1.0, &[-0.5, -0.1]).base_log_probs(&[-0.7, -0.2]));
/// buffer.push(Row::new(0.0, &[-1.0]).base_log_probs(&[-0.9]));
/// let batch = buffer.view(Moment::new(0, StreamKey::new(1, Purpose::Objective, 0))).unwrap();
/// assert_eq!((batch.groups(), batch.len(), batch.weight(1)), (1, 2, 0.5));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ObjectiveBuffer {
    /// Where the rows of each group start, and behind the last the number of rows.
    pub group_offsets: Vec<u64>,
    /// For each group the index of its prompt in the task.
    pub prompt: Vec<u32>,
    /// For each group log Z, NaN where unknown.
    pub log_partition: Vec<f64>,
    /// For each group log(1 − Z), NaN where unknown.
    pub log_invalidity: Vec<f64>,
    /// For each group log Z_α of the power that the objective declared, NaN where unknown; unknown if empty.
    pub log_power_partition: Vec<f64>,
    /// For each sequence its reward, 0 or 1.
    pub rewards: Vec<f64>,
    /// For each sequence w_i; 1/N if empty. Where the whole space is enumerated b(y_i), which is q(y_i) unless that is so
    /// small that the product with a coefficient would be lost.
    pub weights: Vec<f64>,
    /// For each sequence 1 if it ended of itself, 0 if it was cut at the horizon; 1 if empty.
    pub ended: Vec<u8>,
    /// For each sequence the number of its [`Source`]; the policy if empty.
    pub source: Vec<u8>,
    /// For each sequence how many batches ago it was drawn; 0 if empty.
    pub age: Vec<u32>,
    /// For each sequence a number that the sequences of its group with the same answer share; unknown if empty.
    pub outcome: Vec<u64>,
    /// The most tokens that a sequence can have; unknown if 0.
    pub horizon: u64,
    /// Where the tokens of each sequence start, and behind the last the number of tokens.
    pub offsets: Vec<u64>,
    /// Token log-probabilities under the policy q.
    pub log_probs: Vec<f64>,
    /// Token log-probabilities under the distribution b that sampled the batch, or weighs what was enumerated; those of q
    /// if empty.
    pub behaviour_log_probs: Vec<f64>,
    /// Token log-probabilities under the base a; not to be had if empty.
    pub base_log_probs: Vec<f64>,
}

impl Default for ObjectiveBuffer {
    fn default() -> Self {
        Self {
            group_offsets: vec![0],
            prompt: Vec::new(),
            log_partition: Vec::new(),
            log_invalidity: Vec::new(),
            log_power_partition: Vec::new(),
            rewards: Vec::new(),
            weights: Vec::new(),
            ended: Vec::new(),
            source: Vec::new(),
            age: Vec::new(),
            outcome: Vec::new(),
            horizon: 0,
            offsets: vec![0],
            log_probs: Vec::new(),
            behaviour_log_probs: Vec::new(),
            base_log_probs: Vec::new(),
        }
    }
}

/// A sequence that is added to a batch.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    reward: f64,
    log_probs: &'a [f64],
    behaviour: Option<&'a [f64]>,
    base: Option<&'a [f64]>,
    weight: Option<f64>,
    ended: bool,
    source: Source,
    age: u32,
    outcome: Option<u64>,
}

impl<'a> Row<'a> {
    /// A sequence of a reward and of token log-probabilities under the policy, which sampled it just now and ended it.
    pub fn new(reward: f64, log_probs: &'a [f64]) -> Self {
        let (behaviour, base, weight, source) = (None, None, None, Source::Policy);
        Self { reward, log_probs, behaviour, base, weight, ended: true, source, age: 0, outcome: None }
    }

    /// With token log-probabilities under what sampled it.
    #[must_use]
    pub fn behaviour_log_probs(self, log_probs: &'a [f64]) -> Self {
        Self { behaviour: Some(log_probs), ..self }
    }

    /// With token log-probabilities under the base; all rows of a batch have them or none.
    #[must_use]
    pub fn base_log_probs(self, log_probs: &'a [f64]) -> Self {
        Self { base: Some(log_probs), ..self }
    }

    /// With a weight; all rows of a batch have one or none.
    #[must_use]
    pub fn weight(self, weight: f64) -> Self {
        Self { weight: Some(weight), ..self }
    }

    /// Whether it ended of itself.
    #[must_use]
    pub fn ended(self, ended: bool) -> Self {
        Self { ended, ..self }
    }

    /// With a number that the sequences of its group with the same answer share; all rows of a batch have one or none.
    #[must_use]
    pub fn outcome(self, outcome: u64) -> Self {
        Self { outcome: Some(outcome), ..self }
    }

    /// From a source, drawn so many batches ago.
    #[must_use]
    pub fn from(self, source: Source, age: u32) -> Self {
        Self { source, age, ..self }
    }
}

impl ObjectiveBuffer {
    /// Makes room for so many more groups.
    pub fn reserve_groups(&mut self, groups: usize) {
        self.group_offsets.reserve(groups);
        self.prompt.reserve(groups);
        for column in [&mut self.log_partition, &mut self.log_invalidity, &mut self.log_power_partition] {
            column.reserve(groups);
        }
    }

    /// Begins a group of sequences that answer a prompt.
    pub fn push_group(&mut self, prompt: u32, facts: PromptFacts) {
        self.group_offsets.push(self.rewards.len() as u64);
        self.prompt.push(prompt);
        self.log_partition.push(facts.log_partition.unwrap_or(f64::NAN));
        self.log_invalidity.push(facts.log_invalidity.unwrap_or(f64::NAN));
        self.log_power_partition.push(facts.log_power_partition.unwrap_or(f64::NAN));
    }

    /// Adds a sequence to the last group.
    ///
    /// # Panics
    /// Before the first group.
    pub fn push(&mut self, row: Row<'_>) {
        assert!(!self.prompt.is_empty(), "a sequence belongs to a group");
        self.rewards.push(row.reward);
        self.weights.extend(row.weight);
        self.ended.push(row.ended.into());
        self.source.push(row.source as u8);
        self.age.push(row.age);
        self.outcome.extend(row.outcome);
        self.log_probs.extend_from_slice(row.log_probs);
        self.behaviour_log_probs.extend_from_slice(row.behaviour.unwrap_or(row.log_probs));
        self.base_log_probs.extend_from_slice(row.base.unwrap_or_default());
        self.offsets.push(self.log_probs.len() as u64);
        if let Some(end) = self.group_offsets.last_mut() {
            *end = self.rewards.len() as u64;
        }
    }

    /// What an objective sees at a moment.
    ///
    /// # Errors
    /// If the columns do not fit together.
    pub fn view(&self, moment: Moment) -> Result<ObjectiveBatch<'_>, PluginError> {
        self.view_with(&self.log_probs, moment)
    }

    /// The same with other log-probabilities under the policy, one a token.
    ///
    /// # Errors
    /// If the columns do not fit together.
    pub fn view_with<'a>(
        &'a self,
        log_probs: &'a [f64],
        moment: Moment,
    ) -> Result<ObjectiveBatch<'a>, PluginError> {
        ObjectiveBatch::of(
            &Columns {
                group_offsets: &self.group_offsets,
                prompt: &self.prompt,
                log_partition: &self.log_partition,
                log_invalidity: &self.log_invalidity,
                log_power_partition: &self.log_power_partition,
                updated: &[],
                rewards: &self.rewards,
                weights: &self.weights,
                ended: &self.ended,
                source: &self.source,
                age: &self.age,
                outcome: &self.outcome,
                horizon: self.horizon,
                offsets: &self.offsets,
                log_probs,
                behaviour_log_probs: &self.behaviour_log_probs,
                base_log_probs: &self.base_log_probs,
            },
            moment,
        )
    }
}
