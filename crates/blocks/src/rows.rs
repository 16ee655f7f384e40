//! The sequences that count in a step.

use pstar_core::objective::ObjectiveBatch;
use std::ops::Range;

/// Tokens of a run: what is worked out of them stays in a processor's first cache.
const RUN: usize = 512;

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

/// Sequences whose tokens stand one behind the other, so that a loop can pass over all of them.
#[derive(Clone, Copy, Debug)]
pub struct Run<'r> {
    /// Their numbers, and where their tokens are among those of the batch.
    pub rows: &'r [(usize, Range<usize>)],
}

impl Run<'_> {
    /// Where all their tokens are among those of the batch.
    pub fn tokens(&self) -> Range<usize> {
        match self.rows {
            [] => 0..0,
            [(_, first), ..] => first.start..self.rows[self.rows.len() - 1].1.end,
        }
    }

    /// The number of each sequence, and where its tokens are among those of the run.
    pub fn sequences(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let start = self.tokens().start;
        self.rows.iter().map(move |(i, tokens)| (*i, tokens.start - start..tokens.end - start))
    }
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

    /// Their runs, in order: a few hundred tokens each, or one sequence that is longer.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        let mut rest = &self.rows[..];
        std::iter::from_fn(move || {
            let start = rest.first()?.1.start;
            let goes_on = |pair: &[(usize, Range<usize>)]| {
                pair[0].1.end == pair[1].1.start && pair[1].1.end <= start + RUN
            };
            let count = 1 + rest.windows(2).take_while(|pair| goes_on(pair)).count();
            let (rows, others) = rest.split_at(count);
            rest = others;
            Some(Run { rows })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sequence is in one run, in its order; runs end where tokens do not adjoin, and before they are too long.
    #[test]
    fn runs_hold_every_sequence_once() {
        let lengths = [3, 0, 500, 12, 0, 2000, 1, 600, 511, 1, 1];
        let mut start = 0;
        let mut rows = Vec::new();
        for (i, length) in lengths.into_iter().enumerate() {
            // Sequence 8 does not count.
            if i != 8 {
                rows.push((i, start..start + length));
            }
            start += length;
        }
        let rows = Rows { rows, counts: Counts::default() };
        let runs: Vec<Vec<usize>> =
            rows.runs().map(|run| run.rows.iter().map(|(i, _)| *i).collect()).collect();
        assert_eq!(runs, [vec![0, 1, 2], vec![3, 4], vec![5], vec![6], vec![7], vec![9, 10]]);
        let second = rows.runs().nth(1).unwrap();
        assert_eq!(second.tokens(), 503..515);
        assert_eq!(second.sequences().collect::<Vec<_>>(), [(3, 0..12), (4, 12..12)]);
        assert_eq!(Run { rows: &[] }.tokens(), 0..0);
    }
}
