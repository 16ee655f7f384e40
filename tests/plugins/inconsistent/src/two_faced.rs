//! A model that tells its probabilities in several ways.

use pstar_core::author::{FiniteStateView, GradientBatch, SampleRequest, Samples, ShapedParameters};
use pstar_core::data::SequenceBatch;
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{BaseModel, PluginError, Policy, SequenceModel, Task};
use serde::Deserialize;
use std::sync::atomic::{AtomicU32, Ordering};

/// The first choice has probability ½ at every position, the others share the rest.
pub(crate) struct TwoFaced {
    probs: Vec<f64>,
    symbols: usize,
    horizon: usize,
    end: u32,
    how: How,
    calls: AtomicU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    how: How,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
enum How {
    /// In agreement.
    Agrees,
    /// The finite-state view in single precision.
    Rounds,
    /// The finite-state view swaps the first two choices behind the first position.
    Swaps,
    /// `score` is a little too high.
    Overstates,
    /// Samples come with the log-probabilities of another choice.
    Missamples,
    /// Every second call of `score` is too low.
    Wavers,
    /// Every call of `sample` gives other samples.
    Drifts,
    /// There is no finite-state view, and the walk over all outputs gives other figures.
    Miswalks,
}

impl TwoFaced {
    fn make(how: How, task: &Task) -> Self {
        let others = task.choices() - 1;
        let probs = std::iter::once(0.5).chain(std::iter::repeat_n(0.5 / others as f64, others)).collect();
        let (symbols, horizon, end) = (task.alphabet.len(), task.horizon, task.alphabet.end());
        Self { probs, symbols, horizon, end, how, calls: AtomicU32::new(0) }
    }

    fn calls(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }
}

impl SequenceModel for TwoFaced {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        let mut sums = vec![0.0; self.probs.len()];
        cumulative(&self.probs, &mut sums);
        let shift = if self.how == How::Drifts { self.calls() } else { 0 };
        let mut samples = Samples::default();
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut uniforms = key.row(prompt, sample + shift);
            for position in 0..self.horizon {
                let token = pick(&sums, uniforms.at(position));
                samples.tokens.push_value(u32::try_from(token).unwrap_or(0));
                let told = if self.how == How::Missamples { self.probs[0] } else { self.probs[token] };
                samples.log_probs.push(told.ln());
                if token == self.end as usize {
                    break;
                }
            }
            samples.tokens.end_row();
        }
        Ok(samples)
    }

    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        let off = match self.how {
            How::Overstates => 1.01,
            How::Wavers if !self.calls().is_multiple_of(2) => 0.9,
            _ => 1.0,
        };
        for (&token, log_prob) in batch.tokens().values().iter().zip(log_probs) {
            *log_prob = (self.probs[token as usize] * off).ln();
        }
        Ok(())
    }

    fn finite_state(&self) -> Option<&dyn FiniteStateView> {
        (self.how != How::Miswalks).then_some(self)
    }

    fn score_outputs(&self, _prompt: &[u32], log_probs: &mut [f64]) -> Result<bool, PluginError> {
        log_probs.fill(-(log_probs.len() as f64).ln());
        Ok(self.how == How::Miswalks)
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        Some(ShapedParameters::new("two-faced", vec![0.0]))
    }
}

impl FiniteStateView for TwoFaced {
    fn start(&self, _prompt: &[u32]) -> u64 {
        0
    }

    fn expand(&self, position: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]) {
        let width = self.probs.len();
        for row in log_probs.chunks_exact_mut(width).take(states.len()) {
            for (choice, log_prob) in row.iter_mut().enumerate() {
                let swapped =
                    if self.how == How::Swaps && position > 0 && choice < 2 { 1 - choice } else { choice };
                *log_prob = self.probs[swapped].ln();
                if self.how == How::Rounds {
                    *log_prob = f64::from(rounded(*log_prob));
                }
            }
        }
        next[..states.len() * self.symbols].fill(0);
    }
}

#[allow(clippy::cast_possible_truncation, reason = "what is to be shown")]
fn rounded(x: f64) -> f32 {
    x as f32
}

impl BaseModel for TwoFaced {
    const NAME: &'static str = "two-faced";
    const DOC: &'static str = "tells its probabilities in several ways";
    type Config = Config;

    fn new(config: Config, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::make(config.how, task))
    }
}

impl Policy for TwoFaced {
    const NAME: &'static str = "two-faced";
    const DOC: &'static str = "tells its probabilities in several ways, and learns nothing";
    type Config = Config;

    fn new(config: Config, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::make(config.how, task))
    }

    fn parameter_count(&self) -> usize {
        1
    }

    fn set_parameters(&mut self, _parameters: &[f64]) -> Result<(), PluginError> {
        Ok(())
    }

    fn randomise(&mut self, _key: StreamKey) {}

    fn gradient(&self, _batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        gradient.fill(0.0);
        Ok(())
    }
}
