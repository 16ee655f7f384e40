//! How many outputs there are, exactly.
//!
//! The counts of the prefixes that lead to a state, carried forward as big integers. Checked against enumeration and
//! closed forms.

use std::f64::consts::LN_2;

use num_bigint::BigUint;
use pstar_core::data::Ending;
use pstar_core::math;

use super::choices::{Behind, ModelChoices};
use crate::automata::acceptor::DEAD;
use crate::{Acceptor, OutputSpace, Role, WeightedProduct};

/// Number of valid outputs.
///
/// # Range and cost
/// One addition a transition that a valid output can take, of integers as long as the count.
pub fn valid_outputs(acceptor: &Acceptor) -> BigUint {
    let OutputSpace { symbols, horizon, ending } = acceptor.space();
    let mut total = BigUint::ZERO;
    let mut prefixes = Prefixes::new(acceptor.states());
    let mut next = Prefixes::new(acceptor.states());
    prefixes.add(acceptor.start_if_alive(), &BigUint::from(1u8));
    for position in 0..horizon {
        for (state, count) in prefixes.drain() {
            if ending == Ending::EndSymbol && acceptor.accepts(state) {
                total += &count;
            }
            for symbol in 0..symbols {
                next.add(acceptor.next(state, symbol, position + 1), &count);
            }
        }
        std::mem::swap(&mut prefixes, &mut next);
    }
    // At the horizon the living states are those of valid outputs.
    prefixes.drain().fold(total, |total, (_, count)| total + count)
}

/// Number of outputs: V^T, or 1 + V + … + V^T where they may end early.
///
/// # Panics
/// If the horizon is beyond 2^32: the number would fill gigabytes.
pub fn outputs(space: OutputSpace) -> BigUint {
    let power = |exponent: usize| {
        let exponent = u32::try_from(exponent).expect("a horizon below 2^32");
        BigUint::from(space.symbols).pow(exponent)
    };
    match (space.ending, space.symbols) {
        (Ending::FixedLength, 1) => BigUint::from(1u8),
        (Ending::EndSymbol, 1) => BigUint::from(space.horizon) + 1u8,
        (Ending::FixedLength, _) => power(space.horizon),
        (Ending::EndSymbol, symbols) => (power(space.horizon) * symbols - 1u8) / (symbols - 1),
    }
}

/// Number of valid outputs that the base reaches: those with no choice of log-probability −∞.
///
/// # Range and cost
/// One addition a transition, of integers as long as the count.
pub fn valid_support(weighted: &WeightedProduct<'_>) -> BigUint {
    let choices = ModelChoices::of(weighted, Role::Base);
    let mut total = BigUint::ZERO;
    let mut prefixes = vec![BigUint::from(1u8); choices.alive(0)];
    for position in 0..choices.horizon() {
        let mut next = vec![BigUint::ZERO; choices.alive(position + 1)];
        for (node, count) in prefixes.iter().enumerate().filter(|(_, count)| **count != BigUint::ZERO) {
            for step in choices.steps(position, node).filter(|step| step.log_prob > f64::NEG_INFINITY) {
                match step.behind {
                    Behind::Node(behind) => next[behind] += count,
                    Behind::Valid => total += count,
                    Behind::Nothing => {}
                }
            }
        }
        prefixes = next;
    }
    total
}

/// Natural logarithm of a count, also where no float holds the count; −∞ for 0.
pub fn ln(count: &BigUint) -> f64 {
    let shift = count.bits().saturating_sub(64);
    let leading = u64::try_from(count >> shift).unwrap_or(u64::MAX);
    math::ln(leading as f64) + shift as f64 * LN_2
}

/// Numbers of prefixes by state, and which states have any.
struct Prefixes {
    counts: Vec<BigUint>,
    states: Vec<u32>,
}

impl Prefixes {
    fn new(states: usize) -> Self {
        Self { counts: vec![BigUint::ZERO; states], states: Vec::new() }
    }

    fn add(&mut self, state: u32, count: &BigUint) {
        if state == DEAD {
            return;
        }
        let known = &mut self.counts[state as usize];
        if *known == BigUint::ZERO {
            self.states.push(state);
        }
        *known += count;
    }

    fn drain(&mut self) -> impl Iterator<Item = (u32, BigUint)> {
        let counts = &mut self.counts;
        self.states.drain(..).map(|state| (state, std::mem::take(&mut counts[state as usize])))
    }
}

#[cfg(test)]
mod tests;
