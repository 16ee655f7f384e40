//! How far a distribution spreads: from its outputs, or by the chain rule from the rows of a finite-state model.

use pstar_core::data::Ending;

use crate::measures::entropy::entropy;
use crate::measures::length::expected_length;
use crate::sum::{finite, nonnegative};
use crate::{Accumulator, Distribution, LayeredAutomaton, OutputSpace};

/// Figures of all outputs, valid or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// H = −Σ q log q, in nats.
    pub entropy: f64,
    /// The expected number of tokens, an end symbol included.
    pub expected_length: f64,
}

impl Spread {
    /// Of a distribution, output by output.
    pub fn of_outputs(distribution: Distribution<'_>, space: OutputSpace) -> Self {
        Self { entropy: entropy(distribution), expected_length: expected_length(distribution, space) }
    }

    /// Of the outputs of a model: the entropy of each state's row, weighed by the chance to come by.
    ///
    /// # Range and cost
    /// All terms have one sign: right to some roundings. Time O(states · choices), however many outputs there are.
    pub fn of_rows(automaton: &LayeredAutomaton) -> Self {
        let space = automaton.space();
        let (mut entropy, mut length) = (Accumulator::default(), Accumulator::default());
        let (mut masses, mut next) = (vec![1.0], Vec::new());
        for position in 0..space.horizon {
            let rows = automaton.log_probs(position).chunks_exact(space.choices());
            let rows = rows.zip(automaton.probs(position).chunks_exact(space.choices()));
            let mut successors = automaton.successors(position).chunks_exact(space.symbols.max(1));
            next.clear();
            next.resize(
                if position + 1 < space.horizon { automaton.states(position + 1).len() } else { 0 },
                0.0,
            );
            for (&mass, (log_probs, probs)) in masses.iter().zip(rows) {
                let own: f64 = probs.iter().zip(log_probs).map(|(prob, log)| -prob * finite(*log)).sum();
                entropy.add(mass * own);
                length.add(mass);
                for (&successor, prob) in successors.next().into_iter().flatten().zip(probs) {
                    next[successor as usize] += mass * prob;
                }
            }
            std::mem::swap(&mut masses, &mut next);
        }
        let fixed = space.ending == Ending::FixedLength;
        let expected_length = if fixed { space.horizon as f64 } else { length.total() };
        Self { entropy: nonnegative(entropy.total()), expected_length }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Bigram, assert_close};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Against the sums over outputs, to roundings of as many as are added.
        #[test]
        fn equals_the_sums_over_outputs(
            weights in prop::collection::vec(prop_oneof![Just(0.0), 1e-12f64..1e-9, 0.01f64..1.0], 12),
            (symbols, horizon, ends) in (1usize..4, 1usize..6, any::<bool>()),
        ) {
            let ending = if ends { Ending::EndSymbol } else { Ending::FixedLength };
            let space = OutputSpace { symbols, horizon, ending };
            let rows: Vec<Vec<f64>> = (0..=symbols)
                .map(|row| {
                    let weights: Vec<f64> =
                        (0..space.choices()).map(|choice| weights[(3 * row + choice) % 12] + 1e-300).collect();
                    let total: f64 = weights.iter().sum();
                    weights.into_iter().map(|weight| weight / total).collect()
                })
                .collect();
            let model = Bigram::new(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let table = model.table(space);
            let Ok(automaton) = LayeredAutomaton::explore(&model, 0, space);
            let found = Spread::of_rows(&automaton);
            let expected = Spread::of_outputs(table.view(), space);
            assert_close(found.entropy, expected.entropy, 1e-12);
            assert_close(found.expected_length, expected.expected_length, 1e-12);
        }
    }

    #[test]
    fn a_long_horizon_has_a_closed_form() {
        let model = Bigram::new(&[&[0.75, 0.25], &[0.75, 0.25]]);
        let space = OutputSpace { symbols: 1, horizon: 2000, ending: Ending::EndSymbol };
        let Ok(automaton) = LayeredAutomaton::explore(&model, 0, space);
        let found = Spread::of_rows(&automaton);
        let own = -(0.75 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        assert_close(found.expected_length, 4.0, 1e-13);
        assert_close(found.entropy, 4.0 * own, 1e-13);
    }
}
