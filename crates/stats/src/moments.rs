//! Mean and standard error.

/// The mean; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard error of the mean, from the unbiased variance; `None` for fewer than two values or where one is
/// infinite.
pub fn std_error(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    Some((squares / (n - 1.0) / n).sqrt()).filter(|error| error.is_finite())
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
    }
}
