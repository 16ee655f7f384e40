//! Batches of objectives, written in one line.

use crate::objective::{Declaration, Moment, ObjectiveBuffer, PartitionNeed, PromptFacts, Row, Source};
use crate::rng::{Purpose, StreamKey};

/// A sequence of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its reward, 0 or 1.
    pub reward: f64,
    /// Token log-probabilities under the policy.
    pub log_probs: Vec<f64>,
    /// Token log-probabilities under what sampled it.
    pub behaviour_log_probs: Vec<f64>,
    /// Token log-probabilities under the base.
    pub base_log_probs: Vec<f64>,
    /// w_i; 1/N where no sample of a batch has one.
    pub weight: Option<f64>,
    /// Whether it ended of itself.
    pub ended: bool,
    /// What it was sampled from.
    pub source: Source,
    /// A number that samples of its group with the same answer share.
    pub outcome: u64,
}

impl Sample {
    /// A sample of the policy as it is.
    pub fn new(reward: f64, log_probs: Vec<f64>, base_log_probs: Vec<f64>) -> Self {
        let (behaviour_log_probs, source) = (log_probs.clone(), Source::Policy);
        Self {
            reward,
            log_probs,
            behaviour_log_probs,
            base_log_probs,
            weight: None,
            ended: true,
            source,
            outcome: 0,
        }
    }

    /// An invented one: of 1 to 5 tokens, whose numbers hang on group and row alone.
    fn invented(reward: f64, group: u32, row: u32) -> Self {
        let key = StreamKey::new(0, Purpose::Objective, 0);
        let length = 1 + (group + 2 * row) as usize % 5;
        let uniform = |place: usize| key.uniform(group, row, place);
        let log_probs: Vec<f64> = (0..length).map(|t| -0.05 - 2.0 * uniform(2 * t)).collect();
        let base = log_probs.iter().enumerate().map(|(t, x)| (x + uniform(2 * t + 1) - 0.6).min(-0.01));
        let base = base.collect();
        Self { outcome: row.into(), ..Self::new(reward, log_probs, base) }
    }
}

/// The sequences of one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The index of the prompt.
    pub prompt: u32,
    /// What is known of it.
    pub facts: PromptFacts,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// A batch by its groups: public parts, to be changed at will.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The groups.
    pub groups: Vec<Group>,
    /// The most tokens that a sequence of the task can have.
    pub horizon: u64,
}

/// A batch of one group a list of rewards. Its sequences have 1 to 5 tokens, their log-probabilities under policy and base
/// are invented, always the same; log Z is known, and answers differ.
///
/// ```
/// let batch = pstar_core::testing::batch(&[&[1, 0, 0], &[1, 1]]).buffer();
/// assert_eq!((batch.rewards.len(), batch.prompt.len()), (5, 2));
/// ```
///
/// # Panics
/// If there are more than 2^24 groups.
pub fn batch(rewards: &[&[u8]]) -> Batch {
    let group = |(prompt, rewards): (u32, &&[u8])| {
        let samples =
            (0..).zip(rewards.iter()).map(|(row, &reward)| Sample::invented(reward.into(), prompt, row));
        // Some valid outputs, some invalid ones, in other shares for every prompt.
        let valid = 0.2 + 0.5 / f64::from(prompt + 1);
        Group { prompt, facts: facts(valid), samples: samples.collect() }
    };
    Batch { groups: (0..).zip(rewards).map(group).collect(), horizon: 8 }
}

/// The facts of a prompt of a validity rate under the base.
fn facts(valid: f64) -> PromptFacts {
    PromptFacts::new(crate::math::ln(valid), crate::math::ln(1.0 - valid))
        .with_log_top_valid(crate::math::ln(0.5 * valid))
        .with_log_power_partition(crate::math::ln(1.5 * valid))
}

/// The first pass over the first batch.
pub fn moment() -> Moment {
    Moment::new(0, StreamKey::new(0, Purpose::Objective, 0))
}

impl Batch {
    /// What an objective sees, all columns filled.
    pub fn buffer(&self) -> ObjectiveBuffer {
        let everything = Declaration::default().base_log_probs().outcomes().partition(PartitionNeed::Exact);
        self.buffer_for(&everything)
    }

    /// What an objective of a declaration sees: the columns that it declared to read.
    pub fn buffer_for(&self, declaration: &Declaration) -> ObjectiveBuffer {
        let mut buffer = ObjectiveBuffer { horizon: self.horizon, ..ObjectiveBuffer::default() };
        for group in &self.groups {
            buffer.push_group(group.prompt, told(group.facts, declaration));
            for sample in &group.samples {
                let mut row = Row::new(sample.reward, &sample.log_probs)
                    .behaviour_log_probs(&sample.behaviour_log_probs)
                    .ended(sample.ended)
                    .from(sample.source, 0);
                if declaration.base_log_probs {
                    row = row.base_log_probs(&sample.base_log_probs);
                }
                if declaration.outcomes {
                    row = row.outcome(sample.outcome);
                }
                if let Some(weight) = sample.weight {
                    row = row.weight(weight);
                }
                buffer.push(row);
            }
        }
        buffer
    }

    /// The facts of all prompts, as an objective of a declaration is told them before the first step.
    pub fn facts_for(&self, declaration: &Declaration) -> Vec<PromptFacts> {
        let mut facts = Vec::new();
        for group in &self.groups {
            let prompt = group.prompt as usize;
            if facts.len() <= prompt {
                facts.resize(prompt + 1, told(group.facts, declaration));
            }
            facts[prompt] = told(group.facts, declaration);
        }
        facts
    }

    /// The same sequences as a source drew them that the declaration allows.
    #[must_use]
    pub fn from_source_of(mut self, declaration: &Declaration) -> Self {
        let allowed = declaration.sources.is_empty() || declaration.sources.contains(&Source::Policy);
        let Some(&source) = declaration.sources.first().filter(|_| !allowed) else { return self };
        for sample in self.groups.iter_mut().flat_map(|group| &mut group.samples) {
            sample.source = source;
            match source {
                Source::Filtered => {
                    sample.reward = 1.0;
                    sample.behaviour_log_probs.clone_from(&sample.base_log_probs);
                }
                Source::Base => sample.behaviour_log_probs.clone_from(&sample.base_log_probs),
                _ => {}
            }
        }
        self
    }
}

/// The facts that an objective of a declaration is told.
fn told(facts: PromptFacts, declaration: &Declaration) -> PromptFacts {
    let known = declaration.partition != PartitionNeed::Unused;
    let power = facts.log_power_partition.filter(|_| known && declaration.power.is_some());
    PromptFacts { log_power_partition: power, ..facts }
}
