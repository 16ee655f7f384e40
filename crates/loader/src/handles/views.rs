//! Handles as the checks of `pstar_core::testing` see them.

use super::{BaseModelHandle, IncrementalHandle, ModelHandle, ObjectiveHandle, PolicyHandle, VerifierHandle};
use pstar_core::PluginError;
use pstar_core::author::{GradientBatch, SampleRequest, Samples, ShapedParameters};
use pstar_core::data::SequenceBatch;
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep, PromptFacts};
use pstar_core::rng::StreamKey;
use pstar_core::testing::{IncrementalView, ModelView, ObjectiveView, PolicyView, VerifierView};

/// What a call answers.
type Answer<T> = Result<T, PluginError>;

impl VerifierView for VerifierHandle {
    fn judge(&self, batch: &SequenceBatch<'_>) -> Answer<Vec<Option<bool>>> {
        // What is remembered would hide an answer that changes.
        self.judge_afresh(batch).map(|judged| judged.valid)
    }

    fn answers(&self, batch: &SequenceBatch<'_>) -> Answer<Option<Vec<Option<String>>>> {
        Self::answers(self, batch)
    }

    fn prompts(&self, count: usize, key: StreamKey) -> Answer<Option<Vec<String>>> {
        Self::prompts(self, count, key)
    }

    fn incremental(&self, prompt: &[u32]) -> Answer<Option<Box<dyn IncrementalView>>> {
        let view = Self::incremental(self, prompt)?;
        Ok(view.map(|view| Box::new(view) as Box<dyn IncrementalView>))
    }
}

impl IncrementalView for IncrementalHandle {
    fn start(&mut self, horizon: usize) -> Answer<u64> {
        Self::start(self, horizon)
    }

    fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> Answer<()> {
        Self::accepts(self, states, accepts)
    }

    fn expand(&mut self, states: &[u64], remaining: usize, next: &mut [u64]) -> Answer<()> {
        Self::expand(self, states, remaining, next)
    }
}

macro_rules! model_view {
    ($handle:ty) => {
        impl ModelView for $handle {
            fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Answer<Samples> {
                let samples = ModelHandle::sample(self, request, key)?;
                // One that also writes into the host's memory must write the same there.
                if samples == self.sample_apart(request, key)? {
                    return Ok(samples);
                }
                let name = ModelHandle::name(self);
                Err(PluginError::contract(format!(
                    "`{name}` writes other samples by `sample_into` than it gives by `sample`"
                )))
            }

            fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Answer<()> {
                ModelHandle::score(self, batch, log_probs)
            }

            fn start(&self, prompt: &[u32]) -> Answer<Option<u64>> {
                ModelHandle::start(self, prompt)
            }

            fn expand(
                &self,
                position: usize,
                states: &[u64],
                log_probs: &mut [f64],
                next: &mut [u64],
            ) -> Answer<()> {
                ModelHandle::expand(self, position, states, log_probs, next)
            }

            fn score_outputs(&self, prompt: &[u32], log_probs: &mut [f64]) -> Answer<bool> {
                ModelHandle::score_outputs(self, prompt, log_probs)
            }
        }
    };
}
model_view!(BaseModelHandle);
model_view!(PolicyHandle);

impl PolicyView for PolicyHandle {
    fn parameters(&self) -> Answer<ShapedParameters> {
        Self::parameters(self)
    }

    fn parameter_count(&self) -> Answer<usize> {
        Self::parameter_count(self)
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Answer<()> {
        Self::set_parameters(self, parameters)
    }

    fn randomise(&mut self, key: StreamKey) -> Answer<()> {
        Self::randomise(self, key)
    }

    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Answer<()> {
        Self::gradient(self, batch, gradient)
    }

    fn as_model(&self) -> &dyn ModelView {
        self
    }
}

impl ObjectiveView for ObjectiveHandle {
    fn declaration(&self) -> Answer<Declaration> {
        Self::declaration(self)
    }

    fn prepare(&mut self, prompts: &[PromptFacts]) -> Answer<()> {
        Self::prepare(self, prompts)
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Answer<()> {
        Self::observe(self, batch)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Answer<ObjectiveStep> {
        self.step_unchecked(batch).map(ObjectiveStep::from)
    }

    fn save(&self) -> Answer<String> {
        Self::save(self)
    }

    fn restore(&mut self, state: &str) -> Answer<()> {
        Self::restore(self, state)
    }
}
