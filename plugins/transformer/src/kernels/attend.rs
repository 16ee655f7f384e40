//! Attention.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use super::dots::{Left, dots};
use super::each::each;
use super::mix::{Source, mix};
use super::soften::soften;
use crate::keys::Keys;
use crate::network::Heads;
use pstar_neural::block::{Block, Matrix, WIDTH, blocks};
use pstar_neural::simd::{Job, Simd};

/// A token that asks: what it sees of two sources, its prompt and what stands behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ask {
    /// Its row of queries and answers.
    pub(crate) row: usize,
    /// Its entries in the two sources.
    pub(crate) entries: [usize; 2],
    /// How many tokens it sees there.
    pub(crate) counts: [usize; 2],
}

/// For each ask and head the values weighted by the softmax of queries times keys.
///
/// Sums over tokens begin with the first one of the first source; tokens that are not seen weigh exactly 0. So a row's
/// answer depends neither on who asks beside it, nor on whether more tokens are there already.
///
/// # Source
/// Vaswani et al. (2017), *Attention Is All You Need*; several query heads a head of keys: Ainslie et al. (2023).
#[derive(Debug)]
pub(crate) struct Attend<'a> {
    pub(crate) heads: Heads,
    /// Queries, and more behind them.
    pub(crate) x: &'a Matrix,
    pub(crate) asks: &'a [Ask],
    pub(crate) sources: [&'a Keys; 2],
    pub(crate) out: &'a mut Matrix,
    pub(crate) scratch: &'a mut Scratch,
}

/// Memory of one tile: asks × blocks of tokens of both sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    weights: Vec<Block>,
}

/// Asks that are worked on together.
pub(crate) const TOGETHER: usize = 4;

impl Job for Attend<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let asks = self.asks;
        for asks in asks.chunks(TOGETHER) {
            let tile = tile_of(asks);
            // Those who look up the same entries share what is read of them.
            if asks.iter().all(|ask| ask.entries == asks[0].entries) {
                self.tile::<S, TOGETHER, true>(simd, &tile);
            } else {
                self.tile::<S, TOGETHER, false>(simd, &tile);
            }
        }
    }
}

impl Attend<'_> {
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const SAME: bool>(&mut self, simd: S, asks: &[Ask; N]) {
        let Self { heads, x, sources, out, scratch, .. } = self;
        let seen = Seen::of(asks);
        scratch.weights.resize((N * seen.total()).max(scratch.weights.len()), Block::ZERO);
        let weights = &mut scratch.weights[..N * seen.total()];
        for head in 0..heads.queries {
            let (first, keys) = (head * heads.blocks, head / heads.group());
            let left = Left { x, first, size: heads.size, rows: each(|i| asks[i].row) };
            for (source, base) in seen.sources() {
                let lanes = each(|i| sources[source].lanes(asks[i].entries[source], keys));
                dots::<S, N, SAME>(simd, &left, lanes, (seen.blocks(source), base), weights);
            }
            soften(simd, asks, &seen, weights);
            let mix = Mix { heads: *heads, asks, seen: &seen, weights, sources: *sources, keys };
            mix.write::<S, SAME>(simd, out, first);
        }
    }
}

/// Rows of two sources that some asks sum, weighted.
#[derive(Debug)]
pub(super) struct Mix<'a, const N: usize> {
    pub(super) heads: Heads,
    pub(super) asks: &'a [Ask; N],
    pub(super) seen: &'a Seen,
    pub(super) weights: &'a [Block],
    pub(super) sources: [&'a Keys; 2],
    /// The head of the sources.
    pub(super) keys: usize,
}

impl<const N: usize> Mix<'_, N> {
    /// Writes the sums to the rows of the asks, from block `first` on.
    #[inline(always)]
    pub(super) fn write<S: Simd, const SAME: bool>(&self, simd: S, out: &mut Matrix, first: usize) {
        let mut block = 0;
        while block + 1 < self.heads.blocks {
            self.blocks::<S, 2, SAME>(simd, out, (first, block));
            block += 2;
        }
        if block < self.heads.blocks {
            self.blocks::<S, 1, SAME>(simd, out, (first, block));
        }
    }

    #[inline(always)]
    fn blocks<S: Simd, const BLOCKS: usize, const SAME: bool>(
        &self,
        simd: S,
        out: &mut Matrix,
        (first, block): (usize, usize),
    ) {
        let &Self { heads, asks, seen, weights, sources, keys } = self;
        for part in 0..WIDTH / S::LANES {
            let mut sums = [[simd.splat(0.0); BLOCKS]; N];
            for (source, base) in seen.sources() {
                let rows = each(|i| sources[source].rows(asks[i].entries[source], keys));
                let source = Source { rows, stride: heads.blocks, count: seen.most[source], base };
                mix::<S, N, BLOCKS, SAME>(simd, weights, &source, (block, part), &mut sums);
            }
            for (ask, sums) in asks.iter().zip(&sums) {
                for (b, &sum) in sums.iter().enumerate() {
                    simd.store(sum, &mut out.data[(first + block + b) * out.rows + ask.row], part);
                }
            }
        }
    }
}

/// Some asks, the last of them as often as the tile has room: that gives the same once more.
#[inline(always)]
pub(super) fn tile_of(asks: &[Ask]) -> [Ask; TOGETHER] {
    each(|i| asks[i.min(asks.len() - 1)])
}

/// What the asks of a tile see at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) most: [usize; 2],
}

impl Seen {
    #[inline(always)]
    pub(super) fn of<const N: usize>(asks: &[Ask; N]) -> Self {
        let most = |source: usize| asks.iter().map(|ask| ask.counts[source]).max().unwrap_or(0);
        Self { most: [most(0), most(1)] }
    }

    /// Blocks of tokens of a source.
    #[inline(always)]
    pub(super) fn blocks(&self, source: usize) -> usize {
        blocks(self.most[source])
    }

    /// Blocks of tokens of both.
    #[inline(always)]
    pub(super) fn total(&self) -> usize {
        self.blocks(0) + self.blocks(1)
    }

    /// The sources of which something is seen, and the first of their blocks.
    #[inline(always)]
    pub(super) fn sources(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let bases = [(0, 0), (1, self.blocks(0))];
        let most = self.most;
        bases.into_iter().filter(move |&(source, _)| most[source] > 0)
    }
}
