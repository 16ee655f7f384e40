//! What the peers in Rust share: the automaton's file, the timing of a pass, a line of JSON.

mod automaton;
mod timing;

pub use automaton::Automaton;
pub use timing::report;
