//! coverage@k from samples.

use crate::pass::miss;

/// Unbiased estimate of the expected number of distinct valid outputs among k samples, from the number of times
/// each valid output was met in `n` samples: Σ_y 1 − C(n − n_y, k) / C(n, k). `None` if k exceeds n.
///
/// # Source
/// Hurlbert (1971), *The nonconcept of species diversity* (rarefaction).
pub fn coverage_at_k(counts: impl IntoIterator<Item = u64>, n: u64, k: u64) -> Option<f64> {
    (k <= n).then(|| counts.into_iter().map(|count| 1.0 - miss(n, count, k)).sum())
}

/// A standard error of [`coverage_at_k`], on the large side, from how often each valid output was met among `n` samples.
///
/// By Efron and Stein the squares of what leaving out a sample changes have a sum whose expectation is at least the
/// variance. One valid output that no other equals and one invalid one are added to what was met: that nothing, or
/// always the same, was met is no proof. `None` if k exceeds n.
///
/// # Source
/// Efron, Stein (1981), *The jackknife estimate of variance*.
pub fn coverage_std_error(counts: impl IntoIterator<Item = u64>, n: u64, k: u64) -> Option<f64> {
    if k > n {
        return None;
    }
    let n = n + 2;
    let counts: Vec<u64> = counts.into_iter().chain([1]).collect();
    let among_others = |count| 1.0 - miss(n - 1, count, k);
    let all: f64 = counts.iter().map(|&count| 1.0 - miss(n, count, k)).sum();
    let others: f64 = counts.iter().map(|&count| among_others(count)).sum();
    let invalid = n - counts.iter().sum::<u64>();
    let mut variance = invalid as f64 * (others - all).powi(2);
    for count in counts {
        let without = others - among_others(count) + among_others(count - 1);
        variance += count as f64 * (without - all).powi(2);
    }
    Some(variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_draw_covers_the_share_of_valid_samples() {
        assert!((coverage_at_k([3, 1], 10, 1).unwrap() - 0.4).abs() < 1e-15);
    }

    #[test]
    fn all_draws_cover_all_that_was_met() {
        assert_eq!(coverage_at_k([3, 1, 2], 10, 10), Some(3.0));
        assert_eq!(coverage_at_k([3], 10, 11), None);
    }

    /// All sequences of six samples of three valid outputs and an invalid one: the expected square of the standard
    /// error is at least the variance, and not above it by more than the two samples that are added make it.
    #[test]
    fn the_standard_error_is_on_the_large_side() {
        let probs = [0.5, 0.2, 0.05, 0.25];
        for k in [1, 2, 3, 6] {
            let (mut mean, mut square, mut claimed) = (0.0, 0.0, 0.0);
            for sequence in 0..4096usize {
                let samples: Vec<usize> = (0..6).map(|i| sequence / 4usize.pow(i) % 4).collect();
                let prob: f64 = samples.iter().map(|&y| probs[y]).product();
                let count = |y| samples.iter().filter(|&&sample| sample == y).count() as u64;
                let counts = || (0..3).map(count).filter(|&count| count > 0);
                let found = coverage_at_k(counts(), 6, k).unwrap();
                mean += prob * found;
                square += prob * found * found;
                claimed += prob * coverage_std_error(counts(), 6, k).unwrap().powi(2);
            }
            let variance = square - mean * mean;
            assert!(variance < claimed && claimed < 3.0 * variance + 0.2, "k={k}: {claimed} {variance}");
        }
    }

    #[test]
    fn of_one_draw_it_is_that_of_a_rate() {
        // √(p(1−p)/n) at p = 0.4, the two added samples and n − 1 for n apart: relative 2e-3 of n = 1000.
        let expected = (0.24f64 / 1000.0).sqrt();
        let found = coverage_std_error([300, 100], 1000, 1).unwrap();
        assert!((found / expected - 1.0).abs() < 2e-3, "{found} {expected}");
    }

    /// Of nothing met in n samples three standard errors cover what three missed outputs in n would add.
    #[test]
    fn nothing_met_and_always_the_same_met_are_no_proof() {
        for counts in [vec![], vec![100]] {
            for k in [1, 10, 100] {
                let found = coverage_std_error(counts.clone(), 100, k).unwrap();
                assert!(found > 0.9 * k as f64 / 102.0, "{counts:?} k={k}: {found}");
            }
        }
        assert_eq!(coverage_std_error([], 10, 11), None);
    }
}
