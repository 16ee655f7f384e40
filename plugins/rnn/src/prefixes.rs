//! The states of a block of prefixes, for the walk over all outputs.

use crate::network::{Advance, Gru, Inputs};
use pstar_neural::block::{Matrix, TILE};
use pstar_neural::network::Network;

/// Prefixes of one length.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    /// States before the last token, and behind it from row [`BEHIND`] on: one matrix a layer.
    hidden: Vec<Matrix>,
    tokens: Vec<u32>,
    inputs: Inputs,
}

/// First row of the states behind the last token.
const BEHIND: usize = Gru::PREFIXES;

impl Prefixes {
    /// One prefix, which has read the tokens of `lead`.
    pub(crate) fn begin(&mut self, network: &Gru, lead: &[u32]) {
        self.prepare(network);
        for &token in lead {
            for hidden in &mut self.hidden {
                for states in hidden.data.chunks_exact_mut(hidden.rows) {
                    states[0] = states[BEHIND];
                }
            }
            self.read(network, std::iter::once(token));
        }
    }

    /// The prefixes that are one token longer: for each its place among `parents`, and the token.
    pub(crate) fn lengthen(
        &mut self,
        network: &Gru,
        parents: &Self,
        longer: impl ExactSizeIterator<Item = (usize, u32)>,
    ) {
        self.prepare(network);
        let (places, tokens): (Vec<usize>, Vec<u32>) = longer.unzip();
        for (hidden, parents) in self.hidden.iter_mut().zip(&parents.hidden) {
            for block in 0..network.shape.units() {
                let parents = parents.rows(block, BEHIND, BEHIND);
                let rows = hidden.rows_mut(block, 0, places.len());
                rows.iter_mut().zip(&places).for_each(|(row, &place)| *row = parents[place]);
            }
        }
        self.read(network, tokens.into_iter());
    }

    /// The states of the last layer behind the last token, and their first row.
    pub(crate) fn top(&self) -> (&Matrix, usize) {
        (self.hidden.last().expect("a GRU has a layer"), BEHIND)
    }

    /// Makes room for a block.
    fn prepare(&mut self, network: &Gru) {
        if self.hidden.is_empty() {
            let shape = &network.shape;
            self.hidden = (0..shape.layers).map(|_| Matrix::new(shape.units(), 2 * BEHIND)).collect();
        }
    }

    /// Lets every prefix read one token.
    fn read(&mut self, network: &Gru, tokens: impl Iterator<Item = u32>) {
        self.tokens.clear();
        self.tokens.extend(tokens);
        self.tokens.resize(self.tokens.len().next_multiple_of(TILE), 0);
        network.advance(Advance {
            tokens: &self.tokens,
            hidden: &mut self.hidden,
            from: 0,
            first: false,
            to: BEHIND,
            keep: None,
            inputs: &mut self.inputs,
        });
    }
}
