//! The way back through attention.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use super::attend::{Ask, Scratch, Seen, TOGETHER, dots, gather, mix, soften, tile_of};
use crate::keys::Keys;
use crate::network::Heads;
use pstar_neural::block::{Block, Matrix, WIDTH};
use pstar_neural::simd::{Job, Simd};

/// The tokens that ask together: those of one sequence, or of one prompt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'a> {
    /// One a token, in the order of the tokens.
    pub(crate) asks: &'a [Ask],
    /// The rows of the tokens of the two sources.
    pub(crate) rows: [&'a [u32]; 2],
    /// Tokens of the second source that stand before the first one that asks.
    pub(crate) before: usize,
}

/// From the gradient at the answers of a group to that at its queries, which is written, and at the keys and values that
/// it saw, which is added.
///
/// With weights P, values V, keys K and G the gradient at the answers: dP = G Vᵀ, dS = P ⊙ (dP − Σ P ⊙ dP), dQ = dS K,
/// dK = dSᵀ Q, dV = Pᵀ G. P is worked out again: that is less than to keep it.
#[derive(Debug)]
pub(crate) struct BackwardAttend<'a> {
    pub(crate) heads: Heads,
    /// Queries, keys and values.
    pub(crate) x: &'a Matrix,
    /// At the answers.
    pub(crate) gradient: &'a Matrix,
    pub(crate) group: Group<'a>,
    /// Keys side by side, values by themselves.
    pub(crate) keys: [&'a Keys; 2],
    /// Values side by side, keys by themselves.
    pub(crate) values: [&'a Keys; 2],
    /// At queries, keys and values.
    pub(crate) out: &'a mut Matrix,
    pub(crate) scratch: &'a mut BackwardScratch,
}

/// Memory of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackwardScratch {
    tile: Scratch,
    slopes: Vec<Block>,
    /// Weights of each ask, and the gradient at their logarithms less a constant: asks × blocks of tokens.
    weights: Vec<Block>,
    deltas: Vec<Block>,
    /// Queries, and the gradient at answers: asks × blocks of a head.
    queries: Vec<Block>,
    answers: Vec<Block>,
}

impl Job for BackwardAttend<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let asks = self.group.asks;
        let Some(last) = asks.last() else { return };
        // The last one sees the most.
        let seen = Seen { most: last.counts };
        let BackwardScratch { weights, deltas, .. } = self.scratch;
        for memory in [weights, deltas] {
            memory.clear();
            memory.resize(asks.len().next_multiple_of(TOGETHER) * seen.total(), Block::ZERO);
        }
        for head in 0..self.heads.queries {
            for (tile, asks) in asks.chunks(TOGETHER).enumerate() {
                self.tile::<S, TOGETHER>(simd, &tile_of(asks), tile * TOGETHER, &seen, head);
            }
            self.sources(simd, &seen, head);
        }
    }
}

impl BackwardAttend<'_> {
    /// Weights, their gradients and the gradient at the queries of some asks, the first of which is ask `at`.
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(
        &mut self,
        simd: S,
        asks: &[Ask; N],
        at: usize,
        seen: &Seen,
        head: usize,
    ) {
        let Self { heads, x, gradient, keys, values, out, scratch, .. } = self;
        let (first, kept) = (head * heads.blocks, head / heads.group());
        let BackwardScratch { tile, slopes, weights, deltas, .. } = &mut **scratch;
        let total = seen.total();
        let weights = &mut weights[at * total..][..N * total];
        let deltas = &mut deltas[at * total..][..N * total];
        slopes.resize((N * total).max(slopes.len()), Block::ZERO);
        let slopes = &mut slopes[..N * total];
        gather(x, first, heads.size, asks.map(|ask| ask.row), &mut tile.left);
        for (source, base) in seen.sources() {
            let lanes = asks.map(|ask| keys[source].lanes(ask.entries[source], kept));
            dots(simd, &tile.left, heads.size, lanes, (seen.blocks(source), base), weights);
        }
        soften(simd, asks, seen, weights);
        gather(gradient, first, heads.size, asks.map(|ask| ask.row), &mut tile.left);
        for (source, base) in seen.sources() {
            let lanes = asks.map(|ask| values[source].lanes(ask.entries[source], kept));
            dots(simd, &tile.left, heads.size, lanes, (seen.blocks(source), base), slopes);
        }
        for i in 0..N {
            let of =
                |blocks: &[Block], block: usize, part: usize| simd.load(&blocks[i * total + block], part);
            let mut sums = [simd.splat(0.0); pstar_neural::kernels::PARTS];
            for block in 0..total {
                for part in 0..WIDTH / S::LANES {
                    sums[part] = simd.fma(of(weights, block, part), of(slopes, block, part), sums[part]);
                }
            }
            let mean = pstar_neural::kernels::fold(simd, sums, |a, b| simd.add(a, b));
            for block in 0..total {
                for part in 0..WIDTH / S::LANES {
                    let less = simd.sub(of(slopes, block, part), mean);
                    let delta = simd.mul(of(weights, block, part), less);
                    simd.store(delta, &mut deltas[i * total + block], part);
                }
            }
        }
        for block in 0..heads.blocks {
            for part in 0..WIDTH / S::LANES {
                let mut sums = [simd.splat(0.0); N];
                for (source, base) in seen.sources() {
                    let rows = asks.map(|ask| values[source].rows(ask.entries[source], kept));
                    let range = (seen.most[source], base);
                    mix(simd, deltas, range, rows, (heads.blocks, block, part), &mut sums);
                }
                for (ask, sum) in asks.iter().zip(sums) {
                    simd.store(sum, &mut out.data[(first + block) * out.rows + ask.row], part);
                }
            }
        }
    }

    /// Adds what all asks of the group make of the keys and values that they saw.
    #[inline(always)]
    fn sources<S: Simd>(&mut self, simd: S, seen: &Seen, head: usize) {
        let Self { heads, x, gradient, group, out, scratch, .. } = self;
        let (first, kept) = (head * heads.blocks, head / heads.group());
        let BackwardScratch { weights, deltas, queries, answers, .. } = &mut **scratch;
        let total = seen.total();
        for (memory, matrix) in [(&mut *queries, x), (&mut *answers, gradient)] {
            memory.clear();
            for ask in group.asks {
                let blocks = first..first + heads.blocks;
                memory.extend(blocks.map(|block| matrix.data[block * matrix.rows + ask.row]));
            }
        }
        for (source, base) in seen.sources() {
            let rows = &group.rows[source][..seen.most[source]];
            for (tile, rows) in rows.chunks(TOGETHER).enumerate() {
                let token = tile * TOGETHER;
                // A token of the second source is not seen by those that ask before it.
                let first = if source == 1 { token.saturating_sub(group.before) } else { 0 };
                let asks = first..group.asks.len();
                for (coefficients, factors, to) in [
                    (&*deltas, &*queries, heads.key_block(kept)),
                    (&*weights, &*answers, heads.value_block(kept)),
                ] {
                    for block in 0..heads.blocks {
                        for part in 0..WIDTH / S::LANES {
                            let mut sums = [simd.splat(0.0); TOGETHER];
                            for ask in asks.clone() {
                                let factor = simd.load(&factors[ask * heads.blocks + block], part);
                                for i in 0..TOGETHER {
                                    let place = token + i;
                                    let seen = &coefficients[ask * total + base + place / WIDTH];
                                    let weight = seen.0[place % WIDTH];
                                    sums[i] = simd.fma(simd.splat(weight), factor, sums[i]);
                                }
                            }
                            for (&row, sum) in rows.iter().zip(sums) {
                                let at = &mut out.data[(to + block) * out.rows + row as usize];
                                simd.store(simd.add(simd.load(at, part), sum), at, part);
                            }
                        }
                    }
                }
            }
        }
    }
}
