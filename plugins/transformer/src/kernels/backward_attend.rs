//! The way back through attention.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use super::attend::{Ask, Mix, Seen, TOGETHER, tile_of};
use super::dots::{Left, dots};
use super::each::each;
use super::soften::soften;
use crate::keys::Keys;
use crate::network::Heads;
use pstar_neural::block::{Block, Matrix, WIDTH};
use pstar_neural::kernels::{PARTS, fold};
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
        let BackwardScratch { slopes, weights, deltas, .. } = &mut **scratch;
        let total = seen.total();
        let weights = &mut weights[at * total..][..N * total];
        let deltas = &mut deltas[at * total..][..N * total];
        slopes.resize((N * total).max(slopes.len()), Block::ZERO);
        let slopes = &mut slopes[..N * total];
        // They are of one sequence or prompt, and look up the same entries.
        let rows: [usize; N] = each(|i| asks[i].row);
        let left = Left { x, first, size: heads.size, rows };
        for (source, base) in seen.sources() {
            let lanes = [keys[source].lanes(asks[0].entries[source], kept); N];
            dots::<S, N, true>(simd, &left, lanes, (seen.blocks(source), base), weights);
        }
        soften(simd, asks, seen, weights);
        let left = Left { x: gradient, first, size: heads.size, rows };
        for (source, base) in seen.sources() {
            let lanes = [values[source].lanes(asks[0].entries[source], kept); N];
            dots::<S, N, true>(simd, &left, lanes, (seen.blocks(source), base), slopes);
        }
        for i in 0..N {
            let of =
                |blocks: &[Block], block: usize, part: usize| simd.load(&blocks[i * total + block], part);
            let mut sums = [simd.splat(0.0); PARTS];
            for block in 0..total {
                for part in 0..WIDTH / S::LANES {
                    sums[part] = simd.fma(of(weights, block, part), of(slopes, block, part), sums[part]);
                }
            }
            let mean = fold(simd, sums, |a, b| simd.add(a, b));
            for block in 0..total {
                for part in 0..WIDTH / S::LANES {
                    let less = simd.sub(of(slopes, block, part), mean);
                    let delta = simd.mul(of(weights, block, part), less);
                    simd.store(delta, &mut deltas[i * total + block], part);
                }
            }
        }
        let mix = Mix { heads: *heads, asks, seen, weights: deltas, sources: *values, keys: kept };
        mix.write::<S, true>(simd, out, first);
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
                let asks = if source == 1 { token.saturating_sub(group.before) } else { 0 };
                for (coefficients, factors, to) in [
                    (&*deltas, &*queries, heads.key_block(kept)),
                    (&*weights, &*answers, heads.value_block(kept)),
                ] {
                    // Those of the asks from the first one on that sees the tile.
                    let coefficients = coefficients[asks * total..].chunks_exact(total);
                    let coefficients =
                        coefficients.map(|seen| &seen[base + token / WIDTH].0[token % WIDTH..]);
                    let terms = coefficients.zip(factors[asks * heads.blocks..].chunks_exact(heads.blocks));
                    let mut block = 0;
                    while block + 1 < heads.blocks {
                        add_terms::<S, 2>(simd, &terms, block, rows, out, to);
                        block += 2;
                    }
                    if block < heads.blocks {
                        add_terms::<S, 1>(simd, &terms, block, rows, out, to);
                    }
                }
            }
        }
    }
}

/// Adds to `BLOCKS` blocks of some rows, from `to + block` on, the sums of coefficients (one a row) times factors.
#[inline(always)]
fn add_terms<'a, S: Simd, const BLOCKS: usize>(
    simd: S,
    terms: &(impl Iterator<Item = (&'a [f32], &'a [Block])> + Clone),
    block: usize,
    rows: &[u32],
    out: &mut Matrix,
    to: usize,
) {
    for part in 0..WIDTH / S::LANES {
        let mut sums = [[simd.splat(0.0); BLOCKS]; TOGETHER];
        for (coefficients, factors) in terms.clone() {
            let coefficients = &coefficients[..TOGETHER];
            let factors: [S::V; BLOCKS] = each(|b| simd.load(&factors[block + b], part));
            for i in 0..TOGETHER {
                let coefficient = simd.splat(coefficients[i]);
                for b in 0..BLOCKS {
                    sums[i][b] = simd.fma(coefficient, factors[b], sums[i][b]);
                }
            }
        }
        for (&row, sums) in rows.iter().zip(&sums) {
            for (b, &sum) in sums.iter().enumerate() {
                let at = &mut out.data[(to + block + b) * out.rows + row as usize];
                simd.store(simd.add(simd.load(at, part), sum), at, part);
            }
        }
    }
}
