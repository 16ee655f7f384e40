//! The pattern as a deterministic automaton.

use pstar_core::PluginError;
use pstar_core::author::Recognizer;
use regex_automata::dfa::dense::{Builder, Config, DFA};
use regex_automata::dfa::{Automaton as _, StartKind};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use std::error::Error;
use std::sync::Arc;

/// Reads a response byte by byte. Clones share the table of transitions.
///
/// A state is that of the automaton behind the last byte. Its look-ahead of one byte, which `\z` and `$` need, ends
/// with a transition of its own for the end of the response.
#[derive(Clone)]
pub(crate) struct Automaton {
    dfa: Arc<DFA<Vec<u32>>>,
    start: StateID,
}

/// Why a pattern has no automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAutomaton {
    /// It needs too many states.
    TooLarge,
    /// It holds a Unicode word boundary (`\b` without `(?-u)`), which looks further than a byte.
    LooksFurther,
}

impl NoAutomaton {
    /// In words, with what would help.
    pub(crate) fn explain(self) -> PluginError {
        match self {
            Self::TooLarge => {
                let (table, sets) = (LARGEST_TABLE >> 20, LARGEST_SETS >> 20);
                let message = format!(
                    "the automaton of its `pattern` needs too many states: a table of more than {table} MiB, or more \
                     than {sets} MiB to build it"
                );
                let hint =
                    "use a pattern that remembers less: what it must remember at once multiplies the states";
                PluginError::config("pattern", message).with_hint(hint)
            }
            Self::LooksFurther => {
                let message =
                    "its `pattern` holds a Unicode word boundary, which no automaton can read byte by byte";
                let hint =
                    "write `(?-u:\\b)`, the word boundary of ASCII; in a RON file each backslash is doubled";
                PluginError::config("pattern", message).with_hint(hint)
            }
        }
    }
}

/// Bytes that the table of transitions may take, and those for the sets of positions in the pattern that it is built
/// from. A pattern of moderate length can need exponentially many states.
const LARGEST_TABLE: usize = 8 << 20;
const LARGEST_SETS: usize = 32 << 20;

/// The library's minimisation takes time that grows at least with the square of the number of states: for a thousand
/// a tenth of a second, or two seconds without optimisation. It hardly shrinks larger automata of usual patterns.
const MOST_STATES_TO_MINIMISE: usize = 1000;

impl Automaton {
    /// The automaton of a pattern that is anchored at both ends.
    ///
    /// Up to [`MOST_STATES_TO_MINIMISE`], responses with equal futures share a state. Beyond that some may not, and a
    /// state from which nothing can match may go unnoticed.
    ///
    /// # Errors
    /// If the pattern needs too many states, or looks further than a byte.
    pub(crate) fn new(pattern: &str) -> Result<Self, NoAutomaton> {
        let config = Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .accelerate(false)
            .dfa_size_limit(Some(LARGEST_TABLE))
            .determinize_size_limit(Some(LARGEST_SETS));
        let build = |config| {
            Builder::new().configure(config).build(pattern).map_err(|error| {
                // Errors with a cause are those of the automaton before this one, which has limits of its own.
                let too_large = error.is_size_limit_exceeded() || error.source().is_some();
                if too_large { NoAutomaton::TooLarge } else { NoAutomaton::LooksFurther }
            })
        };
        let mut dfa = build(config.clone())?;
        if states(&dfa) <= MOST_STATES_TO_MINIMISE {
            dfa = build(config.minimize(true))?;
        }
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::Yes));
        let start = start.map_err(|_| NoAutomaton::LooksFurther)?;
        Ok(Self { dfa: Arc::new(dfa), start })
    }

    fn alive(&self, state: StateID) -> Option<StateID> {
        (!self.dfa.is_dead_state(state)).then_some(state)
    }
}

/// How many states there are, or a few more.
fn states(dfa: &DFA<Vec<u32>>) -> usize {
    dfa.memory_usage() / (dfa.stride() * size_of::<StateID>())
}

impl Recognizer for Automaton {
    type State = StateID;

    fn start(&self) -> Option<StateID> {
        self.alive(self.start)
    }

    fn next(&self, state: &StateID, symbol: &str) -> Option<StateID> {
        self.alive(symbol.bytes().fold(*state, |state, byte| self.dfa.next_state(state, byte)))
    }

    fn accepts(&self, state: &StateID) -> bool {
        self.dfa.is_match_state(self.dfa.next_eoi_state(*state))
    }
}

#[cfg(test)]
mod tests;
