//! What is known of a block of prefixes, for the walk over all outputs.

use crate::chunk::{Chunk, Room, Sequence};
use crate::network::Transformer;
use pstar_neural::block::{Matrix, TILE};

/// Prefixes of one length.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    chunk: Chunk,
    /// Tokens behind the prompt.
    length: usize,
}

impl Prefixes {
    /// One prefix, which has read the tokens of `lead`.
    pub(crate) fn begin(&mut self, network: &Transformer, lead: &[u32]) {
        self.length = 0;
        self.chunk.begin_walk(network, lead);
    }

    /// The prefixes that are one token longer: for each its place among `parents`, and the token.
    pub(crate) fn lengthen(
        &mut self,
        network: &Transformer,
        parents: &Self,
        longer: impl ExactSizeIterator<Item = (usize, u32)>,
    ) {
        self.length = parents.length + 1;
        self.chunk.lengthen(network, &parents.chunk, parents.length, longer);
    }

    /// x̂ of the choices behind the prefixes.
    pub(crate) fn top(&self) -> &Matrix {
        &self.chunk.top
    }
}

impl Chunk {
    /// Reads a prompt alone, behind which one prefix stands.
    fn begin_walk(&mut self, network: &Transformer, lead: &[u32]) {
        let (start, prompt) = lead.split_first().expect("the start is read first");
        self.take_prompts(network, *start, &[prompt]);
        self.prepare(network, Room { rows: self.prompt_rows, choices: TILE }, false);
        self.read_prompts(network);
        self.normalise_prompts(network, 0..1, TILE);
    }

    /// Reads one token behind each of the prefixes that `parents` holds, which have read `length` behind the prompt.
    fn lengthen(
        &mut self,
        network: &Transformer,
        parents: &Self,
        length: usize,
        longer: impl ExactSizeIterator<Item = (usize, u32)>,
    ) {
        let count = longer.len();
        let (places, tokens): (Vec<usize>, Vec<u32>) = longer.unzip();
        let rows = count.next_multiple_of(TILE);
        self.prepare(network, Room { rows, choices: rows }, false);
        self.prompts.clone_from(&parents.prompts);
        self.prompt_keys.clone_from(&parents.prompt_keys);
        self.sequences.clear();
        self.sequences.resize_with(count, Sequence::default);
        self.prepare_own_keys(network, length + 1);
        let joined = self.prompts[0].joined();
        for (keys, from) in self.own_keys.iter_mut().zip(&parents.own_keys) {
            for (entry, &place) in places.iter().enumerate() {
                keys.copy(entry, from, place, joined + length);
            }
        }
        let reads: Vec<(usize, u32)> = tokens.into_iter().enumerate().collect();
        let rows = self.step(network, &reads, length);
        self.normalise_top(network, 0, rows, 0);
    }
}
