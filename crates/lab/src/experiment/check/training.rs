//! How policies train.

use super::{Checker, MOST_SAMPLES};
use crate::experiment::file::{GradientFile, OptimizerFile, TrainingFile};
use crate::experiment::{Gradient, Optimizer, Problem, Training};
use std::ops::Range;

impl Checker<'_> {
    pub(super) fn training(&mut self, file: &TrainingFile) -> Option<Training> {
        let before = self.problems.len();
        let gradient = match *file.gradient.value() {
            GradientFile::Population => Gradient::Population,
            GradientFile::Sampled { prompts, group } => {
                for (name, value) in [("prompts", prompts), ("group", group)] {
                    if value == 0 {
                        let place = file.gradient.place(self.text);
                        let message = format!("`{name}` must be at least 1, found `0`");
                        self.problem(Problem::at(place, message));
                    }
                }
                if prompts.saturating_mul(group) > MOST_SAMPLES {
                    let message =
                        format!("a step must have at most {MOST_SAMPLES} samples, found {prompts} × {group}");
                    self.problem(Problem::at(file.gradient.place(self.text), message));
                }
                Gradient::Sampled { prompts, group }
            }
        };
        let optimizer = self.optimizer(*file.optimizer.value(), &file.optimizer.place(self.text));
        let clip_norm = file.clip_norm.as_ref().map(|norm| {
            if !(**norm > 0.0 && norm.is_finite()) {
                let message = format!("`clip_norm` must be a positive number, found `{}`", **norm);
                self.problem(Problem::at(norm.place(self.text), message));
            }
            **norm
        });
        let steps = *file.steps;
        (self.problems.len() == before).then_some(Training { gradient, steps, optimizer, clip_norm })
    }

    pub(super) fn optimizer(&mut self, file: OptimizerFile, place: &Range<usize>) -> Optimizer {
        let mut require = |name: &str, value: f64, fits: bool, range: &str| {
            if !fits {
                let message = format!("`{name}` must be {range}, found `{value}`");
                self.problem(Problem::at(place.clone(), message));
            }
        };
        let positive = |value: f64| value > 0.0 && value.is_finite();
        match file {
            OptimizerFile::Sgd { learning_rate } => {
                require("learning_rate", learning_rate, positive(learning_rate), "a positive number");
                Optimizer::Sgd { learning_rate }
            }
            OptimizerFile::Adam { learning_rate, beta1, beta2, epsilon } => {
                require("learning_rate", learning_rate, positive(learning_rate), "a positive number");
                require("beta1", beta1, (0.0..1.0).contains(&beta1), "in [0, 1)");
                require("beta2", beta2, (0.0..1.0).contains(&beta2), "in [0, 1)");
                require("epsilon", epsilon, positive(epsilon), "a positive number");
                Optimizer::Adam { learning_rate, beta1, beta2, epsilon }
            }
        }
    }
}
