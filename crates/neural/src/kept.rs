//! The samples of the last call, with the activations behind them.
//!
//! A gradient on exactly these sequences, under the parameters that sampled them, needs no second forward pass. It has
//! the same bits as one that makes it.

use crate::network::Network;
use pstar_core::author::{SampleRequest, Samples};
use pstar_core::data::{RaggedBuffer, SequenceBatch};

/// Greatest number of bytes that are kept.
const MOST: usize = 1 << 29;

/// The samples of the last call.
#[derive(Debug)]
pub(crate) struct Kept<N: Network> {
    /// Whether the chunks hold steps that nobody has used up.
    valid: bool,
    prompts: RaggedBuffer<u32>,
    prompt_of: Vec<u32>,
    tokens: RaggedBuffer<u32>,
    chunks: Vec<N::Chunk>,
}

impl<N: Network> Default for Kept<N> {
    fn default() -> Self {
        Self {
            valid: false,
            prompts: RaggedBuffer::default(),
            prompt_of: Vec::new(),
            tokens: RaggedBuffer::default(),
            chunks: Vec::new(),
        }
    }
}

impl<N: Network> Kept<N> {
    /// Whether samples of this size are worth their memory.
    pub(crate) fn fits(shape: &N::Shape, sequences: usize, steps: usize) -> bool {
        sequences.div_ceil(N::CHUNK).saturating_mul(N::bytes(shape, sequences.min(N::CHUNK), steps)) <= MOST
    }

    /// Memory for the chunks of a number of sequences.
    pub(crate) fn begin(&mut self, sequences: usize) -> impl Iterator<Item = &mut N::Chunk> {
        self.valid = false;
        let count = sequences.div_ceil(N::CHUNK);
        if self.chunks.len() < count {
            self.chunks.resize_with(count, N::Chunk::default);
        }
        self.chunks.iter_mut()
    }

    /// Notes what was sampled into the chunks.
    pub(crate) fn remember(&mut self, request: &SampleRequest<'_>, samples: &Samples) {
        self.prompts = request.prompts.rows().collect();
        self.prompt_of = request.prompt_of.to_vec();
        self.tokens.clone_from(&samples.tokens);
        self.valid = true;
    }

    /// Whether these are the sequences that were sampled.
    pub(crate) fn holds(&self, batch: &SequenceBatch<'_>) -> bool {
        let same = |a: &RaggedBuffer<u32>, b: pstar_core::data::Ragged<'_, u32>| {
            a.view().offsets() == b.offsets() && a.view().values() == b.values()
        };
        self.valid
            && self.prompt_of == batch.prompt_of()
            && same(&self.prompts, batch.prompts())
            && same(&self.tokens, batch.tokens())
    }

    /// The chunks, to be used up.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = &mut N::Chunk> {
        self.valid = false;
        self.chunks.iter_mut()
    }

    /// The parameters have changed.
    pub(crate) fn forget(&mut self) {
        self.valid = false;
    }
}
