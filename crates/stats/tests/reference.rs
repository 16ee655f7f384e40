//! Statistics against values that SciPy, rliable and statsmodels give (`tests/reference/statistics/make.py`).
#![allow(clippy::unwrap_used, reason = "a test may end in a panic")]

use pstar_stats::{
    Estimate, Interval, IntervalMethod, Scores, holm, interquartile_mean, mean_interval_by,
    performance_profile, probability_of_improvement, sign_flip_test,
};
use serde_json::Value;

fn reference() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/statistics/statistics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cases(of: &str) -> Vec<Value> {
    reference()[of].as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} {expected}");
}

/// Ends are compared in units of the interval's width. Sums of float64 differ by 1e-14 of the values, which may be 10^4
/// times the width; Student's quantile beyond 31 values is an expansion, good to 2e-8. The reference finds roots to 1e-13.
#[test]
fn intervals_of_every_method() {
    let methods = [
        (IntervalMethod::SkewnessCorrected, "skewness_corrected"),
        (IntervalMethod::StudentT, "student"),
        (IntervalMethod::Percentile, "percentile"),
        (IntervalMethod::ExpandedPercentile, "expanded_percentile"),
        (IntervalMethod::Bca, "bca"),
        (IntervalMethod::Studentised, "studentised"),
    ];
    for case in cases("intervals") {
        let values = numbers(&case["values"]);
        for (method, name) in methods {
            let what = format!("{} by {name}", case["name"]);
            let Estimate { value, interval } = mean_interval_by(method, &values).unwrap();
            let Interval { low, high } = interval.unwrap();
            let (expected, width) = (numbers(&case[name]), high - low);
            let tolerance = if values.len() > 31 { 1e-7 } else { 1e-10 } * width;
            close(value, number(&case["mean"]), 1e-14 * value.abs().max(width), &what);
            close(low, expected[0], tolerance, &what);
            close(high, expected[1], tolerance, &what);
        }
    }
}

/// Counted p-values are whole numbers over 2^n: equal but for the last bit. Drawn ones are within four standard errors.
#[test]
fn sign_flip_tests() {
    for case in cases("sign_flips") {
        let (differences, expected) = (numbers(&case["values"]), number(&case["p_value"]));
        let found = sign_flip_test(&differences).unwrap();
        let tolerance = found.std_error.map_or(1e-15, |error| 4.0 * error);
        close(found.p_value, expected, tolerance, &format!("{} pairs", differences.len()));
        assert_eq!(found.std_error.is_some(), differences.len() > 30);
    }
}

#[test]
fn holms_correction() {
    for case in cases("holm") {
        let found = holm(&numbers(&case["p_values"])).unwrap();
        let expected = numbers(&case["adjusted"]);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            close(*found, expected, 1e-15, "adjusted p-value");
        }
    }
}

fn size(case: &Value) -> (usize, usize) {
    let size = |key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
    (size("runs"), size("tasks"))
}

/// The figure and its interval, whose resamples are the same: what differs is the order of sums of up to 65 scores.
fn same(found: Estimate, value: f64, low: f64, high: f64) {
    let interval = found.interval.unwrap_or(Interval { low: found.value, high: found.value });
    close(found.value, value, 1e-13, "figure");
    close(interval.low, low, 1e-13, "lower end");
    close(interval.high, high, 1e-13, "upper end");
}

fn same_as(found: Estimate, case: &Value) {
    same(found, number(&case["value"]), number(&case["low"]), number(&case["high"]));
}

#[test]
fn interquartile_means() {
    for case in cases("interquartile_means") {
        let ((runs, tasks), scores) = (size(&case), numbers(&case["scores"]));
        same_as(interquartile_mean(Scores::new(&scores, runs, tasks).unwrap()).unwrap(), &case);
    }
}

#[test]
fn probabilities_of_improvement() {
    for case in cases("improvements") {
        let [x, y] = ["x", "y"].map(|side| (size(&case[side]), numbers(&case[side]["scores"])));
        let [x, y] = [&x, &y].map(|((runs, tasks), scores)| Scores::new(scores, *runs, *tasks).unwrap());
        same_as(probability_of_improvement(x, y).unwrap(), &case);
    }
}

#[test]
fn performance_profiles() {
    for case in cases("profiles") {
        let ((runs, tasks), scores) = (size(&case), numbers(&case["scores"]));
        let scores = Scores::new(&scores, runs, tasks).unwrap();
        let found = performance_profile(scores, &numbers(&case["thresholds"])).unwrap();
        let [values, low, high] = ["values", "low", "high"].map(|key| numbers(&case[key]));
        assert_eq!(found.len(), values.len());
        for (i, found) in found.into_iter().enumerate() {
            same(found, values[i], low[i], high[i]);
        }
    }
}
