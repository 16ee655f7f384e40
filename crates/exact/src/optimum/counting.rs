//! Optima by counting: the policy becomes what a weight over outputs, which depends on it, uses on average.
//!
//! Each iteration raises Σ p*^(1−α) q^α, or q's validity rate, since the logarithm of the new value is at least that
//! of the old one plus a KL: expectation maximisation. A row's new log-probabilities are those of its expected counts.
//!
//! # Source
//! Dempster, Laird, Rubin (1977), *Maximum Likelihood from Incomplete Data via the EM Algorithm*.

use pstar_core::math;

use crate::occupancy::{Behind, LogSum, Posterior, PromptProblem, RowSet, mean_weights};
use crate::sum::{Accumulator, nonnegative};

use super::{Local, Search};

/// Log-probabilities below this which still fall are taken for −∞.
const VANISHING: f64 = -2000.0;

/// The logarithms of expected counts, one a parameter.
#[derive(Debug)]
pub(crate) struct LogCounts(Vec<LogSum>);

impl LogCounts {
    /// Adds e^log to the count of a choice.
    #[inline]
    pub(super) fn add(&mut self, index: usize, log: f64) {
        self.0[index].add(log);
    }

    /// The rows in proportion to the counts; a row without any stays as it is.
    fn project(&self, rows: &RowSet, log_q: &[f64]) -> Vec<f64> {
        let mut new = log_q.to_vec();
        for range in rows.ranges() {
            let counts: Vec<f64> = self.0[range.clone()].iter().map(LogSum::log).collect();
            let log_norm = math::log_sum_exp(&counts);
            if log_norm > f64::NEG_INFINITY {
                new[range].iter_mut().zip(counts).for_each(|(new, count)| *new = count - log_norm);
            }
        }
        new
    }
}

/// Counts and projects until nothing moves, or the value is at most `enough`. `step` counts under a policy and gives
/// the value that falls.
pub(super) fn iterate(
    rows: &RowSet,
    search: &Search,
    start: Vec<f64>,
    enough: f64,
    step: impl Fn(&[f64], &mut LogCounts) -> f64,
) -> Local {
    let mut log_q = start;
    let mut counts = LogCounts(Vec::new());
    let (mut value, mut residual, mut iterations) = (f64::INFINITY, f64::INFINITY, 0);
    while iterations <= search.iterations {
        counts.0.clear();
        counts.0.resize(log_q.len(), LogSum::EMPTY);
        value = step(&log_q, &mut counts);
        let mut new = counts.project(rows, &log_q);
        residual = if value <= enough { 0.0 } else { settle(&log_q, &mut new, search.tolerance) };
        // The value is that of the policy that is kept.
        if residual <= search.tolerance || iterations == search.iterations {
            break;
        }
        log_q = new;
        iterations += 1;
    }
    Local { log_q, value, potential: value, residual, settled: residual <= search.tolerance, iterations }
}

/// The greatest change of a log-probability; what is vanishing vanishes.
fn settle(old: &[f64], new: &mut [f64], tolerance: f64) -> f64 {
    let mut residual: f64 = 0.0;
    for (new, &old) in new.iter_mut().zip(old) {
        if *new < VANISHING && *new < old - tolerance {
            *new = f64::NEG_INFINITY;
        }
        residual = residual.max(if *new == old { 0.0 } else { (*new - old).abs() });
    }
    residual
}

/// Counts under Σ_x w_x p*^(1−α) q^α; D_α.
pub(super) fn alpha(
    problems: &[PromptProblem<'_>],
    alpha: f64,
    log_q: &[f64],
    counts: &mut LogCounts,
) -> f64 {
    let mut value = Accumulator::default();
    let weighted = problems.iter().zip(mean_weights(problems));
    for (problem, mean_weight) in weighted.filter(|(problem, _)| problem.has_filtered()) {
        let posterior = Posterior::new(problem, log_q, [1.0 - alpha, alpha]);
        let log_total = posterior.log_total() - (1.0 - alpha) * problem.log_valid;
        let log_weight = math::ln(problem.weight) + log_total;
        posterior.visit(|step, log_count| counts.add(step.index, log_weight + log_count));
        value.add(mean_weight * -math::exp_m1(log_total.min(0.0)) / (alpha * (1.0 - alpha)));
    }
    value.total()
}

/// Counts under Σ_x w_x q v; the invalidity rate.
pub(super) fn validity(problems: &[PromptProblem<'_>], log_q: &[f64], counts: &mut LogCounts) -> f64 {
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

/// The policy nearest to p* in KL(p*‖q): the counts under p* itself.
pub(super) fn forward_kl(problems: &[PromptProblem<'_>], rows: &RowSet, start: &[f64]) -> Local {
    let weighted = problems.iter().zip(mean_weights(problems));
    let filtered: Vec<_> = weighted.filter(|(problem, _)| problem.has_filtered()).collect();
    let mut counts = LogCounts(vec![LogSum::EMPTY; start.len()]);
    for (problem, _) in &filtered {
        let log_weight = math::ln(problem.weight);
        let posterior = Posterior::new(problem, start, [1.0, 0.0]);
        posterior.visit(|step, log_count| counts.add(step.index, log_weight + log_count));
    }
    let log_q = counts.project(rows, start);
    let mut value = Accumulator::default();
    for (problem, mean_weight) in &filtered {
        let mut ratio = Accumulator::default();
        Posterior::new(problem, &log_q, [1.0, 0.0]).visit(|step, log_count| {
            let prob = math::exp(log_count);
            ratio.add(if prob > 0.0 { prob * (step.log_a - step.log_q) } else { 0.0 });
        });
        value.add(mean_weight * nonnegative(ratio.total() - problem.log_valid));
    }
    let value = value.total();
    Local { log_q, value, potential: value, residual: 0.0, settled: true, iterations: 1 }
}
