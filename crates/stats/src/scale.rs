//! A unit in which nothing overflows.

/// The power of two at or below the greatest finite magnitude: divided by it values are below 2, their sums and squares far
/// from the ends of the range. Divisions by it are exact but for values that are 2^1000 times smaller than the greatest.
pub(crate) fn scale(values: &[f64]) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    let finite = values.iter().filter(|value| value.is_finite());
    let greatest = finite.fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
    f64::from_bits(greatest.to_bits() & EXPONENT).max(f64::MIN_POSITIVE)
}

/// A mean in such units as a number: rounding carries that of finite values no further than these reach.
pub(crate) fn unscaled(mean: f64, unit: f64) -> f64 {
    if mean.is_finite() { (mean * unit).clamp(-f64::MAX, f64::MAX) } else { mean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_power_of_two_that_brings_the_greatest_to_between_one_and_two() {
        assert_eq!(scale(&[3.0, -5.0, f64::NEG_INFINITY]), 4.0);
        for greatest in [f64::MAX, 1e300, 1.0, 1e-300, f64::MIN_POSITIVE] {
            assert!((1.0..2.0).contains(&(greatest / scale(&[0.0, -greatest]))), "{greatest:e}");
        }
        assert_eq!(scale(&[5e-324]), f64::MIN_POSITIVE);
        assert_eq!(scale(&[]), f64::MIN_POSITIVE);
    }
}
