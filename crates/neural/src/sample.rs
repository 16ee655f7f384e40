//! Sampling.

use crate::block::{Matrix, TILE};
use crate::choose::{Choose, Turns};
use crate::softmax::Softmax;
use pstar_core::author::Samples;
use pstar_core::rng::{StreamKey, UniformRow};

/// Picks tokens by inverse CDF, for the sequences of one chunk after another.
#[derive(Debug)]
pub(crate) struct Sampler {
    horizon: usize,
    end: Option<u32>,
    /// One a sequence of the chunk.
    uniforms: Vec<UniformRow>,
    /// Tokens and log-probabilities of each sequence of the chunk.
    drawn: Vec<Vec<(u32, f64)>>,
}

impl Sampler {
    /// For outputs of at most `horizon` tokens.
    pub(crate) fn new(horizon: usize, end: Option<u32>) -> Self {
        Self { horizon, end, uniforms: Vec::new(), drawn: Vec::new() }
    }

    /// Begins a chunk.
    pub(crate) fn begin(&mut self, key: StreamKey, prompts: &[u32], samples: &[u32]) {
        self.uniforms.clear();
        self.uniforms.extend(prompts.iter().zip(samples).map(|(&prompt, &sample)| key.row(prompt, sample)));
        self.drawn.iter_mut().for_each(Vec::clear);
        self.drawn.resize_with(prompts.len(), Vec::new);
    }

    /// Adds the sequences of the chunk to `samples`.
    pub(crate) fn give(&self, samples: &mut Samples) {
        for sequence in &self.drawn {
            for &(token, log_prob) in sequence {
                samples.tokens.push_value(token);
                samples.log_probs.push(log_prob);
            }
            samples.tokens.end_row();
        }
    }
}

impl Choose for Sampler {
    fn given(&self, _: usize) -> Option<&[u32]> {
        None
    }

    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn choose(
        &mut self,
        turns: &Turns,
        logits: &Matrix,
        row: usize,
        softmax: &mut Softmax,
    ) -> [(u32, bool); TILE] {
        softmax.fill(logits, row);
        let mut uniforms = [0.0; TILE];
        for (uniform, &turn) in uniforms.iter_mut().zip(turns) {
            if let Some((sequence, position)) = turn {
                *uniform = self.uniforms[sequence].at(position);
            }
        }
        let mut chosen = softmax.pick(&uniforms).map(|token| (token, false));
        for (row, (&turn, (token, last))) in turns.iter().zip(&mut chosen).enumerate() {
            if let Some((sequence, position)) = turn {
                self.drawn[sequence].push((*token, softmax.log_prob(row, *token as usize)));
                *last = position + 1 == self.horizon || Some(*token) == self.end;
            }
        }
        chosen
    }
}
