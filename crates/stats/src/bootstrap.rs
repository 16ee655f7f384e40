//! Intervals of paired differences.

use crate::mean;
use pstar_core::rng::{Purpose, StreamKey};

/// Number of resamples.
const RESAMPLES: u32 = 4000;

/// A mean and a 95 % interval of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The mean of `values − baseline`, pair by pair, with a 95 % percentile bootstrap interval over the pairs.
///
/// The resampling is a function of the number of pairs alone. `None` for fewer than two pairs or where a
/// difference is not finite.
///
/// # Panics
/// If the slices have different lengths.
///
/// # Source
/// Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, ch. 13.
pub fn paired_difference(values: &[f64], baseline: &[f64]) -> Option<Interval> {
    assert_eq!(values.len(), baseline.len(), "pairs");
    let differences: Vec<f64> = values.iter().zip(baseline).map(|(value, base)| value - base).collect();
    if differences.len() < 2 || differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    let key = StreamKey::new(0, Purpose::Bootstrap, 0);
    let mut means: Vec<f64> =
        (0..RESAMPLES).map(|resample| resampled_mean(&differences, key, resample)).collect();
    means.sort_by(f64::total_cmp);
    let tail = RESAMPLES as usize / 40;
    Some(Interval { mean: mean(&differences), low: means[tail - 1], high: means[RESAMPLES as usize - tail] })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a uniform number times a length is an index"
)]
fn resampled_mean(differences: &[f64], key: StreamKey, resample: u32) -> f64 {
    let n = differences.len();
    let mut uniforms = key.row(0, resample);
    (0..n).map(|i| differences[(uniforms.at(i) * n as f64) as usize]).sum::<f64>() / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairing_removes_what_pairs_share() {
        let baseline: Vec<f64> = (0..10).map(f64::from).collect();
        let values: Vec<f64> = baseline.iter().map(|x| x + 2.0).collect();
        assert_eq!(paired_difference(&values, &baseline), Some(Interval { mean: 2.0, low: 2.0, high: 2.0 }));
    }

    #[test]
    fn the_interval_has_about_the_width_of_the_normal_one() {
        // 100 differences of −1 and 1 in turn: standard error 0.1005, so ±0.197; the percentiles of 4000
        // resamples are good to about 0.01.
        let values: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let interval = paired_difference(&values, &[0.0; 100]).unwrap();
        assert!((interval.low + 0.197).abs() < 0.03 && (interval.high - 0.197).abs() < 0.03, "{interval:?}");
    }

    #[test]
    fn what_has_no_interval_has_none() {
        assert_eq!(paired_difference(&[1.0], &[0.0]), None);
        assert_eq!(paired_difference(&[f64::INFINITY, 1.0], &[0.0, 0.0]), None);
    }
}
