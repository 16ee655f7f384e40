//! Quantiles of a sample.

/// The quantile at `share` of the distance from the least to the greatest of `sorted` values, of which there are some;
/// between two of them in proportion, as NumPy has it by default. Infinite values are ends like others.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the slice")]
    let below = at as usize;
    let (low, part) = (sorted[below], at - at.floor());
    if part == 0.0 || low == sorted[below + 1] { low } else { low * (1.0 - part) + sorted[below + 1] * part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_between_two_values_in_proportion() {
        let sorted = [1.0, 2.0, 4.0, f64::INFINITY];
        assert_eq!(
            [0.0, 1.0 / 3.0, 0.5, 1.0].map(|share| quantile(&sorted, share)),
            [1.0, 2.0, 3.0, f64::INFINITY]
        );
        assert_eq!(quantile(&[f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0], 0.25), f64::NEG_INFINITY);
        assert_eq!(quantile(&[7.0], 0.975), 7.0);
    }
}
