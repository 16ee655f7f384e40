//! What attention looks up: keys and values of tokens, in the two orders that it reads.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use crate::network::Heads;
use pstar_neural::block::{Block, Matrix, WIDTH, blocks};
use pstar_neural::simd::{Job, Simd};

/// For each of some entries (a sequence, or a prompt) and each head two numbers of rows: one with 16 tokens side by side,
/// so that a product with all of them needs no sum across a vector, one with the numbers of a head side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    entries: usize,
    heads: usize,
    size: usize,
    /// Blocks of tokens that an entry has room for.
    room: usize,
    /// Blocks of a head.
    blocks: usize,
    /// Blocks of tokens × entries × heads × numbers of a head: what grows with a token is close together.
    lanes: Vec<Block>,
    /// Entries × heads × tokens × blocks of a head.
    rows: Vec<Block>,
}

/// Tokens side by side of an entry and a head: blocks of tokens × numbers of a head, `stride` apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes<'a> {
    blocks: &'a [Block],
    stride: usize,
}

impl<'a> Lanes<'a> {
    /// So many numbers of a block of tokens, from one on.
    #[inline(always)]
    pub(crate) fn numbers(&self, block: usize, from: usize, count: usize) -> &'a [Block] {
        &self.blocks[block * self.stride + from..][..count]
    }
}

impl Keys {
    /// Takes on the room for so many entries of so many tokens. What it holds is without meaning afterwards.
    fn reshape(&mut self, heads: Heads, entries: usize, tokens: usize) {
        (self.entries, self.heads) = (entries, heads.keys);
        (self.size, self.blocks) = (heads.size, heads.blocks);
        self.room = blocks(tokens);
        self.lanes.resize(self.room * entries * self.heads * self.size, Block::ZERO);
        self.rows.resize(entries * self.heads * self.room * WIDTH * self.blocks, Block::ZERO);
    }

    /// Makes room for so many entries of so many tokens. Tokens that are not put have numbers all the same: finite ones,
    /// since they meet weights of 0.
    pub(crate) fn prepare(&mut self, heads: Heads, entries: usize, tokens: usize) {
        self.lanes.clear();
        self.rows.clear();
        self.reshape(heads, entries, tokens);
    }

    /// Where the tokens side by side of an entry and a head begin in a block of tokens.
    #[inline(always)]
    fn lane(&self, entry: usize, head: usize, block: usize) -> usize {
        ((block * self.entries + entry) * self.heads + head) * self.size
    }

    /// Where the rows of an entry and a head begin.
    #[inline(always)]
    fn row(&self, entry: usize, head: usize) -> usize {
        (entry * self.heads + head) * self.room * WIDTH * self.blocks
    }

    /// Puts the key and the value of a token of an entry, which stand in a row of `x`.
    pub(crate) fn put(&mut self, heads: Heads, (entry, token): (usize, usize), x: &Matrix, row: usize) {
        for head in 0..self.heads {
            let start = self.lane(entry, head, token / WIDTH);
            let (key, value) = (heads.key_block(head), heads.value_block(head));
            for (i, lanes) in self.lanes[start..][..self.size].chunks_mut(WIDTH).enumerate() {
                let values = &x.data[(key + i) * x.rows + row].0;
                for (block, value) in lanes.iter_mut().zip(values) {
                    block.0[token % WIDTH] = *value;
                }
            }
            let start = self.row(entry, head) + token * self.blocks;
            for (i, block) in self.rows[start..][..self.blocks].iter_mut().enumerate() {
                *block = x.data[(value + i) * x.rows + row];
            }
        }
    }

    /// Copies the first `tokens` tokens of an entry.
    pub(crate) fn copy(&mut self, entry: usize, from: &Self, other: usize, tokens: usize) {
        let count = self.heads * self.size;
        for block in 0..blocks(tokens) {
            let (to, place) = (self.lane(entry, 0, block), from.lane(other, 0, block));
            self.lanes[to..][..count].copy_from_slice(&from.lanes[place..][..count]);
        }
        for head in 0..self.heads {
            let (to, place) = (self.row(entry, head), from.row(other, head));
            let count = tokens * self.blocks;
            self.rows[to..][..count].copy_from_slice(&from.rows[place..][..count]);
        }
    }

    /// 16 tokens side by side.
    #[inline(always)]
    pub(crate) fn lanes(&self, entry: usize, head: usize) -> Lanes<'_> {
        let stride = self.entries * self.heads * self.size;
        Lanes { blocks: &self.lanes[self.lane(entry, head, 0)..], stride }
    }

    /// Tokens × blocks of a head.
    #[inline(always)]
    pub(crate) fn rows(&self, entry: usize, head: usize) -> &[Block] {
        &self.rows[self.row(entry, head)..][..self.room * WIDTH * self.blocks]
    }
}

/// What stands side by side with other tokens; the other by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Keys,
    Values,
}

/// Puts all tokens of an entry, up to the end of the last block of them.
#[derive(Debug)]
pub(crate) struct Put<'a> {
    pub(crate) keys: &'a mut Keys,
    pub(crate) heads: Heads,
    pub(crate) entry: usize,
    pub(crate) x: &'a Matrix,
    /// The rows of the tokens.
    pub(crate) rows: &'a [u32],
    pub(crate) side: Side,
}

impl<'a> Put<'a> {
    /// All tokens of the one entry.
    pub(crate) fn alone(
        keys: &'a mut Keys,
        heads: Heads,
        x: &'a Matrix,
        rows: &'a [u32],
        side: Side,
    ) -> Self {
        keys.reshape(heads, 1, rows.len());
        Self { keys, heads, entry: 0, x, rows, side }
    }
}

impl Job for Put<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { keys, heads, entry, x, rows, side } = self;
        let mut turned = [Block::ZERO; WIDTH];
        for head in 0..heads.keys {
            let (lane, by_itself) = match side {
                Side::Keys => (heads.key_block(head), heads.value_block(head)),
                Side::Values => (heads.value_block(head), heads.key_block(head)),
            };
            let start = keys.row(entry, head);
            for (block, rows) in rows.chunks(WIDTH).enumerate() {
                let to = keys.lane(entry, head, block);
                for (i, lanes) in keys.lanes[to..][..keys.size].chunks_mut(WIDTH).enumerate() {
                    let x = &x.data[(lane + i) * x.rows..][..x.rows];
                    let mut tokens = [&Block::ZERO; WIDTH];
                    tokens.iter_mut().zip(rows).for_each(|(token, &row)| *token = &x[row as usize]);
                    if let Ok(lanes) = <&mut [Block; WIDTH]>::try_from(&mut *lanes) {
                        simd.transpose(tokens, lanes);
                    } else {
                        simd.transpose(tokens, &mut turned);
                        lanes.iter_mut().zip(&turned).for_each(|(lanes, turned)| *lanes = *turned);
                    }
                }
                let blocks = &mut keys.rows[start + block * WIDTH * keys.blocks..][..WIDTH * keys.blocks];
                for (token, blocks) in blocks.chunks_exact_mut(keys.blocks).enumerate() {
                    for (i, to) in blocks.iter_mut().enumerate() {
                        let row = rows.get(token).map(|&row| (by_itself + i) * x.rows + row as usize);
                        *to = row.map_or(Block::ZERO, |row| x.data[row]);
                    }
                }
            }
        }
    }
}
