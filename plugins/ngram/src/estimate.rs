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
type Counts = BTreeMap<Vec<u32>, Vec<f64>>;

/// The probabilities of every context: contexts × choices.
pub(crate) fn estimate(
    entries: &[Entry],
    contexts: &Contexts,
    smoothing: Smoothing,
    task: &Task,
) -> Result<Vec<f64>, PluginError> {
    let choices = task.choices();
    let counts = count(entries, contexts.length(), task);
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

fn count(entries: &[Entry], length: usize, task: &Task) -> Counts {
    let mut counts = Counts::new();
    let boundary = task.alphabet.end();
    for entry in entries {
        let mut text = vec![boundary; length];
        text.extend(&entry.prompt);
        let first = text.len();
        text.extend(&entry.response);
        if task.ending == Ending::EndSymbol {
            text.push(boundary);
        }
        for t in first..text.len() {
            let context = text[t - length..t].to_vec();
            let row = counts.entry(context).or_insert_with(|| vec![0.0; task.choices()]);
            row[text[t] as usize] += 1.0;
        }
    }
    counts
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
    /// Counts by number of symbols in the context: raw at the top, numbers of distinct predecessors below.
    levels: Vec<Counts>,
    discount: f64,
    choices: usize,
}

impl KneserNey {
    fn new(top: Counts, length: usize, discount: f64, choices: usize) -> Self {
        let mut levels = vec![top];
        for _ in 0..length {
            let mut below = Counts::new();
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
