//! Samples of a model for one prompt, and scores of samples under another.

use crate::evaluation::verdicts::verdicts;
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::author::SampleRequest;
use pstar_core::data::{Ragged, RaggedBuffer, SequenceBatch};
use pstar_core::rng::StreamKey;
use pstar_loader::ModelHandle;

/// Samples of one prompt with their verdicts.
#[derive(Debug)]
pub(super) struct Draws {
    pub(super) tokens: RaggedBuffer<u32>,
    /// Of each sample, in nats, under the model that it was sampled from.
    pub(super) log_probs: Vec<f64>,
    pub(super) valid: Vec<bool>,
}

impl Draws {
    /// Samples a model.
    #[allow(clippy::cast_possible_truncation, reason = "prompts and samples are below 2^32")]
    pub(super) fn of(
        world: &World,
        model: &dyn ModelHandle,
        prompt: usize,
        key: StreamKey,
    ) -> Result<Self, PluginError> {
        let n = world.evaluation.samples;
        let (prompt_of, sample) = (vec![prompt as u32; n], (0..n as u32).collect::<Vec<_>>());
        let prompts = world.prompts.view();
        let request = SampleRequest::new(prompts, &prompt_of, &sample)?;
        let samples = model.sample(&request, key)?;
        let rows = Ragged::new(samples.tokens.view().offsets(), &samples.log_probs);
        let log_probs = rows.into_iter().flat_map(Ragged::rows).map(|row| row.iter().sum()).collect();
        let valid = verdicts(world, &prompt_of, &samples.tokens)?;
        Ok(Self { tokens: samples.tokens, log_probs, valid })
    }

    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }
}

/// Log-probabilities of samples under a model.
#[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
pub(super) fn score(
    world: &World,
    model: &dyn ModelHandle,
    prompt: usize,
    tokens: &RaggedBuffer<u32>,
) -> Result<Vec<f64>, PluginError> {
    let prompt_of = vec![prompt as u32; tokens.view().len()];
    let batch = SequenceBatch::new(world.prompts.view(), &prompt_of, tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let mut token_log_probs = vec![0.0; tokens.view().values().len()];
    model.score(&batch, &mut token_log_probs)?;
    let rows = Ragged::new(tokens.view().offsets(), &token_log_probs);
    Ok(rows.into_iter().flat_map(Ragged::rows).map(|row| row.iter().sum()).collect())
}
