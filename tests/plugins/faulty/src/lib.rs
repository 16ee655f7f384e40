//! Components that misbehave, each in one way.

use pstar_core::author::{Answer, FiniteStateView, GradientBatch, SampleRequest, Samples, ShapedParameters};
use pstar_core::data::SequenceBatch;
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{BaseModel, Objective, PluginError, Policy, SequenceModel, Task, Verifier};
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
        Some(ShapedParameters::new("one", vec![0.0]))
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

    fn gradient(&self, _: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        assert!(self.config.fault != Fault::GradientPanics, "cannot differentiate");
        gradient[0] = f64::NAN;
        Ok(())
    }
}

/// A uniform model that is sound, but has no finite-state view, or one that answers what is no log-probability.
struct Even {
    view: View,
    choices: usize,
    horizon: usize,
    /// The token of the end symbol, which occurs only where there is one.
    end: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvenConfig {
    view: View,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
enum View {
    Absent,
    NotANumber,
    Infinite,
}

impl Even {
    fn of(config: &EvenConfig, task: &Task) -> Self {
        let (choices, horizon, end) = (task.choices(), task.horizon, task.alphabet.end());
        Self { view: config.view, choices, horizon, end }
    }

    fn log_prob(&self) -> f64 {
        -(self.choices as f64).ln()
    }
}

impl FiniteStateView for Even {
    fn start(&self, _: &[u32]) -> u64 {
        0
    }

    fn expand(&self, _: usize, _: &[u64], log_probs: &mut [f64], next: &mut [u64]) {
        log_probs.fill(self.log_prob());
        log_probs[0] = if self.view == View::Infinite { f64::INFINITY } else { f64::NAN };
        next.fill(0);
    }
}

impl SequenceModel for Even {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        let mut sums = vec![0.0; self.choices];
        cumulative(&vec![1.0 / self.choices as f64; self.choices], &mut sums);
        let mut samples = Samples::default();
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut uniforms = key.row(prompt, sample);
            for position in 0..self.horizon {
                let token = u32::try_from(pick(&sums, uniforms.at(position))).unwrap_or(self.end);
                samples.tokens.push_value(token);
                samples.log_probs.push(self.log_prob());
                if token == self.end {
                    break;
                }
            }
            samples.tokens.end_row();
        }
        Ok(samples)
    }

    fn score(&self, _: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        log_probs.fill(self.log_prob());
        Ok(())
    }

    fn finite_state(&self) -> Option<&dyn FiniteStateView> {
        (self.view != View::Absent).then_some(self)
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        Some(ShapedParameters::new("none", Vec::new()))
    }
}

impl BaseModel for Even {
    const NAME: &'static str = "even";
    const DOC: &'static str = "uniform, without a sound finite-state view";
    type Config = EvenConfig;

    fn new(config: EvenConfig, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::of(&config, task))
    }
}

impl Policy for Even {
    const NAME: &'static str = "even";
    const DOC: &'static str = "uniform, without a sound finite-state view";
    type Config = EvenConfig;

    fn new(config: EvenConfig, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::of(&config, task))
    }

    fn parameter_count(&self) -> usize {
        0
    }

    fn set_parameters(&mut self, _: &[f64]) -> Result<(), PluginError> {
        Ok(())
    }

    fn randomise(&mut self, _: StreamKey) {}

    fn gradient(&self, _: &GradientBatch<'_>, _: &mut [f64]) -> Result<(), PluginError> {
        Ok(())
    }
}

/// Prints whenever it is asked, in the middle of what the host prints.
struct Printing;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrintingConfig {}

#[allow(clippy::print_stdout, reason = "what authors do while they look for a fault")]
impl Verifier for Printing {
    const NAME: &'static str = "printing";
    const DOC: &'static str = "prints whenever it is asked";
    type Config = PrintingConfig;

    fn new(_config: PrintingConfig) -> Result<Self, PluginError> {
        println!("made");
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        println!("asked about `{response}`");
        response.len().is_multiple_of(2)
    }
}

/// Tells answers that are none.
struct Misanswering(Answers);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MisansweringConfig {
    how: Answers,
}

#[derive(Deserialize)]
enum Answers {
    Empty,
    Long,
    Panic,
}

impl Verifier for Misanswering {
    const NAME: &'static str = "misanswering";
    const DOC: &'static str = "tells answers that are none";
    type Config = MisansweringConfig;
    const ANSWER: Option<Answer<Self>> = Some(|verifier, _prompt, response| match verifier.0 {
        Answers::Empty => Some(String::new()),
        Answers::Long => Some("a".repeat(10_240)),
        Answers::Panic => panic!("cannot tell what `{response}` answers"),
    });

    fn new(config: MisansweringConfig) -> Result<Self, PluginError> {
        Ok(Self(config.how))
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        response.len().is_multiple_of(2)
    }
}

pstar_core::export_plugin!(
    base_models: [Even],
    verifiers: [Misanswering, Panicking, Printing],
    policies: [Even, FaultyPolicy],
    objectives: [Misbehaving]
);
