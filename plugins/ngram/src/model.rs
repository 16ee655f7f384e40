//! What base model and policy share: a distribution, and what tells apart whose parameters fit whom.

use crate::distribution::Distribution;
use pstar_core::author::{FiniteStateView, SampleRequest, SampleRoom, Samples, ShapedParameters, Tensor};
use pstar_core::data::{Alphabet, SequenceBatch};
use pstar_core::rng::StreamKey;
use pstar_core::{PluginError, SequenceModel};

/// An n-gram: as a base model it keeps its logits, as a policy they are trained.
pub(crate) struct Ngram {
    pub(crate) distribution: Distribution,
    pub(crate) alphabet: Alphabet,
    pub(crate) shape: String,
}

impl SequenceModel for Ngram {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        Ok(self.distribution.sample(request, key))
    }

    fn sample_into(
        &self,
        request: &SampleRequest<'_>,
        key: StreamKey,
        room: SampleRoom<'_>,
    ) -> Result<bool, PluginError> {
        self.distribution.sample_into(request, key, room);
        Ok(true)
    }

    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        self.distribution.score(batch, log_probs);
        Ok(())
    }

    fn finite_state(&self) -> Option<&dyn FiniteStateView> {
        Some(&self.distribution)
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        let logits = self.distribution.logits().to_vec();
        let choices = self.distribution.choices();
        let tensors = vec![Tensor::new("logits", &[logits.len() / choices, choices])];
        ShapedParameters::new(self.shape.clone(), logits).with_tensors(tensors).ok()
    }
}
