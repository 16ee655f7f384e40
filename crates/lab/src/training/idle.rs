//! What silently does nothing, noticed while an arm trains.

use super::SampledBatch;
use crate::experiment::Experiment;
use pstar_core::objective::{ObjectiveStep, PromptFacts};
use pstar_record::Warning;
use std::collections::BTreeMap;

/// The diagnostic by which objectives tell how often their clip acted.
const CLIPPED: &str = "clipped_fraction";

/// Collects what silently did nothing.
#[derive(Clone, Debug, Default)]
pub struct IdleWatch {
    groups: u64,
    idle_groups: u64,
    /// For each prompt met: whether a sample was ever valid.
    solved: BTreeMap<u32, bool>,
    clip_reported: bool,
    clip_acted: bool,
}

impl IdleWatch {
    /// Notes a step.
    pub fn observe(&mut self, batch: &SampledBatch, step: &ObjectiveStep) {
        for (g, mut rows) in batch.groups().enumerate() {
            let idle =
                rows.clone().all(|row| batch.tokens_of(row, &step.coefficients).iter().all(|c| *c == 0.0));
            self.groups += 1;
            self.idle_groups += u64::from(idle);
            *self.solved.entry(batch.prompts()[g]).or_default() |= rows.any(|row| batch.rewards()[row] > 0.0);
        }
    }

    /// Notes whether a clip acted, by an objective's diagnostics.
    pub fn observe_clip(&mut self, diagnostics: &[(String, f64)]) {
        for (_, value) in diagnostics.iter().filter(|(name, _)| name == CLIPPED) {
            self.clip_reported = true;
            self.clip_acted |= *value > 0.0;
        }
    }

    /// What is to be said of the arm, each with its reason.
    ///
    /// Prompts that are known to have no valid output are left out.
    pub fn warnings(
        &self,
        experiment: &Experiment,
        facts: &[PromptFacts],
        (start, end): (&[f64], &[f64]),
    ) -> Vec<Warning> {
        let solvable = |prompt: u32| facts[prompt as usize].log_partition != Some(f64::NEG_INFINITY);
        let mut warnings = Vec::new();
        if self.idle_groups * 2 > self.groups {
            let percent = 100.0 * self.idle_groups as f64 / self.groups as f64;
            warnings.push(Warning::IdleGroups { percent });
        }
        let prompts: Vec<String> = self
            .solved
            .iter()
            .filter(|(prompt, solved)| !**solved && solvable(**prompt))
            .map(|(&prompt, _)| experiment.prompt_texts[prompt as usize].clone())
            .collect();
        if !prompts.is_empty() {
            warnings.push(Warning::Unsolved { prompts });
        }
        if self.clip_reported && !self.clip_acted {
            warnings.push(Warning::ClipNeverActed);
        }
        if start == end {
            warnings.push(Warning::DidNotMove);
        }
        warnings
    }
}
