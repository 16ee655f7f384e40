//! Estimating an n-gram from a corpus.
//!
//! Every response is counted behind n−1 `^` and its prompt, which is read but not predicted; with
//! [`Ending::EndSymbol`] a `$` follows. Independent check: tables worked out in exact fractions.

use crate::config::Smoothing;
use crate::contexts::Contexts;
use pstar_core::corpus::Entry;
use pstar_core::data::Ending;
use pstar_core::{PluginError, Task};
use std::collections::BTreeMap;

/// For each context that was met, how often each choice followed.
type Rows = BTreeMap<Vec<u32>, Vec<f64>>;

/// The counts of a corpus.
pub(crate) struct Counts {
    rows: Rows,
    /// Number of symbols in a context.
    length: usize,
    choices: usize,
    boundary: u32,
    ends: bool,
    /// The symbols of one entry.
    text: Vec<u32>,
}

impl Counts {
    /// None yet, of contexts of `length` symbols.
    pub(crate) fn new(length: usize, task: &Task) -> Self {
        let (choices, boundary) = (task.choices(), task.alphabet.end());
        let ends = task.ending == Ending::EndSymbol;
        Self { rows: Rows::new(), length, choices, boundary, ends, text: Vec::new() }
    }

    /// Counts an entry.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let Self { rows, length, choices, boundary, ends, text } = self;
        text.clear();
        text.resize(*length, *boundary);
        text.extend(&entry.prompt);
        let first = text.len();
        text.extend(&entry.response);
        text.extend(ends.then_some(*boundary));
        for t in first..text.len() {
            let (context, token) = (&text[t - *length..t], text[t] as usize);
            if let Some(row) = rows.get_mut(context) {
                row[token] += 1.0;
            } else {
                let mut row = vec![0.0; *choices];
                row[token] = 1.0;
                rows.insert(context.to_vec(), row);
            }
        }
    }
}

/// The probabilities of every context: contexts × choices.
pub(crate) fn estimate(
    counts: Counts,
    contexts: &Contexts,
    smoothing: Smoothing,
    task: &Task,
) -> Result<Vec<f64>, PluginError> {
    let choices = task.choices();
    let counts = counts.rows;
    let mut probs = Vec::with_capacity(contexts.count() * choices);
    let every_context = (0..contexts.count() as u64).map(|context| contexts.tokens(context));
    match smoothing {
        Smoothing::AddK { k } => {
            if !(k >= 0.0 && k.is_finite()) {
                let message = format!("`k` must be a number of at least 0, found `{k}`");
                return Err(PluginError::config("k", message));
            }
            every_context.for_each(|context| probs.extend(add_k(counts.get(&context), k, choices)));
        }
        Smoothing::KneserNey { discount } => {
            if !(0.0..=1.0).contains(&discount) {
                let message = format!("`discount` must be in [0, 1], found `{discount}`");
                return Err(PluginError::config("discount", message));
            }
            let model = KneserNey::new(counts, contexts.length(), discount, choices);
            every_context.for_each(|context| probs.extend(model.row(&context)));
        }
    }
    Ok(probs)
}

/// (c(h, w) + k) / (c(h) + kK); uniform where that is 0/0.
fn add_k(counts: Option<&Vec<f64>>, k: f64, choices: usize) -> Vec<f64> {
    let total = counts.map_or(0.0, |row| row.iter().sum()) + k * choices as f64;
    if total == 0.0 {
        return vec![1.0 / choices as f64; choices];
    }
    (0..choices).map(|w| (counts.map_or(0.0, |row| row[w]) + k) / total).collect()
}

/// Interpolated Kneser–Ney with one discount for all orders.
///
/// # Source
/// Kneser and Ney (1995), *Improved backing-off for M-gram language modeling*; interpolated as in Chen and
/// Goodman (1999), *An empirical study of smoothing techniques for language modeling*.
struct KneserNey {
    /// Rows by number of symbols in the context: raw at the top, numbers of distinct predecessors below.
    levels: Vec<Rows>,
    discount: f64,
    choices: usize,
}

impl KneserNey {
    fn new(top: Rows, length: usize, discount: f64, choices: usize) -> Self {
        let mut levels = vec![top];
        for _ in 0..length {
            let mut below = Rows::new();
            for (context, row) in &levels[levels.len() - 1] {
                let shorter = below.entry(context[1..].to_vec()).or_insert_with(|| vec![0.0; choices]);
                for (distinct, &c) in shorter.iter_mut().zip(row) {
                    *distinct += f64::from(c > 0.0);
                }
            }
            levels.push(below);
        }
        levels.reverse();
        Self { levels, discount, choices }
    }

    fn row(&self, context: &[u32]) -> Vec<f64> {
        let mut row = vec![1.0 / self.choices as f64; self.choices];
        for (length, level) in self.levels.iter().enumerate() {
            let Some(counts) = level.get(&context[context.len() - length..]) else { continue };
            let total: f64 = counts.iter().sum();
            let freed: f64 = counts.iter().map(|c| c.min(self.discount)).sum();
            for (p, c) in row.iter_mut().zip(counts) {
                *p = (c - self.discount).max(0.0) / total + freed / total * *p;
            }
        }
        row
    }
}

#[cfg(test)]
mod tests;
