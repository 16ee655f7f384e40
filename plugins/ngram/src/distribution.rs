//! The distribution of an n-gram: softmax rows, and how sequences are scored by them.

use crate::contexts::{Contexts, to_index};
use crate::cumulative::Cumulative;
use pstar_core::author::FiniteStateView;
use pstar_core::data::{Ending, SequenceBatch};
use pstar_core::{Task, math, vectorised};

/// Rows that are normalised at once: what is worked out of them stays in the nearest cache.
const ROWS: usize = 64;

/// An n-gram distribution given by logits.
///
/// # Shapes
/// All rows: positions × contexts × choices, where `positions` is 1 for a position-independent model.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    pub(crate) contexts: Contexts,
    positions: usize,
    choices: usize,
    pub(crate) horizon: usize,
    pub(crate) end: Option<u32>,
    logits: Vec<f64>,
    pub(crate) log_probs: Vec<f64>,
    probs: Vec<f64>,
    /// Cumulative probabilities.
    pub(crate) sums: Cumulative,
    /// Room for work: where the rows begin that changed, and what is worked out of some of them.
    changed: Vec<usize>,
    shares: Vec<f64>,
    norms: Vec<f64>,
}

impl Distribution {
    /// The uniform distribution.
    pub(crate) fn uniform(contexts: Contexts, positions: usize, task: &Task) -> Self {
        let choices = task.choices();
        let values = positions * contexts.count() * choices;
        let mut distribution = Self {
            positions,
            choices,
            horizon: task.horizon,
            end: (task.ending == Ending::EndSymbol).then(|| task.alphabet.end()),
            logits: vec![0.0; values],
            log_probs: vec![0.0; values],
            probs: vec![0.0; values],
            sums: Cumulative::new(positions * contexts.count(), choices),
            changed: Vec::new(),
            shares: Vec::new(),
            norms: Vec::new(),
            contexts,
        };
        distribution.normalise();
        distribution
    }

    pub(crate) fn logits(&self) -> &[f64] {
        &self.logits
    }

    pub(crate) fn probs(&self) -> &[f64] {
        &self.probs
    }

    pub(crate) fn choices(&self) -> usize {
        self.choices
    }

    /// Replaces all logits; rows that stay as they are cost a comparison.
    pub(crate) fn set_logits(&mut self, logits: &[f64]) {
        let (own, k, changed) = (self.logits.as_mut_slice(), self.choices, &mut self.changed);
        vectorised!([own: &mut [f64] = own, new: &[f64] = logits, k: usize = k, changed: &mut Vec<usize> = changed] {
            for (number, (row, new)) in own.chunks_exact_mut(k).zip(new.chunks_exact(k)).enumerate() {
                let mut differs = 0;
                for (logit, new) in row.iter_mut().zip(new) {
                    differs |= logit.to_bits() ^ new.to_bits();
                    *logit = *new;
                }
                if differs != 0 {
                    changed.push(number * k);
                }
            }
        });
        self.normalise_changed();
    }

    /// Replaces logits through `change` and normalises.
    pub(crate) fn change_logits(&mut self, change: impl FnOnce(&mut [f64])) {
        change(&mut self.logits);
        self.normalise();
    }

    /// Works the probabilities of all rows out.
    fn normalise(&mut self) {
        self.changed = (0..self.logits.len()).step_by(self.choices).collect();
        self.normalise_changed();
    }

    /// Works the probabilities of the rows that changed out: of each [`math::log_softmax`] and its sums, stage by stage, so that
    /// exponentials and logarithms of many rows are had at once.
    fn normalise_changed(&mut self) {
        let mut changed = std::mem::take(&mut self.changed);
        for rows in changed.chunks(ROWS) {
            vectorised!([model: &mut Distribution = self, rows: &[usize] = rows] { model.normalise_rows(rows) });
        }
        changed.clear();
        self.changed = changed;
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn normalise_rows(&mut self, rows: &[usize]) {
        let Self { choices, shares, norms, logits, log_probs, probs, sums, .. } = self;
        let k = *choices;
        shares.resize(rows.len() * k, 0.0);
        norms.resize(rows.len(), 0.0);
        let mut logs: [f64; ROWS] = [1.0; ROWS];
        for ((&row, max), shares) in rows.iter().zip(&mut *norms).zip(shares.chunks_exact_mut(k)) {
            let logits = &logits[row..row + k];
            *max = logits.iter().fold(f64::NEG_INFINITY, |max, &logit| if logit > max { logit } else { max });
            // Where all are −∞ so is every difference.
            let from = if *max == f64::NEG_INFINITY { 0.0 } else { *max };
            for (share, logit) in shares.iter_mut().zip(logits) {
                *share = logit - from;
            }
        }
        math::exp_all(shares);
        for (log, shares) in logs.iter_mut().zip(shares.chunks_exact(k)) {
            *log = shares.iter().fold(0.0, |sum, share| sum + share);
        }
        math::ln_all(&mut logs[..rows.len()]);
        for (((&row, max), log), shares) in rows.iter().zip(&*norms).zip(logs).zip(shares.chunks_exact_mut(k))
        {
            let norm = if *max == f64::NEG_INFINITY { *max } else { max + log };
            let row = row..row + k;
            let values = log_probs[row.clone()].iter_mut().zip(&logits[row]).zip(shares);
            for ((log_prob, &logit), share) in values {
                let value = if logit == f64::NEG_INFINITY { logit } else { logit - norm };
                *log_prob = value;
                *share = value;
            }
        }
        math::exp_all(shares);
        for (&row, shares) in rows.iter().zip(shares.chunks_exact(k)) {
            for (prob, share) in probs[row..row + k].iter_mut().zip(shares) {
                *prob = *share;
            }
            sums.set(row / k, shares);
        }
    }

    /// The number of the row of a context at a position.
    #[inline]
    pub(crate) fn row_number(&self, position: usize, context: u64) -> usize {
        let table = if self.positions == 1 { 0 } else { position };
        table * self.contexts.count() + to_index(context)
    }

    /// Where the row of a context at a position starts.
    #[inline]
    pub(crate) fn row(&self, position: usize, context: u64) -> usize {
        self.row_number(position, context) * self.choices
    }

    /// What a row is conditioned on: its position, where that matters, and the symbols of its context.
    pub(crate) fn context_of(&self, row: usize) -> Option<(Option<usize>, Vec<u32>)> {
        let number = row / self.choices;
        let (position, context) = (number / self.contexts.count(), number % self.contexts.count());
        let position = (self.positions > 1).then_some(position);
        (row < self.logits.len()).then(|| (position, self.contexts.tokens(context as u64)))
    }

    /// Calls `visit(row, token, index)` for every token of the sequences of a batch that are `wanted`: the number of its row, the
    /// token, and its place in the flat buffer.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "what is done with a token is a few operations")]
    pub(crate) fn visit_tokens(
        &self,
        batch: &SequenceBatch<'_>,
        mut wanted: impl FnMut(usize) -> bool,
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let (mut index, mut starts) = (0, self.contexts.starts());
        for (i, (tokens, &prompt)) in batch.tokens().rows().zip(batch.prompt_of()).enumerate() {
            if !wanted(i) {
                index += tokens.len();
                continue;
            }
            let mut context = starts.of(prompt, batch.prompt(i));
            for (position, &token) in tokens.iter().enumerate() {
                visit(self.row_number(position, context), token as usize, index);
                context = self.contexts.advance(context, token);
                index += 1;
            }
        }
    }

    pub(crate) fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) {
        let of = |row: usize, token| self.log_probs[row * self.choices + token];
        self.visit_tokens(batch, |_| true, |row, token, index| log_probs[index] = of(row, token));
    }
}

impl FiniteStateView for Distribution {
    fn start(&self, prompt: &[u32]) -> u64 {
        self.contexts.start(prompt)
    }

    fn expand(&self, position: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]) {
        let symbols = self.choices - usize::from(self.end.is_some());
        for ((&state, log_probs), next) in
            states.iter().zip(log_probs.chunks_exact_mut(self.choices)).zip(next.chunks_exact_mut(symbols))
        {
            let row = self.row(position, state);
            log_probs.copy_from_slice(&self.log_probs[row..row + self.choices]);
            for (token, next) in (0..).zip(next) {
                *next = self.contexts.advance(state, token);
            }
        }
    }
}
