//! A test of paired differences that takes nothing but symmetry for granted.

use crate::StatsError;
use crate::error::check_finite;
use crate::scale::scale;
use pstar_core::rng::{Purpose, StreamKey};

/// Most pairs of which all 2^n choices of signs are counted.
pub const MOST_PAIRS_COUNTED: usize = 30;

/// Choices of signs that are drawn beyond.
const FLIPS: u32 = 9999;

/// The step of the random numbers' layout, behind those of [`Draws`](crate::resample::Draws).
const STEP: u32 = 2;

/// What a sign-flip test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// The probability, over random signs, of a mean that is at least as far from 0: two-sided, never 0.
    pub p_value: f64,
    /// The least p-value that this number of pairs can give, whatever the differences: 2/2^n where all signs are counted. Five
    /// pairs cannot go below 0.0625.
    pub least_p_value: f64,
    /// Number of pairs.
    pub pairs: usize,
    /// Standard error of `p_value` where signs were drawn; absent where all were counted.
    pub std_error: Option<f64>,
}

/// Whether paired differences have mean 0: if each is as likely as its negative, p-values of at most p come up with
/// probability at most p.
///
/// The share of all 2^n choices of signs whose sum is at least as far from 0 as that of the differences, of up to
/// [`MOST_PAIRS_COUNTED`] pairs; beyond, (b + 1)/(m + 1) with b of m = 9999 drawn choices, which are a function of the number
/// of pairs alone. Sums that are equal but for rounding are equal, which can only raise p. A difference of 0 has two equal
/// signs and so changes nothing, but is a pair.
///
/// # Cost
/// O(2^(n/2)) up to 30 pairs (2 ms), O(m n) beyond (0.1 s for 1000).
///
/// # Errors
/// [`StatsError::Empty`] without differences, [`StatsError::NotFinite`] where one is infinite or NaN,
/// [`StatsError::TooMany`] of more than 2^22.
///
/// # Source
/// Fisher (1935), *The Design of Experiments*, section 21; (b + 1)/(m + 1): Phipson, Smyth (2010), *Permutation P-values
/// Should Never Be Zero*.
pub fn sign_flip_test(differences: &[f64]) -> Result<SignFlip, StatsError> {
    check_finite(differences)?;
    let n = differences.len();
    let limit = StreamKey::MAX_POSITIONS * 32;
    if n > limit {
        return Err(StatsError::TooMany { limit, found: n });
    }
    let unit = scale(differences);
    let sizes: Vec<f64> = differences.iter().map(|difference| (difference / unit).abs()).collect();
    let sum: f64 = differences.iter().map(|difference| difference / unit).sum();
    // Every sum of n terms is within n ε Σ|d| of what it is without rounding.
    let rounding = 2.0 * n as f64 * f64::EPSILON * sizes.iter().sum::<f64>();
    let far = sum.abs() - rounding;
    let counted = n <= MOST_PAIRS_COUNTED;
    let all = if counted { 2f64.powi(n.try_into().unwrap_or(i32::MAX)) } else { f64::from(FLIPS) + 1.0 };
    let least_p_value = if counted { (2.0 / all).min(1.0) } else { 1.0 / all };
    let p_value = if far <= 0.0 {
        1.0
    } else if counted {
        2.0 * counted_beyond(&sizes, far) as f64 / all
    } else {
        f64::from(drawn_beyond(&sizes, far) + 1) / all
    };
    let std_error = (!counted).then(|| (p_value * (1.0 - p_value) / f64::from(FLIPS)).sqrt());
    Ok(SignFlip { p_value, least_p_value, pairs: n, std_error })
}

/// How many of all choices of signs give a sum of at least `far`: the sums of two halves, sorted, from both ends.
fn counted_beyond(sizes: &[f64], far: f64) -> u64 {
    let (first, second) = sizes.split_at(sizes.len() / 2);
    let (first, second) = (sums(first), sums(second));
    let mut least = second.len();
    let mut count = 0;
    for sum in first {
        while least > 0 && sum + second[least - 1] >= far {
            least -= 1;
        }
        count += (second.len() - least) as u64;
    }
    count
}

/// The sums of all choices of signs, in ascending order.
fn sums(sizes: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for size in sizes {
        sums = [-size, *size].iter().flat_map(|signed| sums.iter().map(move |sum| sum + signed)).collect();
        // Two ascending runs, which the sort merges.
        sums.sort_by(f64::total_cmp);
    }
    sums
}

/// Terms that are added side by side.
const LANES: usize = 8;

/// How many of the drawn choices of signs give a sum at least `far` from 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "32 bits of a uniform number")]
fn drawn_beyond(sizes: &[f64], far: f64) -> u32 {
    let key = StreamKey::new(0, Purpose::Bootstrap, STEP);
    let is_beyond = |flip: &u32| {
        let mut uniforms = key.row(0, *flip);
        // Eight sums at once: the order of terms is the caller's rounding.
        let mut sums = [0.0; LANES];
        for (block, sizes) in sizes.chunks(32).enumerate() {
            let bits = (uniforms.at(block) * 2f64.powi(32)) as u32;
            for (part, sizes) in sizes.chunks(LANES).enumerate() {
                let bits = bits >> (part * LANES);
                for (i, (sum, size)) in sums.iter_mut().zip(sizes).enumerate() {
                    // The sign is the highest bit.
                    let sign = u64::from(!bits >> i & 1) << 63;
                    *sum += f64::from_bits(size.to_bits() ^ sign);
                }
            }
        }
        sums.iter().sum::<f64>().abs() >= far
    };
    (0..FLIPS).filter(is_beyond).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p_value(differences: &[f64]) -> f64 {
        sign_flip_test(differences).unwrap().p_value
    }

    #[test]
    fn five_pairs_cannot_go_below_a_sixteenth() {
        let found = sign_flip_test(&[0.3, 0.2, 9.0, 1.5, 0.1]).unwrap();
        let expected = SignFlip { p_value: 0.0625, least_p_value: 0.0625, pairs: 5, std_error: None };
        assert_eq!(found, expected);
        let least = |n: usize| sign_flip_test(&vec![1.0; n]).unwrap().least_p_value;
        assert_eq!([1, 2, 6, 10, 31].map(least), [1.0, 0.5, 0.03125, 2.0 / 1024.0, 1e-4]);
    }

    /// Of 1, 2, 3 and 4 with the sign of 2 turned the sum is 6; of the 16 choices 3 reach 6: 10, 8 and this.
    /// With 2 and 4 alike: 1 + 3 − 2 = 2 has 6 of 8 choices as far from 0.
    #[test]
    fn small_cases_by_hand() {
        assert_eq!(p_value(&[1.0, -2.0, 3.0, 4.0]), 2.0 * 3.0 / 16.0);
        assert_eq!(p_value(&[1.0, -2.0, 3.0]), 6.0 / 8.0);
        assert_eq!(p_value(&[5.0]), 1.0);
        assert_eq!(p_value(&[-5.0, -1.0]), 0.5);
    }

    #[test]
    fn a_zero_changes_nothing_and_only_zeros_are_no_evidence() {
        assert_eq!(p_value(&[1.0, 0.0, -2.0, 3.0, -0.0, 4.0]), p_value(&[1.0, -2.0, 3.0, 4.0]));
        assert_eq!(p_value(&[0.0; 12]), 1.0);
        assert_eq!(p_value(&[0.0; 50]), 1.0);
    }

    /// 0.1 + 0.2 − 0.3 is 5.6e-17, and a sum of tenths what order makes it: the same in integers.
    #[test]
    fn rounding_breaks_no_ties() {
        for scale in [0.1, 1e-300, 1e300, 0.7] {
            let tenths = [1.0, 2.0, -3.0, 4.0, 1.0, -1.0, 2.0, 5.0];
            assert_eq!(p_value(&tenths.map(|x| x * scale)), p_value(&tenths), "{scale:e}");
        }
    }

    /// All alike: the sum is binomial. Of 40 with 28 positive the two tails have P(X ≥ 28) = 0.0082945… each.
    #[test]
    fn drawn_signs_are_within_their_standard_error() {
        let differences: Vec<f64> = (0..40).map(|i| if i < 28 { 1.0 } else { -1.0 }).collect();
        let found = sign_flip_test(&differences).unwrap();
        let choose = |k: u32| (0..k).map(|i| f64::from(40 - i) / f64::from(k - i)).product::<f64>();
        let exact = 2.0 * (28..=40).map(choose).sum::<f64>() / 2f64.powi(40);
        assert!((found.p_value - exact).abs() < 4.0 * found.std_error.unwrap(), "{found:?} {exact}");
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        assert_eq!(sign_flip_test(&[]), Err(StatsError::Empty));
        assert!(matches!(sign_flip_test(&[1.0, f64::NAN]), Err(StatsError::NotFinite { index: 1, .. })));
        let infinite = Err(StatsError::NotFinite { index: 0, value: f64::NEG_INFINITY });
        assert_eq!(sign_flip_test(&[f64::NEG_INFINITY]), infinite);
        assert_eq!(p_value(&[f64::MAX; 6]), 2.0 / 64.0);
        assert_eq!(p_value(&[5e-324; 6]), 2.0 / 64.0);
    }
}
