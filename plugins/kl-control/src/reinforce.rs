//! `reinforce`: the expected reward alone.

use pstar_core::objective::{
    Baseline, Declaration, Divergence, ObjectiveBatch, ObjectiveStep, PopulationForm,
};
use pstar_core::{Field, Objective, PluginError};
use serde::Deserialize;

/// Maximises E_q\[v\]: c_i = R_i (v_i − baseline). Every distribution on valid outputs is an optimum.
pub(crate) struct Reinforce(Config);

/// `()` or `(baseline: GroupMean)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What is subtracted from the reward.
    #[serde(default)]
    baseline: Baseline,
}

impl Objective for Reinforce {
    const NAME: &'static str = "reinforce";
    const DOC: &'static str = "maximises the expected reward";
    type Config = Config;
    const FIELDS: &'static [Field] = &[Baseline::FIELD];

    fn new(config: Config) -> Result<Self, PluginError> {
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default()
            .minimum_group(self.0.baseline.minimum_group())
            .population(PopulationForm::PerSequence)
            .divergence(Divergence::InvalidityRate)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        self.0.baseline.check_groups(batch)?;
        let mut c: Vec<f64> = (0..batch.len()).map(|i| batch.reward(i)).collect();
        self.0.baseline.subtract(batch, &mut c);
        c.iter_mut().enumerate().for_each(|(i, c)| *c *= batch.importance_weight(i));
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }
}
