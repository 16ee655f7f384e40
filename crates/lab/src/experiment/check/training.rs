//! How policies train.

use super::{Checker, MOST_SAMPLES};
use crate::experiment::Problem;
use crate::experiment::file::{GradientFile, OptimizerFile, TrainingFile};
use crate::plan::{Gradient, Optimizer, SampleSource, Sampling, Training};
use std::ops::Range;

/// Greatest number of passes over a batch: random numbers are told apart by them.
const MOST_EPOCHS: u32 = 255;

impl Checker<'_> {
    pub(super) fn training(&mut self, file: &TrainingFile) -> Option<Training> {
        let before = self.problems.len();
        let gradient = match *file.gradient.value() {
            GradientFile::Population => Gradient::Population,
            GradientFile::Sampled { prompts, group, epochs, minibatches, source, redraw } => {
                let redraw = redraw.map_or(0, |redraw| redraw.limit);
                let sampling = Sampling { prompts, group, epochs, minibatches, source, redraw };
                for message in unfit(sampling) {
                    self.problem(Problem::at(file.gradient.place(self.text), message));
                }
                Gradient::Sampled(sampling)
            }
        };
        let rate = self.first_rate(file);
        let place = file.optimizer.place(self.text);
        let optimizer = self.optimizer(*file.optimizer.value(), rate.unwrap_or(1.0), &place);
        let clip_norm = file.clip_norm.as_ref().map(|norm| {
            if !(**norm > 0.0 && norm.is_finite()) {
                let message = format!("`clip_norm` must be a positive number, found `{}`", **norm);
                self.problem(Problem::at(norm.place(self.text), message));
            }
            **norm
        });
        let steps = *file.steps;
        let matched = file.matched.as_ref().map(|matched| **matched);
        (self.problems.len() == before).then_some(Training { gradient, steps, optimizer, clip_norm, matched })
    }

    /// The optimizer at a learning rate.
    fn optimizer(&mut self, file: OptimizerFile, rate: f64, place: &Range<usize>) -> Optimizer {
        let mut require = |name: &str, value: f64, fits: bool, range: &str| {
            if !fits {
                let message = format!("`{name}` must be {range}, found `{value}`");
                self.problem(Problem::at(place.clone(), message));
            }
        };
        if let Some(own) = file.learning_rate() {
            require("learning_rate", own, is_positive(own), "a positive number");
        }
        match file {
            OptimizerFile::Sgd { .. } => Optimizer::Sgd { learning_rate: rate },
            OptimizerFile::Adam { beta1, beta2, epsilon, .. } => {
                require("beta1", beta1, (0.0..1.0).contains(&beta1), "in [0, 1)");
                require("beta2", beta2, (0.0..1.0).contains(&beta2), "in [0, 1)");
                require("epsilon", epsilon, is_positive(epsilon), "a positive number");
                Optimizer::Adam { learning_rate: rate, beta1, beta2, epsilon }
            }
        }
    }
}

/// Whether a number is one that scales.
pub(super) fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// What is wrong with the samples of a step.
fn unfit(sampling: Sampling) -> Vec<String> {
    let Sampling { prompts, group, epochs, minibatches, source, redraw } = sampling;
    let mut faults = Vec::new();
    for (name, value) in [("prompts", prompts), ("group", group), ("minibatches", minibatches)] {
        if value == 0 {
            faults.push(format!("`{name}` must be at least 1, found `0`"));
        }
    }
    if !(1..=MOST_EPOCHS).contains(&epochs) {
        faults.push(format!("`epochs` must be in 1 to {MOST_EPOCHS}, found `{epochs}`"));
    }
    if minibatches > 0 && !prompts.is_multiple_of(minibatches) {
        faults.push(format!(
            "`minibatches` are of whole groups and of one size: `{minibatches}` does not divide `prompts: {prompts}`"
        ));
    }
    if source == SampleSource::Filtered && redraw > 0 {
        faults.push("`redraw` with `source: Filtered` draws in vain: all samples of p* are right".into());
    }
    if prompts.saturating_mul(group) > MOST_SAMPLES {
        faults.push(format!("a step must have at most {MOST_SAMPLES} samples, found {prompts} × {group}"));
    } else if let SampleSource::Buffer { age } = source {
        let kept = (age as usize).saturating_add(1).saturating_mul(prompts * group);
        if age == 0 || kept > MOST_SAMPLES {
            faults.push(format!(
                "`age` must be at least 1, and a buffer hold at most {MOST_SAMPLES} samples: found `age: {age}`, with \
                 {prompts} × {group} samples a batch"
            ));
        }
    }
    faults
}
