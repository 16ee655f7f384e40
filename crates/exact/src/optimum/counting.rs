//! Optima by counting: the policy becomes what a weight over outputs, which depends on it, uses on average.
//!
//! Each iteration raises Σ p*^(1−α) q^α, or q's validity rate, since the logarithm of the new value is at least that
//! of the old one plus a KL: expectation maximisation. A row's new log-probabilities are those of its expected counts.
//!
//! # Source
//! Dempster, Laird, Rubin (1977), *Maximum Likelihood from Incomplete Data via the EM Algorithm*.

use pstar_core::math;

use crate::dynamic::occupancy::{Behind, LogSum, Posterior, PromptProblem, RowSet, mean_weights};
use crate::sum::{Accumulator, nonnegative};

use super::descend::Potential;
use super::scratch::Scratch;
use super::tasks::alpha_divergence;

/// Log-probabilities below this which still fall are taken for −∞.
pub(super) const VANISHING: f64 = -2000.0;

/// An invalidity rate that is none: which of the fully valid policies it is makes no difference.
const ALL_VALID: f64 = 1e-16;

/// The logarithms of expected counts, one a parameter.
#[derive(Debug)]
pub(crate) struct LogCounts(Vec<LogSum>);

impl LogCounts {
    /// Adds e^log to the count of a choice.
    #[inline]
    pub(super) fn add(&mut self, index: usize, log: f64) {
        self.0[index].add(log);
    }

    /// Nothing yet.
    pub(super) fn none(parameters: usize) -> Self {
        Self(vec![LogSum::EMPTY; parameters])
    }

    /// The rows in proportion to the counts, NaN where there are none.
    pub(super) fn write_rows(&self, rows: &RowSet, wish: &mut Vec<f64>) {
        wish.clear();
        wish.resize(self.0.len(), f64::NAN);
        for range in rows.ranges() {
            let counts: Vec<f64> = self.0[range.clone()].iter().map(LogSum::log).collect();
            let log_norm = math::log_sum_exp(&counts);
            if log_norm > f64::NEG_INFINITY {
                wish[range].iter_mut().zip(counts).for_each(|(wish, count)| *wish = count - log_norm);
            }
        }
    }
}

/// D_α; at α = 1 the invalidity rate.
#[derive(Debug)]
pub(super) struct Counting<'a> {
    problems: &'a [PromptProblem<'a>],
    rows: &'a RowSet,
    alpha: f64,
}

impl<'a> Counting<'a> {
    pub(super) fn new(problems: &'a [PromptProblem<'a>], rows: &'a RowSet, alpha: f64) -> Self {
        Self { problems, rows, alpha }
    }
}

impl Potential for Counting<'_> {
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, _: &mut Scratch) -> f64 {
        let mut counts = LogCounts::none(log_q.len());
        let value = if self.alpha == 1.0 {
            validity(self.problems, log_q, &mut counts)
        } else {
            alpha(self.problems, self.alpha, log_q, &mut counts)
        };
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
        VANISHING
    }

    fn enough(&self) -> f64 {
        if self.alpha == 1.0 { ALL_VALID } else { f64::NEG_INFINITY }
    }
}

/// A full step never does harm, and longer ones help where α is near 1 and full steps become short.
pub(super) fn longest_stride(alpha: f64) -> f64 {
    f64::min(30.0, 1.5 / (1.0 - alpha).max(0.05))
}

/// Counts under Σ_x w_x p*^(1−α) q^α; D_α.
fn alpha(problems: &[PromptProblem<'_>], alpha: f64, log_q: &[f64], counts: &mut LogCounts) -> f64 {
    let mut value = Accumulator::default();
    let weighted = problems.iter().zip(mean_weights(problems));
    for (problem, mean_weight) in weighted.filter(|(problem, _)| problem.has_filtered()) {
        let posterior = Posterior::new(problem, log_q, [1.0 - alpha, alpha]);
        let log_total = posterior.log_total() - (1.0 - alpha) * problem.log_valid;
        let log_weight = math::ln(problem.weight) + log_total;
        posterior.visit(|step, log_count| counts.add(step.index, log_weight + log_count));
        value.add(mean_weight * alpha_divergence(alpha, log_total));
    }
    value.total()
}

/// Counts under Σ_x w_x q v; the invalidity rate.
fn validity(problems: &[PromptProblem<'_>], log_q: &[f64], counts: &mut LogCounts) -> f64 {
    let mut value = Accumulator::default();
    for (problem, mean_weight) in problems.iter().zip(mean_weights(problems)) {
        let posterior = Posterior::new(problem, log_q, [0.0, 1.0]);
        let log_weight = math::ln(problem.weight) + posterior.log_total();
        posterior.visit(|step, log_count| counts.add(step.index, log_weight + log_count));
        value.add(mean_weight * invalid_mass(problem, log_q));
    }
    value.total()
}

/// The mass of the invalid outputs, summed itself.
fn invalid_mass(problem: &PromptProblem<'_>, log_q: &[f64]) -> f64 {
    let (mut here, mut next) = (vec![1.0], Vec::new());
    let mut mass = 0.0;
    for (position, layer) in problem.product.layers().iter().enumerate() {
        next.clear();
        next.resize(layer.next_nodes, 0.0);
        for (node, &occupancy) in here.iter().enumerate().filter(|(_, occupancy)| **occupancy > 0.0) {
            if node >= layer.alive {
                mass += occupancy;
                continue;
            }
            for step in problem.steps(log_q, position, node) {
                let prob = occupancy * math::exp(step.log_q);
                match step.behind {
                    Behind::Node(successor) => next[successor] += prob,
                    Behind::End(false) => mass += prob,
                    Behind::End(true) => {}
                }
            }
        }
        std::mem::swap(&mut here, &mut next);
    }
    mass
}

/// The policy nearest to p* in KL(p*‖q), the counts under p* itself; rows without p*-mass stay as in `start`.
pub(super) fn forward_kl(problems: &[PromptProblem<'_>], rows: &RowSet, start: &[f64]) -> Vec<f64> {
    let mut counts = LogCounts::none(start.len());
    for problem in problems.iter().filter(|problem| problem.has_filtered()) {
        let log_weight = math::ln(problem.weight);
        let posterior = Posterior::new(problem, start, [1.0, 0.0]);
        posterior.visit(|step, log_count| counts.add(step.index, log_weight + log_count));
    }
    let mut log_q = Vec::new();
    counts.write_rows(rows, &mut log_q);
    log_q.iter_mut().zip(start).filter(|(log, _)| log.is_nan()).for_each(|(log, &start)| *log = start);
    log_q
}

/// KL(p*‖q), the mean over the prompts that have p*.
pub(super) fn forward_kl_value(problems: &[PromptProblem<'_>], log_q: &[f64]) -> f64 {
    let mut value = Accumulator::default();
    let weighted = problems.iter().zip(mean_weights(problems));
    for (problem, mean_weight) in weighted.filter(|(problem, _)| problem.has_filtered()) {
        let mut ratio = Accumulator::default();
        Posterior::new(problem, log_q, [1.0, 0.0]).visit(|step, log_count| {
            let prob = math::exp(log_count);
            ratio.add(if prob > 0.0 { prob * (step.log_a - step.log_q) } else { 0.0 });
        });
        value.add(mean_weight * nonnegative(ratio.total() - problem.log_valid));
    }
    value.total()
}
