//! Which prompts policies train on.

use super::Checker;
use super::task::BuiltTask;
use crate::experiment::Problem;
use crate::experiment::file::TrainingFile;
use crate::world::TrainedPrompts;
use pstar_core::config::suggest;
use pstar_core::shown;
use std::collections::HashSet;

impl Checker<'_> {
    /// The prompts that are trained on.
    #[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
    pub(super) fn trained(
        &mut self,
        file: Option<&TrainingFile>,
        BuiltTask { prompt_texts, weights, .. }: &BuiltTask,
    ) -> Option<TrainedPrompts> {
        let Some(prompts) = file.and_then(|file| file.prompts.as_ref()) else {
            return Some(TrainedPrompts::all(weights));
        };
        let place = prompts.place(self.text);
        let before = self.problems.len();
        let known: HashSet<&String> = prompt_texts.iter().collect();
        let mut wanted = HashSet::new();
        for prompt in prompts.value() {
            if !known.contains(prompt) {
                let message = format!("expected prompts of `task.prompts`, found `{}`", shown(prompt));
                let hint = suggest(prompt, prompt_texts.iter().map(String::as_str));
                self.problem(Problem::at(place.clone(), message).with_hint(hint));
            } else if !wanted.insert(prompt) {
                let message = format!("prompt `{}` is given twice", shown(prompt));
                self.problem(Problem::at(place.clone(), message));
            }
        }
        let all = (0..).zip(prompt_texts).filter(|(_, text)| wanted.contains(text));
        let numbers: Vec<u32> = all.map(|(number, _)| number).collect();
        if self.problems.len() > before {
            return None;
        }
        if numbers.iter().all(|&number| weights[number as usize] == 0.0) {
            let message = match numbers.len() {
                0 => "expected at least one prompt to train on, found none".to_string(),
                _ => "expected a prompt of positive weight to train on, found weights of 0 alone".into(),
            };
            self.problem(Problem::at(place, message));
            return None;
        }
        if numbers.len() == prompt_texts.len() {
            return Some(TrainedPrompts::all(weights));
        }
        Some(TrainedPrompts::some(numbers, weights))
    }
}
