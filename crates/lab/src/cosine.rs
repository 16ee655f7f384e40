//! How far two gradients head the same way.

use pstar_core::math;
use pstar_exact::Accumulator;

/// The cosine of the angle between two vectors of one length, in [−1, 1] at any scale; `None` where one of them is 0, or holds
/// what is no number.
pub(crate) fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let lengths = [a, b].map(math::norm);
    if !lengths.iter().all(|length| *length > 0.0 && length.is_finite()) {
        return None;
    }
    let mut product = Accumulator::default();
    for (a, b) in a.iter().zip(b) {
        product.add((a / lengths[0]) * (b / lengths[1]));
    }
    Some(product.total().clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_at_any_scale() {
        for scale in [1e-300, 1.0, 1e300] {
            let of = |a: [f64; 2], b: [f64; 2]| cosine(&a.map(|x| x * scale), &b);
            assert!((of([3.0, 4.0], [4.0, 3.0]).unwrap() - 0.96).abs() < 1e-15);
            assert!((of([3.0, 4.0], [-6.0, -8.0]).unwrap() + 1.0).abs() < 1e-15);
            assert!(of([1.0, 0.0], [0.0, 2.0]).unwrap().abs() < 1e-15);
            assert_eq!(of([0.0, 0.0], [1.0, 2.0]), None);
        }
        assert_eq!(cosine(&[f64::NAN], &[1.0]), None);
    }
}
