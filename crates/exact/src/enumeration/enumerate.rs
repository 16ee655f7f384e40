//! The probability of every output, by one walk that shares prefixes.
//!
//! Checked against the product of each output's own factors, and by its total mass.

use pstar_core::data::Ending;
use pstar_core::{math, vectorised};

use crate::{Distribution, LayeredAutomaton};

/// Log-probabilities and probabilities of all outputs in canonical order.
///
/// It keeps the memory of the walk, so that filling it again allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct OutputTable {
    /// Log-probability of every output; −∞ iff one of its factors is zero.
    pub log_probs: Vec<f64>,
    /// Probability of every output; may underflow to 0.
    pub probs: Vec<f64>,
    pub(super) level: Prefixes,
    pub(super) next_level: Prefixes,
}

impl OutputTable {
    /// The table with these log-probabilities.
    pub fn from_log_probs(log_probs: Vec<f64>) -> Self {
        let mut probs = log_probs.clone();
        math::exp_all(&mut probs);
        Self { log_probs, probs, ..Self::default() }
    }

    /// Makes it the table of some outputs of another.
    ///
    /// # Panics
    /// If the other has no such outputs.
    pub fn gather(&mut self, all: Distribution<'_>, indices: &[u32]) {
        self.log_probs.clear();
        self.log_probs.extend(indices.iter().map(|&index| all.log_probs[index as usize]));
        self.probs.clear();
        self.probs.extend(indices.iter().map(|&index| all.probs[index as usize]));
    }

    /// The distribution that the table holds.
    pub fn view(&self) -> Distribution<'_> {
        Distribution { log_probs: &self.log_probs, probs: &self.probs }
    }
}

/// Tables are equal when their numbers are; the memory of the walk is no part of them.
impl PartialEq for OutputTable {
    fn eq(&self, other: &Self) -> bool {
        self.log_probs == other.log_probs && self.probs == other.probs
    }
}

/// All strings of one length in lexicographic order, with the number of the state that each leads to.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes {
    pub(super) log_probs: Vec<f64>,
    pub(super) probs: Vec<f64>,
    pub(super) states: Vec<u32>,
}

/// The rows of one position, states × choices, of which the first `symbols` extend a prefix.
struct Rows<'a> {
    log_probs: &'a [f64],
    probs: &'a [f64],
    choices: usize,
    symbols: usize,
}

/// Fills `table` with every output of the automaton's space.
///
/// Level by level: the prefixes of length L+1 are those of length L times a row each, and the last level goes
/// straight into the table. Every output costs one multiplication and one addition; no exponential.
///
/// # Range and cost
/// Time O(outputs). Memory: 16 bytes an output, and 20 a prefix of length T−1, kept for the next call.
///
/// # Panics
/// If the number of outputs does not fit in memory.
pub fn enumerate(automaton: &LayeredAutomaton, table: &mut OutputTable) {
    vectorised!([automaton: &LayeredAutomaton = automaton, table: &mut OutputTable = table] { fill(automaton, table) });
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn fill(automaton: &LayeredAutomaton, table: &mut OutputTable) {
    let space = automaton.space();
    let count = space.count().and_then(|count| usize::try_from(count).ok());
    let count = count.expect("the outputs of an enumerated space can be counted");
    let OutputTable { log_probs, probs, level, next_level } = table;
    log_probs.resize(count, 0.0);
    probs.resize(count, 0.0);
    level.set_to_empty_string();
    let mut written = 0;
    for position in 0..space.horizon {
        let rows = Rows {
            log_probs: automaton.log_probs(position),
            probs: automaton.probs(position),
            choices: space.choices(),
            symbols: space.symbols,
        };
        if space.ending == Ending::EndSymbol {
            let end = written + level.states.len();
            level.end(&rows, &mut log_probs[written..end], &mut probs[written..end]);
            written = end;
        }
        if position + 1 == space.horizon {
            level.extend(&rows, &mut log_probs[written..], &mut probs[written..]);
        } else {
            level.extend_into(&rows, automaton.successors(position), next_level);
            std::mem::swap(level, next_level);
        }
    }
}

impl Prefixes {
    pub(super) fn set_to_empty_string(&mut self) {
        self.resize(1);
        self.log_probs[0] = 0.0;
        self.probs[0] = 1.0;
        self.states[0] = 0;
    }

    pub(super) fn clear(&mut self) {
        self.resize(0);
    }

    fn resize(&mut self, len: usize) {
        self.log_probs.resize(len, 0.0);
        self.probs.resize(len, 0.0);
        self.states.resize(len, 0);
    }

    /// Writes the prefixes themselves as outputs, each with the factor of the end symbol.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn end(&self, rows: &Rows<'_>, log_probs: &mut [f64], probs: &mut [f64]) {
        for (i, &state) in self.states.iter().enumerate() {
            let end = state as usize * rows.choices + rows.symbols;
            log_probs[i] = self.log_probs[i] + rows.log_probs[end];
            probs[i] = self.probs[i] * rows.probs[end];
        }
    }

    /// Makes `next` the prefixes that are one symbol longer.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn extend_into(&self, rows: &Rows<'_>, successors: &[u32], next: &mut Self) {
        let symbols = rows.symbols;
        next.resize(self.states.len() * symbols);
        self.extend(rows, &mut next.log_probs, &mut next.probs);
        for (next, &state) in next.states.chunks_exact_mut(symbols).zip(&self.states) {
            next.copy_from_slice(&successors[state as usize * symbols..][..symbols]);
        }
    }

    /// Writes every prefix followed by every symbol.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn extend(&self, rows: &Rows<'_>, log_probs: &mut [f64], probs: &mut [f64]) {
        let prefixes = self.log_probs.iter().zip(&self.probs).zip(&self.states);
        let longer = log_probs.chunks_exact_mut(rows.symbols).zip(probs.chunks_exact_mut(rows.symbols));
        for (((&log_prob, &prob), &state), (log_probs, probs)) in prefixes.zip(longer) {
            let row = state as usize * rows.choices;
            for (longer, &factor) in log_probs.iter_mut().zip(&rows.log_probs[row..row + rows.symbols]) {
                *longer = log_prob + factor;
            }
            for (longer, &factor) in probs.iter_mut().zip(&rows.probs[row..row + rows.symbols]) {
                *longer = prob * factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::OutputSpace;
    use crate::testing::{Bigram, assert_close, sum};

    /// Every output against the product of its own factors, and the total mass against 1.
    fn check(model: &Bigram, space: OutputSpace) {
        let table = model.table(space);
        assert_eq!(table.log_probs.len() as u64, space.count().unwrap());
        let mut tokens = Vec::new();
        for (index, (&log_prob, &prob)) in table.log_probs.iter().zip(&table.probs).enumerate() {
            space.tokens(index as u64, &mut tokens);
            let factors = model.factors(&tokens);
            assert_close(prob, factors.iter().product(), 1e-14);
            assert_close(log_prob, factors.iter().map(|factor| factor.ln()).sum(), 1e-13);
            assert_eq!(log_prob == f64::NEG_INFINITY, factors.contains(&0.0));
        }
        assert_close(sum(table.probs), 1.0, 1e-14);
    }

    #[test]
    fn both_endings_with_zeros_and_a_horizon_of_one() {
        for horizon in 1..6 {
            let ended = Bigram::new(&[&[0.5, 0.3, 0.2], &[0.0, 0.9, 0.1], &[0.35, 0.65, 0.0]]);
            check(&ended, OutputSpace { symbols: 2, horizon, ending: Ending::EndSymbol });
            let fixed = Bigram::new(&[&[0.4, 0.6], &[1.0, 0.0], &[0.35, 0.65]]);
            check(&fixed, OutputSpace { symbols: 2, horizon, ending: Ending::FixedLength });
        }
    }

    #[test]
    fn one_symbol_and_a_long_horizon() {
        let model = Bigram::new(&[&[0.25, 0.75], &[0.5, 0.5]]);
        check(&model, OutputSpace { symbols: 1, horizon: 9, ending: Ending::EndSymbol });
        check(
            &Bigram::new(&[&[1.0], &[1.0]]),
            OutputSpace { symbols: 1, horizon: 4, ending: Ending::FixedLength },
        );
        let long = model.table(OutputSpace { symbols: 1, horizon: 1_000_000, ending: Ending::EndSymbol });
        assert_close(sum(long.probs.iter().copied()), 1.0, 1e-14);
        // The probability underflows, its logarithm does not: the output stays in the support.
        let (last, half) = (long.probs.len() - 1, 0.5f64.ln());
        assert!(long.probs[last] < f64::MIN_POSITIVE);
        assert_close(long.log_probs[last] / (0.25f64.ln() + 999_999.0 * half), 1.0, 1e-9);
    }

    #[test]
    fn filling_a_table_again_changes_nothing() {
        let model = Bigram::new(&[&[0.5, 0.3, 0.2], &[0.1, 0.8, 0.1], &[0.35, 0.4, 0.25]]);
        let large = OutputSpace { symbols: 2, horizon: 7, ending: Ending::EndSymbol };
        let small = OutputSpace { horizon: 3, ..large };
        let mut table = model.table(large);
        let Ok(automaton) = LayeredAutomaton::explore(&model, 0, small);
        enumerate(&automaton, &mut table);
        assert_eq!(table, model.table(small));
    }

    proptest! {
        #[test]
        fn equals_the_product_of_factors(
            weights in prop::collection::vec(0.01f64..1.0, 16),
            horizon in 1usize..5,
            ends in any::<bool>(),
        ) {
            let ending = if ends { Ending::EndSymbol } else { Ending::FixedLength };
            let space = OutputSpace { symbols: 3, horizon, ending };
            let rows: Vec<Vec<f64>> = weights
                .chunks(4)
                .map(|row| {
                    let row = &row[..space.choices()];
                    let total: f64 = row.iter().sum();
                    row.iter().map(|weight| weight / total).collect()
                })
                .collect();
            check(&Bigram::new(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>()), space);
        }
    }
}
