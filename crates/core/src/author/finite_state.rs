//! Finite-state views of models, which exact evaluation walks.

/// A model seen as an automaton whose states are numbers of its own choosing.
///
/// States, and where their symbols lead, depend neither on the parameters nor on the position; the probabilities of
/// the choices in a state may depend on both.
pub trait FiniteStateView {
    /// The state behind a prompt.
    fn start(&self, prompt: &[u32]) -> u64;

    /// The choices of `states` at a position (symbols emitted so far).
    ///
    /// # Shapes
    /// `log_probs`: states × [choices](crate::data::Task::choices), −∞ for a probability of zero.
    /// `next`: states × symbols, the state behind each symbol.
    fn expand(&self, position: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]);
}
