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
    /// How many there would be besides, had they a verdict.
    pub(super) no_verdicts: u64,
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
        let (verdicts, unjudged) = verdicts(world, &prompt_of, &samples.tokens)?;
        let drawn =
            Self { tokens: samples.tokens, log_probs, valid: Vec::new(), no_verdicts: unjudged.count };
        if unjudged.count == 0 {
            return Ok(Self {
                valid: verdicts.into_iter().map(|valid| valid == Some(true)).collect(),
                ..drawn
            });
        }
        unjudged.check(world, n as u64, "samples that a model is measured by")?;
        Ok(drawn.judged(&verdicts))
    }

    /// Those that have a verdict.
    fn judged(self, verdicts: &[Option<bool>]) -> Self {
        let known = |i: &usize| verdicts[*i].is_some();
        let known: Vec<usize> = (0..verdicts.len()).filter(known).collect();
        Self {
            tokens: known.iter().map(|&i| self.tokens.view().row(i)).collect(),
            log_probs: known.iter().map(|&i| self.log_probs[i]).collect(),
            valid: known.iter().map(|&i| verdicts[i] == Some(true)).collect(),
            ..self
        }
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
