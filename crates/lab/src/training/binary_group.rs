//! Exact expectations of objectives whose coefficients depend on rewards and numbers of right answers alone.
//!
//! In a group of G samples such an objective gives φ(v, n) to a sequence of reward v among n right ones. The expected
//! gradient of a prompt is κ(V)·∇V, with κ(V) = E\[φ(1, 1 + C)\] − E\[φ(0, C)\] and C binomial of G − 1 and V.

use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};
use pstar_exact::Accumulator;
use pstar_loader::ObjectiveHandle;

/// Greatest group: the batch of all groups, which is asked about once a step, has its square of sequences; a quarter of a
/// second for this one.
pub(crate) const MOST_SAMPLES: usize = 2048;

/// φ of an objective at one step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupCoefficients {
    /// φ(1, 1 + c) for c from 0 to G − 1.
    right: Vec<f64>,
    /// φ(0, c) for c from 0 to G − 1.
    wrong: Vec<f64>,
}

impl GroupCoefficients {
    /// Asks an objective for the G + 1 groups there are, one batch of sequences of one token.
    pub(crate) fn ask(
        objective: &mut ObjectiveHandle,
        group: usize,
        (seed, step): (u64, u32),
    ) -> Result<Self, PluginError> {
        if !(1..=MOST_SAMPLES).contains(&group) {
            return Err(PluginError::contract(format!(
                "exact gradients need groups of 1 to {MOST_SAMPLES} samples, found `group: {group}`"
            )));
        }
        let groups = group + 1;
        let mut buffer = ObjectiveBuffer::default();
        for right in 0..groups {
            buffer.push_group(0, PromptFacts::default());
            for i in 0..group {
                let reward = f64::from(u8::from(i < right));
                buffer.push(Row::new(reward, &[0.0]).base_log_probs(&[0.0]));
            }
        }
        // Nothing is drawn, so that there is nothing to observe.
        let moment = Moment::new(step.into(), StreamKey::new(seed, Purpose::Objective, step));
        let c = objective.step(&buffer.view(moment)?)?.coefficients;
        // The right ones of a group come first.
        for g in 0..groups {
            let (right, wrong) = c[g * group..(g + 1) * group].split_at(g);
            if [right, wrong].iter().any(|equals| equals.windows(2).any(|pair| pair[0] != pair[1])) {
                return Err(PluginError::contract(format!(
                    "the objective gives different coefficients to sequences of equal reward, {g} of {group} being \
                     right, but declares that they depend on rewards alone"
                )));
            }
        }
        let right = (1..groups).map(|g| c[g * group]).collect();
        let wrong = (0..group).map(|g| c[g * group + group - 1]).collect();
        Ok(Self { right, wrong })
    }

    /// κ at a validity rate, given by the logarithms of it and of the invalidity rate.
    pub(crate) fn kappa(&self, [log_valid, log_invalid]: [f64; 2]) -> f64 {
        let others = self.right.len() - 1;
        let power = |count: usize, log: f64| if count == 0 { 0.0 } else { count as f64 * log };
        let mut log_choose = 0.0;
        let mut kappa = Accumulator::default();
        for right in 0..=others {
            let prob = math::exp(log_choose + power(right, log_valid) + power(others - right, log_invalid));
            kappa.add(prob * (self.right[right] - self.wrong[right]));
            log_choose += math::ln((others - right) as f64) - math::ln(right as f64 + 1.0);
        }
        kappa.total()
    }
}
