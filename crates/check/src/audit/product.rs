//! Masses by the states that base, verifier and reference reach together.

use super::Asked;
use super::joint::Joint;
use pstar_core::data::Ending;
use pstar_core::testing::{IncrementalView, VerifierView};
use pstar_core::{ErrorKind, PluginError, math};
use pstar_loader::IncrementalHandle;
use std::collections::BTreeMap;

/// States of a position, beyond which samples have to do.
const MOST: usize = 1 << 16;

/// The states of base, verifier and reference.
type State = (u64, [u64; 2]);

impl Asked<'_> {
    /// The masses, if all have states, and not too many. Of a disagreement the first samples give an example.
    pub(super) fn product(&self) -> Result<Option<Joint>, PluginError> {
        let (task, base) = (self.audited.task, self.audited.base);
        let Some(start) = base.start(self.tokens())? else { return Ok(None) };
        let Some(verifier) = view(self.verifier, self.tokens())? else { return Ok(None) };
        let Some(reference) = view(self.reference.unwrap_or(self.verifier), self.tokens())? else {
            return Ok(None);
        };
        let mut views = [verifier, reference];
        let (horizon, symbols, choices) = (task.horizon, task.alphabet.len(), task.choices());
        let mut joint = Joint::default();
        let starts = [views[0].start(horizon)?, views[1].start(horizon)?];
        let mut layer: BTreeMap<State, f64> = BTreeMap::from([((start, starts), 1.0)]);
        for position in 0..horizon {
            if layer.len() > MOST {
                return Ok(None);
            }
            let of_base = distinct(layer.keys().map(|state| state.0));
            let (mut log_probs, mut next) =
                (vec![0.0; of_base.len() * choices], vec![0; of_base.len() * symbols]);
            base.expand(position, &of_base, &mut log_probs, &mut next)?;
            let mut moves = Vec::new();
            for (side, view) in views.iter_mut().enumerate() {
                moves.push(Moves::of(
                    &mut **view,
                    layer.keys().map(|state| state.1[side]),
                    symbols,
                    horizon - position - 1,
                )?);
            }
            let mut behind = BTreeMap::new();
            for (&(state, sides), &mass) in &layer {
                let row = of_base.binary_search(&state).unwrap_or(0);
                if task.ending == Ending::EndSymbol {
                    let ends = [moves[0].accepts(sides[0]), moves[1].accepts(sides[1])];
                    joint.put(ends, mass * math::exp(log_probs[row * choices + symbols]));
                }
                for symbol in 0..symbols {
                    let prob = mass * math::exp(log_probs[row * choices + symbol]);
                    let to = [moves[0].next(sides[0], symbol), moves[1].next(sides[1], symbol)];
                    if to == [IncrementalHandle::DEAD; 2] {
                        joint.put([false; 2], prob);
                    } else if prob > 0.0 {
                        *behind.entry((next[row * symbols + symbol], to)).or_insert(0.0) += prob;
                    }
                }
            }
            layer = behind;
        }
        let mut ends = Vec::new();
        for (side, view) in views.iter_mut().enumerate() {
            ends.push(Moves::at_the_end(&mut **view, layer.keys().map(|state| state.1[side]))?);
        }
        for (&(_, sides), &mass) in &layer {
            let accepts = |side: usize| !self.audited.truncated_is_invalid && ends[side].accepts(sides[side]);
            joint.put([accepts(0), accepts(1)], mass);
        }
        if joint.mass[0][1] > 0.0 || joint.mass[1][0] > 0.0 {
            let rows = self.samples(1024)?;
            for (row, verdicts) in rows.iter().zip(self.judge(&rows)?) {
                joint.example(verdicts, || self.quoted(row));
            }
        }
        Ok(Some(joint))
    }
}

/// The view of a prompt, where there is one.
fn view(
    verifier: &dyn VerifierView,
    prompt: &[u32],
) -> Result<Option<Box<dyn IncrementalView>>, PluginError> {
    match verifier.incremental(prompt) {
        Err(error) if error.kind == ErrorKind::Unsupported => Ok(None),
        view => view,
    }
}

/// Where the states of a view lead, and which accept.
struct Moves {
    states: Vec<u64>,
    accepts: Vec<u8>,
    next: Vec<u64>,
    symbols: usize,
}

impl Moves {
    fn of(
        view: &mut dyn IncrementalView,
        states: impl Iterator<Item = u64>,
        symbols: usize,
        remaining: usize,
    ) -> Result<Self, PluginError> {
        let mut moves = Self::at_the_end(view, states)?;
        moves.next = vec![IncrementalHandle::DEAD; moves.states.len() * symbols];
        view.expand(&moves.states, remaining, &mut moves.next)?;
        Ok(Self { symbols, ..moves })
    }

    fn at_the_end(
        view: &mut dyn IncrementalView,
        states: impl Iterator<Item = u64>,
    ) -> Result<Self, PluginError> {
        let states = distinct(states.filter(|&state| state != IncrementalHandle::DEAD));
        let mut accepts = vec![0; states.len()];
        view.accepts(&states, &mut accepts)?;
        Ok(Self { states, accepts, next: Vec::new(), symbols: 0 })
    }

    fn accepts(&self, state: u64) -> bool {
        self.states.binary_search(&state).is_ok_and(|place| self.accepts[place] == 1)
    }

    fn next(&self, state: u64, symbol: usize) -> u64 {
        let place = self.states.binary_search(&state);
        place.map_or(IncrementalHandle::DEAD, |place| self.next[place * self.symbols + symbol])
    }
}

/// Without repetitions, in order.
fn distinct(states: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut distinct: Vec<u64> = states.collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}
