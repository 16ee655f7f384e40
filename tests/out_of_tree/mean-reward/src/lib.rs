use pstar_core::objective::{Baseline, Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::{Field, Objective, PluginError};

struct MeanReward {
    scale: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    scale: f64,
}

impl Objective for MeanReward {
    const NAME: &'static str = "mean-reward";
    const DOC: &'static str = "maximises the expected reward times a scale";
    type Config = Config;
    const FIELDS: &'static [Field] = &[Field::required("scale", "number", "> 0", "multiplies the reward")];

    fn new(Config { scale }: Config) -> Result<Self, PluginError> {
        if scale > 0.0 {
            return Ok(Self { scale });
        }
        Err(PluginError::config("scale", format!("`scale` must be positive, found `{scale}`")))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default().minimum_group(2)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let mut c: Vec<f64> = (0..batch.len()).map(|i| self.scale * batch.reward(i)).collect();
        Baseline::LeaveOneOut.subtract(batch, &mut c);
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }
}

pstar_core::export_plugin!(objectives: [MeanReward]);
