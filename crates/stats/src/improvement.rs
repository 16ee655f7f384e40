//! The probability of improvement.

use crate::error::check_length;
use crate::{Estimate, Scores, StatsError, stratified};

/// How likely a run of `x` scores more than one of `y` on a task, ties counted half, as the mean over tasks; with a
/// stratified bootstrap interval, for which runs of `x` and `y` are drawn apart.
///
/// There is no interval where either has fewer than [`FEWEST_FOR_INTERVAL`](crate::FEWEST_FOR_INTERVAL) runs, and where all
/// resamples agree, as they do where no run of one is above any of the other. Infinite scores are scores.
///
/// # Cost
/// O(N) a resample, of which there are 4000.
///
/// # Errors
/// [`StatsError::Length`] of different numbers of tasks; [`StatsError::TooMany`] of more than 2^17 runs or 2^24 tasks.
///
/// # Source
/// Agarwal et al. (2021), arXiv 2108.13264; Mann and Whitney's U over the number of pairs of runs.
pub fn probability_of_improvement(x: Scores<'_>, y: Scores<'_>) -> Result<Estimate, StatsError> {
    check_length(x.tasks(), y.tasks())?;
    let tasks: Vec<Vec<Cell>> = (0..x.tasks()).map(|task| ascending(x, y, task)).collect();
    let pairs = 2.0 * x.runs() as f64 * y.runs() as f64;
    let probability = |[x, y]: &[stratified::Weights; 2], out: &mut [f64]| {
        let of_task = |cells: &Vec<Cell>| twice_wins(cells, x, y) as f64 / pairs;
        out[0] = tasks.iter().map(of_task).sum::<f64>() / tasks.len() as f64;
    };
    Ok(stratified::estimates([x, y], 1, probability)?[0])
}

/// A score on a task.
struct Cell {
    score: f64,
    /// Whether it is of x.
    of_x: bool,
    /// Its place among the scores of its side.
    index: usize,
}

/// The scores of both on a task, in ascending order.
fn ascending(x: Scores<'_>, y: Scores<'_>, task: usize) -> Vec<Cell> {
    let cells = |scores: Scores<'_>, of_x| {
        let place = move |run| run * scores.tasks() + task;
        scores
            .of_task(task)
            .enumerate()
            .map(move |(run, score)| Cell { score, of_x, index: place(run) })
            .collect()
    };
    let mut all: Vec<Cell> = cells(x, true);
    all.extend::<Vec<Cell>>(cells(y, false));
    // 0 and −0 are a tie.
    all.sort_by(|a, b| (a.score + 0.0).total_cmp(&(b.score + 0.0)));
    all
}

/// Twice the number of pairs of runs of which x is above, plus the number of ties.
fn twice_wins(ascending: &[Cell], x: &[u32], y: &[u32]) -> u64 {
    let (mut wins, mut below) = (0, 0);
    for equal in ascending.chunk_by(|a, b| a.score == b.score) {
        let weight = |weights: &[u32], of_x| -> u64 {
            equal.iter().filter(|cell| cell.of_x == of_x).map(|cell| u64::from(weights[cell.index])).sum()
        };
        let (of_x, of_y) = (weight(x, true), weight(y, false));
        wins += of_x * (2 * below + of_y);
        below += of_y;
    }
    wins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(x: &[f64], y: &[f64], tasks: usize) -> Estimate {
        let scores = |values| Scores::new(values, values.len() / tasks, tasks).unwrap();
        probability_of_improvement(scores(x), scores(y)).unwrap()
    }

    #[test]
    fn small_cases_by_hand() {
        // Of the pairs of 1, 2, 3 with 2, 0: above, tie, above twice less one: 1 > 0, 2 > 0, 3 > 2, 3 > 0, 2 = 2.
        assert_eq!(of(&[1.0, 2.0, 3.0], &[2.0, 0.0], 1).value, 4.5 / 6.0);
        // A task that is won and one that is lost.
        assert_eq!(of(&[1.0, 1.0], &[0.0, 2.0], 2).value, 0.5);
        assert_eq!(of(&[0.0, f64::INFINITY], &[-0.0, f64::INFINITY], 2).value, 0.5);
        let (many, none) = (vec![1.0; 9], vec![0.0; 9]);
        assert_eq!(of(&many, &none, 1), Estimate { value: 1.0, interval: None });
        assert_eq!(of(&many, &many, 3), Estimate { value: 0.5, interval: None });
    }

    #[test]
    fn tasks_must_be_the_same() {
        let values = [1.0; 6];
        let found = probability_of_improvement(
            Scores::new(&values, 3, 2).unwrap(),
            Scores::new(&values, 2, 3).unwrap(),
        );
        assert_eq!(found, Err(StatsError::Length { expected: 2, found: 3 }));
    }
}
