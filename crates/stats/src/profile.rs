//! Performance profiles.

use crate::{Estimate, Scores, StatsError, stratified};

/// The share of all scores, of whatever run and task, that are above each of the thresholds, with stratified bootstrap
/// intervals point by point. Scores of tasks that have no scale in common are [normalised](Scores::normalised) first.
///
/// There are no intervals of fewer than [`FEWEST_FOR_INTERVAL`](crate::FEWEST_FOR_INTERVAL) runs, and none of shares on
/// which all resamples agree, as of 0 and 1.
///
/// # Cost
/// O(N + T) time a resample, of which there are 4000, with 32 kB a threshold.
///
/// # Errors
/// [`StatsError::NotANumber`] where a threshold is NaN; [`StatsError::TooMany`] of more than 2^17 runs or 2^24 tasks.
///
/// # Source
/// Agarwal et al. (2021), arXiv 2108.13264, section 4.2: score distributions.
pub fn performance_profile(scores: Scores<'_>, thresholds: &[f64]) -> Result<Vec<Estimate>, StatsError> {
    if let Some(index) = thresholds.iter().position(|threshold| threshold.is_nan()) {
        return Err(StatsError::NotANumber { index });
    }
    let mut order: Vec<usize> = (0..thresholds.len()).collect();
    order.sort_by(|&i, &j| thresholds[i].total_cmp(&thresholds[j]));
    let exceeded: Vec<usize> =
        scores.values().iter().map(|score| order.partition_point(|&i| thresholds[i] < *score)).collect();
    let shares = |[weights]: &[stratified::Weights; 1], out: &mut [f64]| {
        // How many scores exceed exactly so many of the least thresholds.
        let mut counts = vec![0; thresholds.len() + 1];
        for (&exceeded, &weight) in exceeded.iter().zip(weights) {
            counts[exceeded] += u64::from(weight);
        }
        let mut above = 0;
        for (rank, &i) in order.iter().enumerate().rev() {
            above += counts[rank + 1];
            out[i] = above as f64 / weights.len() as f64;
        }
    };
    stratified::estimates([scores], thresholds.len(), shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_scores_strictly_above() {
        let values = [0.0, 1.0, 1.0, 2.0, f64::INFINITY, 3.0];
        let scores = Scores::new(&values, 3, 2).unwrap();
        let thresholds = [1.0, f64::NEG_INFINITY, f64::INFINITY, 2.5, -0.0];
        let found = performance_profile(scores, &thresholds).unwrap();
        let expected = [0.5, 1.0, 0.0, 2.0 / 6.0, 5.0 / 6.0];
        assert_eq!(found, expected.map(|value| Estimate { value, interval: None }));
        assert_eq!(performance_profile(scores, &[]), Ok(vec![]));
        assert_eq!(performance_profile(scores, &[0.0, f64::NAN]), Err(StatsError::NotANumber { index: 1 }));
    }
}
