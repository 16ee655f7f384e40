//! `flow-rl`: trajectory balance of means over tokens, with a normalised reward.

use crate::learned::LearnedPartitions;
use crate::refusals::{impossible, positive};
use pstar_blocks::{Advantage, Block, Given, Preset, Value, Window, fields_of, word};
use pstar_core::objective::{
    Declaration, ObjectiveBatch, ObjectivePreset, ObjectiveStep, PromptFacts, restored, saved,
};
use pstar_core::{Field, Objective, PluginError};

/// Minimises the mean of R δ² with δ = log Z + mean_t log q − reward_scale Â − mean_t log a: c_it = −2 R_i δ_i / T_i, where Â is
/// the reward normalised within its group as GRPO's is, T the number of tokens, and R, the sequence's q/b, is held constant
/// (1 without `importance_weight`).
///
/// FlowRL (arXiv 2509.15207), as released: means over tokens make the target ∝ a e^{T (reward_scale Â − log Z)}, which is no
/// tilted distribution and moves with the group. There log Z comes from a network on the prompt; here it is learned, one a
/// prompt. All right and all wrong groups have Â = 0 and are drawn to the base.
pub(crate) struct FlowRl {
    blocks: FlowRlBlocks,
    learned: LearnedPartitions,
    window: Window,
}

pstar_blocks::blocks! {
    /// `()` or `(reward_scale: 15.0, importance_weight: false, scale: [Std(epsilon: 1e-4)])`
    pub(crate) struct FlowRlBlocks {
        reward_scale: RewardScale,
        importance_weight: ImportanceWeight,
        advantage: Advantage,
        step_size: StepSize,
    }
}

/// What multiplies the advantage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RewardScale(f64);

impl Block for RewardScale {
    const FIELD: Field = Field::optional("reward_scale", "number", "> 0", "15", "multiplies the advantage");

    fn read(value: &Value) -> Result<Self, PluginError> {
        let number = value.number_of("reward_scale")?;
        positive("reward_scale", number).map(|()| Self(number))
    }
}

/// Whether a sequence's share of the loss is multiplied by its ratio to what sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImportanceWeight(bool);

impl Block for ImportanceWeight {
    const FIELD: Field = Field::optional(
        "importance_weight",
        "true | false",
        "",
        "true",
        "whether the loss of a sequence is multiplied by q/b of it",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let words = [("true", true), ("false", false)];
        word("importance_weight", "importance_weight", value, &words).map(Self)
    }
}

/// The step of log Z.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StepSize(f64);

impl Block for StepSize {
    const FIELD: Field = LearnedPartitions::FIELD;

    fn read(value: &Value) -> Result<Self, PluginError> {
        value.number_of("step_size").map(Self)
    }
}

/// `flow-rl` with the advantage that it was released with.
pub(crate) struct FlowRlDefaults;

const DEFAULTS: Preset = &[("scale", "[Std(epsilon: 1e-6, ddof: 1)]")];

impl ObjectivePreset for FlowRlDefaults {
    type Objective = FlowRl;
    type Config = Given<FlowRlBlocks>;
    const NAME: &'static str = FlowRl::NAME;
    const DOC: &'static str = FlowRl::DOC;

    fn fields() -> Vec<Field> {
        fields_of::<FlowRlBlocks>(DEFAULTS)
    }

    fn new(given: Self::Config) -> Result<FlowRl, PluginError> {
        FlowRl::new(given)
    }
}

impl Objective for FlowRl {
    const NAME: &'static str = "flow-rl";
    const DOC: &'static str = "c = -2 R delta/T, delta = log Z + mean log(q/a) - reward_scale (v - mean)/std; target a e^(T reward_scale (v - mean)/std); \
         arXiv 2509.15207";
    type Config = Given<FlowRlBlocks>;

    fn new(given: Self::Config) -> Result<Self, PluginError> {
        let blocks = given.over(DEFAULTS)?;
        blocks.advantage.check()?;
        if let Some(field) = blocks.advantage.of_tokens() {
            let message =
                format!("`{field}` gives tokens advantages of their own, `flow-rl` has one a sequence");
            return Err(PluginError::config(field, message).with_hint(format!("set `{field}: None`")));
        }
        let learned = LearnedPartitions::new(blocks.step_size.0)?;
        Ok(Self { learned, blocks, window: Window::default() })
    }

    fn declaration(&self) -> Declaration {
        let advantage = &self.blocks.advantage;
        let declaration = Declaration::default().base_log_probs().minimum_group(advantage.minimum_group());
        if advantage.needs_outcomes() { declaration.outcomes() } else { declaration }
    }

    fn prepare(&mut self, _prompts: &[PromptFacts]) -> Result<(), PluginError> {
        self.learned.begin_run();
        Ok(())
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        self.blocks.advantage.observe(batch, &mut self.window);
        Ok(())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let FlowRlBlocks { reward_scale, importance_weight, .. } = self.blocks;
        let advantages = self.blocks.advantage.of(batch, &self.window)?.sequences;
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
                let reward = reward_scale.0 * advantages[i];
                let residual = log_partition + (log_q - log_a) / length - reward;
                let weight = if importance_weight.0 { batch.importance_weight(i) } else { 1.0 };
                weighted.push(weight * residual);
                c.push(-2.0 * weight * residual / length);
            }
        }
        self.learned.learn(batch, &weighted, 2.0);
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }

    fn save(&self) -> Result<String, PluginError> {
        saved(&(self.learned.save()?, &self.window))
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        let (learned, window): (String, Window) = restored(state)?;
        self.window = window;
        self.learned.restore(&learned)
    }
}
