//! What attention looks up: keys and values of tokens, in the two orders that it reads.

use crate::network::Heads;
use pstar_neural::block::{Block, Matrix, WIDTH, blocks};

/// For each of some entries (a sequence, or a prompt) and each head two numbers of rows: one with 16 tokens side by side,
/// so that a product with all of them needs no sum across a vector, one with the numbers of a head side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    heads: usize,
    size: usize,
    /// Blocks of tokens that an entry has room for.
    room: usize,
    /// Blocks of a head.
    blocks: usize,
    /// Entries × heads × blocks of tokens × numbers of a head.
    lanes: Vec<Block>,
    /// Entries × heads × tokens × blocks of a head.
    rows: Vec<Block>,
}

impl Keys {
    /// Makes room for so many entries of so many tokens. Tokens that are not put have numbers all the same: finite ones,
    /// since they meet weights of 0.
    pub(crate) fn prepare(&mut self, heads: Heads, entries: usize, tokens: usize) {
        (self.heads, self.size, self.blocks) = (heads.keys, heads.size, heads.blocks);
        self.room = blocks(tokens);
        self.lanes.clear();
        self.lanes.resize(entries * self.heads * self.room * self.size, Block::ZERO);
        self.rows.clear();
        self.rows.resize(entries * self.heads * self.room * WIDTH * self.blocks, Block::ZERO);
    }

    /// Puts a token of an entry: a row of `x`, and for each head the first blocks of what stands side by side with other
    /// tokens and of what stands by itself.
    pub(crate) fn put(
        &mut self,
        (entry, token): (usize, usize),
        x: &Matrix,
        row: usize,
        first_blocks: impl Fn(usize) -> (usize, usize),
    ) {
        for head in 0..self.heads {
            let place = entry * self.heads + head;
            let (lane, by_itself) = first_blocks(head);
            let start = (place * self.room + token / WIDTH) * self.size;
            for (i, lanes) in self.lanes[start..][..self.size].chunks_mut(WIDTH).enumerate() {
                let values = &x.data[(lane + i) * x.rows + row].0;
                for (block, value) in lanes.iter_mut().zip(values) {
                    block.0[token % WIDTH] = *value;
                }
            }
            let start = (place * self.room * WIDTH + token) * self.blocks;
            for (i, block) in self.rows[start..][..self.blocks].iter_mut().enumerate() {
                *block = x.data[(by_itself + i) * x.rows + row];
            }
        }
    }

    /// Copies the first `tokens` tokens of an entry.
    pub(crate) fn copy(&mut self, entry: usize, from: &Self, other: usize, tokens: usize) {
        for head in 0..self.heads {
            let (to, place) = (entry * self.heads + head, other * self.heads + head);
            let count = blocks(tokens) * self.size;
            self.lanes[to * self.room * self.size..][..count]
                .copy_from_slice(&from.lanes[place * from.room * self.size..][..count]);
            let (count, row) = (tokens * self.blocks, WIDTH * self.blocks);
            self.rows[to * self.room * row..][..count]
                .copy_from_slice(&from.rows[place * from.room * row..][..count]);
        }
    }

    /// Blocks of tokens × numbers of a head, 16 tokens side by side.
    pub(crate) fn lanes(&self, entry: usize, head: usize) -> &[Block] {
        let count = self.room * self.size;
        &self.lanes[(entry * self.heads + head) * count..][..count]
    }

    /// Tokens × blocks of a head.
    pub(crate) fn rows(&self, entry: usize, head: usize) -> &[Block] {
        let count = self.room * WIDTH * self.blocks;
        &self.rows[(entry * self.heads + head) * count..][..count]
    }
}
