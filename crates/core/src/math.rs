//! Elementary functions whose results do not depend on the processor.
//!
//! The C library chooses an implementation of `exp` and `log` by the processor that it finds, so that their
//! last bit, and through it a sampled symbol, can differ between two machines. These are the portable ones of
//! the `libm` crate, built without any processor-specific path.

mod exp_all;
mod ln_all;
mod widest;

pub use exp_all::{exp_all, exp_m1_all};
pub use ln_all::ln_all;
pub use widest::{VECTORS, Vectors, vectors, vectors_left, widest};

/// e^x. `exp(-inf)` is 0.
#[inline]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm. `ln(0)` is −∞.
#[inline]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// ln(1 + x), accurate near 0.
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// e^x − 1, accurate near 0.
#[inline]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// The complementary error function.
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// x^y.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// ln(1 + e^x), without overflow.
pub fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + ln_1p(exp(-x)) } else { ln_1p(exp(x)) }
}

/// ln Σ e^x over the slice; −∞ for an empty slice or one of only −∞.
pub fn log_sum_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    let mut sum = 0.0;
    let mut shares = [0.0; 64];
    for values in values.chunks(shares.len()) {
        let shares = &mut shares[..values.len()];
        for (share, value) in shares.iter_mut().zip(values) {
            *share = value - max;
        }
        exp_all(shares);
        for share in shares {
            sum += *share;
        }
    }
    max + ln(sum)
}

/// Whether none of the values is infinite or NaN.
pub fn all_finite(values: &[f64]) -> bool {
    const SIZE: u64 = !(1 << 63);
    // The exponent of what is not finite overflows into the first bit.
    let carry = |value: &f64| (value.to_bits() & SIZE) + (1 << 52);
    widest(|| values.iter().fold(0, |bits, value| bits | carry(value))) >> 63 == 0
}

/// The greatest of some numbers, NaN if one is; −∞ of none.
pub fn greatest(values: &[f64]) -> f64 {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn larger(x: f64, y: f64) -> f64 {
        if x > y || x.is_nan() { x } else { y }
    }
    crate::vectorised!([values: &[f64] = values] -> f64 {
        let (chunks, rest) = values.as_chunks::<8>();
        let mut lanes = [f64::NEG_INFINITY; 8];
        for chunk in chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = larger(*lane, value);
            }
        }
        lanes.iter().chain(rest).fold(f64::NEG_INFINITY, |greatest, &value| larger(greatest, value))
    })
}

/// Euclidean length √Σ x², which overflows or underflows only if it is itself beyond the range of numbers; infinite or
/// NaN if an element is.
pub fn norm(values: &[f64]) -> f64 {
    // Of squares beyond these some digits, or all, may be lost.
    const SOUND: std::ops::Range<f64> = 1e-280..f64::INFINITY;
    // Blocks of zeros add nothing to a sum, and are passed over: gradients of tables are mostly that.
    let (blocks, rest) = values.as_chunks::<16>();
    let mut squares = 0.0;
    for block in blocks {
        if block.iter().fold(0, |bits, x| bits | (x.to_bits() << 1)) != 0 {
            squares = block.iter().fold(squares, |sum, x| sum + x * x);
        }
    }
    squares = rest.iter().fold(squares, |sum, x| sum + x * x);
    if SOUND.contains(&squares) || squares.is_nan() {
        return squares.sqrt();
    }
    let greatest = values.iter().fold(0.0, |greatest: f64, x| greatest.max(x.abs()));
    if greatest == 0.0 || !greatest.is_finite() {
        return greatest;
    }
    greatest * values.iter().map(|x| (x / greatest) * (x / greatest)).sum::<f64>().sqrt()
}

/// Writes the log-softmax of `logits` to `log_probs` and its exponential to `probs`.
///
/// A logit of −∞ is a probability of zero. All three slices have one length.
///
/// # Panics
/// Never: a row whose logits are all −∞ gives −∞ and 0 throughout.
pub fn log_softmax(logits: &[f64], log_probs: &mut [f64], probs: &mut [f64]) {
    let log_norm = log_sum_exp(logits);
    for ((&logit, log_prob), prob) in logits.iter().zip(log_probs).zip(&mut *probs) {
        *log_prob = if logit == f64::NEG_INFINITY { logit } else { logit - log_norm };
        *prob = *log_prob;
    }
    exp_all(probs);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against decimal arithmetic of 80 digits (`tests/reference/exp_ln.py`), in units in the last place of the value.
    #[test]
    fn exponentials_and_logarithms_are_within_one_unit_over_the_whole_range() {
        let number = |text: &str| f64::from_bits(u64::from_str_radix(text, 16).unwrap());
        let mut worst = [(0.0, 0.0); 2];
        let mut counts = [0; 2];
        for line in include_str!("../../../tests/reference/exp_ln.txt").lines() {
            let [name, x, value, rest] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let (x, value, rest) = (number(x), number(value), number(rest));
            let mut found = [x];
            let function = usize::from(name == "ln");
            [exp_all, ln_all][function](&mut found);
            let unit = f64::from_bits(value.abs().to_bits() + 1) - value.abs();
            let error = ((found[0] - value) - rest).abs() / unit;
            counts[function] += 1;
            // Down there what the value leaves is rounded itself, and subnormal results are rounded twice.
            if value.abs() < 1e-290 {
                assert!(error <= 1.0, "{x:e}: {error}");
            } else if error > worst[function].0 {
                worst[function] = (error, x);
            }
        }
        assert!(counts[0] > 500 && counts[1] > 300, "{counts:?}");
        assert!(worst.iter().all(|(error, _)| *error < 0.75), "{worst:?}");
    }

    #[test]
    fn log_sum_exp_keeps_large_and_missing_terms() {
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
        assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2f64.ln())).abs() < 1e-12);
        assert!((log_sum_exp(&[f64::NEG_INFINITY, 0.5]) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn a_length_is_one_wherever_its_square_is_not() {
        for scale in [1e-308, 1e-170, 1e-150, 1.0, 1e150, 1e170, 1e307] {
            let found = norm(&[3.0 * scale, 0.0, -4.0 * scale]);
            assert!((found / (5.0 * scale) - 1.0).abs() < 1e-14, "{scale:e}: {found:e}");
        }
        assert_eq!((norm(&[]), norm(&[0.0])), (0.0, 0.0));
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
        assert!(norm(&[f64::NAN, 1.0]).is_nan() && norm(&[f64::INFINITY, f64::NAN]).is_nan());
    }

    #[test]
    fn the_greatest_is_found_anywhere_and_so_is_nan() {
        assert!(greatest(&[]) < f64::MIN);
        for length in 1..40 {
            for place in 0..length {
                let mut values: Vec<f64> = (0..length).map(|i| -(i as f64) - 1.0).collect();
                values[place] = 0.5;
                assert!((greatest(&values) - 0.5).abs() < f64::MIN_POSITIVE);
                values[place] = f64::NAN;
                assert!(greatest(&values).is_nan());
            }
        }
    }

    #[test]
    fn blocks_of_zeros_change_no_length() {
        let mut values = vec![0.0; 100];
        for (place, value) in [(3, 0.1), (40, -7.3), (41, 1e-9), (99, 2.2)] {
            values[place] = value;
        }
        values[50] = -0.0;
        let plain: f64 = values.iter().map(|x: &f64| x * x).sum();
        assert_eq!(norm(&values).to_bits(), plain.sqrt().to_bits());
    }

    #[test]
    fn one_value_that_is_not_finite_is_found_anywhere() {
        let mut values = [f64::MAX, f64::MIN, -0.0, 5e-324, 1.0, -1.0, 0.0, 1e-310, -f64::MAX];
        assert!(all_finite(&values) && all_finite(&[]));
        for place in 0..values.len() {
            for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN] {
                let kept = std::mem::replace(&mut values[place], bad);
                assert!(!all_finite(&values), "{bad} at {place}");
                values[place] = kept;
            }
        }
    }

    #[test]
    fn softplus_neither_overflows_nor_cancels() {
        assert_eq!(softplus(1e4), 1e4);
        assert!((softplus(-50.0) / (-50f64).exp() - 1.0).abs() < 1e-12);
        assert!((softplus(0.0) - 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn a_shift_of_all_logits_changes_nothing() {
        let (mut log_a, mut log_b, mut probs) = ([0.0; 3], [0.0; 3], [0.0; 3]);
        log_softmax(&[0.1, -2.0, f64::NEG_INFINITY], &mut log_a, &mut probs);
        log_softmax(&[7.1, 5.0, f64::NEG_INFINITY], &mut log_b, &mut probs);
        assert_eq!(log_a[2], f64::NEG_INFINITY);
        assert_eq!(probs[2], 0.0);
        for (a, b) in log_a[..2].iter().zip(&log_b[..2]) {
            assert!((a - b).abs() < 1e-14);
        }
    }
}
