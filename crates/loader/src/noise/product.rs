//! Verifiers read side by side, symbol by symbol.

use crate::IncrementalHandle;
use pstar_core::PluginError;
use std::collections::HashMap;

/// The state of each part; of one that is missing, its dead state.
type Parts = [u64; 3];

/// The truth, what is accepted besides and what is rejected besides, as one.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub(crate) struct NoisyIncremental {
    /// The truth, then what is accepted and what is rejected besides.
    views: [Option<IncrementalHandle>; 3],
    states: Vec<Parts>,
    number_of: HashMap<Parts, u64>,
}

impl NoisyIncremental {
    pub(crate) fn new(views: [Option<IncrementalHandle>; 3]) -> Self {
        Self { views, states: Vec::new(), number_of: HashMap::new() }
    }

    pub(crate) fn start(&mut self, horizon: usize) -> Result<u64, PluginError> {
        let mut parts = [IncrementalHandle::DEAD; 3];
        for (part, view) in parts.iter_mut().zip(&mut self.views) {
            if let Some(view) = view {
                *part = view.start(horizon)?;
            }
        }
        Ok(self.number(parts))
    }

    pub(crate) fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> Result<(), PluginError> {
        let parts = self.parts(states)?;
        let mut flags = [const { Vec::new() }; 3];
        for (which, (flags, view)) in flags.iter_mut().zip(&self.views).enumerate() {
            *flags = vec![0; parts.len()];
            let Some(view) = view else { continue };
            let alive: Vec<usize> =
                (0..parts.len()).filter(|&i| parts[i][which] != IncrementalHandle::DEAD).collect();
            let own: Vec<u64> = alive.iter().map(|&i| parts[i][which]).collect();
            let mut answers = vec![0; own.len()];
            view.accepts(&own, &mut answers)?;
            alive.into_iter().zip(answers).for_each(|(i, answer)| flags[i] = answer);
        }
        for (i, accepts) in accepts.iter_mut().enumerate() {
            let verdict = super::combined([0, 1, 2].map(|which| Some(flags[which][i] == 1)));
            *accepts = u8::from(verdict == Some(true));
        }
        Ok(())
    }

    pub(crate) fn expand(
        &mut self,
        states: &[u64],
        remaining: usize,
        next: &mut [u64],
    ) -> Result<(), PluginError> {
        let parts = self.parts(states)?;
        let symbols = next.len() / states.len().max(1);
        let mut reached = vec![[IncrementalHandle::DEAD; 3]; next.len()];
        for (which, view) in self.views.iter_mut().enumerate() {
            let Some(view) = view else { continue };
            let alive: Vec<usize> =
                (0..parts.len()).filter(|&i| parts[i][which] != IncrementalHandle::DEAD).collect();
            let own: Vec<u64> = alive.iter().map(|&i| parts[i][which]).collect();
            let mut answers = vec![IncrementalHandle::DEAD; own.len() * symbols];
            view.expand(&own, remaining, &mut answers)?;
            for (place, i) in alive.into_iter().enumerate() {
                for symbol in 0..symbols {
                    reached[i * symbols + symbol][which] = answers[place * symbols + symbol];
                }
            }
        }
        for (next, parts) in next.iter_mut().zip(reached) {
            *next = self.number(parts);
        }
        Ok(())
    }

    /// The number of a state; dead where neither the truth nor what is accepted besides can accept any more.
    fn number(&mut self, parts: Parts) -> u64 {
        if parts[0] == IncrementalHandle::DEAD && parts[1] == IncrementalHandle::DEAD {
            return IncrementalHandle::DEAD;
        }
        *self.number_of.entry(parts).or_insert_with(|| {
            self.states.push(parts);
            self.states.len() as u64 - 1
        })
    }

    fn parts(&self, states: &[u64]) -> Result<Vec<Parts>, PluginError> {
        let known = |&state: &u64| {
            let place = usize::try_from(state).ok();
            place.and_then(|place| self.states.get(place)).copied()
        };
        let parts: Option<Vec<Parts>> = states.iter().map(known).collect();
        parts.ok_or_else(|| PluginError::contract("a state was asked about that was never given out"))
    }
}
