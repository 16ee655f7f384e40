//! Exact samples of the filtered model.

use crate::evaluation::FilteredSamplers;
use pstar_core::author::{SampleRequest, Samples};
use pstar_core::data::RaggedBuffer;
use pstar_core::rng::StreamKey;

/// Samples p* exactly, prompt by prompt.
#[derive(Debug)]
pub(crate) struct FilteredSource(pub(crate) FilteredSamplers);

impl FilteredSource {
    /// Samples with the log-probabilities of their tokens under p*.
    pub(super) fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let mut tokens = RaggedBuffer::default();
        let (mut log_probs, mut row) = (Vec::new(), Vec::new());
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut uniforms = key.row(prompt, sample);
            let sampler = self.0.of(prompt as usize);
            sampler.sample_with(|position| uniforms.at(position), &mut row, &mut log_probs);
            tokens.push(&row);
        }
        Samples::new(tokens, log_probs)
    }
}
