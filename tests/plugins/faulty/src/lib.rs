//! Components that misbehave, each in one way.

use pstar_core::author::{SampleRequest, Samples, ShapedParameters, WeightedBatch};
use pstar_core::data::SequenceBatch;
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::rng::StreamKey;
use pstar_core::{Objective, PluginError, Policy, SequenceModel, Task, Verifier};
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

/// A uniform policy of one parameter that misbehaves in one method.
struct FaultyPolicy {
    config: FaultyPolicyConfig,
    choices: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultyPolicyConfig {
    fault: Fault,
}

#[derive(Deserialize, PartialEq)]
enum Fault {
    SamplePanics,
    SampleIsNoOutput,
    SampleIsMissing,
    ScoreIsNotANumber,
    GradientPanics,
    GradientIsNotANumber,
}

impl SequenceModel for FaultyPolicy {
    fn sample(&self, request: &SampleRequest<'_>, _: StreamKey) -> Result<Samples, PluginError> {
        assert!(self.config.fault != Fault::SamplePanics, "cannot sample");
        let mut samples = Samples::default();
        let rows = request.prompt_of.len() - usize::from(self.config.fault == Fault::SampleIsMissing);
        for _ in 0..rows {
            // Five symbols, as the parity toy wants them; a sixth is one too many.
            let length = 5 + usize::from(self.config.fault == Fault::SampleIsNoOutput);
            samples.tokens.push(&vec![0; length]);
            samples.log_probs.extend(vec![-(self.choices as f64).ln(); length]);
        }
        Ok(samples)
    }

    fn score(&self, _: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        let bad = self.config.fault == Fault::ScoreIsNotANumber;
        log_probs.fill(if bad { f64::NAN } else { -(self.choices as f64).ln() });
        Ok(())
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        Some(ShapedParameters { shape: "one".into(), values: vec![0.0] })
    }
}

impl Policy for FaultyPolicy {
    const NAME: &'static str = "faulty";
    const DOC: &'static str = "misbehaves in one method";
    type Config = FaultyPolicyConfig;

    fn new(config: FaultyPolicyConfig, task: &Task) -> Result<Self, PluginError> {
        Ok(Self { config, choices: task.choices() })
    }

    fn parameter_count(&self) -> usize {
        1
    }

    fn set_parameters(&mut self, _: &[f64]) -> Result<(), PluginError> {
        Ok(())
    }

    fn randomise(&mut self, _: StreamKey) {}

    fn gradient(&self, _: &WeightedBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        assert!(self.config.fault != Fault::GradientPanics, "cannot differentiate");
        gradient[0] = f64::NAN;
        Ok(())
    }
}

pstar_core::export_plugin!(verifiers: [Panicking], policies: [FaultyPolicy], objectives: [Misbehaving]);
