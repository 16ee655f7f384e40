//! The log-probabilities of all outputs, by a walk that shares prefixes.
//!
//! Depth first over blocks of prefixes of one length, so that memory grows with the length and not with the number of
//! outputs. Checked against scoring every output from its start.

use crate::block::{Matrix, TILE, blocks};
use crate::network::{Advance, Inputs, Network};
use crate::simd::{Job, Simd};
use crate::softmax::Softmax;

/// Greatest number of prefixes in a block.
const BLOCK: usize = 256;

/// A walk over the outputs to one prompt.
pub(crate) struct OutputWalk<'a> {
    network: &'a Network,
    /// V.
    symbols: usize,
    /// T.
    horizon: usize,
    /// Where the outputs of each length begin: 0, 1, 1 + V, …
    starts: Vec<usize>,
    levels: Vec<Level>,
    inputs: Inputs,
    tokens: Vec<u32>,
    softmax: Softmax,
    out: &'a mut [f64],
}

/// A block of prefixes of one length.
#[derive(Default)]
struct Level {
    /// States before and behind the last symbol, one matrix a layer.
    hidden: Vec<Matrix>,
    /// Log-probability of each prefix.
    log_probs: Vec<f64>,
    logits: Matrix,
    /// Log-probability of each prefix and choice, prefixes × choices.
    longer: Vec<f64>,
}

impl<'a> OutputWalk<'a> {
    /// A walk that writes to `out`, which has one place for each output; `None` if it has not.
    pub(crate) fn new(
        network: &'a Network,
        symbols: usize,
        horizon: usize,
        out: &'a mut [f64],
    ) -> Option<Self> {
        let ends = network.shape.choices > symbols;
        let (mut starts, mut start, mut strings) = (Vec::with_capacity(horizon + 1), 0usize, 1usize);
        for length in 0..=horizon {
            starts.push(start);
            if ends || length == horizon {
                start = start.checked_add(strings)?;
            }
            if length < horizon {
                strings = strings.checked_mul(symbols)?;
            }
        }
        if start != out.len() {
            return None;
        }
        let levels = (0..horizon).map(|_| Level::default()).collect();
        let softmax = Softmax::new(network.shape.choices);
        let (inputs, tokens) = (Inputs::default(), Vec::new());
        Some(Self { network, symbols, horizon, starts, levels, inputs, tokens, softmax, out })
    }

    /// Walks over the outputs behind the tokens of `lead`, the boundary first.
    pub(crate) fn run(&mut self, lead: &[u32]) {
        let layers = self.network.shape.layers;
        self.levels[0].prepare(self.network, 1);
        for &token in lead {
            for layer in 0..layers {
                let hidden = &mut self.levels[0].hidden[layer];
                copy_states(hidden, BLOCK, 0, 1);
            }
            self.read(0, std::iter::once(token));
        }
        self.levels[0].log_probs = vec![0.0];
        self.visit(0, 0);
    }

    /// Lets the prefixes of a level read one token each.
    fn read(&mut self, depth: usize, tokens: impl Iterator<Item = u32>) {
        self.tokens.clear();
        self.tokens.extend(tokens);
        self.tokens.resize(self.tokens.len().next_multiple_of(TILE), 0);
        self.network.advance(Advance {
            tokens: &self.tokens,
            hidden: &mut self.levels[depth].hidden,
            from: 0,
            first: false,
            to: BLOCK,
            keep: None,
            inputs: &mut self.inputs,
        });
    }

    /// The outputs behind the prefixes of a level, the first of which has rank `first` among those of its length.
    fn visit(&mut self, depth: usize, first: usize) {
        let choices = self.network.shape.choices;
        let level = &mut self.levels[depth];
        let count = level.log_probs.len();
        let rows = count.next_multiple_of(TILE);
        let top = &level.hidden[self.network.shape.layers - 1];
        self.network.logits(top, BLOCK, rows, &mut level.logits, 0);
        self.network.set.run(Lengthen { level, softmax: &mut self.softmax, choices });
        if choices > self.symbols {
            let out = &mut self.out[self.starts[depth] + first..][..count];
            for (out, row) in out.iter_mut().zip(level.longer.chunks_exact(choices)) {
                *out = row[self.symbols];
            }
        }
        if depth + 1 == self.horizon {
            let out = &mut self.out[self.starts[self.horizon] + first * self.symbols..];
            for (out, row) in out.chunks_exact_mut(self.symbols).zip(level.longer.chunks_exact(choices)) {
                out.copy_from_slice(&row[..self.symbols]);
            }
            return;
        }
        let children = count * self.symbols;
        for start in (0..children).step_by(BLOCK) {
            let end = (start + BLOCK).min(children);
            self.descend(depth, start..end);
            self.visit(depth + 1, first * self.symbols + start);
        }
    }

    /// Makes the next level of some of the prefixes that are one symbol longer.
    fn descend(&mut self, depth: usize, children: std::ops::Range<usize>) {
        let (symbols, choices) = (self.symbols, self.network.shape.choices);
        let [parent, level] = &mut self.levels[depth..depth + 2] else { unreachable!("not the last level") };
        level.prepare(self.network, children.len());
        for (hidden, states) in level.hidden.iter_mut().zip(&parent.hidden) {
            for block in 0..hidden.data.len() / hidden.rows {
                let parents = states.rows(block, BLOCK, BLOCK);
                let rows = hidden.rows_mut(block, 0, children.len());
                for (row, child) in rows.iter_mut().zip(children.clone()) {
                    *row = parents[child / symbols];
                }
            }
        }
        level.log_probs.clear();
        let log_prob = |child: usize| parent.longer[child / symbols * choices + child % symbols];
        level.log_probs.extend(children.clone().map(log_prob));
        #[allow(clippy::cast_possible_truncation, reason = "a symbol is a token")]
        let symbol = |child: usize| (child % symbols) as u32;
        self.read(depth + 1, children.map(symbol));
    }
}

impl Level {
    /// Makes room for a block, and zeros of what stands before the last symbol.
    fn prepare(&mut self, network: &Network, count: usize) {
        if self.hidden.is_empty() {
            let shape = &network.shape;
            self.hidden = (0..shape.layers).map(|_| Matrix::new(shape.units(), 2 * BLOCK)).collect();
            self.logits = Matrix::new(blocks(shape.choices), BLOCK);
        }
        self.longer.resize(count * network.shape.choices, 0.0);
    }
}

/// Copies `rows` states.
fn copy_states(hidden: &mut Matrix, from: usize, to: usize, rows: usize) {
    for states in hidden.data.chunks_exact_mut(hidden.rows) {
        states.copy_within(from..from + rows, to);
    }
}

/// Adds the log-probabilities of all choices to those of the prefixes.
struct Lengthen<'a> {
    level: &'a mut Level,
    softmax: &'a mut Softmax,
    choices: usize,
}

impl Job for Lengthen<'_> {
    #[allow(clippy::inline_always, reason = "part of a kernel")]
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, _: S) {
        let Level { log_probs, logits, longer, .. } = self.level;
        for (tile, longer) in longer.chunks_mut(TILE * self.choices).enumerate() {
            self.softmax.fill(logits, tile * TILE);
            for (row, longer) in longer.chunks_exact_mut(self.choices).enumerate() {
                for (longer, log_prob) in longer.iter_mut().zip(self.softmax.log_probs(row)) {
                    *longer = log_probs[tile * TILE + row] + log_prob;
                }
            }
        }
    }
}
