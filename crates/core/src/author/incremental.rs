//! Verifiers that read a response symbol by symbol, which exact evaluation walks.

use super::quick_hash::QuickHash;
use crate::error::PluginError;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

/// A verifier of one prompt as a deterministic automaton that reads the response symbol by symbol.
///
/// Responses that lead to equal states have equal futures: the fewer distinct states, the larger the spaces that can
/// be evaluated exactly. It must agree with [`Verifier::accepts`](super::Verifier::accepts) on every response.
pub trait Recognizer: Send + 'static {
    /// What is remembered of the symbols read so far.
    type State: Clone + Eq + Hash + Send;

    /// The state before the first symbol; `None` if no response is valid.
    fn start(&self) -> Option<Self::State>;

    /// The state behind one more symbol; `None` if no continuation is valid, however long.
    fn next(&self, state: &Self::State, symbol: &str) -> Option<Self::State>;

    /// Whether the response may end here.
    fn accepts(&self, state: &Self::State) -> bool;

    /// Whether a valid response may be reached with at most `remaining` further symbols. `true` is always safe; a
    /// sharper answer saves states that lead nowhere. Where it is `false` it must be so for fewer symbols too.
    fn can_accept_within(&self, state: &Self::State, remaining: usize) -> bool {
        remaining > 0 || self.accepts(state)
    }

    /// Why what was answered since this was last asked is no answer, if it is none: for recognizers that ask elsewhere. Asked
    /// after every question of the host, which fails with it.
    fn take_fault(&self) -> Option<PluginError> {
        None
    }
}

/// A [`Recognizer`] whose states have been given numbers, in the order in which they are met.
pub struct Incremental(Box<dyn Explore>);

impl fmt::Debug for Incremental {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incremental").finish_non_exhaustive()
    }
}

impl Incremental {
    /// The number of the state from which no response is valid.
    pub const DEAD: u64 = u64::MAX;

    /// Numbers the states of `recognizer`.
    pub fn new<R: Recognizer>(recognizer: R) -> Self {
        Self(Box::new(Numbered { recognizer, states: Vec::new(), numbers: HashMap::default() }))
    }

    /// The state before the first symbol of at most `horizon`.
    pub(crate) fn start(&mut self, horizon: usize) -> u64 {
        self.0.start(horizon)
    }

    /// One flag a state: whether the response may end there.
    pub(crate) fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> bool {
        self.0.accepts(states, accepts)
    }

    /// States × symbols: the state behind each symbol, after which at most `remaining` may follow.
    pub(crate) fn expand(
        &mut self,
        states: &[u64],
        symbols: &[String],
        remaining: usize,
        next: &mut [u64],
    ) -> bool {
        self.0.expand(states, symbols, remaining, next)
    }

    /// Why the last answer is none, if it is none.
    pub(crate) fn take_fault(&self) -> Option<PluginError> {
        self.0.take_fault()
    }
}

/// The methods of [`Incremental`], without the type of the states. Those that return a flag return `false` where
/// they are asked for a state that was never given out.
trait Explore: Send {
    fn start(&mut self, horizon: usize) -> u64;
    fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> bool;
    fn expand(&mut self, states: &[u64], symbols: &[String], remaining: usize, next: &mut [u64]) -> bool;
    fn take_fault(&self) -> Option<PluginError>;
}

struct Numbered<R: Recognizer> {
    recognizer: R,
    states: Vec<R::State>,
    /// Looked up once a symbol, and never gone through.
    numbers: HashMap<R::State, u64, QuickHash>,
}

impl<R: Recognizer> Numbered<R> {
    fn number(&mut self, state: Option<R::State>, remaining: usize) -> u64 {
        let Some(state) = state else { return Incremental::DEAD };
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        if !self.recognizer.can_accept_within(&state, remaining) {
            return Incremental::DEAD;
        }
        let number = self.states.len() as u64;
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    fn state(&self, number: u64) -> Option<&R::State> {
        self.states.get(usize::try_from(number).ok()?)
    }
}

impl<R: Recognizer> Explore for Numbered<R> {
    fn start(&mut self, horizon: usize) -> u64 {
        let start = self.recognizer.start();
        self.number(start, horizon)
    }

    fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> bool {
        states.iter().zip(accepts).all(|(&number, accepts)| match self.state(number) {
            None => false,
            Some(state) => {
                *accepts = u8::from(self.recognizer.accepts(state));
                true
            }
        })
    }

    fn expand(&mut self, states: &[u64], symbols: &[String], remaining: usize, next: &mut [u64]) -> bool {
        for (&number, next) in states.iter().zip(next.chunks_exact_mut(symbols.len())) {
            let Some(state) = self.state(number).cloned() else { return false };
            for (next, symbol) in next.iter_mut().zip(symbols) {
                let behind = self.recognizer.next(&state, symbol);
                *next = self.number(behind, remaining);
            }
        }
        true
    }

    fn take_fault(&self) -> Option<PluginError> {
        self.recognizer.take_fault()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts what ends with `a`, of at most `longest` symbols.
    struct EndsWithA {
        longest: usize,
    }

    impl Recognizer for EndsWithA {
        type State = (usize, bool);

        fn start(&self) -> Option<(usize, bool)> {
            Some((0, false))
        }

        fn next(&self, (length, _): &(usize, bool), symbol: &str) -> Option<(usize, bool)> {
            (*length < self.longest).then(|| (length + 1, symbol == "a"))
        }

        fn accepts(&self, (_, last_is_a): &(usize, bool)) -> bool {
            *last_is_a
        }
    }

    #[test]
    fn states_are_numbered_in_the_order_of_arrival() {
        let symbols = ["a".to_string(), "b".to_string()];
        let mut incremental = Incremental::new(EndsWithA { longest: 2 });
        assert_eq!(incremental.start(3), 0);
        let mut next = [0; 4];
        assert!(incremental.expand(&[0], &symbols, 2, &mut next[..2]));
        assert_eq!(next[..2], [1, 2]);
        // With nothing left to come, only states that accept are kept.
        assert!(incremental.expand(&[1, 2], &symbols, 0, &mut next));
        assert_eq!(next, [3, Incremental::DEAD, 3, Incremental::DEAD]);
        let mut accepts = [0; 3];
        assert!(incremental.accepts(&[0, 1, 2], &mut accepts));
        assert_eq!(accepts, [0, 1, 0]);
        assert!(incremental.expand(&[3], &symbols, 7, &mut next[..2]));
        assert_eq!(next[..2], [Incremental::DEAD; 2], "too long");
    }

    /// Cannot answer about `b`.
    #[derive(Default)]
    struct Failing {
        fault: std::sync::Mutex<Option<PluginError>>,
    }

    impl Recognizer for Failing {
        type State = ();

        fn start(&self) -> Option<()> {
            Some(())
        }

        fn next(&self, (): &(), symbol: &str) -> Option<()> {
            if symbol == "b" {
                *self.fault.lock().unwrap() = Some(PluginError::data("no answer about `b`"));
            }
            Some(())
        }

        fn accepts(&self, (): &()) -> bool {
            true
        }

        fn take_fault(&self) -> Option<PluginError> {
            self.fault.lock().unwrap().take()
        }
    }

    #[test]
    fn a_question_that_failed_is_told_once() {
        let mut incremental = Incremental::new(Failing::default());
        incremental.start(3);
        assert!(incremental.expand(&[0], &["a".to_string()], 1, &mut [0]));
        assert_eq!(incremental.take_fault(), None);
        assert!(incremental.expand(&[0], &["a".to_string(), "b".to_string()], 1, &mut [0; 2]));
        assert_eq!(incremental.take_fault().unwrap().message, "no answer about `b`");
        assert_eq!(incremental.take_fault(), None);
    }

    #[test]
    fn a_state_that_was_never_given_out_is_refused() {
        let mut incremental = Incremental::new(EndsWithA { longest: 2 });
        assert!(!incremental.accepts(&[0], &mut [0]));
        assert!(!incremental.expand(&[Incremental::DEAD], &["a".to_string()], 1, &mut [0]));
    }
}
