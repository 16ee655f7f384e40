//! The verdicts that an arm trains on.

use super::questions::spread;
use super::verifier::{compare_with_views, expect_same, verify};
use crate::evaluation::refuses_truncated;
use crate::rollout::Rollout;
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::data::SequenceBuffer;
use serde::{Deserialize, Serialize};

/// Samples of a step that are kept.
const MOST_KEPT: usize = 64;

/// Some samples of a step and their verdicts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    prompt_of: Vec<u32>,
    tokens: Vec<Vec<u32>>,
    verdicts: Vec<u8>,
}

impl Kept {
    /// Evenly spread samples of a batch.
    pub(crate) fn of(world: &World, rollout: &Rollout) -> Self {
        let mut kept = Self { prompt_of: Vec::new(), tokens: Vec::new(), verdicts: Vec::new() };
        let end = world.task.alphabet.end();
        for row in spread(rollout.rewards().len() as u64, MOST_KEPT) {
            let row = usize::try_from(row).unwrap_or(usize::MAX);
            let tokens = rollout.tokens.view().row(row);
            // What the task refuses, the verifier need not.
            if !refuses_truncated(world) || tokens.last() == Some(&end) {
                kept.prompt_of.push(rollout.prompt_of()[row]);
                kept.tokens.push(tokens.to_vec());
                kept.verdicts.push(u8::from(rollout.rewards()[row] > 0.0));
            }
        }
        kept
    }

    /// Asks the verifier again, and its incremental views.
    ///
    /// # Errors
    /// If the verifier fails or contradicts its verdicts.
    pub(crate) fn check(&self, world: &World) -> Result<(), PluginError> {
        let mut samples = SequenceBuffer::new(world.prompts.clone());
        for (&prompt, tokens) in self.prompt_of.iter().zip(&self.tokens) {
            samples.push(prompt, tokens.iter().copied());
        }
        let batch = samples.view();
        let verdicts: Vec<Option<bool>> = self.verdicts.iter().map(|&verdict| Some(verdict == 1)).collect();
        expect_same(world, &batch, &verdicts, &verify(world, &batch)?)?;
        compare_with_views(world, &batch, &verdicts)
    }
}
