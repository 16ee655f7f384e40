//! `ppo-clip`: the clipped surrogate with an advantage from the group.

use crate::advantage::GroupBaseline;
use crate::aggregate::Aggregate;
use crate::clip::Clip;
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::{Field, Objective, PluginError, math};
use serde::Deserialize;

/// Maximises E\[min(ρ A, clip(ρ, 1 − low, 1 + high) A)\] over tokens, ρ = q/b the ratio to what sampled and A the advantage
/// of the sequence: c_it = A_i ρ_it, and 0 where the clip has the minimum.
///
/// Schulman et al. 2017 (arXiv 1707.06347), without a critic.
pub(crate) struct PpoClip(Config);

/// `()` or `(clip: Ppo(low: 0.2, high: 0.28, dual: 3.0), aggregate: TokenMean)`
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What is subtracted from the reward.
    #[serde(default)]
    baseline: GroupBaseline,
    /// Where a token's ratio takes its gradient away.
    #[serde(default)]
    clip: Clip,
    /// How tokens add up.
    #[serde(default)]
    aggregate: Aggregate,
}

impl Objective for PpoClip {
    const NAME: &'static str = "ppo-clip";
    const DOC: &'static str =
        "maximises the clipped surrogate of the expected reward, with a baseline from the group";
    type Config = Config;
    const FIELDS: &'static [Field] = &[GroupBaseline::FIELD, Clip::FIELD, Aggregate::FIELD];

    fn new(Config { baseline, clip, aggregate }: Config) -> Result<Self, PluginError> {
        Ok(Self(Config { baseline, clip: clip.check()?, aggregate: aggregate.check()? }))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default().minimum_group(self.0.baseline.minimum_group())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let Config { baseline, clip, aggregate } = self.0;
        let advantages = baseline.advantages(batch)?;
        let mut c = Vec::with_capacity(batch.log_probs().values().len());
        let (mut cut, mut tokens) = (0.0, 0.0);
        for g in 0..batch.groups() {
            let counts = f64::from(u8::from(batch.is_updated(g)));
            for i in batch.group(g) {
                let ratios = batch.log_probs().row(i).iter().zip(batch.behaviour_log_probs().row(i));
                for (log_q, log_b) in ratios {
                    let ratio = math::exp(log_q - log_b);
                    let is_cut = clip.cuts(advantages[i], ratio);
                    cut += counts * f64::from(u8::from(is_cut));
                    tokens += counts;
                    // Where there is no advantage a ratio beyond all numbers has none either.
                    let idle = is_cut || advantages[i] == 0.0;
                    c.push(if idle { 0.0 } else { advantages[i] * ratio });
                }
            }
        }
        aggregate.apply(batch, &mut c);
        let share = if tokens > 0.0 { cut / tokens } else { 0.0 };
        Ok(ObjectiveStep::per_token(c).with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, share))
    }
}
