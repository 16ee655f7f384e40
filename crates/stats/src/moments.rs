//! Mean and standard error.

use crate::scale::{scale, unscaled};

/// The mean, wherever it is a number; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let sum = values.iter().sum::<f64>();
    if sum.is_finite() || !values.iter().all(|value| value.is_finite()) {
        return sum / n;
    }
    let unit = scale(values);
    unscaled(values.iter().map(|value| value / unit).sum::<f64>() / n, unit)
}

/// The standard error of the mean, from the unbiased variance; `None` for fewer than two values or where one is
/// infinite or NaN.
pub fn std_error(values: &[f64]) -> Option<f64> {
    if values.len() < 2 || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let unit = scale(values);
    let scaled: Vec<f64> = values.iter().map(|value| value / unit).collect();
    Some(std_error_around(&scaled, mean(&scaled)) * unit)
}

/// The standard error of the given mean of at least two values, whose squares neither overflow nor underflow.
pub(crate) fn std_error_around(values: &[f64], mean: f64) -> f64 {
    let n = values.len() as f64;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (n - 1.0) / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_to_five() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(mean(&values), 3.0);
        assert!((std_error(&values).unwrap() - 0.5f64.sqrt()).abs() < 1e-15);
        assert_eq!(std_error(&values[..1]), None);
        assert_eq!(std_error(&[1.0, f64::INFINITY]), None);
        assert_eq!(std_error(&[1.0, f64::NAN]), None);
    }

    /// Powers of two change no digit: the mean and error of 1 to 5 are those of any multiple.
    #[test]
    fn neither_overflows_nor_underflows() {
        for unit in [2f64.powi(-1000), 2f64.powi(-600), 2f64.powi(600), 2f64.powi(1021)] {
            let values = [1.0, 2.0, 3.0, 4.0, 5.0].map(|x| x * unit);
            assert_eq!(mean(&values), 3.0 * unit, "{unit:e}");
            assert!((std_error(&values).unwrap() / unit - 0.5f64.sqrt()).abs() < 1e-15, "{unit:e}");
        }
        assert_eq!(mean(&[f64::MAX, f64::MAX]), f64::MAX);
        assert_eq!(mean(&[f64::MAX, f64::INFINITY]), f64::INFINITY);
        assert_eq!(std_error(&[2.0, 2.0]), Some(0.0));
    }
}
