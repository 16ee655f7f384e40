//! Going down from one policy: steps in log-probabilities towards where a potential wishes the rows to be.

use crate::dynamic::occupancy::RowSet;

use super::scratch::{LANES, Scratch};

/// Relative to 1 + potential: differences below this are rounding.
const NOISE: f64 = 3e-14;

/// Strides below this are none.
const LEAST_STRIDE: f64 = 1e-6;

/// Fewer policies than this are looked at one by one: a pass over all lanes takes about as long as over so many policies.
const FEW: usize = 2;

/// What is minimised over the policies of a class.
pub(super) trait Potential: Sync {
    /// The potential of a policy. Writes to `wish` the normalised log-probabilities that a full step leads to, NaN in
    /// rows that it leaves alone; a probability of zero stays one.
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, scratch: &mut Scratch) -> f64;

    /// The same, to the bit, of up to [`LANES`] policies, at least one, each with a wish; potentials beyond theirs mean nothing.
    fn look_at(&self, log_q: &[&[f64]], wishes: &mut [Vec<f64>], scratch: &mut Scratch) -> [f64; LANES] {
        let mut potentials = [0.0; LANES];
        for ((log_q, wish), potential) in log_q.iter().zip(wishes).zip(&mut potentials) {
            *potential = self.look(log_q, wish, scratch);
        }
        potentials
    }

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
        Self::seen(potential, log_q, value, wish)
    }

    /// Looks at up to [`LANES`] policies.
    pub(super) fn several(potential: &dyn Potential, log_q: &[Vec<f64>], scratch: &mut Scratch) -> Vec<Self> {
        let mut wishes = vec![Vec::new(); log_q.len()];
        let values = look_at(potential, log_q, &mut wishes, scratch);
        let seen = log_q.iter().zip(values).zip(wishes);
        seen.map(|((log_q, value), wish)| Self::seen(potential, log_q.clone(), value, wish)).collect()
    }

    /// A policy that was looked at.
    fn seen(potential: &dyn Potential, log_q: Vec<f64>, value: f64, wish: Vec<f64>) -> Self {
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
        let mut wish = Vec::new();
        for _ in 0..limit {
            let Some(log_q) = self.step(potential, rows, tolerance) else { break };
            let value = potential.look(&log_q, &mut wish, scratch);
            self.take(potential, log_q, value, &mut wish);
        }
    }

    /// The same for several points, of which those that are still on their way are looked at together.
    pub(super) fn descend_all(
        points: &mut [Self],
        potential: &dyn Potential,
        rows: &RowSet,
        limit: usize,
        tolerance: f64,
        scratch: &mut Scratch,
    ) {
        let mut wishes = vec![Vec::new(); LANES];
        let mut waiting = points.iter_mut().map(|point| (point, limit));
        let mut going: Vec<(&mut Self, usize)> = Vec::with_capacity(LANES);
        loop {
            going.extend(waiting.by_ref().take(LANES - going.len()));
            let mut steps = Vec::with_capacity(LANES);
            going.retain_mut(|(point, left)| {
                let step = if *left == 0 { None } else { point.step(potential, rows, tolerance) };
                *left = left.saturating_sub(1);
                let goes_on = step.is_some();
                steps.extend(step);
                goes_on
            });
            if steps.is_empty() && waiting.len() == 0 {
                break;
            }
            if steps.is_empty() {
                continue;
            }
            let values = look_at(potential, &steps, &mut wishes[..steps.len()], scratch);
            for (((point, _), step), (value, wish)) in
                going.iter_mut().zip(steps).zip(values.into_iter().zip(&mut wishes))
            {
                point.take(potential, step, value, wish);
            }
        }
    }

    /// Where the next step leads; `None` where there is none to take.
    fn step(&mut self, potential: &dyn Potential, rows: &RowSet, tolerance: f64) -> Option<Vec<f64>> {
        if self.at_rest(tolerance) {
            return None;
        }
        self.steps += 1;
        Some(self.towards(rows, potential.vanishing()))
    }

    /// Takes a step that was looked at, unless the potential rises in it, and says how long the next one is to be. The wish of a
    /// step that is taken becomes the point's.
    fn take(&mut self, potential: &dyn Potential, log_q: Vec<f64>, value: f64, wish: &mut Vec<f64>) {
        let longest = potential.longest_stride();
        let noise = NOISE * (1.0 + self.potential.abs());
        if value <= self.potential + noise {
            let residual = residual(potential, value, &log_q, wish);
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
                std::mem::swap(&mut self.wish, wish);
                return;
            }
        }
        self.stride = if self.stride > 1.0 { 1.0 } else { 0.5 * self.stride };
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

/// Looks at up to [`LANES`] policies: one by one where lanes would stay empty.
fn look_at(
    potential: &dyn Potential,
    log_q: &[Vec<f64>],
    wishes: &mut [Vec<f64>],
    scratch: &mut Scratch,
) -> [f64; LANES] {
    if log_q.len() < FEW {
        let mut values = [0.0; LANES];
        for ((log_q, wish), value) in log_q.iter().zip(wishes).zip(&mut values) {
            *value = potential.look(log_q, wish, scratch);
        }
        return values;
    }
    let log_q: Vec<&[f64]> = log_q.iter().map(Vec::as_slice).collect();
    potential.look_at(&log_q, wishes, scratch)
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

#[cfg(test)]
mod tests;
