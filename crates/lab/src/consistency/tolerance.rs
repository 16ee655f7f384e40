//! When two log-probabilities of one token contradict each other.

/// Single precision rounds by 6e-8 of a number; logits and sums of some hundred terms come out of it with errors of 1e-6
/// to 1e-5 nats, in another order with others. What a test of this size lets through moves a figure less than samples do.
const ROUNDING: f64 = 1e-4;

/// Below this, in nats, single precision has only 0 (its least normal number is e^−87): nothing that is sampled meets it.
const NEGLIGIBLE: f64 = -80.0;

/// Whether two natural logarithms are of so little that neither tells anything.
pub(super) fn negligible(a: f64, b: f64) -> bool {
    a.max(b) < NEGLIGIBLE
}

/// Whether two natural logarithms differ by more than rounding.
pub(super) fn differ(a: f64, b: f64) -> bool {
    let size = a.abs().min(b.abs()).max(1.0);
    !negligible(a, b) && (a - b).abs() > ROUNDING * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::cast_possible_truncation, reason = "single precision is what is meant")]
    fn rounding_and_underflow_are_no_contradictions() {
        let single = |x: f64| f64::from(x as f32);
        for x in [-1e-9f64, -0.3, -7.123_456_789, -79.9] {
            assert!(!differ(x, single(x)), "{x}");
        }
        assert!(!differ(-104.0, f64::NEG_INFINITY) && !differ(f64::NEG_INFINITY, f64::NEG_INFINITY));
        assert!(differ(-1.0, f64::NEG_INFINITY) && differ(-1.0, -1.001) && differ(-50.0, -50.01));
    }
}
