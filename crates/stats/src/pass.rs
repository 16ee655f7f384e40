//! pass@k from samples.

/// Unbiased estimate of the probability that at least one of k samples is valid, from `valid` among `n`
/// samples: 1 − C(n − valid, k) / C(n, k). `None` if k exceeds n.
///
/// # Source
/// Chen et al. (2021), *Evaluating Large Language Models Trained on Code*, arXiv 2107.03374, eq. 1.
pub fn pass_at_k(n: u64, valid: u64, k: u64) -> Option<f64> {
    (k <= n).then(|| 1.0 - miss(n, valid, k))
}

/// C(n − hits, k) / C(n, k): the chance that k of n samples, drawn without replacement, miss all hits.
pub(crate) fn miss(n: u64, hits: u64, k: u64) -> f64 {
    if hits + k > n {
        return 0.0;
    }
    // The product has min(hits, k) factors, by symmetry of hits and k.
    let (few, many) = (hits.min(k), hits.max(k));
    (0..few).map(|i| (n - many - i) as f64 / (n - i) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_binomial_coefficients() {
        // C(7, 3) / C(10, 3) = 35 / 120
        assert!((pass_at_k(10, 3, 3).unwrap() - (1.0 - 35.0 / 120.0)).abs() < 1e-15);
        assert_eq!(pass_at_k(10, 0, 3), Some(0.0));
        assert_eq!(pass_at_k(10, 8, 3), Some(1.0));
        assert_eq!(pass_at_k(10, 1, 11), None);
    }

    #[test]
    fn is_unbiased() {
        // E over Binomial(6, 0.3) of the estimate is 1 − 0.7^2 exactly.
        let choose = [1.0, 6.0, 15.0, 20.0, 15.0, 6.0, 1.0];
        let mean: f64 = (0..=6u64)
            .zip(choose)
            .map(|(c, ways)| {
                let c_i32 = i32::try_from(c).unwrap();
                ways * 0.3f64.powi(c_i32) * 0.7f64.powi(6 - c_i32) * pass_at_k(6, c, 2).unwrap()
            })
            .sum();
        assert!((mean - (1.0 - 0.49)).abs() < 1e-14);
    }
}
