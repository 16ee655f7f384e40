//! How many distinct valid outputs k samples find: coverage@k, and pass@k.
//!
//! c(k) = 1 − (1 − q)^k obeys c(i + j) = c(i) + c(j)·(1 − c(i)), so that doubling and adding one reach any k
//! in about 2·log2 k multiplications. Nothing cancels, however small q is, and there is no logarithm.
//! Checked against −expm1(k · ln_1p(−q)).

use crate::Accumulator;

/// Outputs that are raised to their powers side by side.
const BLOCK: usize = 64;

/// 1 − (1 − prob)^k: the probability that an event of probability `prob` occurs at least once in `k` draws.
pub fn at_least_once(prob: f64, k: u64) -> f64 {
    let mut reached = [prob];
    at_least_once_each(&mut reached, k);
    reached[0]
}

/// coverage@k for every k of a list: Σ_j 1 − (1 − prob(j))^k over `len` outputs.
pub(crate) fn coverage_at(len: usize, prob: impl Fn(usize) -> f64, k: &[u64]) -> Vec<f64> {
    let mut totals = vec![Accumulator::default(); k.len()];
    let (mut probs, mut reached) = ([0.0; BLOCK], [0.0; BLOCK]);
    for start in (0..len).step_by(BLOCK) {
        let block = BLOCK.min(len - start);
        for (j, slot) in probs[..block].iter_mut().enumerate() {
            *slot = prob(start + j);
        }
        probs[block..].fill(0.0);
        for (total, &k) in totals.iter_mut().zip(k) {
            reached.copy_from_slice(&probs);
            at_least_once_each(&mut reached, k);
            total.add(reached.iter().sum());
        }
    }
    totals.iter().map(Accumulator::total).collect()
}

/// Replaces every probability by that of at least one occurrence in `k` draws.
#[inline]
pub(crate) fn at_least_once_each<const N: usize>(probs: &mut [f64; N], k: u64) {
    if k == 0 {
        probs.fill(0.0);
        return;
    }
    // A mass may exceed 1 by a rounding.
    for prob in probs.iter_mut() {
        *prob = if *prob > 1.0 { 1.0 } else { *prob };
    }
    let once = *probs;
    for bit in (0..k.ilog2()).rev() {
        for reached in probs.iter_mut() {
            *reached *= 2.0 - *reached;
        }
        if k >> bit & 1 == 1 {
            for (reached, once) in probs.iter_mut().zip(&once) {
                *reached += once * (1.0 - *reached);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn doubling_equals_the_power() {
        for prob in [0.0, 1e-300, 1e-17, 1e-9, 1e-3, 0.25, 0.999, 1.0] {
            for k in [0, 1, 2, 3, 7, 64, 1000, 1_000_003] {
                let expected = if k == 0 { 0.0 } else { -f64::exp_m1(k as f64 * f64::ln_1p(-prob)) };
                let tolerance = 1e-14 * expected.abs();
                assert_close(at_least_once(prob, k), expected, tolerance);
            }
        }
        assert_close(at_least_once(1.0 + f64::EPSILON, u64::MAX), 1.0, 0.0);
    }

    #[test]
    fn coverage_of_a_uniform_has_a_closed_form() {
        for n in [1usize, 63, 64, 65, 500] {
            let prob = 1.0 / n as f64;
            let found = coverage_at(n, |_| prob, &[1, 4, 1 << 40]);
            assert_close(found[0], 1.0, 1e-14);
            assert_close(found[1], n as f64 * (1.0 - (1.0 - prob).powi(4)), 1e-13 * n as f64);
            assert_close(found[2], n as f64, 1e-13 * n as f64);
        }
    }
}
