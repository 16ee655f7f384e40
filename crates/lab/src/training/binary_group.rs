//! Exact expectations of objectives whose coefficients depend on rewards and numbers of right answers alone.
//!
//! In a group of G samples such an objective gives φ(v, n) to a sequence of reward v among n right ones. The expected
//! gradient of a prompt is κ(V)·∇V, with κ(V) = E\[φ(1, 1 + C)\] − E\[φ(0, C)\] and C binomial of G − 1 and V.

use pstar_core::objective::{BatchParts, ObjectiveBatch};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};
use pstar_exact::Accumulator;
use pstar_loader::ObjectiveHandle;

/// Greatest group: the batch of all groups, which is asked about once a step, has its square of sequences; a quarter of a
/// second for this one.
pub(crate) const MOST_SAMPLES: usize = 2048;

/// φ of an objective at one step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GroupCoefficients {
    /// φ(1, 1 + c) for c from 0 to G − 1.
    right: Vec<f64>,
    /// φ(0, c) for c from 0 to G − 1.
    wrong: Vec<f64>,
}

impl GroupCoefficients {
    /// Asks an objective for the G + 1 groups there are, one batch of sequences of one token.
    pub(super) fn ask(
        objective: &mut ObjectiveHandle,
        group: usize,
        (seed, step): (u64, u32),
    ) -> Result<Self, PluginError> {
        if !(1..=MOST_SAMPLES).contains(&group) {
            return Err(PluginError::contract(format!(
                "exact gradients need groups of 1 to {MOST_SAMPLES} samples, found `group: {group}`"
            )));
        }
        let (groups, rows) = (group + 1, group * (group + 1));
        let rewards: Vec<f64> =
            (0..groups).flat_map(|right| (0..group).map(move |i| f64::from(u8::from(i < right)))).collect();
        let group_offsets: Vec<u64> = (0..=groups).map(|g| (g * group) as u64).collect();
        let offsets: Vec<u64> = (0..=rows as u64).collect();
        let (zeros, weights, unknown) =
            (vec![0.0; rows], vec![1.0 / rows as f64; rows], vec![f64::NAN; groups]);
        let (prompt, ended) = (vec![0; groups], vec![1; rows]);
        let batch = ObjectiveBatch::new(BatchParts {
            group_offsets: &group_offsets,
            prompt: &prompt,
            log_partition: &unknown,
            log_invalidity: &unknown,
            rewards: &rewards,
            weights: &weights,
            ended: &ended,
            offsets: &offsets,
            log_probs: &zeros,
            behaviour_log_probs: &zeros,
            base_log_probs: &zeros,
            step: step.into(),
            key: StreamKey::new(seed, Purpose::Objective, step),
            population: false,
        })?;
        let c = objective.step(&batch)?.coefficients;
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
    pub(super) fn kappa(&self, [log_valid, log_invalid]: [f64; 2]) -> f64 {
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
