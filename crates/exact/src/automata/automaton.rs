//! A finite-state model unrolled over the positions of an output.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use pstar_core::math;

use crate::OutputSpace;

/// A model whose next-choice distribution depends on the position and on a state only.
pub trait FiniteState {
    /// Why a state could not be expanded.
    type Error;

    /// Writes, for every state, the log-probabilities of its choices and the states that its symbols lead to.
    ///
    /// A state and where it leads must not depend on the model's parameters, nor on the position where products are
    /// explored; log-probabilities may depend on both.
    ///
    /// # Shapes
    /// `log_probs`: states × choices (symbols, then the end symbol if there is one), each −∞ or a number of at
    /// most 0, every row normalised. `next`: states × symbols; it is ignored at the last position.
    ///
    /// # Errors
    /// Whatever keeps the model from answering.
    fn expand(
        &self,
        position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), Self::Error>;
}

/// The states that a model can be in at each position, with their rows and transitions.
///
/// States are numbered within their position, breadth first, in the order of first arrival: a function of the
/// model alone. Transitions of probability zero are followed too, since parameters may change.
#[derive(Clone, Debug, PartialEq)]
pub struct LayeredAutomaton {
    space: OutputSpace,
    /// The model's own states, position after position.
    states: Vec<u64>,
    /// Where each position's states begin; horizon + 1 entries.
    layers: Vec<usize>,
    /// States × choices.
    log_probs: Vec<f64>,
    /// States × choices.
    probs: Vec<f64>,
    /// States × symbols, without the last position.
    successors: Vec<u32>,
}

impl LayeredAutomaton {
    /// Explores `model` from `start`.
    ///
    /// # Range and cost
    /// One hash look-up a transition, one exponential a row entry; memory in proportion.
    ///
    /// # Errors
    /// The model's own.
    ///
    /// # Panics
    /// If a position has more than 2^32 states.
    pub fn explore<M: FiniteState>(model: &M, start: u64, space: OutputSpace) -> Result<Self, M::Error> {
        let mut automaton = Self {
            space,
            states: vec![start],
            layers: vec![0],
            log_probs: Vec::new(),
            probs: Vec::new(),
            successors: Vec::new(),
        };
        let mut next = Vec::new();
        let mut numbers = HashMap::new();
        for position in 0..space.horizon {
            let first = automaton.layers[position];
            let end = automaton.states.len();
            automaton.layers.push(end);
            automaton.log_probs.resize(end * space.choices(), 0.0);
            next.resize((end - first) * space.symbols, 0);
            let rows = &mut automaton.log_probs[first * space.choices()..];
            model.expand(position, &automaton.states[first..end], rows, &mut next)?;
            if position + 1 < space.horizon {
                automaton.add_layer(&next, &mut numbers);
            }
        }
        automaton.exponentiate();
        Ok(automaton)
    }

    /// Asks `model` for its rows again, for parameters that have changed.
    ///
    /// # Errors
    /// The model's own; the rows are then partly old, partly new.
    pub fn refresh<M: FiniteState>(&mut self, model: &M) -> Result<(), M::Error> {
        let choices = self.space.choices();
        let mut next = Vec::new();
        for position in 0..self.space.horizon {
            let (first, end) = (self.layers[position], self.layers[position + 1]);
            next.resize((end - first) * self.space.symbols, 0);
            let rows = &mut self.log_probs[first * choices..end * choices];
            model.expand(position, &self.states[first..end], rows, &mut next)?;
        }
        self.exponentiate();
        Ok(())
    }

    /// The space of outputs that it was explored for.
    pub fn space(&self) -> OutputSpace {
        self.space
    }

    /// The model's states at a position, in the order of their numbers.
    pub fn states(&self, position: usize) -> &[u64] {
        &self.states[self.layers[position]..self.layers[position + 1]]
    }

    /// Log-probabilities at a position: states × choices.
    pub fn log_probs(&self, position: usize) -> &[f64] {
        let choices = self.space.choices();
        &self.log_probs[self.layers[position] * choices..self.layers[position + 1] * choices]
    }

    /// Probabilities at a position: states × choices.
    pub fn probs(&self, position: usize) -> &[f64] {
        let choices = self.space.choices();
        &self.probs[self.layers[position] * choices..self.layers[position + 1] * choices]
    }

    /// Numbers, at the next position, of the states that symbols lead to: states × symbols.
    ///
    /// Empty at the last position, where an output ends.
    pub fn successors(&self, position: usize) -> &[u32] {
        if position + 1 == self.space.horizon {
            return &[];
        }
        let symbols = self.space.symbols;
        &self.successors[self.layers[position] * symbols..self.layers[position + 1] * symbols]
    }

    fn add_layer(&mut self, arrivals: &[u64], numbers: &mut HashMap<u64, u32>) {
        let first = self.states.len();
        numbers.clear();
        for &state in arrivals {
            let number = match numbers.entry(state) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    let number = u32::try_from(self.states.len() - first).expect("fewer than 2^32 states");
                    self.states.push(state);
                    *new.insert(number)
                }
            };
            self.successors.push(number);
        }
    }

    fn exponentiate(&mut self) {
        self.probs.clear();
        self.probs.extend(&self.log_probs);
        math::exp_all(&mut self.probs);
    }
}

#[cfg(test)]
mod tests {
    use pstar_core::data::Ending;

    use super::*;
    use crate::testing::{Bigram, Failing, assert_close};

    const SPACE: OutputSpace = OutputSpace { symbols: 2, horizon: 3, ending: Ending::EndSymbol };

    fn bigram(last: f64) -> Bigram {
        Bigram::new(&[&[0.5, 0.3, 0.2], &[0.0, 0.9, 0.1], &[1.0 - last, 0.0, last]])
    }

    #[test]
    fn states_are_numbered_in_order_of_arrival_and_merged() {
        let automaton = LayeredAutomaton::explore(&bigram(0.25), 0, SPACE).unwrap();
        assert_eq!(automaton.states(0), [0]);
        assert_eq!(automaton.states(1), [1, 2]);
        assert_eq!(automaton.states(2), [1, 2], "an edge of probability zero is followed too");
        assert_eq!(automaton.successors(0), [0, 1]);
        assert_eq!(automaton.successors(1), [0, 1, 0, 1]);
        assert!(automaton.successors(2).is_empty());
        assert_eq!(automaton.probs(1).len(), 6);
        assert!((automaton.probs(0)[1] - 0.3).abs() < 1e-15);
        assert_close(automaton.log_probs(1)[0], f64::NEG_INFINITY, 0.0);
    }

    #[test]
    fn refreshing_equals_exploring_afresh() {
        let mut automaton = LayeredAutomaton::explore(&bigram(0.25), 0, SPACE).unwrap();
        automaton.refresh(&bigram(0.5)).unwrap();
        assert_eq!(automaton, LayeredAutomaton::explore(&bigram(0.5), 0, SPACE).unwrap());
    }

    #[test]
    fn the_models_error_comes_back() {
        assert_eq!(LayeredAutomaton::explore(&Failing, 0, SPACE), Err("refused"));
    }
}
