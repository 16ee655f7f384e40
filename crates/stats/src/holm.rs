//! Many tests at once.

use crate::{SignFlip, StatsError};

/// Holm's step-down correction: adjusted p-values in the order of the given ones. Rejecting those of at most α leaves the
/// probability of any false rejection among them at most α, whatever their dependence.
///
/// The i-th least of m is the greatest of (m − j + 1) p_(j) over j ≤ i, at most 1. None of none.
///
/// # Errors
/// [`StatsError::NotAProbability`] where one is not between 0 and 1.
///
/// # Source
/// Holm (1979), *A Simple Sequentially Rejective Multiple Test Procedure*.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    if let Some(index) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(StatsError::NotAProbability { index, value: p_values[index] });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let (mut adjusted, mut greatest) = (vec![0.0; p_values.len()], 0.0);
    for (rank, &i) in order.iter().enumerate() {
        greatest = f64::max(greatest, (p_values.len() - rank) as f64 * p_values[i]).min(1.0);
        adjusted[i] = greatest;
    }
    Ok(adjusted)
}

/// Whether a test earns a star.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Star {
    /// Its adjusted p-value is at most the level.
    Earned,
    /// It is not.
    Missed,
    /// With so few pairs it could not be, whatever the differences.
    OutOfReach {
        /// How many pairs every test of the family would take to be able to.
        pairs_needed: usize,
    },
}

/// A test among others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adjusted {
    /// Its p-value by [`holm`].
    pub p_value: f64,
    /// The least that the numbers of pairs allow, also by [`holm`].
    pub least_p_value: f64,
    /// Whether it earns a star.
    pub star: Star,
}

/// A family of sign-flip tests, corrected by [`holm`], at a level such as 0.05.
///
/// # Errors
/// [`StatsError::Level`] where the level is not above 0 and at most 1, [`StatsError::NotAProbability`] where a p-value is none.
pub fn adjusted(family: &[SignFlip], level: f64) -> Result<Vec<Adjusted>, StatsError> {
    if !(level > 0.0 && level <= 1.0) {
        return Err(StatsError::Level { found: level });
    }
    let of = |p: fn(&SignFlip) -> f64| holm(&family.iter().map(p).collect::<Vec<f64>>());
    let (found, least) = (of(|test| test.p_value)?, of(|test| test.least_p_value)?);
    // 2/2^n of all is at most the level.
    let mut pairs_needed = 1;
    while 2.0 * family.len() as f64 > level * 2f64.powi(pairs_needed) && pairs_needed < 1023 {
        pairs_needed += 1;
    }
    let pairs_needed = pairs_needed.unsigned_abs() as usize;
    let adjusted = family.iter().zip(found).zip(least).map(|((test, p_value), least_p_value)| {
        let star = if p_value <= level {
            Star::Earned
        } else if least_p_value > level && test.pairs < pairs_needed {
            Star::OutOfReach { pairs_needed }
        } else {
            Star::Missed
        };
        Adjusted { p_value, least_p_value, star }
    });
    Ok(adjusted.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_flip_test;

    /// 0.01, 0.02, 0.03 and 0.04 times 4, 3, 2 and 1: 0.04, 0.06, 0.06 and 0.04, of which none is below the one before.
    #[test]
    fn four_by_hand_in_any_order() {
        let found = holm(&[0.03, 0.01, 0.04, 0.02]).unwrap();
        for (found, expected) in found.iter().zip([0.06, 0.04, 0.06, 0.06]) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        assert_eq!(holm(&[0.9, 0.8, 1.0]), Ok(vec![1.0; 3]));
        assert_eq!(holm(&[]), Ok(vec![]));
        assert_eq!(holm(&[0.5, 1.5]), Err(StatsError::NotAProbability { index: 1, value: 1.5 }));
        assert!(holm(&[f64::NAN]).is_err());
    }

    /// One test takes six pairs (2/64 = 0.031), seven take nine (14/512 = 0.027).
    #[test]
    fn too_few_pairs_for_any_star_are_told() {
        let of = |tests: usize, pairs: usize| {
            let test = sign_flip_test(&vec![1.0; pairs]).unwrap();
            adjusted(&vec![test; tests], 0.05).unwrap()[0]
        };
        let five =
            Adjusted { p_value: 0.0625, least_p_value: 0.0625, star: Star::OutOfReach { pairs_needed: 6 } };
        assert_eq!(of(1, 5), five);
        assert_eq!(of(1, 6).star, Star::Earned);
        assert_eq!(of(7, 8).star, Star::OutOfReach { pairs_needed: 9 });
        assert_eq!(of(7, 9).star, Star::Earned);
        let same = sign_flip_test(&[0.0; 9]).unwrap();
        assert_eq!(adjusted(&[same], 0.05).unwrap()[0].star, Star::Missed);
        assert_eq!(adjusted(&[], 0.05), Ok(vec![]));
        assert_eq!(adjusted(&[same], 0.0), Err(StatsError::Level { found: 0.0 }));
        assert!(adjusted(&[same], f64::NAN).is_err());
        // Drawn signs reach 1e-4 at best, which is no matter of pairs.
        assert_eq!(of(600, 40).star, Star::Missed);
    }
}
