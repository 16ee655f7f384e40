//! Going down from one policy: steps in log-probabilities towards where a potential wishes the rows to be.

use crate::dynamic::occupancy::RowSet;

use super::scratch::Scratch;

/// Relative to 1 + potential: differences below this are rounding.
const NOISE: f64 = 3e-14;

/// Strides below this are none.
const LEAST_STRIDE: f64 = 1e-6;

/// What is minimised over the policies of a class.
pub(super) trait Potential: Sync {
    /// The potential of a policy. Writes to `wish` the normalised log-probabilities that a full step leads to, NaN in
    /// rows that it leaves alone; a probability of zero stays one.
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, scratch: &mut Scratch) -> f64;

    /// The longest step that may help, in full steps.
    fn longest_stride(&self) -> f64;

    /// Whether a full step never does harm, so that it is taken even where the potential no longer tells.
    fn is_monotone(&self) -> bool {
        false
    }

    /// Log-probabilities below this which still fall are taken for −∞.
    fn vanishing(&self) -> f64 {
        f64::NEG_INFINITY
    }

    /// A potential that cannot be improved on.
    fn enough(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

/// A policy with what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Log-probabilities.
    pub(super) log_q: Vec<f64>,
    pub(super) potential: f64,
    /// The greatest change of a log-probability in a full step.
    pub(super) residual: f64,
    wish: Vec<f64>,
    stride: f64,
    /// Steps tried on the way here.
    pub(super) steps: usize,
}

impl Point {
    /// Looks at a policy.
    pub(super) fn new(potential: &dyn Potential, log_q: Vec<f64>, scratch: &mut Scratch) -> Self {
        let mut wish = Vec::new();
        let value = potential.look(&log_q, &mut wish, scratch);
        let residual = residual(potential, value, &log_q, &wish);
        Self { log_q, potential: value, residual, wish, stride: 1.0, steps: 0 }
    }

    /// Whether nothing moves by more than `tolerance`, or only rounding is left.
    pub(super) fn at_rest(&self, tolerance: f64) -> bool {
        self.residual <= tolerance || self.stride <= LEAST_STRIDE
    }

    /// Takes at most `limit` steps, none that the potential rises in.
    pub(super) fn descend(
        &mut self,
        potential: &dyn Potential,
        rows: &RowSet,
        limit: usize,
        tolerance: f64,
        scratch: &mut Scratch,
    ) {
        let longest = potential.longest_stride();
        let mut wish = Vec::new();
        for _ in 0..limit {
            if self.at_rest(tolerance) {
                break;
            }
            self.steps += 1;
            let log_q = self.towards(rows, potential.vanishing());
            let value = potential.look(&log_q, &mut wish, scratch);
            let noise = NOISE * (1.0 + self.potential.abs());
            if value <= self.potential + noise {
                let residual = residual(potential, value, &log_q, &wish);
                let falls = value < self.potential - noise;
                let sure = potential.is_monotone() && self.stride <= 1.0;
                if falls || sure || residual < 2.0 * self.residual {
                    // Where the potential no longer tells, the residual says how far to go; what vanishes evenly is
                    // on its way.
                    let evenly = if potential.is_monotone() { 1.0 + 1e-6 } else { 1.0 };
                    self.stride = if falls {
                        longer(self.stride, longest)
                    } else if residual < evenly * self.residual {
                        f64::min(longest, 1.1 * self.stride)
                    } else if sure {
                        1.0
                    } else {
                        f64::max(0.01, 0.5 * self.stride)
                    };
                    self.log_q = log_q;
                    self.potential = value;
                    self.residual = residual;
                    std::mem::swap(&mut self.wish, &mut wish);
                    continue;
                }
            }
            self.stride = if self.stride > 1.0 { 1.0 } else { 0.5 * self.stride };
        }
    }

    /// A stride towards the wish.
    fn towards(&self, rows: &RowSet, vanishing: f64) -> Vec<f64> {
        let mut moved = self.log_q.clone();
        for (moved, &wish) in moved.iter_mut().zip(&self.wish) {
            if *moved > f64::NEG_INFINITY && !wish.is_nan() {
                let new = *moved + self.stride * (wish - *moved);
                *moved = if new < vanishing && wish < *moved { f64::NEG_INFINITY } else { new };
            }
        }
        rows.log_softmax(&moved)
    }
}

/// Doubles short strides; beyond a full step grows slowly.
fn longer(stride: f64, longest: f64) -> f64 {
    if stride < 1.0 { f64::min(1.0, 2.0 * stride) } else { f64::min(longest, 1.4 * stride) }
}

fn residual(potential: &dyn Potential, value: f64, log_q: &[f64], wish: &[f64]) -> f64 {
    if value <= potential.enough() {
        return 0.0;
    }
    let mut residual: f64 = 0.0;
    for (&wish, &log) in wish.iter().zip(log_q) {
        if log > f64::NEG_INFINITY && !wish.is_nan() {
            residual = residual.max((wish - log).abs());
        }
    }
    residual
}
