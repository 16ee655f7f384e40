//! A policy of one row of logits, and a base model at fixed ones, broken in one way.

use pstar_core::author::{
    FiniteStateView, GradientBatch, SampleRequest, SampleRoom, Samples, ShapedParameters,
};
use pstar_core::data::{Ending, SequenceBatch, Task};
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{BaseModel, Field, PluginError, Policy, SequenceModel, math};
use serde::Deserialize;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Broken {
    fault: Fault,
    logits: Vec<f64>,
    /// What was worked out from them.
    log_probs: Vec<f64>,
    task: Task,
    calls: AtomicU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    fault: Fault,
    #[serde(default)]
    slope: Option<f64>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Panics behind a long prompt.
    LongPrompt,
    /// Samples behind a long prompt that its scores are refused of.
    RefusesScores,
    /// Every second call of `score` is a little lower.
    Wavers,
    /// Probabilities that sum to less than 1.
    Leaks,
    /// The first token knows how long the output is.
    LooksAhead,
    /// Samples come with the log-probabilities of the first choice.
    Missamples,
    /// Writes the samples of the next step into the host's memory.
    Room,
    /// Takes the uniform numbers of the next sample.
    NextSample,
    /// Takes one uniform number for all positions.
    OneUniform,
    /// The finite-state view is of other logits.
    States,
    /// The walk over all outputs is in another order.
    Outputs,
    /// A default that is not the listed one.
    Default,
    /// The gradient of the opposite.
    Descends,
    /// The gradient of the mean over sequences.
    Mean,
    /// The gradient forgets the normaliser.
    NoNormaliser,
    /// What was worked out stays when parameters are set.
    StaleCache,
    /// Takes a parameter that is no number.
    TakesNan,
    /// The gradient of the entropy of the opposite sign.
    Entropy,
    /// Draws with other numbers every time.
    Draws,
}

impl Broken {
    fn make(Config { fault, slope }: Config, task: &Task) -> Self {
        let slope = slope.unwrap_or(if fault == Fault::Default { 2.0 } else { 1.0 });
        let choices = u32::try_from(task.choices()).unwrap_or(0);
        let logits: Vec<f64> = (0..choices).map(|k| slope * f64::from(k) / 8.0).collect();
        let log_probs = normalised(&logits);
        Self { fault, logits, log_probs, task: task.clone(), calls: AtomicU32::new(0) }
    }

    fn prob(&self, choice: usize) -> f64 {
        math::exp(self.log_probs[choice])
    }

    fn end(&self) -> u32 {
        self.task.alphabet.end()
    }
}

fn normalised(logits: &[f64]) -> Vec<f64> {
    let total = math::log_sum_exp(logits);
    logits.iter().map(|logit| logit - total).collect()
}

impl SequenceModel for Broken {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        let probs: Vec<f64> = (0..self.logits.len()).map(|k| self.prob(k)).collect();
        let mut sums = vec![0.0; probs.len()];
        cumulative(&probs, &mut sums);
        let mut samples = Samples::default();
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let next = u32::from(self.fault == Fault::NextSample);
            let mut uniforms = key.row(prompt, sample.wrapping_add(next));
            for position in 0..self.task.horizon {
                let position = if self.fault == Fault::OneUniform { 0 } else { position };
                let token = pick(&sums, uniforms.at(position));
                samples.tokens.push_value(u32::try_from(token).unwrap_or(0));
                let told = if self.fault == Fault::Missamples { 0 } else { token };
                samples.log_probs.push(self.log_probs[told]);
                if token == self.end() as usize {
                    break;
                }
            }
            samples.tokens.end_row();
        }
        Ok(samples)
    }

    fn sample_into(
        &self,
        request: &SampleRequest<'_>,
        key: StreamKey,
        room: SampleRoom<'_>,
    ) -> Result<bool, PluginError> {
        if self.fault != Fault::Room {
            return Ok(false);
        }
        let samples = self.sample(request, StreamKey { step: key.step.wrapping_add(1), ..key })?;
        let tokens = samples.tokens.view();
        room.ends.copy_from_slice(&tokens.offsets()[1..]);
        room.tokens[..tokens.values().len()].copy_from_slice(tokens.values());
        room.log_probs[..tokens.values().len()].copy_from_slice(&samples.log_probs);
        Ok(true)
    }

    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        let long = batch.prompts().rows().any(|prompt| prompt.len() > 1000);
        assert!(!(long && self.fault == Fault::LongPrompt), "the prompt is too long");
        if long && self.fault == Fault::RefusesScores {
            return Err(PluginError::data("the prompt is too long"));
        }
        let off = match self.fault {
            Fault::Wavers if self.calls.fetch_add(1, Ordering::Relaxed) % 2 == 1 => -1e-6,
            Fault::Leaks => -0.01,
            _ => 0.0,
        };
        let mut out = log_probs.iter_mut();
        for row in batch.tokens().rows() {
            for (t, (&token, out)) in row.iter().zip(&mut out).enumerate() {
                let ahead = self.fault == Fault::LooksAhead && t == 0 && row.len() > 2;
                *out = self.log_probs[token as usize] + off - if ahead { 0.1 } else { 0.0 };
            }
        }
        Ok(())
    }

    fn finite_state(&self) -> Option<&dyn FiniteStateView> {
        matches!(self.fault, Fault::None | Fault::States).then_some(self)
    }

    fn score_outputs(&self, _: &[u32], log_probs: &mut [f64]) -> Result<bool, PluginError> {
        if self.fault != Fault::Outputs || self.task.ending == Ending::FixedLength {
            return Ok(false);
        }
        // From the longest to the shortest: all that there are of each length.
        let symbols = self.task.alphabet.len();
        let mut at = 0;
        for length in (0..=self.task.horizon).rev() {
            for mut number in 0..symbols.pow(u32::try_from(length).unwrap_or(0)) {
                let mut sum = if length < self.task.horizon { self.log_probs[symbols] } else { 0.0 };
                for _ in 0..length {
                    sum += self.log_probs[number % symbols];
                    number /= symbols;
                }
                log_probs[at] = sum;
                at += 1;
            }
        }
        Ok(true)
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        Some(ShapedParameters::new("one row", self.logits.clone()))
    }
}

impl FiniteStateView for Broken {
    fn start(&self, _: &[u32]) -> u64 {
        0
    }

    fn expand(&self, _: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]) {
        for row in log_probs.chunks_exact_mut(self.logits.len()).take(states.len()) {
            row.copy_from_slice(&self.log_probs);
            if self.fault == Fault::States {
                row.swap(0, 1);
            }
        }
        next.fill(0);
    }
}

impl BaseModel for Broken {
    const NAME: &'static str = "broken-model";
    const DOC: &'static str = "draws every token alike, but for one fault";
    type Config = Config;
    const FIELDS: &'static [Field] = FIELDS;

    fn new(config: Config, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::make(config, task))
    }
}

const FIELDS: &[Field] = &[
    Field::required("fault", "choice", "", "what is broken"),
    Field::optional("slope", "number", "", "1.0", "how much likelier a later symbol is"),
];

impl Policy for Broken {
    const NAME: &'static str = "broken-policy";
    const DOC: &'static str = "draws every token alike, but for one fault";
    type Config = Config;
    const FIELDS: &'static [Field] = FIELDS;
    const ENTROPY: bool = true;

    fn new(config: Config, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::make(config, task))
    }

    fn parameter_count(&self) -> usize {
        self.logits.len()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), PluginError> {
        if self.fault != Fault::TakesNan && !math::all_finite(parameters) {
            return Err(PluginError::data("expected finite parameters"));
        }
        self.logits.copy_from_slice(parameters);
        // The second time nothing is worked out anew.
        if self.fault != Fault::StaleCache || self.calls.fetch_add(1, Ordering::Relaxed) == 0 {
            self.log_probs = normalised(&self.logits);
        }
        Ok(())
    }

    fn randomise(&mut self, key: StreamKey) {
        static DRAWN: AtomicU32 = AtomicU32::new(0);
        let drawn = if self.fault == Fault::Draws { DRAWN.fetch_add(1, Ordering::Relaxed) } else { 0 };
        for (k, logit) in (0..).zip(&mut self.logits) {
            *logit = 2.0 * key.uniform(0, k, drawn as usize) - 1.0;
        }
        self.log_probs = normalised(&self.logits);
    }

    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        gradient.fill(0.0);
        let sequences = batch.sequences;
        let mut at = 0;
        for (row, &weight) in sequences.tokens().rows().zip(batch.weights) {
            let weight = match self.fault {
                Fault::Mean => weight / sequences.len() as f64,
                Fault::Descends => -weight,
                _ => weight,
            };
            for &token in row {
                let c = weight * batch.coefficients[at];
                gradient[token as usize] += c;
                let e = batch.entropy.get(at).map_or(0.0, |e| weight * e);
                let e = if self.fault == Fault::Entropy { -e } else { e };
                let entropy = -(0..self.logits.len()).map(|k| self.prob(k) * self.log_probs[k]).sum::<f64>();
                for (k, gradient) in gradient.iter_mut().enumerate() {
                    let normaliser = if self.fault == Fault::NoNormaliser { 0.0 } else { self.prob(k) };
                    *gradient -= c * normaliser + e * self.prob(k) * (self.log_probs[k] + entropy);
                }
                at += 1;
            }
        }
        Ok(())
    }
}
