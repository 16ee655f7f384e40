//! The choices at a position: softmax of logits, in `f64`.
//!
//! Logits are `f32`; from there on everything is `f64` and uses no fused operations, so that probabilities sum to 1 to
//! `f64` rounding and depend on the processor through the logits alone.

use crate::block::{Block, WIDTH};
use pstar_core::math;
use pstar_core::rng::{cumulative, pick};

/// The distribution of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Softmax {
    choices: usize,
    /// Logits less the greatest one, then padding.
    shifted: Vec<f64>,
    /// Their exponentials, 0 for padding; after [`normalise`](Self::normalise), probabilities.
    probs: Vec<f64>,
    sums: Vec<f64>,
    sum: f64,
}

impl Softmax {
    /// Memory for a number of choices.
    pub(crate) fn new(choices: usize) -> Self {
        let padded = choices.next_multiple_of(WIDTH);
        let zeros = vec![0.0; padded];
        Self { choices, shifted: zeros.clone(), probs: zeros, sums: vec![0.0; choices], sum: 1.0 }
    }

    /// Takes on the logits of a row: its blocks, one after another, −∞ for padding.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    pub(crate) fn fill<'a>(&mut self, logits: impl Iterator<Item = &'a Block>) {
        let mut greatest = [f32::NEG_INFINITY; WIDTH];
        for (shifted, block) in self.shifted.as_chunks_mut::<WIDTH>().0.iter_mut().zip(logits) {
            for i in 0..WIDTH {
                let x = block.0[i];
                greatest[i] = if x > greatest[i] { x } else { greatest[i] };
                shifted[i] = f64::from(x);
            }
        }
        let greatest = f64::from(greatest.into_iter().fold(f32::NEG_INFINITY, f32::max));
        for (x, p) in self.shifted.iter_mut().zip(&mut self.probs) {
            *x -= greatest;
            *p = exp(*x);
        }
        let mut sums = [0.0; WIDTH / 2];
        for probs in self.probs.as_chunks::<{ WIDTH / 2 }>().0 {
            for i in 0..WIDTH / 2 {
                sums[i] += probs[i];
            }
        }
        let [a, b, c, d, e, f, g, h] = sums;
        self.sum = ((a + e) + (c + g)) + ((b + f) + (d + h));
    }

    /// Makes the exponentials probabilities.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    pub(crate) fn normalise(&mut self) {
        let factor = 1.0 / self.sum;
        self.probs.iter_mut().for_each(|p| *p *= factor);
    }

    /// Writes the probabilities, after [`normalise`](Self::normalise), in place of the logits; 0 for padding.
    #[allow(clippy::cast_possible_truncation, reason = "gradients are in f32")]
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    pub(crate) fn write<'a>(&self, out: impl Iterator<Item = &'a mut Block>) {
        for (probs, block) in self.probs.chunks_exact(WIDTH).zip(out) {
            block.0.iter_mut().zip(probs).for_each(|(out, &p)| *out = p as f32);
        }
    }

    /// The log-probability of a choice.
    pub(crate) fn log_prob(&self, choice: usize) -> f64 {
        self.shifted[choice] - math::ln(self.sum)
    }

    /// The log-probabilities of all choices.
    pub(crate) fn log_probs(&self) -> impl Iterator<Item = f64> + '_ {
        let log_sum = math::ln(self.sum);
        self.shifted[..self.choices].iter().map(move |x| x - log_sum)
    }

    /// The choice of a uniform number, after [`normalise`](Self::normalise).
    pub(crate) fn pick(&mut self, uniform: f64) -> usize {
        cumulative(&self.probs[..self.choices], &mut self.sums);
        pick(&self.sums, uniform)
    }
}

/// 1.5·2^52: adding it rounds to a whole number.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];

/// e^x for x ≤ 0, with a relative error below 10⁻¹⁵; 0 for x below −708; NaN for NaN.
#[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
#[inline(always)]
fn exp(x: f64) -> f64 {
    // 1/2!, 1/3!, …, 1/13!.
    const TAYLOR: [f64; 12] = [
        0.5,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let held = if x < -708.0 { -708.0 } else { x };
    let shifted = held * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (held - n * LN_2[0]) - n * LN_2[1];
    // In pairs (Estrin's scheme), so that few operations wait for one another.
    let (r2, pair) = (r * r, |k: usize| TAYLOR[k] + TAYLOR[k + 1] * r);
    let r4 = r2 * r2;
    let four = |k: usize| pair(k) + pair(k + 2) * r2;
    let p = (four(0) + four(4) * r4) + four(8) * (r4 * r4);
    let p = p * r2 + r + 1.0;
    let scaled = f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52));
    if x < -708.0 { 0.0 } else { scaled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_as_accurate_as_stated() {
        for i in 0..2_000_000 {
            let x = -708.0 * f64::from(i) / 2_000_000.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "{x}");
        }
        assert_eq!((exp(0.0), exp(-709.0), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp(f64::NAN).is_nan());
    }

    /// The host refuses such log-probabilities, whichever choice is taken.
    #[test]
    fn one_logit_that_is_no_finite_number_spoils_every_choice() {
        for bad in [f32::NAN, f32::INFINITY] {
            for place in [0, 2] {
                let mut logits = Block([f32::NEG_INFINITY; WIDTH]);
                logits.0[..3].copy_from_slice(&[0.5, 1.0, -0.5]);
                logits.0[place] = bad;
                let mut softmax = Softmax::new(3);
                softmax.fill([logits].iter());
                assert!(softmax.log_probs().all(f64::is_nan), "{bad} at {place}");
            }
        }
    }

    #[test]
    fn probabilities_sum_to_1_and_are_the_exponentials_of_their_logarithms() {
        let mut softmax = Softmax::new(19);
        let mut logits = [Block::ZERO; 2];
        for (i, logit) in logits.iter_mut().flat_map(|block| &mut block.0).enumerate() {
            *logit = (i as f32 * 1.7).sin() * 30.0;
        }
        logits[1].0[3..].fill(f32::NEG_INFINITY);
        softmax.fill(logits.iter());
        softmax.normalise();
        let sum: f64 = softmax.log_probs().map(f64::exp).sum();
        assert!((sum - 1.0).abs() < 1e-14);
        for (log_prob, p) in softmax.log_probs().zip(&softmax.probs) {
            assert!((log_prob.exp() / p - 1.0).abs() < 1e-13);
        }
        assert!(softmax.probs[19..].iter().all(|&p| p == 0.0));
    }
}
