//! The log-probabilities of all outputs, by a walk that shares prefixes.
//!
//! Depth first over blocks of prefixes of one length, so that memory grows with the length and not with the number of
//! outputs. Checked against scoring every output from its start.

use crate::block::{Matrix, TILE, blocks};
use crate::network::{Network, Shape};
use crate::simd::{Job, Simd};
use crate::softmax::Softmax;

/// A walk over the outputs to one prompt.
pub(crate) struct OutputWalk<'a, N: Network> {
    network: &'a N,
    /// V.
    symbols: usize,
    /// T.
    horizon: usize,
    /// Where the outputs of each length begin: 0, 1, 1 + V, …
    starts: Vec<usize>,
    levels: Vec<Level<N::Prefixes>>,
    softmax: Softmax,
    out: &'a mut [f64],
}

/// A block of prefixes of one length.
#[derive(Default)]
struct Level<P> {
    prefixes: P,
    /// Log-probability of each prefix.
    log_probs: Vec<f64>,
    logits: Matrix,
    /// Log-probability of each prefix and choice, prefixes × choices.
    longer: Vec<f64>,
}

impl<'a, N: Network> OutputWalk<'a, N> {
    /// A walk that writes to `out`, which has one place for each output; `None` if it has not.
    pub(crate) fn new(network: &'a N, symbols: usize, horizon: usize, out: &'a mut [f64]) -> Option<Self> {
        let ends = network.shape().choices() > symbols;
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
        let softmax = Softmax::new(network.shape().choices());
        Some(Self { network, symbols, horizon, starts, levels, softmax, out })
    }

    /// Walks over the outputs behind the tokens of `lead`, the boundary first.
    pub(crate) fn run(&mut self, lead: &[u32]) {
        let Level { prefixes, log_probs, .. } = &mut self.levels[0];
        self.network.begin(prefixes, lead);
        *log_probs = vec![0.0];
        self.visit(0, 0);
    }

    /// The outputs behind the prefixes of a level, the first of which has rank `first` among those of its length.
    fn visit(&mut self, depth: usize, first: usize) {
        let choices = self.network.shape().choices();
        let level = &mut self.levels[depth];
        let Level { prefixes, log_probs, logits, longer } = level;
        let count = log_probs.len();
        longer.resize(count * choices, 0.0);
        logits.reshape(blocks(choices), N::PREFIXES);
        self.network.logits(prefixes, count.next_multiple_of(TILE), logits);
        self.network.set().run(Lengthen { log_probs, logits, longer, softmax: &mut self.softmax, choices });
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
        for start in (0..children).step_by(N::PREFIXES) {
            let end = (start + N::PREFIXES).min(children);
            self.descend(depth, start..end);
            self.visit(depth + 1, first * self.symbols + start);
        }
    }

    /// Makes the next level of some of the prefixes that are one symbol longer.
    fn descend(&mut self, depth: usize, children: std::ops::Range<usize>) {
        let (symbols, choices) = (self.symbols, self.network.shape().choices());
        let [parent, level] = &mut self.levels[depth..depth + 2] else { unreachable!("not the last level") };
        #[allow(clippy::cast_possible_truncation, reason = "a symbol is a token")]
        let longer = children.clone().map(|child| (child / symbols, (child % symbols) as u32));
        self.network.lengthen(&parent.prefixes, &mut level.prefixes, longer);
        level.log_probs.clear();
        let log_prob = |child: usize| parent.longer[child / symbols * choices + child % symbols];
        level.log_probs.extend(children.map(log_prob));
    }
}

/// Adds the log-probabilities of all choices to those of the prefixes.
struct Lengthen<'a> {
    log_probs: &'a [f64],
    logits: &'a Matrix,
    /// Prefixes × choices.
    longer: &'a mut [f64],
    softmax: &'a mut Softmax,
    choices: usize,
}

impl Job for Lengthen<'_> {
    #[allow(clippy::inline_always, reason = "part of a kernel")]
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, _: S) {
        let Self { log_probs, logits, longer, .. } = self;
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
