//! When two numbers differ by more than rounding.

/// Single precision rounds by 6e-8 of a number; logits and sums of some hundred terms come out of it with errors of 1e-6
/// to 1e-5 nats, in another order with others.
const ROUNDING: f64 = 1e-4;

/// Below this, in nats, single precision has only 0 (its least normal number is e^−87): nothing that is sampled meets it.
const NEGLIGIBLE: f64 = -80.0;

/// Sums of thousands of terms in another order, in double precision, differ by less than this share.
pub(super) const REORDERED: f64 = 1e-9;

/// Whether a difference is at most a tolerance; NaN is not.
pub(super) fn within(difference: f64, tolerance: f64) -> bool {
    difference.abs() <= tolerance
}

/// Whether two log-probabilities differ by more than rounding.
pub(super) fn log_probs_differ(a: f64, b: f64) -> bool {
    let size = a.abs().min(b.abs()).max(1.0);
    a.max(b) >= NEGLIGIBLE && !within(a - b, ROUNDING * size)
}

/// Whether two numbers differ by more than a share of the scale of all such numbers; NaN differs from all but NaN.
pub(super) fn differ(a: f64, b: f64, share: f64, scale: f64) -> bool {
    !(a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= share * scale.max(a.abs()).max(b.abs()))
}

/// The greatest size of finite numbers.
pub(super) fn scale(values: &[f64]) -> f64 {
    values.iter().filter(|x| x.is_finite()).fold(0.0, |most, x| most.max(x.abs()))
}
