//! The interquartile mean.

use crate::scale::{scale, unscaled};
use crate::{Estimate, Scores, StatsError, stratified};

/// The mean of the middle half of all scores, of whatever run and task, with a stratified bootstrap interval: ⌊N/4⌋ scores
/// are left out at either end. It may be infinite, and so may the ends of its interval.
///
/// There is no interval of fewer than [`FEWEST_FOR_INTERVAL`](crate::FEWEST_FOR_INTERVAL) runs, and where nothing varies.
/// It is of percentiles, which cover less than 95 % where runs are few: see the [crate](crate#intervals-of-a-mean).
///
/// # Cost
/// O(N) a resample, of which there are 4000.
///
/// # Errors
/// [`StatsError::OppositeInfinities`] of scores that are ∞ and −∞; [`StatsError::TooMany`] of more than 2^17 runs or 2^24
/// tasks.
///
/// # Source
/// Agarwal et al. (2021), arXiv 2108.13264, whose `rliable` has it as `aggregate_iqm`.
pub fn interquartile_mean(scores: Scores<'_>) -> Result<Estimate, StatsError> {
    let at = |infinite| scores.values().iter().position(|value| *value == infinite);
    if let (Some(positive), Some(negative)) = (at(f64::INFINITY), at(f64::NEG_INFINITY)) {
        return Err(StatsError::OppositeInfinities { positive, negative });
    }
    let unit = scale(scores.values());
    let scaled: Vec<f64> = scores.values().iter().map(|value| value / unit).collect();
    let mut order: Vec<usize> = (0..scaled.len()).collect();
    order.sort_by(|&i, &j| scaled[i].total_cmp(&scaled[j]));
    let mean = |[weights]: &[stratified::Weights; 1], out: &mut [f64]| {
        let ascending = order.iter().map(|&i| (scaled[i], weights[i] as usize));
        out[0] = unscaled(middle_mean(ascending, scaled.len()), unit);
    };
    Ok(stratified::estimates([scores], 1, mean)?[0])
}

/// The mean of the middle half of `number` values in ascending order, each with how often it is there.
fn middle_mean(ascending: impl Iterator<Item = (f64, usize)>, number: usize) -> f64 {
    let cut = number / 4;
    let (mut before, mut sum) = (0, 0.0);
    for (value, weight) in ascending {
        let within = (before + weight).min(number - cut).saturating_sub(before.max(cut));
        if within > 0 {
            sum += within as f64 * value;
        }
        before += weight;
    }
    sum / (number - 2 * cut) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> f64 {
        interquartile_mean(Scores::new(values, values.len(), 1).unwrap()).unwrap().value
    }

    /// Of one to three values none is left out, of four to seven one at either end.
    #[test]
    fn small_cases_by_hand() {
        assert_eq!(of(&[3.0]), 3.0);
        assert_eq!(of(&[3.0, 1.0, 8.0]), 4.0);
        assert_eq!(of(&[100.0, 1.0, 3.0, -50.0]), 2.0);
        assert_eq!(of(&[1e300, 1.0, 3.0, -1e300, 2.0]), 2.0);
    }

    #[test]
    fn infinite_scores_are_left_out_like_others_or_carried() {
        assert_eq!(of(&[f64::INFINITY, 1.0, 3.0, 2.0, 0.0]), 2.0);
        assert_eq!(of(&[f64::INFINITY, f64::INFINITY, 3.0, 2.0, 0.0]), f64::INFINITY);
        assert!(of(&[f64::MAX; 9]) / f64::MAX > 1.0 - 1e-15);
        let scores = [f64::INFINITY, f64::INFINITY, 3.0, 2.0, 0.0];
        let found = interquartile_mean(Scores::new(&scores, 5, 1).unwrap()).unwrap().interval.unwrap();
        assert!(found.low.is_finite() && found.high == f64::INFINITY, "{found:?}");
        let opposite =
            Scores::new(&[f64::NEG_INFINITY, 0.0, f64::INFINITY], 3, 1).map(interquartile_mean).unwrap();
        assert_eq!(opposite, Err(StatsError::OppositeInfinities { positive: 2, negative: 0 }));
    }

    #[test]
    fn few_runs_and_equal_scores_have_no_interval() {
        for (values, runs) in [(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 4), (vec![2.0; 30], 10)] {
            let scores = Scores::new(&values, runs, values.len() / runs).unwrap();
            assert_eq!(interquartile_mean(scores).unwrap().interval, None);
        }
    }
}
