//! The sequences that count in a step.

use pstar_core::objective::ObjectiveBatch;
use std::ops::Range;

/// The sequences that count in a step, with their tokens' places among those of the batch.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Their numbers, and where their tokens are.
    pub rows: Vec<(usize, Range<usize>)>,
    /// What they amount to.
    pub counts: Counts,
}

/// What the sequences that count amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// N: sequences of the step, those that do not count included.
    pub step: f64,
    /// Sequences that count.
    pub rows: f64,
    /// Their tokens.
    pub tokens: f64,
    /// The longest of them.
    pub longest: f64,
    /// The horizon of the task; where there is none, the length of the longest sequence of the batch.
    pub horizon: f64,
}

impl Rows {
    /// Those of the groups that are updated now, by what holds of their number.
    pub fn of(batch: &ObjectiveBatch<'_>, counts_in: impl Fn(usize) -> bool) -> Self {
        let mut counts = Counts::default();
        let mut rows = Vec::with_capacity(batch.len());
        let mut start = 0;
        for g in 0..batch.groups() {
            let is_updated = batch.is_updated(g);
            for i in batch.group(g) {
                let tokens = start..start + batch.log_probs().row(i).len();
                start = tokens.end;
                let length = tokens.len() as f64;
                counts.horizon = counts.horizon.max(length);
                if !is_updated {
                    continue;
                }
                counts.step += 1.0;
                if counts_in(i) {
                    counts.rows += 1.0;
                    counts.tokens += length;
                    counts.longest = counts.longest.max(length);
                    rows.push((i, tokens));
                }
            }
        }
        counts.horizon = batch.horizon().map_or(counts.horizon, |horizon| horizon as f64);
        Self { rows, counts }
    }
}
