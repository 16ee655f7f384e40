//! A step's batch from samples of the policy.

use super::{Budget, prompts_of_step};
use crate::evaluation::verdicts;
use crate::experiment::Experiment;
use pstar_core::PluginError;
use pstar_core::author::{GradientBatch, SampleRequest};
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::objective::{Moment, ObjectiveBatch, ObjectiveBuffer, PromptFacts};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::{ModelHandle, PolicyHandle};
use std::ops::Range;

/// Groups of samples, with everything that objectives may see.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledBatch {
    columns: ObjectiveBuffer,
    prompt_of: Vec<u32>,
    /// The sampled tokens.
    pub tokens: RaggedBuffer<u32>,
    step: u32,
    seed: u64,
}

impl SampledBatch {
    /// Samples the batch of a step: `groups` groups of `size` samples.
    ///
    /// # Errors
    /// If a component fails.
    #[allow(clippy::cast_possible_truncation, reason = "groups and samples are below 2^32")]
    pub fn draw(
        experiment: &Experiment,
        policy: &PolicyHandle,
        facts: &[PromptFacts],
        (groups, size): (usize, usize),
        (seed, step): (u64, u32),
        base_log_probs: bool,
    ) -> Result<Self, PluginError> {
        let prompts = experiment.prompts.view();
        let prompt = prompts_of_step(seed, step, groups, prompts.len());
        let (mut prompt_of, mut sample) = (Vec::new(), Vec::new());
        let mut drawn = vec![0; prompts.len()];
        for &p in &prompt {
            let earlier = &mut drawn[p as usize];
            prompt_of.extend(std::iter::repeat_n(p, size));
            sample.extend((*earlier..*earlier + size).map(|i| i as u32));
            *earlier += size;
        }
        let request = SampleRequest::new(prompts, &prompt_of, &sample)?;
        let samples = policy.sample(&request, StreamKey::new(seed, Purpose::Rollout, step))?;
        let verdicts = verdicts(experiment, &prompt_of, &samples.tokens)?;
        let end = experiment.task.alphabet.end();
        let fixed = experiment.task.ending == Ending::FixedLength;
        let ended = |row: &[u32]| u8::from(fixed || row.last() == Some(&end));
        let n = prompt_of.len() as f64;
        let scale = |&p: &u32| experiment.weights[p as usize] * prompts.len() as f64 / n;
        let mut columns = ObjectiveBuffer::default();
        for &p in &prompt {
            columns.push_group(p, facts[p as usize]);
        }
        columns.group_offsets = (0..=groups).map(|g| (g * size) as u64).collect();
        columns.rewards = verdicts.iter().map(|&valid| f64::from(u8::from(valid))).collect();
        columns.weights = prompt_of.iter().map(scale).collect();
        columns.ended = samples.tokens.view().rows().map(ended).collect();
        columns.offsets = samples.tokens.view().offsets().to_vec();
        columns.log_probs = samples.log_probs;
        let mut batch = Self { columns, prompt_of, tokens: samples.tokens, step, seed };
        if base_log_probs {
            let mut scores = vec![0.0; batch.columns.log_probs.len()];
            experiment.base.score(&batch.sequences(experiment)?, &mut scores)?;
            batch.columns.base_log_probs = scores;
        }
        Ok(batch)
    }

    fn sequences<'a>(&'a self, experiment: &'a Experiment) -> Result<SequenceBatch<'a>, PluginError> {
        SequenceBatch::new(experiment.prompts.view(), &self.prompt_of, self.tokens.view())
            .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))
    }

    /// What the objective sees.
    ///
    /// # Errors
    /// Never, for a batch that was drawn.
    pub fn view(&self) -> Result<ObjectiveBatch<'_>, PluginError> {
        let key = StreamKey::new(self.seed, Purpose::Objective, self.step);
        self.columns.view(Moment::new(self.step.into(), key))
    }

    /// What the policy is asked the gradient of.
    ///
    /// # Errors
    /// Never, for a batch that was drawn.
    pub fn weighted<'a>(
        &'a self,
        experiment: &'a Experiment,
        coefficients: &'a [f64],
    ) -> Result<GradientBatch<'a>, PluginError> {
        GradientBatch::new(self.sequences(experiment)?, &self.columns.weights, coefficients)
    }

    /// For each group its prompt.
    pub fn prompts(&self) -> &[u32] {
        &self.columns.prompt
    }

    /// For each sequence 0 or 1.
    pub fn rewards(&self) -> &[f64] {
        &self.columns.rewards
    }

    /// For each sequence its prompt.
    pub fn prompt_of(&self) -> &[u32] {
        &self.prompt_of
    }

    /// The rows of each group.
    pub fn groups(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.columns.group_offsets.windows(2).map(|pair| to_index(pair[0])..to_index(pair[1]))
    }

    /// Those of `values`, one a token, that belong to a row.
    pub fn tokens_of<'c>(&self, row: usize, values: &'c [f64]) -> &'c [f64] {
        let offsets = self.tokens.view().offsets();
        &values[to_index(offsets[row])..to_index(offsets[row + 1])]
    }

    /// A fingerprint of prompts, tokens and rewards (FNV-1a, 64 bits).
    pub fn fingerprint(&self) -> String {
        let tokens = self.tokens.view();
        let numbers = self.prompt_of.iter().chain(tokens.values()).map(|&x| u64::from(x));
        let rewards = self.columns.rewards.iter().map(|reward| reward.to_bits());
        let all = numbers.chain(tokens.offsets().iter().copied()).chain(rewards);
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = all.flat_map(u64::to_le_bytes).fold(0xcbf2_9ce4_8422_2325, mix);
        format!("{hash:016x}")
    }

    /// What it cost.
    pub fn budget(&self) -> Budget {
        Budget {
            sequences: self.prompt_of.len() as u64,
            tokens: self.tokens.view().values().len() as u64,
            verifier_calls: self.prompt_of.len() as u64,
            optimizer_steps: 0,
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
fn to_index(offset: u64) -> usize {
    offset as usize
}
