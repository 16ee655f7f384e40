//! The optimizers. The host owns them, so that all arms share them.

use super::bits;
use crate::plan::Optimizer;
use pstar_core::{math, vectorised};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Moments below this are taken for 0. Where a gradient stays 0 they decay, and after some thousand steps they and the
/// moves made of them would be subnormal numbers, which processors are slow with.
const LEAST_MOMENT: f64 = 1e-290;

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum StepError {
    /// The square of the gradient is no number.
    #[error("Adam's second moment of parameter {index} overflowed: its gradient is {gradient:e}")]
    Moment {
        /// Which parameter.
        index: usize,
        /// The gradient in it.
        gradient: f64,
    },
    /// The step is longer than the greatest number.
    #[error("parameter {index} overflowed: its gradient is {gradient:e}")]
    Parameter {
        /// Which parameter.
        index: usize,
        /// The gradient in it.
        gradient: f64,
    },
}

/// An optimizer and its state for one vector of parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OptimizerState {
    optimizer: Optimizer,
    /// Adam's moments; empty for plain gradient ascent.
    #[serde(with = "bits")]
    first: Vec<f64>,
    #[serde(with = "bits")]
    second: Vec<f64>,
    /// β1^t and β2^t.
    #[serde(with = "bits")]
    powers: Vec<f64>,
}

impl OptimizerState {
    /// The state before the first step.
    pub fn new(optimizer: Optimizer, parameters: usize) -> Self {
        let moments = if matches!(optimizer, Optimizer::Adam { .. }) { parameters } else { 0 };
        Self { optimizer, first: vec![0.0; moments], second: vec![0.0; moments], powers: vec![1.0; 2] }
    }

    /// Whether it is one of this optimizer, for so many parameters.
    pub(super) fn fits(&self, optimizer: Optimizer, parameters: usize) -> bool {
        let moments = if matches!(optimizer, Optimizer::Adam { .. }) { parameters } else { 0 };
        self.optimizer == optimizer
            && self.first.len() == moments
            && self.second.len() == moments
            && self.powers.len() == 2
    }

    /// Moves `parameters` one step up the gradient.
    ///
    /// A parameter of −∞ stays, since its gradient is 0.
    ///
    /// # Errors
    /// If a moment or a parameter leaves the range of numbers; then the state is of no further use.
    pub fn step(&mut self, parameters: &mut [f64], gradient: &[f64]) -> Result<(), StepError> {
        let bounded = math::all_finite(parameters);
        let zeros = if bounded { 0 } else { parameters.iter().filter(|x| x.is_infinite()).count() };
        match self.optimizer {
            Optimizer::Sgd { learning_rate } => {
                parameters.iter_mut().zip(gradient).for_each(|(x, g)| *x += learning_rate * g);
            }
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon } => {
                self.powers = vec![self.powers[0] * beta1, self.powers[1] * beta2];
                let corrections = (1.0 - self.powers[0], 1.0 - self.powers[1]);
                let adam = Adam { learning_rate, beta1, beta2, epsilon, corrections };
                adam.step(parameters, gradient, [&mut self.first, &mut self.second]);
            }
        }
        let correction = 1.0 - self.powers[1];
        let overflowed = |v: &f64| !(v / correction).is_finite();
        // Division keeps the order of numbers: where the greatest passes, all do.
        if self.second.first().is_some_and(|_| overflowed(&math::greatest(&self.second))) {
            let index = self.second.iter().position(overflowed).unwrap_or(0);
            return Err(StepError::Moment { index, gradient: gradient[index] });
        }
        // A logit of −∞ is a probability of zero: none is made by rounding.
        let within = bounded && math::all_finite(parameters);
        if !within && parameters.iter().filter(|x| !x.is_finite()).count() > zeros {
            let moved = |(x, g): (&f64, &f64)| !x.is_finite() && *g != 0.0;
            let index = parameters.iter().zip(gradient).position(moved).unwrap_or(0);
            return Err(StepError::Parameter { index, gradient: gradient[index] });
        }
        Ok(())
    }
}

/// A step of Adam.
#[derive(Clone, Copy)]
struct Adam {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    /// What moments are divided by, since they start at 0.
    corrections: (f64, f64),
}

/// Parameters that are looked at together: where none has a moment or a gradient none moves.
const BLOCK: usize = 16;

impl Adam {
    fn step(self, parameters: &mut [f64], gradient: &[f64], [first, second]: [&mut [f64]; 2]) {
        vectorised!([
            adam: Adam = self, x: &mut [f64] = parameters, g: &[f64] = gradient, m: &mut [f64] = first, v: &mut [f64] = second,
        ] { adam.in_blocks(x, g, m, v) });
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn in_blocks(self, parameters: &mut [f64], gradient: &[f64], first: &mut [f64], second: &mut [f64]) {
        let (parameters, last) = parameters.as_chunks_mut::<BLOCK>();
        let (gradient, last_gradient) = gradient.as_chunks::<BLOCK>();
        let (first, last_first) = first.as_chunks_mut::<BLOCK>();
        let (second, last_second) = second.as_chunks_mut::<BLOCK>();
        let blocks = parameters.iter_mut().zip(gradient).zip(first.iter_mut().zip(second));
        for ((x, g), (m, v)) in blocks {
            if self.epsilon > 0.0 && is_idle(g) && is_idle(m) && is_idle(v) {
                // As with a move of 0, −0 becomes 0.
                for x in x {
                    *x += 0.0;
                }
            } else {
                self.block(x, g, m, v);
            }
        }
        self.block(last, last_gradient, last_first, last_second);
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn block(self, parameters: &mut [f64], gradient: &[f64], first: &mut [f64], second: &mut [f64]) {
        let Self { learning_rate, beta1, beta2, epsilon, corrections } = self;
        let moments = first.iter_mut().zip(second);
        for ((x, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *m = moment(beta1 * *m + (1.0 - beta1) * g);
            *v = moment(beta2 * *v + (1.0 - beta2) * g * g);
            *x += learning_rate * (*m / corrections.0) / ((*v / corrections.1).sqrt() + epsilon);
        }
    }
}

/// Whether all are 0 of either sign.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn is_idle(values: &[f64; BLOCK]) -> bool {
    values.iter().fold(0, |bits, value| bits | (value.to_bits() << 1)) == 0
}

/// A moment, or 0 where it is too small to count.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn moment(x: f64) -> f64 {
    if x.abs() < LEAST_MOMENT { 0.0 } else { x }
}

/// Scales a gradient that is longer than `norm` down to it (Pascanu et al. 2013).
pub(crate) fn clip(gradient: &mut [f64], norm: f64) {
    let length = math::norm(gradient);
    if length > norm {
        let scale = norm / length;
        for g in gradient {
            *g = if scale.is_normal() { *g * scale } else { *g / length * norm };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ascent_adds_the_gradient() {
        let mut state = OptimizerState::new(Optimizer::Sgd { learning_rate: 0.5 }, 2);
        let mut parameters = [1.0, f64::NEG_INFINITY];
        state.step(&mut parameters, &[2.0, 0.0]).unwrap();
        assert_eq!(parameters, [2.0, f64::NEG_INFINITY]);
    }

    #[test]
    fn only_long_gradients_are_clipped() {
        let mut gradient = [3.0, -4.0];
        clip(&mut gradient, 5.0);
        assert_eq!(gradient, [3.0, -4.0]);
        clip(&mut gradient, 1.0);
        assert!((gradient[0] - 0.6).abs() < 1e-15 && (gradient[1] + 0.8).abs() < 1e-15);
    }

    #[test]
    fn gradients_of_any_size_are_clipped() {
        for (scale, norm) in [(1e300, 0.1), (3e307, 1e-5), (1e-200, 1e-210), (1e-170, 1e-180)] {
            let mut gradient = [3.0 * scale, -4.0 * scale];
            clip(&mut gradient, norm);
            let [x, y] = gradient.map(|g| g / norm);
            assert!((x - 0.6).abs() < 1e-14 && (y + 0.8).abs() < 1e-14, "{scale:e}: {x} {y}");
        }
    }

    #[test]
    fn what_leaves_the_numbers_is_told() {
        let adam = Optimizer::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        let sgd = Optimizer::Sgd { learning_rate: 10.0 };
        let step = |optimizer, gradient: f64| {
            let mut parameters = [f64::NEG_INFINITY, 1.0];
            OptimizerState::new(optimizer, 2).step(&mut parameters, &[0.0, gradient]).map(|()| parameters[1])
        };
        // Of the first moments, corrected, g² is the last to be a number: g up to 1.34e154.
        assert!((step(adam, 1.3e154).unwrap() - 1.1).abs() < 1e-12);
        for gradient in [1.4e154, 4e155, 1e300] {
            assert_eq!(step(adam, gradient), Err(StepError::Moment { index: 1, gradient }));
        }
        assert_eq!(step(sgd, 1e307), Ok(1e308));
        // −∞ would pass for a probability of zero.
        for gradient in [1e308, -1e308] {
            assert_eq!(step(sgd, gradient), Err(StepError::Parameter { index: 1, gradient }));
        }
    }

    #[test]
    fn adam_by_hand() {
        // First step: m̂ = g, v̂ = g², so the step is the learning rate in the direction of the gradient.
        // Second step with gradient −1: m = .9·.2 − .1, v = .999·.004 + .001, both corrected.
        let optimizer = Optimizer::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        let mut state = OptimizerState::new(optimizer, 1);
        let mut parameters = [0.0];
        state.step(&mut parameters, &[2.0]).unwrap();
        assert!((parameters[0] - 0.1).abs() < 1e-9);
        state.step(&mut parameters, &[-1.0]).unwrap();
        let m = (0.9 * 0.2 - 0.1) / (1.0 - 0.81);
        let v: f64 = (0.999 * 0.004 + 0.001) / (1.0 - 0.999 * 0.999);
        assert!((parameters[0] - (0.1 + 0.1 * m / v.sqrt())).abs() < 1e-9);
    }

    /// One gradient and then none: 0.9^t is subnormal from t = 6724 on, and rounding would keep it from ever reaching 0.
    #[test]
    fn moments_become_0_and_never_subnormal() {
        let (learning_rate, beta, epsilon) = (1e-3, 0.9f64, 1e-8);
        let optimizer = Optimizer::Adam { learning_rate, beta1: beta, beta2: beta, epsilon };
        let mut state = OptimizerState::new(optimizer, 2);
        let mut parameters = [0.5, -0.5];
        let mut expected = parameters;
        for step in 1..8000 {
            let gradient = if step == 1 { [1.0, -2.0] } else { [0.0, 0.0] };
            state.step(&mut parameters, &gradient).unwrap();
            // The same moves without any rounding of moments, as long as they can move anything.
            let power = beta.powi(step);
            for (x, g) in expected.iter_mut().zip([1.0, -2.0]) {
                let (m, v) = (0.1 * g * power / beta, 0.1 * g * g * power / beta);
                *x += learning_rate * m / (1.0 - power) / ((v / (1.0 - power)).sqrt() + epsilon);
            }
            for moment in state.first.iter().chain(&state.second) {
                assert!(*moment == 0.0 || (learning_rate * moment).is_normal(), "{moment:e} at step {step}");
            }
        }
        assert_eq!((state.first, state.second), (vec![0.0; 2], vec![0.0; 2]));
        for (found, expected) in parameters.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
