//! Small models whose figures can be had by other means.

use std::convert::Infallible;

use pstar_core::data::Ending;

use crate::{
    Accumulator, Distribution, FiniteState, LayeredAutomaton, OutputSpace, OutputTable, ValidSet, enumerate,
};

/// A bigram model from explicit probabilities: row 0 is the start, row 1 + k follows symbol k.
pub(crate) struct Bigram {
    rows: Vec<Vec<f64>>,
}

impl Bigram {
    pub(crate) fn new(rows: &[&[f64]]) -> Self {
        Self { rows: rows.iter().map(|row| row.to_vec()).collect() }
    }

    /// The probability of the tokens: factor by factor, straight from the definition.
    pub(crate) fn factors(&self, tokens: &[u32]) -> Vec<f64> {
        let mut row = 0;
        tokens
            .iter()
            .map(|&token| {
                let factor = self.rows[row][token as usize];
                row = 1 + token as usize;
                factor
            })
            .collect()
    }

    pub(crate) fn table(&self, space: OutputSpace) -> OutputTable {
        let Ok(automaton) = LayeredAutomaton::explore(self, 0, space);
        let mut table = OutputTable::default();
        enumerate(&automaton, &mut table);
        table
    }
}

impl FiniteState for Bigram {
    type Error = Infallible;

    fn expand(
        &self,
        _position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), Infallible> {
        let choices = self.rows[0].len();
        let symbols = self.rows.len() - 1;
        for (i, &state) in states.iter().enumerate() {
            let row = &self.rows[usize::try_from(state).unwrap()];
            for (log_prob, &prob) in log_probs[i * choices..].iter_mut().zip(row) {
                *log_prob = pstar_core::math::ln(prob);
            }
            for symbol in 0..symbols {
                next[i * symbols + symbol] = symbol as u64 + 1;
            }
        }
        Ok(())
    }
}

/// A model that answers nothing.
pub(crate) struct Failing;

impl FiniteState for Failing {
    type Error = &'static str;

    fn expand(&self, _: usize, _: &[u64], _: &mut [f64], _: &mut [u64]) -> Result<(), Self::Error> {
        Err("refused")
    }
}

/// A base over an enumerated space with its valid outputs.
pub(crate) struct Case {
    pub(crate) space: OutputSpace,
    pub(crate) base: OutputTable,
    pub(crate) valid: ValidSet,
}

impl Case {
    pub(crate) fn new(model: &Bigram, space: OutputSpace, accepts: impl Fn(&[u32]) -> bool) -> Self {
        let base = model.table(space);
        let mut tokens = Vec::new();
        let mask = (0..space.count().unwrap())
            .map(|index| {
                space.tokens(index, &mut tokens);
                accepts(&tokens)
            })
            .collect();
        Self { space, base, valid: ValidSet::new(mask) }
    }

    pub(crate) fn base(&self) -> Distribution<'_> {
        self.base.view()
    }
}

/// Palindromes of 8 symbols under a bigram that likes to repeat its second symbol.
pub(crate) fn toy_e() -> Case {
    let model = Bigram::new(&[&[0.5, 0.5], &[0.5, 0.5], &[0.2, 0.8]]);
    let space = OutputSpace { symbols: 2, horizon: 8, ending: Ending::FixedLength };
    Case::new(&model, space, |tokens| tokens.iter().eq(tokens.iter().rev()))
}

/// Strings of 5 symbols with an even number of the first one.
pub(crate) fn toy_c() -> Case {
    let model = Bigram::new(&[&[0.3, 0.7], &[0.75, 0.25], &[0.25, 0.75]]);
    let space = OutputSpace { symbols: 2, horizon: 5, ending: Ending::FixedLength };
    Case::new(&model, space, |tokens| tokens.iter().filter(|&&token| token == 0).count() % 2 == 0)
}

/// A table from probabilities; zeros allowed.
pub(crate) fn table(probs: &[f64]) -> OutputTable {
    OutputTable::from_log_probs(probs.iter().map(|&p| pstar_core::math::ln(p)).collect())
}

/// Asserts that two numbers differ by at most `tolerance`, or are the same infinity.
#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64) {
    let same_infinity = found.is_infinite() && found.total_cmp(&expected).is_eq();
    assert!(
        same_infinity || (found - expected).abs() <= tolerance,
        "found {found}, expected {expected} within {tolerance}"
    );
}

/// Compensated sum of the terms.
pub(crate) fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let mut accumulator = Accumulator::default();
    for term in terms {
        accumulator.add(term);
    }
    accumulator.total()
}
