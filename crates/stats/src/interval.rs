//! Intervals of means and of paired differences.

mod bootstrap;
#[cfg(test)]
mod coverage;
mod normal;
mod skewness;
mod student;

use crate::error::{check_finite, check_length};
use crate::scale::scale;
use crate::{StatsError, mean};

/// Fewest values of which an interval is given: below, nothing tells a skewed distribution from another.
pub const FEWEST_FOR_INTERVAL: usize = 5;

/// A 95 % interval. Its ends are finite unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `x` is within it, ends included.
    pub fn contains(&self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    /// The one that is `x ↦ centre + unit · x` of this.
    fn moved(self, centre: f64, unit: f64) -> Self {
        Self { low: centre + unit * self.low, high: centre + unit * self.high }
    }
}

/// A figure with its 95 % interval, if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its interval; absent of fewer than [`FEWEST_FOR_INTERVAL`] values, and where nothing says how much they would vary.
    pub interval: Option<Interval>,
}

/// How an interval of a mean is found. The [crate's documentation](crate#intervals-of-a-mean) has what each covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Student's t of a cubic transformation that takes out the skewness: no resampling, and never wider than 2.5 times
    /// Student's interval. Willink (2005), *A Confidence Interval and Test for the Mean of an Asymmetric Distribution*.
    #[default]
    SkewnessCorrected,
    /// Student's t, whose interval is symmetric.
    StudentT,
    /// The 2.5 and 97.5 % quantiles of 4000 resampled means.
    Percentile,
    /// More extreme quantiles of these, such that normal values would give Student's interval. Hesterberg (2015), *What
    /// Teachers Should Know About the Bootstrap*, section 4.2, arXiv 1411.5279.
    ExpandedPercentile,
    /// Quantiles corrected for bias and acceleration. Efron (1987), *Better Bootstrap Confidence Intervals*.
    Bca,
    /// Quantiles of 4000 resampled t statistics. An end is infinite where more than 2.5 % of the resamples hold one value
    /// alone, as they may where many values are alike. Efron, Tibshirani (1993), *An Introduction to the Bootstrap*, section
    /// 12.5.
    Studentised,
}

/// The mean with a 95 % interval, by [`IntervalMethod::SkewnessCorrected`].
///
/// Values that are all equal to the bit have no interval: nothing says how much they would vary. Neither have fewer than
/// [`FEWEST_FOR_INTERVAL`]. An end beyond the range of numbers is infinite.
///
/// # Errors
/// [`StatsError::Empty`] without values; [`StatsError::NotFinite`] where one is infinite or NaN.
pub fn mean_interval(values: &[f64]) -> Result<Estimate, StatsError> {
    mean_interval_by(IntervalMethod::default(), values)
}

/// [`mean_interval`] by another method. Resamples are a function of the number of values alone; time and memory of a method
/// that takes them is proportional to 4000 times that number.
///
/// # Errors
/// As [`mean_interval`], and [`StatsError::TooMany`] of more than 2^17 values to resample.
pub fn mean_interval_by(method: IntervalMethod, values: &[f64]) -> Result<Estimate, StatsError> {
    check_finite(values)?;
    let value = mean(values);
    if values.len() < FEWEST_FOR_INTERVAL || values.iter().all(|other| *other == values[0]) {
        return Ok(Estimate { value, interval: None });
    }
    let unit = scale(values);
    let scaled: Vec<f64> = values.iter().map(|x| x / unit).collect();
    let centre = mean(&scaled);
    let interval = match method {
        IntervalMethod::SkewnessCorrected => skewness::interval(&scaled, centre),
        IntervalMethod::StudentT => student::interval(&scaled, centre),
        _ => {
            crate::resample::check_room(values.len(), 1)?;
            bootstrap::interval(method, &scaled, centre, &bootstrap::resampled(&scaled, centre))
        }
    };
    Ok(Estimate { value, interval: Some(interval.moved(0.0, unit)) })
}

/// `values − baseline`, pair by pair.
///
/// # Errors
/// [`StatsError::Length`] of lists of different lengths. Differences may be infinite or NaN: who uses them looks.
pub fn differences(values: &[f64], baseline: &[f64]) -> Result<Vec<f64>, StatsError> {
    check_length(values.len(), baseline.len())?;
    Ok(values.iter().zip(baseline).map(|(value, base)| value - base).collect())
}

/// The mean of `values − baseline`, pair by pair, with a 95 % interval: the [`mean_interval`] of the differences.
///
/// # Errors
/// [`StatsError::Length`] of lists of different lengths; [`StatsError::Empty`] without pairs; [`StatsError::NotFinite`] where
/// a difference is infinite or NaN.
pub fn paired_difference(values: &[f64], baseline: &[f64]) -> Result<Estimate, StatsError> {
    mean_interval(&differences(values, baseline)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [IntervalMethod; 6] = [
        IntervalMethod::SkewnessCorrected,
        IntervalMethod::StudentT,
        IntervalMethod::Percentile,
        IntervalMethod::ExpandedPercentile,
        IntervalMethod::Bca,
        IntervalMethod::Studentised,
    ];

    #[test]
    fn pairing_removes_what_pairs_share() {
        let baseline: Vec<f64> = (0..10).map(|i| 100.0 * f64::from(i)).collect();
        let values: Vec<f64> = (0..10).zip(&baseline).map(|(i, x)| x + f64::from(i % 2)).collect();
        // Without skewness it is Student's: 0.5 ± 2.262 √(2.5/9/10).
        let Estimate { value, interval } = paired_difference(&values, &baseline).unwrap();
        let Interval { low, high } = interval.unwrap();
        assert!(value == 0.5 && (low - 0.1229).abs() < 1e-3 && (high - 0.8771).abs() < 1e-3, "{low} {high}");
    }

    /// 100 values of −1 and 1 in turn: standard error 0.1005, so ±0.2; the percentiles of 4000 resamples are good to about
    /// 0.01.
    #[test]
    fn of_many_values_without_skewness_all_methods_have_the_width_of_the_normal_one() {
        let values: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        for method in METHODS {
            let Interval { low, high } = mean_interval_by(method, &values).unwrap().interval.unwrap();
            assert!((low + 0.2).abs() < 0.03 && (high - 0.2).abs() < 0.03, "{method:?}: {low} {high}");
        }
    }

    /// A power of two changes no digit, and a reflection changes the sides of those methods that draw nothing.
    #[test]
    fn intervals_move_with_the_unit_and_reflect() {
        let values = [0.1, 0.5, 0.25, 2.0, 0.75, 0.5];
        for method in METHODS {
            let found = mean_interval_by(method, &values).unwrap().interval.unwrap();
            for unit in [2f64.powi(-1000), 2f64.powi(10), 2f64.powi(1018)] {
                let moved = mean_interval_by(method, &values.map(|x| x * unit)).unwrap().interval.unwrap();
                assert_eq!(moved, found.moved(0.0, unit), "{method:?}");
            }
        }
        for method in &METHODS[..2] {
            let found = mean_interval_by(*method, &values).unwrap().interval.unwrap();
            let mirrored = mean_interval_by(*method, &values.map(|x| -x)).unwrap().interval.unwrap();
            assert!((found.low + mirrored.high).abs() < 1e-14 && (found.high + mirrored.low).abs() < 1e-14);
        }
    }

    #[test]
    fn what_has_no_interval_has_none() {
        let none = |value| Ok(Estimate { value, interval: None });
        assert_eq!(paired_difference(&[], &[]), Err(StatsError::Empty));
        assert_eq!(paired_difference(&[1.0], &[0.0]), none(1.0));
        assert_eq!(paired_difference(&[1.0, 2.0], &[0.0, 0.0]), none(1.5));
        assert_eq!(paired_difference(&[3.0; 7], &[1.0; 7]), none(2.0));
        let infinite = Err(StatsError::NotFinite { index: 1, value: f64::INFINITY });
        assert_eq!(paired_difference(&[1.0, f64::INFINITY], &[0.0, 0.0]), infinite);
        assert!(matches!(mean_interval(&[f64::NAN]), Err(StatsError::NotFinite { index: 0, .. })));
        assert_eq!(paired_difference(&[1.0], &[]), Err(StatsError::Length { expected: 1, found: 0 }));
        let many = vec![1.0; 1 << 18].into_iter().chain([2.0]).collect::<Vec<f64>>();
        assert!(mean_interval(&many).unwrap().interval.is_some());
        let refused = mean_interval_by(IntervalMethod::Percentile, &many);
        assert_eq!(refused, Err(StatsError::TooMany { limit: 1 << 17, found: (1 << 18) + 1 }));
    }

    /// A hundred thousand seeds, hostile sizes: no method panics or gives NaN, and the mean is within.
    #[test]
    fn sizes_and_scales_do_not_matter() {
        let rows: [&[f64]; 6] = [
            &[1e300, -1e300, 3e299, 0.0, 1e-300],
            &[1e-300, 3e-300, 2e-300, -1e-308, 5e-324],
            &[f64::MAX, f64::MAX, f64::MAX, f64::MAX, -f64::MAX],
            &[5e-324, 0.0, 0.0, 0.0, 0.0],
            &[1.0, 1.0, 1.0, 1.0, 1.0 + f64::EPSILON],
            &[0.0, -0.0, 0.0, 1.0, 0.0],
        ];
        for row in rows {
            for method in METHODS {
                let Estimate { value, interval } = mean_interval_by(method, row).unwrap();
                let found = interval.unwrap();
                let sound =
                    value.is_finite() && (found.contains(value) || matches!(method, IntervalMethod::Bca));
                assert!(
                    sound && !found.low.is_nan() && !found.high.is_nan(),
                    "{method:?} {row:?}: {value:e} {found:?}"
                );
            }
        }
        let many: Vec<f64> = (0..100_000).map(|i| f64::from(i % 1009)).collect();
        // Mean 503.6 (the last round is cut), standard deviation 1009/√12.
        let Interval { low, high } = mean_interval(&many).unwrap().interval.unwrap();
        assert!((high - low - 2.0 * 1.96 * 1009.0 / 12f64.sqrt() / 1e5f64.sqrt()).abs() < 1e-2);
    }
}
