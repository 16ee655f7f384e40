//! Finite-state models and verifiers, explored into automata and their product.

pub(crate) mod acceptor;
pub(crate) mod automaton;
pub(crate) mod explore;
pub(crate) mod product;
