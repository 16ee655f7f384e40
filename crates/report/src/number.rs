//! Numbers in tables.

use pstar_core::math;
use pstar_record::{Measure, Measures};
use std::f64::consts::LN_10;

/// What is smaller is rounding, in sums of terms of size 1.
const NOISE: f64 = 1e-14;

/// An estimate and its standard error, both to the decimal that gives the error two digits; a number as
/// [`significant`] shows it where there is no error.
pub(crate) fn estimate(value: Option<f64>, std_error: Option<f64>) -> String {
    match (value, std_error) {
        (Some(x), Some(error)) if x.is_finite() && error.is_finite() => {
            let last = exponent(error) - 1;
            let greatest = exponent(x).max(exponent(error));
            if error == 0.0 || greatest - last > MOST_DIGITS {
                format!("{} ± {error:.1e}", significant(value))
            } else if (-LEAST_EXPONENT..=1).contains(&last) && greatest <= 6 {
                let decimals = usize::try_from(-last).unwrap_or(0);
                // Adding 0 turns −0 into 0.
                format!("{:.decimals$} ± {error:.decimals$}", to_decimals(x, decimals) + 0.0)
            } else {
                let digits = usize::try_from(exponent(x) - last).unwrap_or(0);
                format!("{x:.digits$e} ± {error:.1e}")
            }
        }
        _ => significant(value),
    }
}

/// Digits of an estimate at most; one that is known better is shown as if it were exact, beside its error.
const MOST_DIGITS: i32 = 8;

/// Decimals at most.
const LEAST_EXPONENT: i32 = 8;

fn to_decimals(x: f64, decimals: usize) -> f64 {
    let scale = 10f64.powi(i32::try_from(decimals).unwrap_or(0));
    (x * scale).round() / scale
}

/// The power of ten of the first digit, after rounding to two; 0 of 0.
fn exponent(x: f64) -> i32 {
    let scientific = format!("{x:.1e}");
    scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// A number to four significant digits, 0 where it is but rounding; `–` where there is none.
pub(crate) fn significant(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(x) if x.is_infinite() => if x > 0.0 { "inf" } else { "-inf" }.into(),
        Some(x) => rounded(x),
    }
}

/// Figures whose logarithms stand beside them.
const WITH_LOGARITHM: [(&str, &str); 2] =
    [("effective_number", "log_effective_number"), ("top1", "log_top1")];

/// A figure of a row, with its standard error where it is an estimate, from its logarithm where it is beyond the range of
/// numbers.
pub(crate) fn figure(measures: &Measures, metric: &str) -> String {
    mean_figure(&[measures], metric)
}

/// The mean of a figure that all rows, each of a seed, have, in the same way.
pub(crate) fn mean_figure(rows: &[&Measures], metric: &str) -> String {
    let Measure { value, std_error } = Measures::mean_over_seeds(rows, metric).unwrap_or_default();
    let log = WITH_LOGARITHM.iter().find(|(name, _)| *name == metric).map(|(_, log)| values(rows, log));
    match (value, log.flatten()) {
        (Some(x), Some(logs)) if x == 0.0 || x.is_infinite() => {
            power(math::log_sum_exp(&logs) - math::ln(logs.len() as f64))
        }
        _ => estimate(value, std_error),
    }
}

/// A figure of every row; none where a row lacks it.
fn values(rows: &[&Measures], metric: &str) -> Option<Vec<f64>> {
    rows.iter().map(|measures| measures.get(metric)).collect()
}

/// e^log to four significant digits.
fn power(log: f64) -> String {
    let decimal = log / LN_10;
    if decimal.is_infinite() {
        return significant(Some(math::exp(log)));
    }
    let mantissa = format!("{:.3}", math::exp((decimal - decimal.floor()) * LN_10));
    match mantissa.strip_prefix("10.") {
        Some(_) => format!("1.000e{}", decimal.floor() + 1.0),
        None => format!("{mantissa}e{}", decimal.floor()),
    }
}

fn rounded(x: f64) -> String {
    let scientific = format!("{x:.3e}");
    let (_, exponent) = scientific.split_once('e').unwrap_or(("", "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match exponent {
        _ if x.abs() < NOISE => "0".into(),
        -4..=3 => format!("{x:.*}", usize::try_from(3 - exponent).unwrap_or(0)),
        4..=6 => format!("{x:.0}"),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_has_the_digits_that_its_error_allows() {
        let cases = [
            (0.812_34, 0.006_12, "0.8123 ± 0.0061"),
            (3.051, 0.118, "3.05 ± 0.12"),
            (3.051, 0.099_6, "3.05 ± 0.10"),
            (246.3, 31.4, "246 ± 31"),
            (2463.0, 314.0, "2463 ± 314"),
            (1.234_5e9, 2.3e7, "1.234e9 ± 2.3e7"),
            (0.0, 0.000_24, "0.00000 ± 0.00024"),
            (-0.000_000_1, 0.01, "0.000 ± 0.010"),
            (0.000_001, 11.7, "0 ± 12"),
            (1.0, 1e-12, "1.000 ± 1.0e-12"),
        ];
        for (value, error, text) in cases {
            assert_eq!(estimate(Some(value), Some(error)), text);
        }
        assert_eq!(estimate(Some(1.5), None), "1.500");
        assert_eq!(estimate(Some(f64::INFINITY), None), "inf");
        assert_eq!(estimate(None, None), "–");
    }

    #[test]
    fn four_digits() {
        let cases = [
            (1.0, "1.000"),
            (0.123_456, "0.1235"),
            (99.999, "100.0"),
            (-12.3456, "-12.35"),
            (0.000_123_46, "0.0001235"),
            (1.234e-7, "1.234e-7"),
            (1234.5, "1234"),
            (402_234.0, "402234"),
            (0.0, "0"),
            (4.4e-16, "0"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(significant(Some(value)), text);
        }
        assert_eq!(significant(None), "–");
    }

    #[test]
    fn powers_beyond_the_numbers() {
        // 2^1100 = 1.3582985290493858…e331, and its inverse.
        let cases = [
            (1100.0 * 2f64.ln(), "1.358e331"),
            (-1100.0 * 2f64.ln(), "7.362e-332"),
            (400.0 * LN_10 + 0.999_97f64.ln(), "1.000e400"),
            (f64::NEG_INFINITY, "0"),
            (f64::INFINITY, "inf"),
        ];
        for (log, text) in cases {
            assert_eq!(power(log), text);
        }
    }

    #[test]
    fn a_mean_beyond_the_numbers_is_that_of_the_figures() {
        let row = |log: f64| {
            let mut measures = Measures::default();
            measures.push("effective_number", math::exp(log));
            measures.push("log_effective_number", log);
            measures
        };
        let (large, small) = (row(800.0 * LN_10), row(0.0));
        assert_eq!(mean_figure(&[&large, &small], "effective_number"), "5.000e799");
        assert_eq!(mean_figure(&[&small, &small], "effective_number"), "1.000");
        assert_eq!(figure(&large, "log_effective_number"), "1842");
        assert_eq!(figure(&large, "top1"), "–");
    }
}
