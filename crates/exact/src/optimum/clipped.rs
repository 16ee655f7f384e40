//! The clipped pseudo-reward, whose potential is a sum over outputs that no recursion gives.
//!
//! Up to a constant it is Φ = Σ_y ψ_y(q(y)) − 1 over the outputs of p*, and dψ/d log q = h = min(p*^(1−α) q^α,
//! (M+1) q) never falls with q: ψ is convex in log q, and counting under h raises Φ.

use pstar_core::math;

use crate::gradient::PopulationError;
use crate::occupancy::{Behind, PromptProblem};
use crate::sum::Accumulator;

use super::counting::LogCounts;

/// The outputs of p*, with the choices that make them.
pub(super) struct Clipped {
    alpha: f64,
    /// log(M + 1).
    log_bound: f64,
    /// Prompt by prompt its weight and its outputs.
    prompts: Vec<(f64, Vec<Output>)>,
}

struct Output {
    log_p: f64,
    choices: Box<[usize]>,
}

impl Clipped {
    /// Lists the outputs of all prompts, at most `limit`.
    pub(super) fn list(
        problems: &[PromptProblem<'_>],
        alpha: f64,
        clip: f64,
        limit: usize,
    ) -> Result<Self, PopulationError> {
        let mut prompts = Vec::with_capacity(problems.len());
        let mut left = limit;
        for problem in problems {
            let parameters = problem.row_starts().max().unwrap_or(0) + problem.product.space().choices();
            let mut walk =
                Walk { problem, log_q: vec![0.0; parameters], path: Vec::new(), found: Vec::new(), left };
            if problem.has_filtered() && !walk.descend(0, 0, -problem.log_valid) {
                return Err(PopulationError::TooMany { limit });
            }
            left = walk.left;
            prompts.push((problem.weight, walk.found));
        }
        Ok(Self { alpha, log_bound: math::ln_1p(clip), prompts })
    }

    /// Counts under h; −Φ.
    pub(super) fn step(&self, log_q: &[f64], counts: &mut LogCounts) -> f64 {
        let mut value = Accumulator::default();
        for (weight, outputs) in &self.prompts {
            let log_weight = math::ln(*weight);
            let mut psi = Accumulator::default();
            for output in outputs {
                let log_prob: f64 = output.choices.iter().map(|&choice| log_q[choice]).sum();
                psi.add(self.psi(output.log_p, log_prob));
                let power = if self.alpha == 0.0 { 0.0 } else { self.alpha * log_prob };
                let log_h = ((1.0 - self.alpha) * output.log_p + power).min(self.log_bound + log_prob);
                if log_h > f64::NEG_INFINITY {
                    output.choices.iter().for_each(|&choice| counts.add(choice, log_weight + log_h));
                }
            }
            value.add(weight * (1.0 - psi.total()));
        }
        value.total()
    }

    /// ψ = Φ_y + q.
    fn psi(&self, log_p: f64, log_q: f64) -> f64 {
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

/// A walk through all outputs of p*, depth first.
struct Walk<'a> {
    problem: &'a PromptProblem<'a>,
    log_q: Vec<f64>,
    path: Vec<usize>,
    found: Vec<Output>,
    left: usize,
}

impl Walk<'_> {
    /// False if there are too many.
    fn descend(&mut self, position: usize, node: usize, log_p: f64) -> bool {
        let problem = self.problem;
        if node >= problem.product.layers()[position].alive {
            return true;
        }
        let steps: Vec<_> = problem.steps(&self.log_q, position, node).collect();
        for step in steps.into_iter().filter(|step| step.log_a > f64::NEG_INFINITY) {
            self.path.push(step.index);
            let log_p = log_p + step.log_a;
            let fits = match step.behind {
                Behind::Node(successor) => self.descend(position + 1, successor, log_p),
                Behind::End(false) => true,
                Behind::End(true) if self.left == 0 => false,
                Behind::End(true) => {
                    self.left -= 1;
                    self.found.push(Output { log_p, choices: self.path.as_slice().into() });
                    true
                }
            };
            self.path.pop();
            if !fits {
                return false;
            }
        }
        true
    }
}
