//! At which learning rates arms train, and how one is selected.

use super::Checker;
use super::training::is_positive;
use crate::experiment::file::{SelectOnFile, TrainingFile};
use crate::experiment::{ExperimentFile, Located, Problem};
use crate::plan::SelectOn;
use pstar_core::shown;
use std::collections::HashSet;

impl Checker<'_> {
    /// The first rate of the list, or the optimizer's own.
    pub(super) fn first_rate(&mut self, file: &TrainingFile) -> Option<f64> {
        let own = file.optimizer.learning_rate();
        let rate = match &file.learning_rates {
            Some(rates) => return rates.first().map(|rate| rate.value).or(own),
            None => own,
        };
        if rate.is_none() {
            let message = "the optimizer has no `learning_rate`, and there are no `training.learning_rates`";
            self.problem(Problem::at(file.optimizer.place(self.text), message));
        }
        rate
    }

    /// The rates of the objectives that have none of their own.
    pub(super) fn learning_rates(&mut self, file: &ExperimentFile) -> Vec<f64> {
        for (_, objective) in file.objectives.iter() {
            if let Some(rate) = objective.learning_rate.as_ref().filter(|rate| !is_positive(***rate)) {
                let message = format!("`learning_rate` must be a positive number, found `{}`", **rate);
                self.problem(Problem::at(rate.place(self.text), message));
            }
        }
        let training = file.training.as_ref();
        let own = training.and_then(|training| training.optimizer.learning_rate()).unwrap_or(f64::NAN);
        let Some(list) = training.and_then(|training| training.learning_rates.as_ref()) else {
            return vec![own];
        };
        if list.is_empty() {
            let message = "`learning_rates` must hold at least one rate, found none";
            self.problem(Problem::at(list.place(self.text), message));
        }
        let mut known = HashSet::new();
        for rate in list.iter() {
            let found = shown(&rate.text);
            if !is_positive(rate.value) {
                let message = format!("`learning_rates` must be positive numbers, found `{found}`");
                self.problem(Problem::at(rate.place(self.text), message));
            } else if !known.insert(rate.value.to_bits()) {
                let message = format!("`learning_rates` holds `{found}` twice");
                self.problem(Problem::at(rate.place(self.text), message));
            }
        }
        list.iter().map(|rate| rate.value).collect()
    }

    /// How one of `rates` rates is selected, beside rows of `seeds`.
    pub(super) fn select_on(
        &mut self,
        file: Option<&Located<SelectOnFile>>,
        rates: usize,
        seeds: &[u64],
    ) -> Option<SelectOn> {
        let SelectOnFile { seeds: own, metric, best } = file?.value();
        if rates < 2 {
            let message = format!("`select_on` needs several `learning_rates` to select from, found {rates}");
            let problem = Problem::at(file?.place(self.text), message);
            self.problem(problem.with_hint("`training: (learning_rates: [0.01, 0.05], …)`"));
        }
        let place = own.place(self.text);
        if own.values.is_empty() && own.refused().is_none() {
            self.problem(Problem::at(place.clone(), "`select_on` needs at least one seed, found none"));
        }
        let values = self.seeds(own);
        let shown: HashSet<&u64> = seeds.iter().collect();
        if let Some(seed) = values.iter().find(|seed| shown.contains(seed)) {
            let message = format!("seed {seed} is also one of the experiment's `seeds`");
            let hint = "a rate that was selected on a seed looks better there than it is: select on others";
            self.problem(Problem::at(place, message).with_hint(hint));
        }
        Some(SelectOn { seeds: values, metric: metric.value().clone(), best: *best })
    }
}
