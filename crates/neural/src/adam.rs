//! The optimizer of fits. Training is the host's.

/// Moments below this are taken for 0, so that those of rare tokens do not decay into subnormal numbers, which
/// processors are slow with.
const LEAST_MOMENT: f64 = 1e-290;

/// Adam, ascending. β1 = 0.9, β2 = 0.999, ε = 1e-8.
///
/// # Source
/// Kingma and Ba (2015), *Adam: A Method for Stochastic Optimization*.
#[derive(Clone, Debug)]
pub(crate) struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    /// β1^t and β2^t.
    powers: (f64, f64),
}

impl Adam {
    /// Before the first step.
    pub(crate) fn new(parameters: usize) -> Self {
        Self { first: vec![0.0; parameters], second: vec![0.0; parameters], powers: (1.0, 1.0) }
    }

    /// Moves `parameters` one step up the gradient, whose norm is held to `most_norm`.
    pub(crate) fn step(
        &mut self,
        parameters: &mut [f64],
        gradient: &[f64],
        learning_rate: f64,
        most_norm: f64,
    ) {
        let norm = pstar_core::math::norm(gradient);
        let factor = if norm > most_norm { most_norm / norm } else { 1.0 };
        self.powers = (self.powers.0 * 0.9, self.powers.1 * 0.999);
        let corrections = (1.0 - self.powers.0, 1.0 - self.powers.1);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((x, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            let g = factor * g;
            *m = moment(0.9 * *m + 0.1 * g);
            *v = moment(0.999 * *v + 0.001 * g * g);
            *x += learning_rate * (*m / corrections.0) / ((*v / corrections.1).sqrt() + 1e-8);
        }
    }
}

/// A moment, or 0 where it is too small to count.
fn moment(x: f64) -> f64 {
    if x.abs() < LEAST_MOMENT { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.9^t is subnormal from t = 6724 on, and rounding would keep it from ever reaching 0.
    #[test]
    fn moments_become_0_and_never_subnormal() {
        let mut adam = Adam::new(1);
        let mut parameters = [0.0];
        for step in 0..8000 {
            adam.step(&mut parameters, &[if step == 0 { 0.5 } else { 0.0 }], 1e-3, 1.0);
            assert!(adam.first[0] == 0.0 || (1e-3 * adam.first[0]).is_normal(), "{:e}", adam.first[0]);
        }
        assert_eq!(adam.first, [0.0]);
    }
}
