//! Scores of runs on tasks.

use crate::StatsError;
use crate::error::check_length;

/// Scores of `runs` on `tasks`, a row a run. They may be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores<'a> {
    values: &'a [f64],
    runs: usize,
    tasks: usize,
}

impl<'a> Scores<'a> {
    /// `values[run * tasks + task]` for each run and task.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without scores, [`StatsError::Length`] of a number that is not `runs * tasks`,
    /// [`StatsError::NotANumber`] where one is NaN.
    pub fn new(values: &'a [f64], runs: usize, tasks: usize) -> Result<Self, StatsError> {
        check_length(runs.saturating_mul(tasks), values.len())?;
        if values.is_empty() {
            return Err(StatsError::Empty);
        }
        match values.iter().position(|value| value.is_nan()) {
            Some(index) => Err(StatsError::NotANumber { index }),
            None => Ok(Self { values, runs, tasks }),
        }
    }

    /// All of them, a row a run.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// The scores of a task, run by run.
    pub fn of_task(&self, task: usize) -> impl Iterator<Item = f64> + 'a {
        self.values.iter().skip(task).step_by(self.tasks).copied()
    }

    /// The scores on a scale where, task by task, `zeros` are 0 and `ones` are 1: (x − zero) / (one − zero), a row a run.
    ///
    /// # Errors
    /// [`StatsError::Length`] if there is not one reference a task, [`StatsError::NotFinite`] where one is infinite or NaN,
    /// [`StatsError::NoRange`] where the two of a task are equal.
    pub fn normalised(&self, zeros: &[f64], ones: &[f64]) -> Result<Vec<f64>, StatsError> {
        for references in [zeros, ones] {
            check_length(self.tasks, references.len())?;
            crate::error::check_finite(references)?;
        }
        if let Some(task) = (0..self.tasks).find(|&task| zeros[task] == ones[task]) {
            return Err(StatsError::NoRange { task, value: zeros[task] });
        }
        let normalised = |(index, x): (usize, &f64)| {
            let (zero, one) = (zeros[index % self.tasks], ones[index % self.tasks]);
            let unit = crate::scale::scale(&[*x, zero, one]);
            (x / unit - zero / unit) / (one / unit - zero / unit)
        };
        Ok(self.values.iter().enumerate().map(normalised).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_run() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let scores = Scores::new(&values, 2, 3).unwrap();
        assert_eq!(scores.of_task(1).collect::<Vec<f64>>(), [2.0, 5.0]);
        assert_eq!(Scores::new(&values, 2, 2), Err(StatsError::Length { expected: 4, found: 6 }));
        assert_eq!(Scores::new(&[], 0, 3), Err(StatsError::Empty));
        assert_eq!(Scores::new(&[0.0, f64::NAN], 2, 1), Err(StatsError::NotANumber { index: 1 }));
        assert!(Scores::new(&values, usize::MAX, usize::MAX).is_err());
    }

    #[test]
    fn references_are_zero_and_one() {
        let values = [1.0, 1e308, 2.0, f64::INFINITY];
        let scores = Scores::new(&values, 2, 2).unwrap();
        let found = scores.normalised(&[1.0, -1e308], &[3.0, 1e308]).unwrap();
        assert_eq!(found, [0.0, 1.0, 0.5, f64::INFINITY]);
        let same = scores.normalised(&[1.0, 2.0], &[3.0, 2.0]);
        assert_eq!(same, Err(StatsError::NoRange { task: 1, value: 2.0 }));
        assert_eq!(scores.normalised(&[1.0], &[3.0, 2.0]), Err(StatsError::Length { expected: 2, found: 1 }));
        assert!(scores.normalised(&[1.0, f64::NAN], &[3.0, 2.0]).is_err());
    }
}
