//! Intervals of paired differences.

use crate::mean;
use pstar_core::rng::{Purpose, StreamKey};

/// Number of resamples.
const RESAMPLES: u32 = 4000;

/// Fewest pairs of which an interval is given: below, resampling says little more than the range.
const FEWEST_PAIRS: usize = 5;

/// 97.5 % quantiles of Student's t with 4, 5, … degrees of freedom; beyond, that of 30 is on the large side.
const T_QUANTILES: [f64; 27] = [
    2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
    2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The mean of paired differences and, of five pairs or more that are not all alike, a 95 % interval of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The mean.
    pub mean: f64,
    /// Lower and upper end.
    pub interval: Option<(f64, f64)>,
}

/// The mean of `values − baseline`, pair by pair, with a 95 % expanded percentile bootstrap interval over the pairs.
///
/// Plain percentile intervals are too narrow for few pairs; the expanded ones take more extreme percentiles, such
/// that normal differences would give Student's interval. The resampling is a function of the number of pairs
/// alone. Differences that are all equal to the bit have no interval: nothing says how much they would vary. `None`
/// without pairs or where a difference is not finite.
///
/// # Panics
/// If the slices have different lengths.
///
/// # Source
/// Hesterberg (2015), *What Teachers Should Know About the Bootstrap*, section 4.2, arXiv 1411.5279.
pub fn paired_difference(values: &[f64], baseline: &[f64]) -> Option<Difference> {
    assert_eq!(values.len(), baseline.len(), "pairs");
    let differences: Vec<f64> = values.iter().zip(baseline).map(|(value, base)| value - base).collect();
    if differences.is_empty() || differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    Some(Difference { mean: mean(&differences), interval: interval(&differences) })
}

fn interval(differences: &[f64]) -> Option<(f64, f64)> {
    let n = differences.len();
    if n < FEWEST_PAIRS || differences.iter().all(|difference| *difference == differences[0]) {
        return None;
    }
    let key = StreamKey::new(0, Purpose::Bootstrap, 0);
    let mut means: Vec<f64> =
        (0..RESAMPLES).map(|resample| resampled_mean(differences, key, resample)).collect();
    means.sort_by(f64::total_cmp);
    let t = T_QUANTILES[(n - FEWEST_PAIRS).min(T_QUANTILES.len() - 1)];
    let expanded = t * (n as f64 / (n as f64 - 1.0)).sqrt();
    // Φ(−x) = erfc(x / √2) / 2.
    let share = 0.5 * pstar_core::math::erfc(expanded * std::f64::consts::FRAC_1_SQRT_2);
    let tail = (f64::from(RESAMPLES) * share).floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
    let tail = tail as usize;
    Some((means[tail], means[RESAMPLES as usize - 1 - tail]))
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
        let baseline: Vec<f64> = (0..10).map(|i| 100.0 * f64::from(i)).collect();
        let values: Vec<f64> = (0..10).zip(&baseline).map(|(i, x)| x + f64::from(i % 2)).collect();
        let found = paired_difference(&values, &baseline).unwrap();
        let (low, high) = found.interval.unwrap();
        assert!(found.mean == 0.5 && (0.0..0.5).contains(&low) && 0.5 < high && high <= 1.0, "{found:?}");
    }

    #[test]
    fn the_interval_has_about_the_width_of_the_normal_one() {
        // 100 differences of −1 and 1 in turn: standard error 0.1005, so ±0.2; the percentiles of 4000 resamples
        // are good to about 0.01.
        let values: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let (low, high) = paired_difference(&values, &[0.0; 100]).unwrap().interval.unwrap();
        assert!((low + 0.2).abs() < 0.03 && (high - 0.2).abs() < 0.03, "{low} {high}");
    }

    /// 600 sets of ten differences, each the sum of twelve uniforms less 6, which is close to normal. Of intervals
    /// that cover in 95 % of cases 570 do, give or take 5.3; four of those are allowed below, as the bootstrap's
    /// known shortfall at n = 10 is about one per cent.
    #[test]
    fn ten_pairs_are_covered_as_often_as_stated() {
        let key = StreamKey { seed: 42, purpose: 200, step: 0, epoch: 0, resample: 0 };
        let covered = (0..600u32)
            .filter(|&set| {
                let mut uniforms = key.row(1, set);
                let normal = |i: usize, uniforms: &mut pstar_core::rng::UniformRow| {
                    (0..12).map(|j| uniforms.at(12 * i + j)).sum::<f64>() - 6.0
                };
                let values: Vec<f64> = (0..10).map(|i| normal(i, &mut uniforms)).collect();
                let (low, high) = paired_difference(&values, &[0.0; 10]).unwrap().interval.unwrap();
                low <= 0.0 && 0.0 <= high
            })
            .count();
        assert!((548..=592).contains(&covered), "{covered} of 600");
    }

    #[test]
    fn what_has_no_interval_has_none() {
        assert_eq!(paired_difference(&[1.0], &[0.0]), Some(Difference { mean: 1.0, interval: None }));
        assert_eq!(paired_difference(&[], &[]), None);
        assert_eq!(paired_difference(&[3.0; 7], &[1.0; 7]), Some(Difference { mean: 2.0, interval: None }));
        assert_eq!(paired_difference(&[f64::INFINITY, 1.0], &[0.0, 0.0]), None);
    }
}
