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
    paired_differences(&[(values.to_vec(), baseline.to_vec())]).pop()?
}

/// The same of several figures of one set of pairs, each `values` and `baseline`. Every figure sees the same resamples,
/// which are drawn once: of many pairs drawing is what takes time.
///
/// # Panics
/// As [`paired_difference`], and if figures have different numbers of pairs.
pub fn paired_differences(figures: &[(Vec<f64>, Vec<f64>)]) -> Vec<Option<Difference>> {
    let differences = figures.iter().map(|(values, baseline)| {
        assert_eq!(values.len(), baseline.len(), "pairs");
        assert_eq!(values.len(), figures[0].0.len(), "one set of pairs");
        values.iter().zip(baseline).map(|(value, base)| value - base).collect::<Vec<f64>>()
    });
    let differences: Vec<Vec<f64>> = differences.collect();
    let exists = |own: &[f64]| !own.is_empty() && own.iter().all(|difference| difference.is_finite());
    let varies =
        |own: &[f64]| own.len() >= FEWEST_PAIRS && own.iter().any(|difference| *difference != own[0]);
    let resampled: Vec<&[f64]> =
        differences.iter().map(Vec::as_slice).filter(|own| exists(own) && varies(own)).collect();
    let mut intervals = intervals(&resampled).into_iter();
    let difference = |own: &Vec<f64>| {
        exists(own).then(|| Difference {
            mean: mean(own),
            interval: varies(own).then(|| intervals.next()).flatten(),
        })
    };
    differences.iter().map(difference).collect()
}

/// The interval of each row of differences, all of which are of one length.
fn intervals(rows: &[&[f64]]) -> Vec<(f64, f64)> {
    let Some(n) = rows.first().map(|row| row.len()) else { return Vec::new() };
    let key = StreamKey::new(0, Purpose::Bootstrap, 0);
    let mut means = vec![Vec::with_capacity(RESAMPLES as usize); rows.len()];
    for resample in 0..RESAMPLES {
        let chosen = chosen(n, key, resample);
        for (row, means) in rows.iter().zip(&mut means) {
            means.push(chosen.iter().map(|&i| row[i]).sum::<f64>() / n as f64);
        }
    }
    means.into_iter().map(|means| interval(n, means)).collect()
}

fn interval(n: usize, mut means: Vec<f64>) -> (f64, f64) {
    means.sort_by(f64::total_cmp);
    let t = T_QUANTILES[(n - FEWEST_PAIRS).min(T_QUANTILES.len() - 1)];
    let expanded = t * (n as f64 / (n as f64 - 1.0)).sqrt();
    // Φ(−x) = erfc(x / √2) / 2.
    let share = 0.5 * pstar_core::math::erfc(expanded * std::f64::consts::FRAC_1_SQRT_2);
    let tail = (f64::from(RESAMPLES) * share).floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
    let tail = tail as usize;
    (means[tail], means[RESAMPLES as usize - 1 - tail])
}

/// The pairs of a resample.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a uniform number times a length is an index"
)]
fn chosen(n: usize, key: StreamKey, resample: u32) -> Vec<usize> {
    let mut uniforms = key.row(0, resample);
    (0..n).map(|i| (uniforms.at(i) * n as f64) as usize).collect()
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

    /// A figure's interval does not depend on the figures beside it.
    #[test]
    fn figures_together_are_what_they_are_alone() {
        let ramp: Vec<f64> = (0..9).map(|i| f64::from(i).sqrt()).collect();
        let figures = [
            (ramp.clone(), vec![1.0; 9]),
            (vec![2.0; 9], vec![1.0; 9]),
            (vec![f64::INFINITY; 9], ramp.clone()),
            (vec![0.5; 9], ramp),
        ];
        let alone: Vec<_> = figures.iter().map(|(a, b)| paired_difference(a, b)).collect();
        assert_eq!(paired_differences(&figures), alone);
        assert_eq!(
            alone.iter().map(|d| d.map(|d| d.interval.is_some())).collect::<Vec<_>>(),
            [Some(true), Some(false), None, Some(true)]
        );
    }

    #[test]
    fn what_has_no_interval_has_none() {
        assert_eq!(paired_difference(&[1.0], &[0.0]), Some(Difference { mean: 1.0, interval: None }));
        assert_eq!(paired_difference(&[], &[]), None);
        assert_eq!(paired_difference(&[3.0; 7], &[1.0; 7]), Some(Difference { mean: 2.0, interval: None }));
        assert_eq!(paired_difference(&[f64::INFINITY, 1.0], &[0.0, 0.0]), None);
    }
}
