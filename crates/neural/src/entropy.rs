//! The gradient of the entropy of choices, beside that of a log-probability.

use crate::block::{Matrix, WIDTH};
use crate::kernels::BackwardSoftmax;
use crate::simd::InstructionSet;
use pstar_core::math;

/// A token that a sequence chose, and how much of two gradients at its position counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weighed {
    /// The token.
    pub token: u32,
    /// Of the gradient of its log-probability.
    pub coefficient: f32,
    /// Of the gradient of the entropy of all choices.
    pub entropy: f32,
}

/// The gradient at the logits of a row: c (δ_token − p_k) − e p_k (log p_k + H), p the softmax.
///
/// In `f64` without fused operations, like all that comes behind logits: few positions ask for it.
fn gradient_with_entropy(logits: &Matrix, row: usize, at: Weighed, gradient: &mut Vec<f32>) {
    gradient.clear();
    gradient.extend(logits.data[row..].iter().step_by(logits.rows).flat_map(|block| block.0));
    let greatest = gradient.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shifted = |x: f32| f64::from(x) - f64::from(greatest);
    let sum: f64 = gradient.iter().map(|&x| math::exp(shifted(x))).sum();
    let of = |x: f32| {
        let p = math::exp(shifted(x)) / sum;
        // log p + log Σ of a choice, 0 of one that is never made; NaN stays.
        (p, if p == 0.0 { 0.0 } else { shifted(x) })
    };
    // log p_k + H is this less its mean.
    let mean: f64 = gradient.iter().map(|&x| of(x)).map(|(p, log)| p * log).sum();
    let (coefficient, entropy) = (f64::from(at.coefficient), f64::from(at.entropy));
    for (choice, g) in gradient.iter_mut().enumerate() {
        let (p, log) = of(*g);
        let chosen = if choice == at.token as usize { coefficient } else { 0.0 };
        #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
        let value = (chosen - p * (coefficient + entropy * (log - mean))) as f32;
        *g = value;
    }
}

/// Turns the logits of rows into the gradient at them; for each row, from the first one on, what is weighed there.
pub fn backward_choices(
    set: InstructionSet,
    logits: &mut Matrix,
    weighed: impl Iterator<Item = Option<Weighed>>,
) {
    // The rows whose entropy counts, which the kernel leaves at 0.
    let (mut chosen, mut with_entropy) = (Vec::new(), Vec::new());
    for (row, at) in weighed.map(Option::unwrap_or_default).enumerate() {
        if at.entropy == 0.0 {
            chosen.push((at.token, at.coefficient));
            continue;
        }
        let mut gradient = Vec::new();
        gradient_with_entropy(logits, row, at, &mut gradient);
        with_entropy.push((row, gradient));
        chosen.push((at.token, 0.0));
    }
    set.run(BackwardSoftmax { logits, chosen: &chosen });
    for (row, gradient) in with_entropy {
        put(logits, row, &gradient);
    }
}

/// Puts the gradient of a row in its place.
fn put(matrix: &mut Matrix, row: usize, gradient: &[f32]) {
    let stride = matrix.rows;
    for (block, values) in gradient.chunks_exact(WIDTH).enumerate() {
        matrix.data[block * stride + row].0.copy_from_slice(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::TILE;

    /// Against central differences of c log p_token + e H in every logit: h² and 1e-16/h at h = 1e-5, and f32 of what is given.
    #[test]
    fn it_is_the_finite_difference() {
        let mut logits = Matrix::new(2, TILE);
        let values: [f32; 19] = std::array::from_fn(|k| (k as f32 * 1.7).sin() * 3.0);
        let padded = (0..2 * WIDTH).map(|k| values.get(k).copied().unwrap_or(f32::NEG_INFINITY));
        put(&mut logits, 3, &padded.collect::<Vec<_>>());
        let held = values.map(f64::from);
        for (coefficient, entropy) in [(0.7f32, 0.3f32), (0.0, -1.0), (-2.0, 0.0)] {
            let mut found = Vec::new();
            gradient_with_entropy(&logits, 3, Weighed { token: 5, coefficient, entropy }, &mut found);
            let value = |logits: &[f64]| {
                let log_sum = math::log_sum_exp(logits);
                let h: f64 = logits.iter().map(|x| -(x - log_sum) * (x - log_sum).exp()).sum();
                f64::from(coefficient) * (logits[5] - log_sum) + f64::from(entropy) * h
            };
            for k in 0..held.len() {
                let shifted = |h: f64| {
                    let mut logits = held;
                    logits[k] += h;
                    value(&logits)
                };
                let difference = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((f64::from(found[k]) - difference).abs() < 2e-7, "{k}: {} {difference}", found[k]);
            }
            assert!(found[19..].iter().all(|padding| *padding == 0.0));
        }
    }
}
