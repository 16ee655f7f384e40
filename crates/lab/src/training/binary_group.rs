//! Exact expectations of objectives whose coefficients depend on rewards and numbers of right answers alone.
//!
//! In a group of G samples such an objective gives φ(v, n) to a sequence of reward v among n right ones. The expected
//! gradient of a prompt is κ(V)·∇V, with κ(V) = E\[φ(1, 1 + C)\] − E\[φ(0, C)\] and C binomial of G − 1 and V.

use crate::world::World;
use pstar_core::data::Ending;
use pstar_core::objective::{Declaration, Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};
use pstar_exact::Accumulator;
use pstar_loader::ObjectiveHandle;

/// Greatest group of sequences of one token: the batch of all groups, which is asked about once a step, has its square of
/// sequences; a quarter of a second for this one.
const MOST_SAMPLES: usize = 2048;

/// Sums that are smaller than this, relative to their terms, may be rounding alone: of some thousand exponentials each is off
/// by up to 1e-13.
const ROUNDING: f64 = 1e-12;

/// The groups that an objective is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupShape {
    /// G.
    group: usize,
    /// Tokens of every sequence.
    tokens: usize,
    /// The most that a sequence of the task can have.
    horizon: u64,
}

impl GroupShape {
    /// Groups of `group` samples for an objective that declares this: of sequences of one token, or as long as those of the
    /// task where only their equal length makes coefficients depend on counts alone.
    pub(crate) fn of(world: &World, declaration: &Declaration, group: usize) -> Self {
        let horizon = world.task.horizon;
        let long = world.task.ending == Ending::FixedLength
            && declaration.population.is_some()
            && declaration.population == declaration.equal_lengths;
        Self { group, tokens: if long { horizon } else { 1 }, horizon: horizon as u64 }
    }

    /// Greatest number of samples of a group of such sequences.
    pub(crate) fn most_samples(self) -> usize {
        (MOST_SAMPLES * MOST_SAMPLES / self.tokens.max(1)).isqrt()
    }

    /// Whether an objective can be asked about it.
    pub(crate) fn fits(self) -> bool {
        (1..=self.most_samples()).contains(&self.group)
    }
}

/// φ of an objective at one step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupCoefficients {
    /// φ(1, 1 + c) for c from 0 to G − 1.
    right: Vec<f64>,
    /// φ(0, c) for c from 0 to G − 1.
    wrong: Vec<f64>,
    /// How often groups that are all right or all wrong are drawn again at most.
    redraw: u8,
}

impl GroupCoefficients {
    /// Of an objective whose expected gradient is `kappa` ∇V for every prompt.
    pub(crate) fn constant(kappa: f64) -> Self {
        Self { right: vec![kappa], wrong: vec![0.0], redraw: 0 }
    }

    /// The same where groups that are all right or all wrong are drawn again, up to so often.
    #[must_use]
    pub(crate) fn redrawn(self, redraw: u8) -> Self {
        Self { redraw, ..self }
    }

    /// Asks an objective for the G + 1 groups there are, one batch of sequences of equal length.
    pub(crate) fn ask(
        objective: &mut ObjectiveHandle,
        shape: GroupShape,
        (seed, step): (u64, u32),
    ) -> Result<Self, PluginError> {
        let GroupShape { group, tokens, horizon } = shape;
        if !shape.fits() {
            return Err(PluginError::contract(format!(
                "exact gradients need groups of 1 to {} samples, found `group: {group}`",
                shape.most_samples()
            )));
        }
        let groups = group + 1;
        let mut buffer = ObjectiveBuffer::default();
        buffer.horizon = horizon;
        let log_probs = vec![0.0; tokens];
        for right in 0..groups {
            buffer.push_group(0, PromptFacts::default());
            for i in 0..group {
                let reward = f64::from(u8::from(i < right));
                buffer.push(Row::new(reward, &log_probs).base_log_probs(&log_probs));
            }
        }
        // Nothing is drawn, so that there is nothing to observe.
        let moment = Moment::new(step.into(), StreamKey::new(seed, Purpose::Objective, step));
        let c = objective.step(&buffer.view(moment)?)?.coefficients;
        // The right ones of a group come first.
        let of_group = |g: usize| &c[g * group * tokens..(g + 1) * group * tokens];
        for g in 0..groups {
            let (right, wrong) = of_group(g).split_at(g * tokens);
            if [right, wrong].iter().any(|equals| equals.windows(2).any(|pair| pair[0] != pair[1])) {
                return Err(PluginError::contract(format!(
                    "the objective gives different coefficients to sequences of equal reward, {g} of {group} being \
                     right, but declares that they depend on rewards alone"
                )));
            }
        }
        let right = (1..groups).map(|g| of_group(g)[0]).collect();
        let wrong = (0..group).map(|g| of_group(g)[group * tokens - 1]).collect();
        Ok(Self { right, wrong, redraw: 0 })
    }

    /// κ at a validity rate, given by the logarithms of it and of the invalidity rate.
    pub(crate) fn kappa(&self, log_masses: [f64; 2]) -> f64 {
        self.sums(log_masses).0
    }

    /// κ, or 0 where it may be rounding alone.
    pub(crate) fn certain_kappa(&self, log_masses: [f64; 2]) -> f64 {
        let (kappa, size) = self.sums(log_masses);
        if kappa.abs() > ROUNDING * size { kappa } else { 0.0 }
    }

    /// κ, and the same sum of absolute values.
    fn sums(&self, [log_valid, log_invalid]: [f64; 2]) -> (f64, f64) {
        let others = self.right.len() - 1;
        let power = |count: usize, log: f64| if count == 0 { 0.0 } else { count as f64 * log };
        let [mixed, alike] = self.met([log_valid, log_invalid].map(|log| math::exp(power(others + 1, log))));
        let mut log_choose = 0.0;
        let (mut kappa, mut size) = (Accumulator::default(), Accumulator::default());
        for right in 0..=others {
            let prob = math::exp(log_choose + power(right, log_valid) + power(others - right, log_invalid));
            let of_right = self.right[right] * if right == others { alike } else { mixed };
            let of_wrong = self.wrong[right] * if right == 0 { alike } else { mixed };
            kappa.add(prob * (of_right - of_wrong));
            size.add(prob * (of_right.abs() + of_wrong.abs()));
            log_choose += math::ln((others - right) as f64) - math::ln(right as f64 + 1.0);
        }
        (kappa.total(), size.total())
    }

    /// How often a group that is mixed, and one that is all right or all wrong, is met relative to its probability, given
    /// those of groups all right and all wrong: what is drawn in vain is drawn again.
    fn met(&self, alike: [f64; 2]) -> [f64; 2] {
        let again = alike[0] + alike[1];
        let (mut mixed, mut power) = (1.0, 1.0);
        for _ in 0..self.redraw {
            power *= again;
            mixed += power;
        }
        [mixed, power]
    }
}
