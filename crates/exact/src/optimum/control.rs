//! The policy nearest to tilted distributions in KL(q‖p_\[β\]): mirror descent on log-probabilities.
//!
//! From node n on, W(n) is minus the expected log-ratio to the tilt that is still to come. With occupancies of nodes
//! o(n), a row's log-probabilities move towards T(k) = Σ_n o(n) (log a(k|n) + W(behind k)) / Σ_n o(n), all of the
//! way or so far that the divergence falls; at an optimum T(k) − log π(k) does not depend on k. Nothing is divided by
//! π(k), so that e^−1/β comes out as exactly as the rest, and occupancies are logarithms.
//!
//! # Source
//! The natural policy gradient of Kakade (2001), regularised, where states share their rows.

use pstar_core::math;
use pstar_core::objective::Divergence;

use crate::gradient::{PopulationError, beta_at_rate};
use crate::occupancy::{Behind, LogSum, PromptProblem, RowSet, Step, mean_weights};
use crate::sum::Accumulator;

use super::{Local, Search};

/// The first of the growing λ, unless that is smaller.
const FIRST_LAMBDA: f64 = 0.25;

/// λ beyond this is as good as this: sums of its multiples must not overflow.
const GREATEST_LAMBDA: f64 = 1e12;

/// Each λ over the one before.
const GROWTH: f64 = 1.25;

/// Iterations at a λ on the way.
const ON_THE_WAY: usize = 60;

/// Relative to 1 + potential: differences below this are rounding.
const NOISE: f64 = 3e-14;

/// Steps below this are no steps.
const LEAST_STEP: f64 = 1e-6;

/// All prompts with their strengths.
pub(super) struct Control<'a> {
    problems: &'a [PromptProblem<'a>],
    rows: &'a RowSet,
    /// Prompt by prompt λ = 1/β.
    lambda: Vec<f64>,
    /// Prompt by prompt the weight of its KL in what is minimised.
    weights: Vec<f64>,
}

/// What is still to come for one prompt.
struct Future {
    /// log p_\[β\] − log a of valid outputs and of the others.
    reward: [f64; 2],
    /// Minus the expected log-ratio to the tilt, position by position and node by node.
    nodes: Vec<Vec<f64>>,
}

/// A policy with what is known of it.
struct Point {
    log_q: Vec<f64>,
    futures: Vec<Future>,
    potential: f64,
    target: Vec<f64>,
    residual: f64,
}

impl<'a> Control<'a> {
    /// For a tilt.
    pub(super) fn new(
        problems: &'a [PromptProblem<'a>],
        rows: &'a RowSet,
        divergence: Divergence,
    ) -> Result<Self, PopulationError> {
        let betas = problems.iter().map(|problem| match divergence {
            Divergence::KlToTilted { beta } => Ok(beta),
            Divergence::KlToTiltedAtRate { mu } => beta_at_rate(problem, mu),
            _ => Err(PopulationError::NotDecomposable),
        });
        let betas: Vec<f64> = betas.collect::<Result<_, _>>()?;
        let greatest = betas.iter().copied().fold(0.0, f64::max);
        let weights = problems.iter().zip(&betas).map(|(problem, beta)| problem.weight * (beta / greatest));
        let weights = weights.collect();
        Ok(Self {
            problems,
            rows,
            lambda: betas.iter().map(|beta| beta.recip().min(GREATEST_LAMBDA)).collect(),
            weights,
        })
    }

    /// Follows a start that is within the base's reach.
    pub(super) fn descend(&self, start: Vec<f64>, search: &Search) -> Local {
        self.settle(start, 1.0, search.iterations, search.tolerance)
    }

    /// Follows a policy that is within the base's reach from weak to full strength.
    pub(super) fn strengthen(&self, first: Vec<f64>, search: &Search) -> Local {
        let mut policy = first;
        let greatest = self.lambda.iter().copied().fold(0.0, f64::max);
        let mut lambda = FIRST_LAMBDA;
        let mut iterations = 0;
        while lambda < greatest {
            let local = self.settle(policy, lambda / greatest, ON_THE_WAY.min(search.iterations / 5), 1e-6);
            policy = local.log_q;
            iterations += local.iterations;
            lambda *= GROWTH;
        }
        let mut local = self.settle(policy, 1.0, search.iterations, search.tolerance);
        local.iterations += iterations;
        local
    }

    fn settle(&self, start: Vec<f64>, strength: f64, limit: usize, tolerance: f64) -> Local {
        let rewards = self.rewards(strength);
        let greatest = self.lambda.iter().copied().fold(0.0, f64::max) * strength;
        let tolerance = tolerance * (1.0 + greatest);
        let mut here = self.point(start, &rewards);
        let (mut step, mut iterations) = (1.0, 0);
        while here.residual > tolerance && iterations < limit && step > LEAST_STEP {
            let noise = NOISE * (1.0 + here.potential.abs());
            let log_q = self.towards(&here, step);
            let futures = self.futures(&log_q, &rewards);
            let potential = self.potential(&futures);
            iterations += 1;
            if potential <= here.potential + noise {
                let (target, residual) = self.target(&log_q, &futures);
                let falls = potential < here.potential - noise;
                let before = here.residual;
                if falls || residual < 2.0 * before {
                    here = Point { log_q, futures, potential, target, residual };
                    // Where the potential no longer tells, the residual says what the step should be.
                    step = if falls {
                        f64::min(1.0, 2.0 * step)
                    } else if residual < before {
                        f64::min(1.0, 1.1 * step)
                    } else {
                        f64::max(0.01, 0.5 * step)
                    };
                    continue;
                }
            }
            step *= 0.5;
        }
        let mut value = Accumulator::default();
        for (weight, future) in mean_weights(self.problems).into_iter().zip(&here.futures) {
            value.add(if weight > 0.0 { weight * (0.0 - future.nodes[0][0]).max(0.0) } else { 0.0 });
        }
        Local {
            value: value.total(),
            log_q: here.log_q,
            potential: here.potential,
            residual: here.residual,
            // Where no step is small enough to help, rounding is all that is left.
            settled: here.residual <= tolerance || step <= LEAST_STEP,
            iterations,
        }
    }

    /// Prompt by prompt log p_\[β\] − log a of valid outputs and of the others: class by class, as differences of
    /// λ + log A1 − log Z_β would cancel.
    fn rewards(&self, strength: f64) -> Vec<[f64; 2]> {
        let of = |(problem, lambda): (&PromptProblem<'_>, &f64)| {
            if !problem.has_filtered() || problem.log_invalid == f64::NEG_INFINITY {
                return [0.0, 0.0];
            }
            let logit = strength * lambda + (problem.log_valid - problem.log_invalid);
            [-math::softplus(-logit) - problem.log_valid, -math::softplus(logit) - problem.log_invalid]
        };
        self.problems.iter().zip(&self.lambda).map(of).collect()
    }

    /// What is minimised, at a policy.
    #[cfg(test)]
    pub(super) fn value_at(&self, log_q: &[f64]) -> f64 {
        self.potential(&self.futures(log_q, &self.rewards(1.0)))
    }

    fn point(&self, log_q: Vec<f64>, rewards: &[[f64; 2]]) -> Point {
        let futures = self.futures(&log_q, rewards);
        let potential = self.potential(&futures);
        let (target, residual) = self.target(&log_q, &futures);
        Point { log_q, futures, potential, target, residual }
    }

    fn potential(&self, futures: &[Future]) -> f64 {
        let mut sum = Accumulator::default();
        for (weight, future) in self.weights.iter().zip(futures) {
            sum.add(-weight * future.nodes[0][0]);
        }
        sum.total()
    }

    fn futures(&self, log_q: &[f64], rewards: &[[f64; 2]]) -> Vec<Future> {
        let of = |(problem, &reward): (&PromptProblem<'_>, &[f64; 2])| Future::of(problem, reward, log_q);
        self.problems.iter().zip(rewards).map(of).collect()
    }

    /// A step towards the target, in log-probabilities.
    fn towards(&self, here: &Point, step: f64) -> Vec<f64> {
        let mut moved = here.log_q.clone();
        for (moved, &target) in moved.iter_mut().zip(&here.target) {
            if *moved > f64::NEG_INFINITY && !target.is_nan() {
                *moved += step * (target - *moved);
            }
        }
        self.rows.log_softmax(&moved)
    }

    /// T of every choice, NaN where its row is not in use, and the greatest spread of T − log π in a row.
    fn target(&self, log_q: &[f64], futures: &[Future]) -> (Vec<f64>, f64) {
        let mut mass = vec![LogSum::EMPTY; log_q.len()];
        let mut in_use = Vec::new();
        let weighted = self.problems.iter().enumerate().filter(|(number, _)| self.weights[*number] > 0.0);
        for (number, problem) in weighted {
            let log_weight = math::ln(self.weights[number]);
            for (position, nodes) in occupancy(problem, log_q).iter().enumerate() {
                for (node, &log) in nodes.iter().enumerate().filter(|(_, log)| **log > f64::NEG_INFINITY) {
                    let row = problem.steps(log_q, position, node).next().map_or(0, |step| step.index);
                    mass[row].add(log_weight + log);
                    in_use.push((number, position, node, row, log_weight + log));
                }
            }
        }
        let mass: Vec<f64> = mass.iter().map(LogSum::log).collect();
        let mut target = vec![f64::NAN; log_q.len()];
        for range in self.rows.ranges().filter(|range| mass[range.start] > f64::NEG_INFINITY) {
            target[range].fill(0.0);
        }
        for (number, position, node, row, log) in in_use {
            let share = math::exp(log - mass[row]);
            if share == 0.0 {
                continue;
            }
            for step in self.problems[number].steps(log_q, position, node) {
                if step.log_q > f64::NEG_INFINITY {
                    target[step.index] += share * futures[number].worth(&step, position);
                }
            }
        }
        let mut residual: f64 = 0.0;
        for range in self.rows.ranges().filter(|range| !target[range.start].is_nan()) {
            let pairs = target[range.clone()].iter().zip(&log_q[range]);
            let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
            for (target, log_prob) in pairs.filter(|(_, log_prob)| **log_prob > f64::NEG_INFINITY) {
                least = least.min(target - log_prob);
                greatest = greatest.max(target - log_prob);
            }
            residual = residual.max(greatest - least);
        }
        (target, residual)
    }
}

impl Future {
    fn of(problem: &PromptProblem<'_>, reward: [f64; 2], log_q: &[f64]) -> Self {
        let layers = problem.product.layers();
        let mut future = Self { reward, nodes: vec![Vec::new(); layers.len()] };
        for (position, layer) in layers.iter().enumerate().rev() {
            let of = |node| {
                let steps = problem.steps(log_q, position, node);
                steps.filter(|step| step.log_q > f64::NEG_INFINITY).fold(0.0, |sum, step| {
                    let value = future.worth(&step, position) - step.log_q;
                    let infinite = value == f64::NEG_INFINITY;
                    sum + if infinite { value } else { math::exp(step.log_q) * value }
                })
            };
            future.nodes[position] = (0..layer.nodes()).map(of).collect();
        }
        future
    }

    /// log a of a choice and all that follows.
    #[inline]
    fn worth(&self, step: &Step, position: usize) -> f64 {
        step.log_a
            + match step.behind {
                Behind::End(valid) => self.reward[usize::from(!valid)],
                Behind::Node(node) => self.nodes[position + 1][node],
            }
    }
}

/// The log-probabilities of reaching the nodes of every position.
fn occupancy(problem: &PromptProblem<'_>, log_q: &[f64]) -> Vec<Vec<f64>> {
    let layers = problem.product.layers();
    let mut all = Vec::with_capacity(layers.len());
    let mut here = vec![0.0];
    for (position, layer) in layers.iter().enumerate() {
        let mut next = vec![LogSum::EMPTY; layer.next_nodes];
        for (node, &log) in here.iter().enumerate().filter(|(_, log)| **log > f64::NEG_INFINITY) {
            for step in problem.steps(log_q, position, node) {
                if let Behind::Node(successor) = step.behind {
                    next[successor].add(log + step.log_q);
                }
            }
        }
        all.push(std::mem::replace(&mut here, next.iter().map(LogSum::log).collect()));
    }
    all
}
