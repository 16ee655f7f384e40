//! coverage@k for any real k, and where one curve falls below another.
//!
//! Outputs of probability q ≥ 1/K, K the greatest k, are at most K and are kept; of the others the power sums, of which
//! 1 − (1 − q)^k = Σ_j (−1)^{j+1} C(k, j) q^j is made for any real k. Checked against the sum over all outputs.

use pstar_core::math;

use crate::Accumulator;

/// The greatest power in the series. As Kq < 1, what is left out is below 1/19! < 10⁻¹⁷ of the first term.
pub(crate) const POWERS: usize = 18;

/// The least K that outputs are told apart by: below it the coefficients C(k, j)/K^j of the series would not fall like 1/j!.
pub(crate) const LEAST_GREATEST: u64 = 32;

/// By how much of their size two curves must differ to be told apart: what rounding may come to.
const TOLD_APART: f64 = 1e-12;

/// How far from 1 the ratio of the ends of the interval is that a crossing is narrowed down to.
const NARROW: f64 = 1e-12;

/// The expected number of distinct valid outputs among k samples of a distribution, for real k up to some greatest.
#[derive(Clone, Debug, PartialEq)]
pub struct CoverageCurve {
    greatest: f64,
    /// −log (1 − q) of the outputs that are kept.
    heavy: Vec<f64>,
    /// Σ q over the others.
    first: f64,
    /// Σ (Kq)^j over the others, j = 2..=POWERS.
    lanes: [f64; POWERS - 1],
}

impl CoverageCurve {
    /// Of valid outputs of these probabilities, for k up to `greatest`.
    ///
    /// # Range and cost
    /// 18 multiplications an output, and memory for `greatest` of them at most.
    pub fn of(probs: impl Iterator<Item = f64>, greatest: u64) -> Self {
        let greatest = greatest.max(LEAST_GREATEST) as f64;
        let (mut heavy, mut first, mut lanes) = (Vec::new(), Accumulator::default(), [0.0; POWERS - 1]);
        for prob in probs {
            let scaled = prob * greatest;
            if scaled >= 1.0 {
                heavy.push(prob);
            } else {
                first.add(prob);
                let mut power = scaled;
                for lane in &mut lanes {
                    power *= scaled;
                    *lane += power;
                }
            }
        }
        Self::of_parts(&heavy, first.total(), lanes, greatest)
    }

    pub(crate) fn of_parts(heavy: &[f64], first: f64, lanes: [f64; POWERS - 1], greatest: f64) -> Self {
        let heavy = heavy.iter().map(|&prob| -math::ln_1p(-prob.min(1.0))).collect();
        Self { greatest, heavy, first, lanes }
    }

    /// At k > 0, at most the greatest.
    ///
    /// # Range and cost
    /// Right to some 20 roundings. An exponential for each output of probability at least one over the greatest k.
    pub fn at(&self, k: f64) -> f64 {
        let mut total = Accumulator::default();
        for &rate in &self.heavy {
            total.add(-math::exp_m1(-k * rate));
        }
        let mut coefficient = k / self.greatest;
        total.add(self.first * k);
        for (j, lane) in (1..).zip(&self.lanes) {
            let j = f64::from(j);
            coefficient *= -((k - j) / self.greatest) / (j + 1.0);
            total.add(coefficient * lane);
        }
        total.total()
    }
}

/// The first k from 1 to `most` where the first of two curves falls from above to below the second.
///
/// Two coverages may cross several times: the difference is a sum of exponentials of k, with at most as many zeros as
/// its coefficients, in the order of their rates, change sign. The curves are compared at the powers of 2 and at `most`,
/// and a fall between two of these is bisected until it is known to 10⁻¹²: where they cross twice between two of them it
/// is not seen. Curves that differ by less than rounding may come to are equal.
pub fn first_fall(most: u64, curves: impl Fn(f64) -> [f64; 2]) -> Option<f64> {
    let difference = |k: f64| {
        let [x, y] = curves(k);
        if (x - y).abs() <= TOLD_APART * (x + y) { 0.0 } else { x - y }
    };
    let powers = (0..64).map(|bit| 1u64 << bit).take_while(|&k| k < most);
    let mut above = None;
    for k in powers.chain([most]) {
        let k = k as f64;
        let here = difference(k);
        if here > 0.0 {
            above = Some(k);
        } else if let Some(mut low) = above.filter(|_| here < 0.0) {
            let mut high = k;
            while high > low * (1.0 + NARROW) {
                let middle = (low * high).sqrt();
                if middle <= low || middle >= high {
                    break;
                }
                if difference(middle) > 0.0 {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            return Some((low * high).sqrt());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    /// Numbers that are the same in every run of the tests.
    fn numbers(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// A distribution over `n` outputs whose probabilities span many sizes.
    fn distribution(n: usize, sharpness: f64, seed: u64) -> Vec<f64> {
        let mut next = numbers(seed);
        let weights: Vec<f64> = (0..n).map(|_| (sharpness * next()).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    fn by_definition(probs: &[f64], k: f64) -> f64 {
        let terms = probs.iter().map(|&prob| if prob >= 1.0 { 1.0 } else { -(k * (-prob).ln_1p()).exp_m1() });
        crate::testing::sum(terms)
    }

    #[test]
    fn the_curve_is_the_sum_over_outputs() {
        for seed in 1..300 {
            let n = 1 + usize::try_from(seed % 50).unwrap() * 7;
            let scale = [1.0, 0.3, 1e-9][usize::try_from(seed % 3).unwrap()];
            let probs: Vec<f64> =
                distribution(n, (seed % 40) as f64, seed).iter().map(|p| scale * p).collect();
            for greatest in [1, 16, 256, 4096] {
                let curve = CoverageCurve::of(probs.iter().copied(), greatest);
                for k in [0.25, 1.0, 1.5, 3.0, 17.3, 255.99, 1000.0] {
                    if k <= greatest as f64 {
                        let expected = by_definition(&probs, k);
                        assert_close(curve.at(k), expected, 1e-13 * expected);
                    }
                }
            }
        }
        assert_close(CoverageCurve::of([1.0, 0.0].into_iter(), 8).at(0.5), 1.0, 0.0);
        assert_close(CoverageCurve::of([1.0 + f64::EPSILON].into_iter(), 8).at(2.0), 1.0, 0.0);
    }

    /// Against a scan of the definition in steps of a hundredth.
    #[test]
    fn a_fall_is_where_a_scan_finds_it() {
        let mut falls = 0;
        for seed in 1..300 {
            let base: Vec<f64> = distribution(60, 6.0, seed).iter().map(|p| 0.2 * p).collect();
            let policy: Vec<f64> = distribution(60, 60.0, seed + 1000).iter().map(|p| 0.9 * p).collect();
            let at = |k: f64| [by_definition(&policy, k), by_definition(&base, k)];
            let curves = [&policy, &base].map(|probs| CoverageCurve::of(probs.iter().copied(), 512));
            let found = first_fall(512, |k| [curves[0].at(k), curves[1].at(k)]);
            let steps = (0..=624).map(|i| (f64::from(i) * 1e-2).exp()).filter(|&k| k <= 512.0);
            let signs: Vec<(f64, bool)> = steps.map(|k| (k, at(k)[0] > at(k)[1])).collect();
            let scanned = signs.windows(2).find(|pair| pair[0].1 && !pair[1].1);
            assert_eq!(found.is_some(), scanned.is_some(), "seed {seed}");
            if let (Some(found), Some(pair)) = (found, scanned) {
                falls += 1;
                assert!((pair[0].0..=pair[1].0).contains(&found), "{found} {pair:?}");
                let [x, y] = at(found);
                assert_close(x, y, 1e-11 * x);
            }
        }
        assert!(falls > 100, "{falls}");
    }

    /// One output of 1/2 against 10^12 of a quarter of that: 1 − 2^−k = k/4, next to.
    #[test]
    fn a_closed_form_and_what_does_not_cross() {
        let one = CoverageCurve::of([0.5].into_iter(), 1024);
        let many = CoverageCurve::of([0.25e-12].into_iter(), 1024);
        let k = first_fall(1024, |k| [one.at(k), 1e12 * many.at(k)]).unwrap();
        // 1 − 2^−k = k/4 at k = 3.6964…; by Newton's method.
        let mut root = 4.0f64;
        for _ in 0..50 {
            root -= (1.0 - (-root).exp2() - root / 4.0) / ((-root).exp2() * 2f64.ln() - 0.25);
        }
        assert_close(k, root, 1e-9);
        assert_eq!(first_fall(1024, |k| [one.at(k), one.at(k) * (1.0 + 1e-14)]), None);
        assert_eq!(first_fall(1024, |k| [one.at(k) / 2.0, one.at(k)]), None, "below all the time");
        assert_eq!(first_fall(2, |k| [one.at(k), 1e12 * many.at(k)]), None, "beyond the greatest k");
        assert_eq!(first_fall(1, |k| [k, 1.0]), None);
        // Below, above, and below again: the fall counts.
        let twice = first_fall(64, |k| [2.0 * k - k * k / 16.0, 5.0]).unwrap();
        assert_close(twice, 16.0 + (256f64 - 80.0).sqrt(), 1e-9);
    }
}
