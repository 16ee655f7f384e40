//! How policies are measured.

use super::{Checker, MOST_SAMPLES};
use crate::experiment::file::{EvaluationFile, ExactFile};
use crate::experiment::{Problem, Verbatim};
use crate::plan::Training;
use crate::world::EvaluationSettings;
use pstar_core::objective::Target;
use pstar_core::shown;
use std::collections::HashSet;

/// Greatest number of outputs that can be enumerated at all: their table takes 2 GiB.
const MOST_OUTPUTS: u64 = 1 << 27;

/// Greatest number of states that can be kept at all.
const MOST_STATES: usize = 1 << 28;

impl Checker<'_> {
    pub(super) fn evaluation(
        &mut self,
        file: &EvaluationFile,
        exact: &ExactFile,
        training: Option<&Training>,
    ) -> Option<EvaluationSettings> {
        let before = self.problems.len();
        let steps = training.map_or(0, |training| training.steps);
        let every = match &file.every {
            None => (steps / 20).max(1),
            Some(every) => {
                if **every == 0 {
                    let message = "`every` must be at least 1, found `0`";
                    self.problem(Problem::at(every.place(self.text), message));
                }
                **every
            }
        };
        let is_positive = |beta: f64| beta > 0.0 && beta.is_finite();
        self.numbers("k", &file.k, |&k| k > 0, "at least 1");
        self.numbers("betas", &file.betas, |&beta| is_positive(beta), "positive numbers");
        let is_power = |power: f64| (0.0..=Target::MOST_POWER).contains(&power);
        self.numbers("powers", &file.powers, |&power| is_power(power), "numbers from 0 to 1e9");
        self.numbers("alphas", &file.alphas, |alpha| alpha.is_finite(), "numbers");
        self.numbers("power_sums", &file.power_sums, |power| power.is_finite(), "numbers");
        let limit = &file.enumerate_up_to;
        if **limit > MOST_OUTPUTS {
            let message = format!("`enumerate_up_to` must be at most {MOST_OUTPUTS}, found `{}`", **limit);
            self.problem(Problem::at(limit.place(self.text), message));
        }
        if !(2..=MOST_SAMPLES).contains(&*file.samples) {
            let message = format!("`samples` must be from 2 to {MOST_SAMPLES}, found `{}`", *file.samples);
            self.problem(Problem::at(file.samples.place(self.text), message));
        }
        let states = &exact.max_states;
        if !(1..=MOST_STATES).contains(&**states) {
            let message = format!("`max_states` must be from 1 to {MOST_STATES}, found `{}`", **states);
            self.problem(Problem::at(states.place(self.text), message));
        }
        (self.problems.len() == before).then(|| EvaluationSettings {
            every,
            k: file.k.clone(),
            betas: file.betas.clone(),
            powers: file.powers.clone(),
            alphas: file.alphas.clone(),
            power_sums: file.power_sums.clone(),
            enumerate_up_to: *file.enumerate_up_to,
            samples: *file.samples,
            optima: file.optima,
            max_states: *exact.max_states,
        })
    }

    /// Checks a list of numbers, which are keys of the output and so must differ.
    fn numbers<T>(&mut self, name: &str, numbers: &[Verbatim<T>], fits: impl Fn(&T) -> bool, range: &str) {
        let mut known = HashSet::new();
        for number in numbers {
            let (place, text) = (number.place(self.text), shown(&number.text));
            if !fits(&number.value) {
                self.problem(Problem::at(place, format!("`{name}` must be {range}, found `{text}`")));
            } else if !known.insert(&number.text) {
                self.problem(Problem::at(place, format!("`{name}` holds `{text}` twice")));
            }
        }
    }
}
