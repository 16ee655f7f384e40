//! `flow-rl`: trajectory balance of means over tokens, with a normalised reward.

use crate::advantage::{GroupBaseline, Scale, advantages};
use crate::learned::{LearnedPartitions, default_step_size};
use crate::refusals::{impossible, positive};
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep, PromptFacts};
use pstar_core::{Field, Objective, PluginError};
use serde::Deserialize;

/// Minimises the mean of R δ² with δ = log Z + mean_t log q − reward_scale Â − mean_t log a: c_it = −2 R_i δ_i / T_i, where Â is
/// the reward normalised within its group as GRPO's is, T the number of tokens, and R, the sequence's q/b, is held constant
/// (1 without `importance_weight`).
///
/// FlowRL (arXiv 2509.15207), as released: means over tokens make the target ∝ a e^{T (reward_scale Â − log Z)}, which is no
/// tilted distribution and moves with the group. There log Z comes from a network on the prompt; here it is learned, one a
/// prompt. All right and all wrong groups have Â = 0 and are drawn to the base.
pub(crate) struct FlowRl {
    config: Config,
    learned: LearnedPartitions,
}

/// `()` or `(reward_scale: 15.0, importance_weight: false, scale: [Std(epsilon: 1e-4)])`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What multiplies the advantage.
    #[serde(default = "fifteen")]
    reward_scale: f64,
    /// Whether a sequence's share of the loss is multiplied by its ratio to what sampled.
    #[serde(default = "yes")]
    importance_weight: bool,
    /// What is subtracted from the reward.
    #[serde(default)]
    baseline: GroupBaseline,
    /// What the difference is divided by.
    #[serde(default = "Scale::grpo")]
    scale: Vec<Scale>,
    /// The step of log Z.
    #[serde(default = "default_step_size")]
    step_size: f64,
}

fn fifteen() -> f64 {
    15.0
}

fn yes() -> bool {
    true
}

impl Objective for FlowRl {
    const NAME: &'static str = "flow-rl";
    const DOC: &'static str = "c = -2 R delta/T, delta = log Z + mean log(q/a) - reward_scale (v - mean)/std; target a e^(T reward_scale (v - mean)/std); \
         arXiv 2509.15207";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::optional("reward_scale", "number", "> 0", "15", "multiplies the advantage"),
        Field::optional(
            "importance_weight",
            "true | false",
            "",
            "true",
            "whether the loss of a sequence is multiplied by q/b of it",
        ),
        GroupBaseline::FIELD,
        Scale::FIELD,
        LearnedPartitions::FIELD,
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        positive("reward_scale", config.reward_scale)?;
        config.scale.iter().try_for_each(|scale| scale.check())?;
        Ok(Self { learned: LearnedPartitions::new(config.step_size)?, config })
    }

    fn declaration(&self) -> Declaration {
        Declaration::default().base_log_probs().minimum_group(self.config.baseline.minimum_group())
    }

    fn prepare(&mut self, _prompts: &[PromptFacts]) -> Result<(), PluginError> {
        self.learned.begin_run();
        Ok(())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let advantages = advantages(batch, self.config.baseline, &self.config.scale)?;
        let mut weighted = Vec::with_capacity(batch.len());
        let mut c = Vec::with_capacity(batch.len());
        for g in 0..batch.groups() {
            let log_partition = self.learned.log_partition(batch, g);
            for i in batch.group(g) {
                let length = batch.log_probs().row(i).len().max(1) as f64;
                let (log_q, log_a) = (batch.log_prob(i), batch.base_log_prob(i)?);
                for (who, log_prob) in [("policy", log_q), ("base", log_a)] {
                    if log_prob == f64::NEG_INFINITY {
                        return Err(impossible(who, i, batch.step()));
                    }
                }
                let reward = self.config.reward_scale * advantages[i];
                let residual = log_partition + (log_q - log_a) / length - reward;
                let weight = if self.config.importance_weight { batch.importance_weight(i) } else { 1.0 };
                weighted.push(weight * residual);
                c.push(-2.0 * weight * residual / length);
            }
        }
        self.learned.learn(batch, &weighted, 2.0);
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }

    fn save(&self) -> Result<String, PluginError> {
        self.learned.save()
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        self.learned.restore(state)
    }
}
