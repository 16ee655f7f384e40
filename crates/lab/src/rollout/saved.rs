//! A rollout that waits, as text.

use super::{BatchKey, Rollout};
use crate::training::bits;
use pstar_core::PluginError;
use pstar_core::data::RaggedBuffer;
use pstar_core::objective::{ObjectiveBuffer, PromptFacts};
use pstar_record::Budget;
use serde::{Deserialize, Serialize};

/// A rollout as it is kept and saved; the exact values of its prompts are the task's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedRollout {
    key: BatchKey,
    prompt: Vec<u32>,
    group_offsets: Vec<u64>,
    prompt_of: Vec<u32>,
    offsets: Vec<u64>,
    tokens: Vec<u32>,
    ended: Vec<u8>,
    #[serde(with = "bits")]
    rewards: Vec<f64>,
    #[serde(with = "bits")]
    weights: Vec<f64>,
    #[serde(with = "bits")]
    behaviour_log_probs: Vec<f64>,
    #[serde(with = "bits")]
    base_log_probs: Vec<f64>,
    outcome: Vec<u64>,
    horizon: u64,
    budget: Budget,
}

impl Rollout {
    /// To be kept.
    pub(crate) fn save(self) -> SavedRollout {
        let Self { key, columns, prompt_of, tokens, budget, unjudged: _ } = self;
        let (offsets, tokens) = tokens.into_parts();
        SavedRollout {
            key,
            prompt: columns.prompt,
            group_offsets: columns.group_offsets,
            prompt_of,
            offsets,
            tokens,
            ended: columns.ended,
            rewards: columns.rewards,
            weights: columns.weights,
            behaviour_log_probs: columns.behaviour_log_probs,
            base_log_probs: columns.base_log_probs,
            outcome: columns.outcome,
            horizon: columns.horizon,
            budget,
        }
    }

    /// One that was kept.
    ///
    /// # Errors
    /// If it is of another task.
    pub(crate) fn restore(saved: SavedRollout, facts: &[PromptFacts]) -> Result<Self, PluginError> {
        let malformed = || PluginError::data("the saved batch is of another task");
        let tokens = RaggedBuffer::from_parts(saved.offsets.clone(), saved.tokens).ok_or_else(malformed)?;
        let mut columns = ObjectiveBuffer::default();
        for &prompt in &saved.prompt {
            columns.push_group(prompt, *facts.get(prompt as usize).ok_or_else(malformed)?);
        }
        if saved.prompt_of.iter().any(|&prompt| prompt as usize >= facts.len()) {
            return Err(malformed());
        }
        columns.group_offsets = saved.group_offsets;
        columns.offsets = saved.offsets;
        columns.ended = saved.ended;
        columns.rewards = saved.rewards;
        columns.weights = saved.weights;
        columns.behaviour_log_probs = saved.behaviour_log_probs;
        columns.base_log_probs = saved.base_log_probs;
        columns.outcome = saved.outcome;
        columns.horizon = saved.horizon;
        let rollout = Self {
            key: saved.key,
            columns,
            prompt_of: saved.prompt_of,
            tokens,
            budget: saved.budget,
            unjudged: None,
        };
        rollout.view(rollout.behaviour_log_probs(), 0)?;
        Ok(rollout)
    }
}
