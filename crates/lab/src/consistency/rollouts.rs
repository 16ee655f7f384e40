//! The verdicts that an arm trains on.

use super::questions::spread;
use super::verifier::{compare_with_views, expect_same, verify};
use crate::evaluation::refuses_truncated;
use crate::experiment::Experiment;
use crate::training::SampledBatch;
use pstar_core::PluginError;
use pstar_core::data::SequenceBuffer;

/// Samples of a step that are kept.
const MOST_KEPT: usize = 64;

/// Some samples of a step and their verdicts.
#[derive(Debug)]
pub(crate) struct Rollouts {
    samples: SequenceBuffer,
    verdicts: Vec<u8>,
}

impl Rollouts {
    /// Evenly spread samples of a batch.
    pub(crate) fn of(experiment: &Experiment, batch: &SampledBatch) -> Self {
        let mut kept =
            Self { samples: SequenceBuffer::new(experiment.prompts.clone()), verdicts: Vec::new() };
        let end = experiment.task.alphabet.end();
        for row in spread(batch.rewards().len() as u64, MOST_KEPT) {
            let row = usize::try_from(row).unwrap_or(usize::MAX);
            let tokens = batch.tokens.view().row(row);
            // What the task refuses, the verifier need not.
            if !refuses_truncated(experiment) || tokens.last() == Some(&end) {
                kept.samples.push(batch.prompt_of()[row], tokens.iter().copied());
                kept.verdicts.push(u8::from(batch.rewards()[row] > 0.0));
            }
        }
        kept
    }

    /// Asks the verifier again, and its incremental views.
    ///
    /// # Errors
    /// If the verifier fails or contradicts its verdicts.
    pub(crate) fn check(&self, experiment: &Experiment) -> Result<(), PluginError> {
        let batch = self.samples.view();
        expect_same(experiment, &batch, &self.verdicts, &verify(experiment, &batch)?)?;
        compare_with_views(experiment, &batch, &self.verdicts)
    }
}
