//! Why an automaton could not be explored.

use std::fmt;

use thiserror::Error;

/// What was being explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explored {
    /// The verifier alone.
    Verifier,
    /// Base, policy and verifier together.
    Product,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verifier => "the verifier",
            Self::Product => "the product of models and verifier",
        })
    }
}

/// Why an automaton could not be explored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExploreError<E> {
    /// A component failed.
    #[error("a component failed")]
    Component(E),
    /// There are too many states.
    #[error("{explored} has more than {limit} states: {states} by symbol {position} of an output")]
    TooManyStates {
        /// Of what.
        explored: Explored,
        /// Symbols read when the limit was passed.
        position: usize,
        /// States met by then.
        states: usize,
        /// The limit.
        limit: usize,
    },
    /// A symbol leads from one state of a model to different ones, depending on the position.
    #[error("state {state} of a model leads elsewhere at position {position} than before")]
    PositionDependentMoves {
        /// The model's own number of the state.
        state: u64,
        /// The position.
        position: usize,
    },
}
