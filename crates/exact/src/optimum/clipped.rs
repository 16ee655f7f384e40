//! The clipped pseudo-reward, whose potential is a sum over outputs that no recursion gives.
//!
//! Up to a constant it is Φ = Σ_y ψ_y(q(y)) − 1 over the outputs of p*, and dψ/d log q = h = min(p*^(1−α) q^α,
//! (M+1) q) never falls with q: ψ is convex in log q, and counting under h raises Φ.

use std::sync::Arc;

use pstar_core::math;

use crate::dynamic::gradient::PopulationError;
use crate::dynamic::occupancy::{Behind, Posterior, PromptProblem, RowSet, mean_weights};
use crate::sum::Accumulator;

use super::counting::{LogCounts, VANISHING, longest_stride};
use super::descend::Potential;
use super::plain_counting::wish_for;
use super::scratch::Scratch;

/// Choices that are listed at most, for each output that may be.
const CHOICES: usize = 64;

/// The outputs of p*, with the choices that make them.
#[derive(Clone, Debug)]
pub(super) struct Clipped<'a> {
    rows: &'a RowSet,
    alpha: f64,
    /// log(M + 1).
    log_bound: f64,
    prompts: Arc<[Listed]>,
    /// Whether counts are plain numbers, for ranking policies.
    plain: bool,
}

/// One prompt's outputs.
#[derive(Debug)]
pub(super) struct Listed {
    weight: f64,
    /// Its weight in means.
    pub(super) mean_weight: f64,
    pub(super) outputs: Vec<Output>,
}

/// An output of p*.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) log_p: f64,
    pub(super) choices: Box<[usize]>,
}

impl<'a> Clipped<'a> {
    /// Lists the outputs of all prompts, at most `limit`.
    pub(super) fn list(
        problems: &[PromptProblem<'_>],
        rows: &'a RowSet,
        alpha: f64,
        clip: f64,
        limit: usize,
    ) -> Result<Self, PopulationError> {
        let mut prompts = Vec::with_capacity(problems.len());
        let mut room = Room { outputs: limit, choices: limit.saturating_mul(CHOICES) };
        for (problem, mean_weight) in problems.iter().zip(mean_weights(problems)) {
            let outputs = if problem.has_filtered() { outputs(problem, &mut room) } else { Some(Vec::new()) };
            let outputs = outputs.ok_or(PopulationError::TooMany { limit })?;
            prompts.push(Listed { weight: problem.weight, mean_weight, outputs });
        }
        Ok(Self { rows, alpha, log_bound: math::ln_1p(clip), prompts: prompts.into(), plain: false })
    }

    /// The same with counts in plain numbers.
    pub(super) fn plain(&self) -> Self {
        Self { plain: true, ..self.clone() }
    }

    /// The outputs of p*, prompt by prompt.
    pub(super) fn prompts(&self) -> &[Listed] {
        &self.prompts
    }

    /// Shows every output with the logarithm of h and its prompt's weight; −Φ.
    fn walk(&self, log_q: &[f64], mut see: impl FnMut(&Output, f64, f64)) -> f64 {
        let mut value = Accumulator::default();
        for Listed { weight, mean_weight, outputs } in self.prompts.iter() {
            let mut psi = Accumulator::default();
            for output in outputs {
                let log_prob: f64 = output.choices.iter().map(|&choice| log_q[choice]).sum();
                psi.add(self.psi(output.log_p, log_prob));
                see(output, self.log_slope(output.log_p, log_prob), *weight);
            }
            value.add(mean_weight * (1.0 - psi.total()));
        }
        value.total()
    }

    /// dψ/dq = min((p*/q)^(1−α), M + 1).
    pub(super) fn slope(&self, log_p: f64, log_q: f64) -> f64 {
        math::exp(((1.0 - self.alpha) * (log_p - log_q)).min(self.log_bound))
    }

    /// log h = log dψ/d log q.
    fn log_slope(&self, log_p: f64, log_q: f64) -> f64 {
        let power = if self.alpha == 0.0 { 0.0 } else { self.alpha * log_q };
        ((1.0 - self.alpha) * log_p + power).min(self.log_bound + log_q)
    }

    /// ψ = Φ_y + q.
    pub(super) fn psi(&self, log_p: f64, log_q: f64) -> f64 {
        let alpha = self.alpha;
        let log_corner = log_p - self.log_bound / (1.0 - alpha);
        if log_q <= log_corner {
            return math::exp(self.log_bound + log_q);
        }
        let above = if alpha == 0.0 {
            math::exp(log_p) * (log_q - log_corner)
        } else {
            let rise = math::exp_m1(alpha * (log_q - log_corner));
            math::exp((1.0 - alpha) * log_p + alpha * log_corner) * rise / alpha
        };
        math::exp(self.log_bound + log_corner) + above
    }
}

impl Potential for Clipped<'_> {
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, scratch: &mut Scratch) -> f64 {
        if self.plain {
            let sums = &mut scratch.one.sums;
            Scratch::zeros(sums, log_q.len());
            let value = self.walk(log_q, |output, log_slope, weight| {
                let count = weight * math::exp(log_slope);
                output.choices.iter().for_each(|&choice| sums[choice][0] += count);
            });
            wish_for(self.rows, sums, 0, wish);
            return value;
        }
        let mut counts = LogCounts::none(log_q.len());
        let value = self.walk(log_q, |output, log_slope, weight| {
            if log_slope > f64::NEG_INFINITY {
                let log_count = math::ln(weight) + log_slope;
                output.choices.iter().for_each(|&choice| counts.add(choice, log_count));
            }
        });
        counts.write_rows(self.rows, wish);
        value
    }

    fn longest_stride(&self) -> f64 {
        longest_stride(self.alpha)
    }

    fn is_monotone(&self) -> bool {
        true
    }

    fn vanishing(&self) -> f64 {
        if self.plain { f64::NEG_INFINITY } else { VANISHING }
    }
}

/// What may still be listed.
struct Room {
    outputs: usize,
    choices: usize,
}

/// A node on the way, and which of its choices comes next.
struct Open {
    node: usize,
    log_p: f64,
    next: usize,
}

/// The outputs of p*, depth first; `None` if there is no room for all of them.
fn outputs(problem: &PromptProblem<'_>, room: &mut Room) -> Option<Vec<Output>> {
    let parameters = problem.row_starts().max().unwrap_or(0) + problem.product.space().choices();
    let log_q = vec![0.0; parameters];
    // From where the base reaches no valid output there is nothing to list.
    let posterior = Posterior::new(problem, &log_q, [1.0, 0.0]);
    let mut found = Vec::new();
    if posterior.log_total() == f64::NEG_INFINITY {
        return Some(found);
    }
    let mut path = Vec::new();
    let mut open = vec![Open { node: 0, log_p: -problem.log_valid, next: 0 }];
    while let Some(here) = open.last_mut() {
        let position = path.len();
        let Some(step) = problem.steps(&log_q, position, here.node).nth(here.next) else {
            open.pop();
            path.pop();
            continue;
        };
        here.next += 1;
        if step.log_a + posterior.behind(position, step.behind) == f64::NEG_INFINITY {
            continue;
        }
        let log_p = here.log_p + step.log_a;
        path.push(step.index);
        if let Behind::Node(node) = step.behind {
            open.push(Open { node, log_p, next: 0 });
            continue;
        }
        room.outputs = room.outputs.checked_sub(1)?;
        room.choices = room.choices.checked_sub(path.len())?;
        found.push(Output { log_p, choices: path.as_slice().into() });
        path.pop();
    }
    Some(found)
}
