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
}
