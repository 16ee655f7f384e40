//! How policies are measured.

use super::{Checker, MOST_SAMPLES};
use crate::experiment::file::EvaluationFile;
use crate::experiment::{Evaluation, Problem, Training, Written};

/// Greatest number of outputs that can be enumerated at all: their table takes 2 GiB.
const MOST_OUTPUTS: u64 = 1 << 27;

impl Checker<'_> {
    pub(super) fn evaluation(
        &mut self,
        file: &EvaluationFile,
        training: Option<&Training>,
    ) -> Option<Evaluation> {
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
        if let Some(zero) = file.k.iter().find(|k| k.value == 0) {
            self.problem(Problem::new(format!("`k` must be at least 1, found `{}`", zero.text)));
        }
        for beta in file.betas.iter().filter(|b| !(b.value > 0.0 && b.value.is_finite())) {
            self.problem(Problem::new(format!("`betas` must be positive numbers, found `{}`", beta.text)));
        }
        for (name, values) in [("alphas", &file.alphas), ("power_sums", &file.power_sums)] {
            for value in values.iter().filter(|value| !value.value.is_finite()) {
                self.problem(Problem::new(format!("`{name}` must be numbers, found `{}`", value.text)));
            }
        }
        if file.enumerate_up_to > MOST_OUTPUTS {
            let found = file.enumerate_up_to;
            let message = format!("`enumerate_up_to` must be at most {MOST_OUTPUTS}, found `{found}`");
            self.problem(Problem::new(message));
        }
        let lists = [
            ("k", repeated(&file.k)),
            ("betas", repeated(&file.betas)),
            ("alphas", repeated(&file.alphas)),
            ("power_sums", repeated(&file.power_sums)),
        ];
        for (name, repeated) in lists {
            if let Some(text) = repeated {
                self.problem(Problem::new(format!("`{name}` holds `{text}` twice")));
            }
        }
        if !(2..=MOST_SAMPLES).contains(&*file.samples) {
            let message = format!("`samples` must be from 2 to {MOST_SAMPLES}, found `{}`", *file.samples);
            self.problem(Problem::at(file.samples.place(self.text), message));
        }
        (self.problems.len() == before).then(|| Evaluation {
            every,
            k: file.k.clone(),
            betas: file.betas.clone(),
            alphas: file.alphas.clone(),
            power_sums: file.power_sums.clone(),
            enumerate_up_to: file.enumerate_up_to,
            samples: *file.samples,
        })
    }
}

/// The first number that is written twice.
fn repeated<T>(numbers: &[Written<T>]) -> Option<&str> {
    let earlier = |i: usize| numbers[..i].iter().any(|known| known.text == numbers[i].text);
    (1..numbers.len()).find(|&i| earlier(i)).map(|i| numbers[i].text.as_str())
}
