//! What single steps tell: the host's own signals and the objective's diagnostics, as means over steps.

use super::bits;
use crate::rollout::Rollout;
use pstar_core::math;
use pstar_record::{Means, told_apart};
use serde::{Deserialize, Serialize};

/// The Euclidean norm of the gradient, before it is scaled down.
const GRADIENT_NORM: &str = "gradient_norm";
/// Whether `training.clip_norm` scaled the gradient down.
const GRADIENT_CLIPPED: &str = "gradient_clipped";
/// What gradients were multiplied by, where expected steps are matched.
const MATCH_FACTOR: &str = "match_factor";
/// The share of groups whose samples were all valid.
const ALL_RIGHT: &str = "groups_all_right";
/// The share of groups of which no sample was valid.
const ALL_WRONG: &str = "groups_all_wrong";

/// Greatest number of names that an arm keeps means of: an objective that makes up new ones each step fills no memory.
const MOST_NAMES: usize = 256;

/// Sums of named numbers and over how many steps, in the order in which the names came up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sums(Vec<Sum>);

/// A sum of numbers of a name, and how many.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sum {
    name: String,
    #[serde(with = "bits::one")]
    total: f64,
    count: u32,
}

impl Sums {
    fn add(&mut self, name: &str, value: f64) {
        // What is not a number says nothing of its step.
        if value.is_nan() {
            return;
        }
        if let Some(known) = self.0.iter_mut().find(|known| known.name == name) {
            known.total += value;
            known.count += 1;
        } else if self.0.len() < MOST_NAMES {
            self.0.push(Sum { name: name.into(), total: value, count: 1 });
        }
    }

    /// Means over the steps that gave a number.
    fn means(&self) -> Means {
        self.0.iter().map(|Sum { name, total, count }| (name.clone(), total / f64::from(*count))).collect()
    }
}

/// Collects what the steps of an arm tell.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Signals {
    /// Over the steps since the last point of the curve.
    recent: Sums,
    all: Sums,
    /// The greatest norm of a gradient.
    #[serde(with = "bits::one")]
    greatest_norm: f64,
}

impl Signals {
    fn add(&mut self, name: &str, value: f64) {
        self.recent.add(name, value);
        self.all.add(name, value);
    }

    /// Notes a gradient, before it is scaled down to `clip_norm`.
    pub(super) fn gradient(&mut self, gradient: &[f64], clip_norm: Option<f64>) {
        let norm = math::norm(gradient);
        self.greatest_norm = self.greatest_norm.max(norm);
        self.add(GRADIENT_NORM, norm);
        if let Some(limit) = clip_norm {
            self.add(GRADIENT_CLIPPED, f64::from(u8::from(norm > limit)));
        }
    }

    /// Notes what a gradient was multiplied by.
    pub(super) fn matched(&mut self, factor: f64) {
        self.add(MATCH_FACTOR, factor);
    }

    /// Notes how many groups of a batch tell right from wrong.
    pub(super) fn groups(&mut self, rollout: &Rollout) {
        let (mut right, mut wrong, mut groups) = (0.0, 0.0, 0.0);
        for mut rows in rollout.groups() {
            groups += 1.0;
            if rows.clone().all(|row| rollout.rewards()[row] > 0.0) {
                right += 1.0;
            } else if rows.all(|row| rollout.rewards()[row] == 0.0) {
                wrong += 1.0;
            }
        }
        self.add(ALL_RIGHT, right / groups);
        self.add(ALL_WRONG, wrong / groups);
    }

    /// Notes an objective's diagnostics; one that has the name of a signal of the host's is told apart.
    pub(super) fn diagnostics(&mut self, diagnostics: &[(String, f64)]) {
        for (name, value) in diagnostics {
            if [GRADIENT_NORM, GRADIENT_CLIPPED, MATCH_FACTOR, ALL_RIGHT, ALL_WRONG].contains(&name.as_str())
            {
                self.add(&told_apart(name), *value);
            } else {
                self.add(name, *value);
            }
        }
    }

    /// The means since the last point of the curve, and a new start.
    pub(super) fn take_recent(&mut self) -> Means {
        std::mem::take(&mut self.recent).means()
    }

    /// The means over all steps.
    pub(super) fn all(&self) -> Means {
        self.all.means()
    }

    /// The greatest norm of a gradient.
    pub(super) fn greatest_norm(&self) -> f64 {
        self.greatest_norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_the_steps_that_gave_a_number() {
        let mut signals = Signals::default();
        signals.diagnostics(&[("x".into(), 1.0), (GRADIENT_NORM.into(), 7.0)]);
        signals.diagnostics(&[("x".into(), f64::NAN)]);
        signals.gradient(&[3.0, -4.0], Some(4.0));
        let recent = signals.take_recent();
        let expected =
            [("x", 1.0), ("objective gradient_norm", 7.0), (GRADIENT_NORM, 5.0), (GRADIENT_CLIPPED, 1.0)];
        assert_eq!(recent.iter().collect::<Vec<_>>(), expected.map(|(name, mean)| (name, Some(mean))));
        signals.diagnostics(&[("x".into(), 4.0)]);
        assert_eq!(signals.take_recent().iter().collect::<Vec<_>>(), [("x", Some(4.0))]);
        assert_eq!(signals.all().iter().next(), Some(("x", Some(2.5))));
    }

    #[test]
    fn new_names_at_every_step_fill_no_memory() {
        let mut means = Sums::default();
        (0..10_000).for_each(|i| means.add(&i.to_string(), 1.0));
        assert_eq!(means.means().iter().count(), MOST_NAMES);
    }
}
