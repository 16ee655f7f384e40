//! Components that misbehave, each in one way.

use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::{Objective, PluginError, Verifier};
use serde::Deserialize;

/// Panics on one response, and when it is dropped.
struct Panicking(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PanickingConfig {
    on: String,
}

impl Verifier for Panicking {
    const NAME: &'static str = "panicking";
    const DOC: &'static str = "panics on one response";
    type Config = PanickingConfig;

    fn new(config: PanickingConfig) -> Result<Self, PluginError> {
        assert!(config.on != "creation", "cannot be made");
        Ok(Self(config.on))
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        assert!(response != self.0, "met `{response}`");
        true
    }
}

impl Drop for Panicking {
    fn drop(&mut self) {
        panic!("cannot be dropped");
    }
}

/// Misbehaves at one step.
struct Misbehaving(MisbehavingConfig);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MisbehavingConfig {
    step: u64,
    how: How,
}

#[derive(Deserialize)]
enum How {
    Panic,
    NotANumber,
    TooFew,
}

impl Objective for Misbehaving {
    const NAME: &'static str = "misbehaving";
    const DOC: &'static str = "misbehaves at one step";
    type Config = MisbehavingConfig;

    fn new(config: MisbehavingConfig) -> Result<Self, PluginError> {
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default()
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let mut step = ObjectiveStep::per_sequence(batch, &vec![0.0; batch.len()]);
        if batch.step() == self.0.step {
            match self.0.how {
                How::Panic => panic!("step {} is too much", self.0.step),
                How::NotANumber => step.coefficients[0] = f64::NAN,
                How::TooFew => step.coefficients.clear(),
            }
        }
        Ok(step)
    }
}

pstar_core::export_plugin!(verifiers: [Panicking], objectives: [Misbehaving]);
