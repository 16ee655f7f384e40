//! Objectives that declare how their exact gradient can be had.

use pstar_core::objective::{Claim, Declaration, Divergence, ObjectiveBatch, ObjectiveStep, PopulationForm};
use pstar_core::{Objective, PluginError};
use serde::Deserialize;

/// c_i = (r_i − mean) / (standard deviation + 0.1), plus the position in the group where it is no function of rewards, and
/// divided by the sequence's length where it is a mean of tokens.
struct Normalised(Config);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    group: u32,
    #[serde(default)]
    uneven: bool,
    #[serde(default)]
    token_mean: bool,
    #[serde(default)]
    claim: Option<Claim>,
}

impl Objective for Normalised {
    const NAME: &'static str = "normalised";
    const DOC: &'static str = "rewards normalised within their group";
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        let form = PopulationForm::BinaryGroup { group: self.0.group };
        let declaration = Declaration::default().claim(self.0.claim);
        if self.0.token_mean {
            return declaration.equal_lengths(form).beyond_counts(["token_mean: true"]);
        }
        declaration.population(form)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let mut c = vec![0.0; batch.len()];
        for group in (0..batch.groups()).map(|g| batch.group(g)) {
            let n = group.len() as f64;
            let mean = group.clone().map(|i| batch.reward(i)).sum::<f64>() / n;
            let deviation = (mean * (1.0 - mean)).sqrt();
            for (position, i) in group.enumerate() {
                c[i] = (batch.reward(i) - mean) / (deviation + 0.1);
                c[i] += if self.0.uneven { position as f64 } else { 0.0 };
                c[i] /= if self.0.token_mean { batch.log_probs().row(i).len() as f64 } else { 1.0 };
            }
        }
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }
}

/// The expected reward times a scale, or the base's probability over the policy's of what is right; and what it says that
/// this minimises.
struct Scaled(ScaledConfig);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaledConfig {
    scale: f64,
    #[serde(default)]
    ratio: bool,
    declares: Divergence,
}

impl Objective for Scaled {
    const NAME: &'static str = "scaled";
    const DOC: &'static str = "the expected reward times a scale";
    type Config = ScaledConfig;

    fn new(config: ScaledConfig) -> Result<Self, PluginError> {
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        let declaration =
            Declaration::default().population(PopulationForm::PerSequence).divergence(self.0.declares);
        if self.0.ratio { declaration.base_log_probs() } else { declaration }
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let mut c: Vec<f64> = (0..batch.len()).map(|i| self.0.scale * batch.reward(i)).collect();
        if self.0.ratio {
            for (i, c) in c.iter_mut().enumerate() {
                *c *= (batch.base_log_prob(i)? - batch.log_prob(i)).exp();
            }
        }
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }
}

pstar_core::export_plugin!(objectives: [Normalised, Scaled]);
