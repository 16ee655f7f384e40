//! The verifier of one prompt as an automaton, explored and trimmed to what can still become valid.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::sync::Arc;

use pstar_core::data::Ending;

use crate::automata::explore::{ExploreError, Explored};
use crate::{OutputSpace, ValidSet};

/// A verifier that reads an output symbol by symbol. States are numbers of its own choosing.
pub trait ResponseAutomaton {
    /// Why it could not answer.
    type Error;

    /// The number of the state from which nothing is valid.
    const DEAD: u64 = u64::MAX;

    /// The state before the first of at most `horizon` symbols.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn start(&mut self, horizon: usize) -> Result<u64, Self::Error>;

    /// Writes, for each state, whether an output may end there: 0 or 1.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn accepts(&mut self, states: &[u64], accepts: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes states × symbols: the state behind each symbol, after which at most `remaining` may follow.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn expand(&mut self, states: &[u64], remaining: usize, next: &mut [u64]) -> Result<(), Self::Error>;
}

/// No state: nothing behind it is valid.
pub(crate) const DEAD: u32 = u32::MAX;

/// States that are expanded in one call, after which the limit is looked at.
const CHUNK: usize = 1 << 12;

/// A verifier's states, where symbols lead, and which states can still become valid at which position.
#[derive(Clone, Debug)]
pub struct Acceptor {
    space: OutputSpace,
    start: u32,
    /// States × symbols.
    next: Vec<u32>,
    /// Whether an output may end in a state.
    accepts: Vec<bool>,
    /// For each position 0..=horizon, whether a valid output can pass through a state there. Equal neighbours share.
    alive: Vec<Arc<[bool]>>,
}

impl Acceptor {
    /// Explores `automaton` as far as outputs of `space` can lead; `truncated_is_invalid` refuses outputs that were
    /// cut at the horizon.
    ///
    /// # Range and cost
    /// Every state is expanded once; time states × symbols × horizon for what is alive.
    ///
    /// # Errors
    /// The automaton's own, or more than `limit` states.
    pub fn explore<A: ResponseAutomaton>(
        automaton: &mut A,
        space: OutputSpace,
        truncated_is_invalid: bool,
        limit: usize,
    ) -> Result<Self, ExploreError<A::Error>> {
        let mut acceptor =
            Self { space, start: DEAD, next: Vec::new(), accepts: Vec::new(), alive: Vec::new() };
        let mut numbers = HashMap::new();
        let mut frontier = Vec::new();
        let start = automaton.start(space.horizon).map_err(ExploreError::Component)?;
        if start != A::DEAD {
            numbers.insert(start, 0);
            frontier.push(start);
            acceptor.start = 0;
        }
        let mut behind = Vec::new();
        for position in 0..=space.horizon {
            let mut flags = vec![0; frontier.len()];
            automaton.accepts(&frontier, &mut flags).map_err(ExploreError::Component)?;
            acceptor.accepts.extend(flags.iter().map(|&flag| flag == 1));
            if position == space.horizon {
                // Nothing is read behind the horizon.
                acceptor.next.resize(acceptor.accepts.len() * space.symbols, DEAD);
                break;
            }
            let remaining = space.horizon - position - 1;
            let expanded = std::mem::take(&mut frontier);
            for chunk in expanded.chunks(CHUNK) {
                behind.resize(chunk.len() * space.symbols, A::DEAD);
                automaton.expand(chunk, remaining, &mut behind).map_err(ExploreError::Component)?;
                for &state in &behind {
                    acceptor.next.push(if state == A::DEAD {
                        DEAD
                    } else {
                        let number = u32::try_from(numbers.len()).unwrap_or(DEAD);
                        match numbers.entry(state) {
                            Entry::Occupied(known) => *known.get(),
                            Entry::Vacant(new) => {
                                frontier.push(state);
                                *new.insert(number)
                            }
                        }
                    });
                }
                if numbers.len() > limit.min(DEAD as usize) {
                    let states = numbers.len();
                    let explored = Explored::Verifier;
                    return Err(ExploreError::TooManyStates { explored, position, states, limit });
                }
            }
        }
        acceptor.find_alive(truncated_is_invalid);
        Ok(acceptor)
    }

    /// The acceptor of an explicit set of valid outputs, with equal futures merged.
    ///
    /// # Range and cost
    /// Time O(outputs).
    ///
    /// # Panics
    /// If `valid` is not about the outputs of `space`.
    pub fn of_valid_set(valid: &ValidSet, space: OutputSpace) -> Self {
        assert_eq!(space.count(), Some(valid.outputs() as u64), "a mark for every output");
        let (mask, symbols) = (valid.mask(), space.symbols);
        let ends_early = space.ending == Ending::EndSymbol;
        let mut acceptor =
            Self { space, start: DEAD, next: Vec::new(), accepts: Vec::new(), alive: Vec::new() };
        let mut known: HashMap<(bool, Vec<u32>), u32> = HashMap::new();
        let mut intern = |accepts: bool, next: &[u32]| {
            if !accepts && next.iter().all(|&state| state == DEAD) {
                return DEAD;
            }
            *known.entry((accepts, next.to_vec())).or_insert_with(|| {
                acceptor.next.extend(next);
                acceptor.accepts.push(accepts);
                u32::try_from(acceptor.accepts.len() - 1).unwrap_or(DEAD)
            })
        };
        // The outputs of one length lie together, the longest last.
        let mut end = mask.len();
        let mut level: Vec<u32> = Vec::new();
        for length in (0..=space.horizon).rev() {
            let here = if length == space.horizon {
                end - if ends_early { level_start(symbols, length) } else { 0 }
            } else {
                level.len() / symbols
            };
            let marks = (length == space.horizon || ends_early).then(|| &mask[end - here..end]);
            end -= if marks.is_some() { here } else { 0 };
            let dead = vec![DEAD; symbols];
            level = (0..here)
                .map(|i| {
                    let next =
                        if length == space.horizon { &dead } else { &level[i * symbols..(i + 1) * symbols] };
                    intern(marks.is_some_and(|marks| marks[i]), next)
                })
                .collect();
        }
        acceptor.start = level[0];
        acceptor.find_alive(false);
        acceptor
    }

    /// The outputs that it reads.
    pub fn space(&self) -> OutputSpace {
        self.space
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.accepts.len()
    }

    /// The start, or [`DEAD`] if no output is valid.
    pub(crate) fn start_if_alive(&self) -> u32 {
        self.if_alive(0, self.start)
    }

    /// The state behind a symbol, or [`DEAD`] if nothing valid can follow at `position`, that of the state behind.
    pub(crate) fn next(&self, state: u32, symbol: usize, position: usize) -> u32 {
        match state {
            DEAD => DEAD,
            _ => self.if_alive(position, self.next[state as usize * self.space.symbols + symbol]),
        }
    }

    /// Whether an output that ends in a state, before the horizon, is valid.
    pub(crate) fn accepts(&self, state: u32) -> bool {
        state != DEAD && self.accepts[state as usize]
    }

    /// Whether an output is valid, by a walk along its tokens; what is no output of the space is not.
    pub fn accepts_output(&self, tokens: &[u32]) -> bool {
        let OutputSpace { symbols, horizon, ending } = self.space;
        let mut state = self.start_if_alive();
        for (position, &token) in tokens.iter().enumerate() {
            let token = token as usize;
            if token >= symbols {
                let last = position + 1 == tokens.len() && position < horizon;
                let ends = ending == Ending::EndSymbol && token == symbols && last;
                return ends && self.accepts(state);
            }
            if state == DEAD || position == horizon {
                return false;
            }
            state = self.next(state, token, position + 1);
        }
        tokens.len() == horizon && state != DEAD
    }

    /// Which states are alive at a position; equal answers of neighbouring positions are one allocation.
    pub(crate) fn alive(&self, position: usize) -> &Arc<[bool]> {
        &self.alive[position]
    }

    fn if_alive(&self, position: usize, state: u32) -> u32 {
        if state != DEAD && self.alive[position][state as usize] { state } else { DEAD }
    }

    fn find_alive(&mut self, truncated_is_invalid: bool) {
        let OutputSpace { symbols, horizon, ending } = self.space;
        let refused = truncated_is_invalid && ending == Ending::EndSymbol;
        let last: Vec<bool> = self.accepts.iter().map(|&accepts| accepts && !refused).collect();
        let mut layers: Vec<Arc<[bool]>> = vec![last.into()];
        for _ in 0..horizon {
            let behind = &layers[layers.len() - 1];
            let alive: Arc<[bool]> = (0..self.accepts.len())
                .map(|state| {
                    let ends = ending == Ending::EndSymbol && self.accepts[state];
                    let next = &self.next[state * symbols..(state + 1) * symbols];
                    ends || next.iter().any(|&next| next != DEAD && behind[next as usize])
                })
                .collect();
            let layer = if alive == *behind { Arc::clone(behind) } else { alive };
            layers.push(layer);
        }
        layers.reverse();
        self.alive = layers;
    }
}

/// Number of strings shorter than `length`.
fn level_start(symbols: usize, length: usize) -> usize {
    (0..length).fold(0, |start, _| start * symbols + 1)
}

/// An explicit automaton, for tests and tools: states × symbols, and which states accept.
#[derive(Clone, Debug)]
pub struct ExplicitAutomaton {
    /// Number of symbols.
    pub symbols: usize,
    /// States × symbols; [`ResponseAutomaton::DEAD`] where nothing is valid. State 0 is the start.
    pub next: Vec<u64>,
    /// One flag a state.
    pub accepts: Vec<bool>,
}

impl ResponseAutomaton for ExplicitAutomaton {
    type Error = Infallible;

    fn start(&mut self, _: usize) -> Result<u64, Infallible> {
        Ok(0)
    }

    #[allow(clippy::cast_possible_truncation, reason = "states are indices")]
    fn accepts(&mut self, states: &[u64], accepts: &mut [u8]) -> Result<(), Infallible> {
        for (&state, flag) in states.iter().zip(accepts) {
            *flag = u8::from(self.accepts[state as usize]);
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, reason = "states are indices")]
    fn expand(&mut self, states: &[u64], _: usize, next: &mut [u64]) -> Result<(), Infallible> {
        for (&state, next) in states.iter().zip(next.chunks_exact_mut(self.symbols)) {
            next.copy_from_slice(&self.next[state as usize * self.symbols..][..self.symbols]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD_STATE: u64 = u64::MAX;

    /// An even number of the first symbol.
    fn even() -> ExplicitAutomaton {
        ExplicitAutomaton { symbols: 2, next: vec![1, 0, 0, 1], accepts: vec![true, false] }
    }

    fn space(horizon: usize, ending: Ending) -> OutputSpace {
        OutputSpace { symbols: 2, horizon, ending }
    }

    /// The outputs that an acceptor lets through, by walking it.
    fn marks(acceptor: &Acceptor) -> Vec<bool> {
        let space = acceptor.space();
        let mut tokens = Vec::new();
        (0..space.count().unwrap())
            .map(|index| {
                space.tokens(index, &mut tokens);
                acceptor.accepts_output(&tokens)
            })
            .collect()
    }

    #[test]
    fn alive_is_what_can_still_become_valid() {
        for ending in [Ending::FixedLength, Ending::EndSymbol] {
            let acceptor = Acceptor::explore(&mut even(), space(4, ending), false, 10).unwrap();
            assert_eq!(acceptor.states(), 2);
            let expected: Vec<bool> = {
                let space = space(4, ending);
                let mut tokens = Vec::new();
                (0..space.count().unwrap())
                    .map(|index| {
                        space.tokens(index, &mut tokens);
                        tokens.iter().filter(|&&token| token == 0).count() % 2 == 0
                    })
                    .collect()
            };
            assert_eq!(marks(&acceptor), expected, "{ending:?}");
            let explicit = Acceptor::of_valid_set(&ValidSet::new(expected.clone()), space(4, ending));
            assert_eq!(marks(&explicit), expected, "{ending:?}");
        }
    }

    #[test]
    fn truncated_outputs_can_be_refused() {
        let space = space(2, Ending::EndSymbol);
        let acceptor = Acceptor::explore(&mut even(), space, true, 10).unwrap();
        // "", a, b, then the strings of the horizon's length.
        assert_eq!(marks(&acceptor), [true, false, true, false, false, false, false]);
    }

    #[test]
    fn what_is_no_output_is_not_accepted() {
        let ended = Acceptor::explore(&mut even(), space(2, Ending::EndSymbol), false, 10).unwrap();
        assert!(ended.accepts_output(&[2]) && ended.accepts_output(&[1, 2]) && ended.accepts_output(&[0, 0]));
        for tokens in [&[][..], &[1], &[1, 1, 2], &[1, 1, 1], &[2, 1], &[2, 2], &[3], &[0, 2]] {
            assert!(!ended.accepts_output(tokens), "{tokens:?}");
        }
        let fixed = Acceptor::explore(&mut even(), space(2, Ending::FixedLength), false, 10).unwrap();
        assert!(
            fixed.accepts_output(&[1, 1]) && !fixed.accepts_output(&[1, 2]) && !fixed.accepts_output(&[1])
        );
    }

    #[test]
    fn a_verifier_that_accepts_nothing_has_a_dead_start() {
        let space = space(3, Ending::FixedLength);
        let mut nothing = ExplicitAutomaton { symbols: 2, next: vec![DEAD_STATE; 2], accepts: vec![true] };
        assert_eq!(Acceptor::explore(&mut nothing, space, false, 10).unwrap().start_if_alive(), DEAD);
        let acceptor = Acceptor::of_valid_set(&ValidSet::new(vec![false; 8]), space);
        assert_eq!(acceptor.start_if_alive(), DEAD);
    }

    #[test]
    fn the_limit_says_how_far_it_got() {
        let mut chain = ExplicitAutomaton {
            symbols: 2,
            next: (0..20).map(|i| (i / 2 + 1).min(9)).collect(),
            accepts: vec![true; 10],
        };
        let error = Acceptor::explore(&mut chain, space(20, Ending::FixedLength), false, 4).unwrap_err();
        let expected =
            ExploreError::TooManyStates { explored: Explored::Verifier, position: 3, states: 5, limit: 4 };
        assert_eq!(error, expected);
    }

    #[test]
    fn explicit_sets_share_equal_futures() {
        let space = space(6, Ending::FixedLength);
        let all = Acceptor::of_valid_set(&ValidSet::new(vec![true; 64]), space);
        assert_eq!(all.states(), 7, "one state a position");
    }
}
