//! What silently does nothing, noticed while an arm trains.

use crate::rollout::Rollout;
use crate::world::World;
use pstar_core::objective::{ObjectiveAnswer, ObjectiveStep, PromptFacts};
use pstar_record::Warning;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Collects what silently did nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct NoEffectWatch {
    groups: u64,
    idle_groups: u64,
    /// For each prompt met: whether a sample was ever valid.
    solved: BTreeMap<u32, bool>,
    clip_reported: bool,
    clip_acted: bool,
}

impl NoEffectWatch {
    /// Notes a step on some groups of a batch.
    pub(crate) fn observe(&mut self, rollout: &Rollout, groups: &[usize], step: &ObjectiveAnswer) {
        let all: Vec<_> = rollout.groups().collect();
        for &g in groups {
            let mut rows = all[g].clone();
            let of_row = |row| rollout.tokens_of(row, &step.coefficients);
            let idle = rows.clone().all(|row| of_row(row).iter().all(|c| *c == 0.0));
            self.groups += 1;
            self.idle_groups += u64::from(idle);
            let solved = rows.any(|row| rollout.rewards()[row] > 0.0);
            *self.solved.entry(rollout.prompts()[g]).or_default() |= solved;
        }
    }

    /// Notes whether a clip acted, by an objective's diagnostics.
    pub(crate) fn observe_clip(&mut self, diagnostics: &[(String, f64)]) {
        for (_, value) in diagnostics.iter().filter(|(name, _)| name == ObjectiveStep::CLIPPED_FRACTION) {
            self.clip_reported = true;
            self.clip_acted |= *value > 0.0;
        }
    }

    /// What is to be said of the arm, each with its reason.
    ///
    /// Prompts that are known to have no valid output are left out.
    pub(crate) fn warnings(
        &self,
        world: &World,
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
            .map(|(&prompt, _)| world.prompt_texts[prompt as usize].clone())
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
