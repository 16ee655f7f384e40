//! Attention.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use crate::keys::Keys;
use crate::network::Heads;
use pstar_neural::activation::exp;
use pstar_neural::block::{Block, Matrix, WIDTH, blocks};
use pstar_neural::kernels::{PARTS, fold};
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

/// Memory of one tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    /// Left factors: asks × numbers of a head.
    pub(super) left: Vec<f32>,
    /// Asks × blocks of tokens of both sources.
    pub(super) weights: Vec<Block>,
}

/// Asks that are worked on together.
pub(super) const TOGETHER: usize = 4;

impl Job for Attend<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let asks = self.asks;
        for asks in asks.chunks(TOGETHER) {
            let tile = tile_of(asks);
            for head in 0..self.heads.queries {
                self.tile::<S, TOGETHER>(simd, &tile, head);
            }
        }
    }
}

impl Attend<'_> {
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(&mut self, simd: S, asks: &[Ask; N], head: usize) {
        let Self { heads, x, sources, out, scratch, .. } = self;
        let (first, keys) = (head * heads.blocks, head / heads.group());
        gather(x, first, heads.size, asks.map(|ask| ask.row), &mut scratch.left);
        let seen = Seen::of(asks);
        scratch.weights.resize((N * seen.total()).max(scratch.weights.len()), Block::ZERO);
        let weights = &mut scratch.weights[..N * seen.total()];
        for (source, base) in seen.sources() {
            let lanes = asks.map(|ask| sources[source].lanes(ask.entries[source], keys));
            dots(simd, &scratch.left, heads.size, lanes, (seen.blocks(source), base), weights);
        }
        soften(simd, asks, &seen, weights);
        for block in 0..heads.blocks {
            for part in 0..WIDTH / S::LANES {
                let mut sums = [simd.splat(0.0); N];
                for (source, base) in seen.sources() {
                    let rows = asks.map(|ask| sources[source].rows(ask.entries[source], keys));
                    let range = (seen.most[source], base);
                    mix(simd, weights, range, rows, (heads.blocks, block, part), &mut sums);
                }
                for (ask, sum) in asks.iter().zip(sums) {
                    simd.store(sum, &mut out.data[(first + block) * out.rows + ask.row], part);
                }
            }
        }
    }
}

/// Some asks, the last of them as often as the tile has room: that gives the same once more.
#[inline(always)]
pub(super) fn tile_of(asks: &[Ask]) -> [Ask; TOGETHER] {
    std::array::from_fn(|i| asks[i.min(asks.len() - 1)])
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

/// Copies `size` numbers of rows, from a block on.
#[inline(always)]
pub(super) fn gather<const N: usize>(
    x: &Matrix,
    first: usize,
    size: usize,
    rows: [usize; N],
    out: &mut Vec<f32>,
) {
    out.resize((N * size).max(out.len()), 0.0);
    for (row, out) in rows.into_iter().zip(out.chunks_exact_mut(size)) {
        for (block, out) in out.chunks_mut(WIDTH).enumerate() {
            out.copy_from_slice(&x.data[(first + block) * x.rows + row].0[..out.len()]);
        }
    }
}

/// Products of left factors with all tokens of a source, whose blocks among those of `out` begin at `base`.
#[inline(always)]
pub(super) fn dots<S: Simd, const N: usize>(
    simd: S,
    left: &[f32],
    size: usize,
    lanes: [&[Block]; N],
    (count, base): (usize, usize),
    out: &mut [Block],
) {
    let total = out.len() / N;
    let left: [&[f32]; N] = std::array::from_fn(|i| &left[i * size..][..size]);
    for block in 0..count {
        let panels: [&[Block]; N] = std::array::from_fn(|i| &lanes[i][block * size..][..size]);
        for part in 0..WIDTH / S::LANES {
            let mut sums = [simd.splat(0.0); N];
            for j in 0..size {
                for i in 0..N {
                    sums[i] = simd.fma(simd.splat(left[i][j]), simd.load(&panels[i][j], part), sums[i]);
                }
            }
            for i in 0..N {
                simd.store(sums[i], &mut out[i * total + base + block], part);
            }
        }
    }
}

/// What is added to and multiplied with the numbers of a block of which so many are seen.
struct Masks([(Block, Block); WIDTH + 1]);

static MASKS: Masks = Masks(masks());

const fn masks() -> [(Block, Block); WIDTH + 1] {
    let mut masks = [(Block([f32::NEG_INFINITY; WIDTH]), Block::ZERO); WIDTH + 1];
    let mut seen = 0;
    while seen <= WIDTH {
        let mut i = 0;
        while i < seen {
            (masks[seen].0.0[i], masks[seen].1.0[i]) = (0.0, 1.0);
            i += 1;
        }
        seen += 1;
    }
    masks
}

/// The softmax of each ask over what it sees; exactly 0 elsewhere.
#[inline(always)]
pub(super) fn soften<S: Simd, const N: usize>(simd: S, asks: &[Ask; N], seen: &Seen, weights: &mut [Block]) {
    let total = seen.total();
    for (ask, weights) in asks.iter().zip(weights.chunks_exact_mut(total)) {
        let mask = |block: usize| {
            let (source, block) =
                if block < seen.blocks(0) { (0, block) } else { (1, block - seen.blocks(0)) };
            &MASKS.0[ask.counts[source].saturating_sub(block * WIDTH).min(WIDTH)]
        };
        let mut greatest = [simd.splat(f32::NEG_INFINITY); PARTS];
        for (block, weights) in weights.iter_mut().enumerate() {
            let mask = mask(block);
            for part in 0..WIDTH / S::LANES {
                let x = simd.add(simd.load(weights, part), simd.load(&mask.0, part));
                greatest[part] = simd.max(x, greatest[part]);
                simd.store(x, weights, part);
            }
        }
        let greatest = fold(simd, greatest, |a, b| simd.max(a, b));
        let mut sums = [simd.splat(0.0); PARTS];
        for (block, weights) in weights.iter_mut().enumerate() {
            let mask = mask(block);
            for part in 0..WIDTH / S::LANES {
                // NaN stays.
                let x = simd.max(simd.splat(-87.0), simd.sub(simd.load(weights, part), greatest));
                let e = simd.mul(exp(simd, x), simd.load(&mask.1, part));
                sums[part] = simd.add(sums[part], e);
                simd.store(e, weights, part);
            }
        }
        let factor = simd.div(simd.splat(1.0), fold(simd, sums, |a, b| simd.add(a, b)));
        for weights in weights {
            for part in 0..WIDTH / S::LANES {
                simd.store(simd.mul(simd.load(weights, part), factor), weights, part);
            }
        }
    }
}

/// Adds a part of a block of the rows of a source, weighted, to sums: `count` rows, whose blocks among the weights begin at
/// `base`.
#[inline(always)]
pub(super) fn mix<S: Simd, const N: usize>(
    simd: S,
    weights: &[Block],
    (count, base): (usize, usize),
    rows: [&[Block]; N],
    (stride, block, part): (usize, usize, usize),
    sums: &mut [S::V; N],
) {
    let total = weights.len() / N;
    for token in 0..count {
        for i in 0..N {
            let weight = weights[i * total + base + token / WIDTH].0[token % WIDTH];
            let row = simd.load(&rows[i][token * stride + block], part);
            sums[i] = simd.fma(simd.splat(weight), row, sums[i]);
        }
    }
}
