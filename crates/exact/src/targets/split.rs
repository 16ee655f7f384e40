//! A distribution seen as two classes of outputs, the valid and the invalid ones.
//!
//! Every figure that does not look at single outputs follows from the two masses and from what each class
//! looks like within itself: entropies by the chain rule, and the tilt, which only moves mass between the
//! classes. The two masses are summed separately, never one as 1 minus the other.

use pstar_core::{math, vectorised};

use crate::sum::{block_sums, finite, nonnegative, unless};
use crate::{Distribution, ValidSet};

/// Below this mass, the class's probabilities are taken from their logarithms: they, or their squares, are near
/// underflow.
pub(crate) const TINY: f64 = 1e-140;

/// One class of outputs under one distribution: its mass, and its shape given that the class occurs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputClass {
    /// Mass of the class; may underflow to 0.
    pub mass: f64,
    /// Log of the mass; −∞ iff no output of the class is in the support.
    pub log_mass: f64,
    /// Entropy given the class, in nats; 0 for an empty class.
    pub entropy: f64,
    /// Log of the probability that two draws given the class agree; −∞ for an empty class.
    pub log_collision: f64,
    /// Probability of the likeliest output given the class; 0 for an empty class, and where it underflows.
    pub top1: f64,
    /// Log of that probability; −∞ iff the class is empty.
    pub log_top1: f64,
}

impl OutputClass {
    /// A class without support.
    pub const EMPTY: Self = Self {
        mass: 0.0,
        log_mass: f64::NEG_INFINITY,
        entropy: 0.0,
        log_collision: f64::NEG_INFINITY,
        top1: 0.0,
        log_top1: f64::NEG_INFINITY,
    };

    /// Whether the class has no support.
    pub fn is_empty(&self) -> bool {
        self.log_mass == f64::NEG_INFINITY
    }

    /// The class with its shape kept and its mass replaced; an empty class stays empty.
    #[must_use]
    pub fn with_mass(self, mass: f64, log_mass: f64) -> Self {
        if self.is_empty() { self } else { Self { mass, log_mass, ..self } }
    }

    /// mass · (entropy − log mass): what the class adds to the entropy of the whole.
    pub(crate) fn entropy_share(&self) -> f64 {
        if self.mass == 0.0 { 0.0 } else { self.mass * (self.entropy - self.log_mass) }
    }

    /// The class of the outputs 0..len that are not `left_out`, each (log-probability, probability).
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    pub(crate) fn of(
        len: usize,
        output: impl Fn(usize) -> (f64, f64),
        left_out: impl Fn(usize) -> bool,
    ) -> Self {
        let mut greatest = 0.0;
        let [mass, moment, square] = block_sums(len, |i| {
            let (log_prob, prob) = output(i);
            let prob = unless(left_out(i), prob);
            greatest = if prob > greatest { prob } else { greatest };
            [prob, prob * finite(log_prob), prob * prob]
        });
        let of_tiny = || Self::of_tiny(len, |i| if left_out(i) { f64::NEG_INFINITY } else { output(i).0 });
        Self::of_sums([mass, moment, square], greatest, of_tiny)
    }

    /// From Σ q, Σ q log q, Σ q² and the greatest q; `of_tiny` is what it is where these are near underflow.
    pub(crate) fn of_sums(
        [mass, moment, square]: [f64; 3],
        greatest: f64,
        of_tiny: impl FnOnce() -> Self,
    ) -> Self {
        if mass < TINY {
            return of_tiny();
        }
        let log_mass = math::ln(mass);
        Self {
            mass: mass.min(1.0),
            log_mass: log_mass.min(0.0),
            entropy: nonnegative(log_mass - moment / mass),
            log_collision: math::ln(square / mass / mass),
            top1: greatest / mass,
            log_top1: math::ln(greatest / mass).min(0.0),
        }
    }

    /// The same from log-probabilities, for a class whose probabilities underflow or that is empty.
    #[cold]
    pub(crate) fn of_tiny(len: usize, log_prob: impl Fn(usize) -> f64) -> Self {
        let greatest = (0..len).map(&log_prob).fold(f64::NEG_INFINITY, f64::max);
        if greatest == f64::NEG_INFINITY {
            return Self::EMPTY;
        }
        let [relative_mass] = block_sums(len, |i| [math::exp(log_prob(i) - greatest)]);
        let log_mass = greatest + math::ln(relative_mass);
        let [entropy, collision] = block_sums(len, |i| {
            let log_prob = log_prob(i) - log_mass;
            let prob = math::exp(log_prob);
            [if prob > 0.0 { -prob * log_prob } else { 0.0 }, prob * prob]
        });
        Self {
            mass: math::exp(log_mass),
            log_mass,
            entropy: nonnegative(entropy),
            log_collision: math::ln(collision),
            top1: math::exp(greatest - log_mass),
            log_top1: (greatest - log_mass).min(0.0),
        }
    }
}

/// A distribution's valid and invalid outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// The outputs that the verifier accepts.
    pub valid: OutputClass,
    /// All others.
    pub invalid: OutputClass,
}

impl Split {
    /// Splits `distribution` by validity, in one pass over the outputs and one over the valid ones.
    ///
    /// The log of a mass above ½ is taken from the other mass, log(1 − x) by `ln_1p`: it stays exact to the
    /// last digits when nearly all is valid, or nearly nothing.
    ///
    /// # Panics
    /// If `valid` is about another number of outputs.
    pub fn of(distribution: Distribution<'_>, valid: &ValidSet) -> Self {
        assert_eq!(distribution.len(), valid.mask().len(), "a mark for every output");
        vectorised!([distribution: Distribution<'_> = distribution, valid: &ValidSet = valid] -> Split {
            let (mask, indices) = (valid.mask(), valid.indices());
            let len = mask.len();
            let (log_probs, probs) = (&distribution.log_probs[..len], &distribution.probs[..len]);
            let at = |i: usize| (log_probs[i], probs[i]);
            Split::of_classes(
                OutputClass::of(indices.len(), |j| at(indices[j] as usize), |_| false),
                OutputClass::of(len, at, |i| mask[i]),
            )
        })
    }

    /// Of two classes whose masses were summed apart.
    pub(crate) fn of_classes(valid: OutputClass, invalid: OutputClass) -> Self {
        let mut split = Self { valid, invalid };
        split.valid.refine_log_mass(invalid.mass);
        split.invalid.refine_log_mass(valid.mass);
        split
    }

    /// Entropy of the whole distribution, in nats.
    pub(crate) fn entropy(&self) -> f64 {
        nonnegative(self.valid.entropy_share() + self.invalid.entropy_share())
    }

    /// Log of the probability that two draws agree.
    pub(crate) fn log_collision(&self) -> f64 {
        let share = |class: &OutputClass| 2.0 * class.log_mass + class.log_collision;
        math::log_sum_exp(&[share(&self.valid), share(&self.invalid)])
    }

    /// Probability of the likeliest output.
    pub(crate) fn top1(&self) -> f64 {
        let greatest = |class: &OutputClass| class.mass * class.top1;
        greatest(&self.valid).max(greatest(&self.invalid))
    }

    /// Log of the probability of the likeliest output.
    pub(crate) fn log_top1(&self) -> f64 {
        self.valid.log_greatest().max(self.invalid.log_greatest())
    }
}

impl OutputClass {
    /// Log of the probability of the class's likeliest output; −∞ for an empty class.
    pub fn log_greatest(&self) -> f64 {
        self.log_mass + self.log_top1
    }

    fn refine_log_mass(&mut self, mass_of_the_other: f64) {
        if self.mass > 0.5 {
            // Adding 0 keeps −0 out of the records.
            self.log_mass = math::ln_1p(-mass_of_the_other) + 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, table};

    #[test]
    fn each_class_is_described_given_itself() {
        let table = table(&[0.1, 0.3, 0.2, 0.4]);
        let split = Split::of(table.view(), &ValidSet::new(vec![true, false, false, true]));
        assert_close(split.valid.mass, 0.5, 1e-15);
        assert_close(split.valid.entropy, -(0.2 * 0.2f64.ln() + 0.8 * 0.8f64.ln()), 1e-15);
        assert_close(split.invalid.log_collision, (0.36f64 + 0.16).ln(), 1e-15);
        assert_close(split.invalid.top1, 0.6, 1e-15);
        assert_close(split.top1(), 0.4, 1e-15);
        assert_close(split.log_collision(), (0.01f64 + 0.09 + 0.04 + 0.16).ln(), 1e-15);
    }

    #[test]
    fn a_small_invalid_mass_is_not_lost_to_rounding() {
        let table = table(&[1.0 - 1e-12, 1e-12]);
        let split = Split::of(table.view(), &ValidSet::new(vec![true, false]));
        assert_close(split.invalid.mass / 1e-12, 1.0, 1e-13);
        assert_close(split.valid.log_mass / -1e-12, 1.0, 1e-11);
    }

    /// Masses of e^−1000, and of e^−400, whose squares alone underflow.
    #[test]
    fn underflowed_classes_keep_their_support_and_shape() {
        for log_mass in [-1000.0, -400.0] {
            let log_probs = vec![0.0, log_mass + 0.25f64.ln(), log_mass + 0.75f64.ln()];
            let table = crate::OutputTable::from_log_probs(log_probs);
            let split = Split::of(table.view(), &ValidSet::new(vec![false, true, true]));
            assert!(split.valid.mass * split.valid.mass < f64::MIN_POSITIVE);
            assert_close(split.valid.log_mass, log_mass, 1e-12);
            assert_close(split.valid.top1, 0.75, 1e-12);
            assert_close(split.valid.log_collision, (0.0625f64 + 0.5625).ln(), 1e-12);
            assert_close(split.valid.entropy, -(0.25 * 0.25f64.ln() + 0.75 * 0.75f64.ln()), 1e-12);
        }
    }

    #[test]
    fn a_class_without_support_is_empty() {
        let table = table(&[0.0, 1.0]);
        let split = Split::of(table.view(), &ValidSet::new(vec![true, false]));
        assert_eq!(split.valid, OutputClass::EMPTY);
        assert!(!split.invalid.is_empty());
        assert_close(split.entropy(), 0.0, 0.0);
    }
}
