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

use crate::dynamic::gradient::{PopulationError, beta_at_rate};
use crate::dynamic::occupancy::{Behind, LogSum, PromptProblem, RowSet, Step, mean_weights};
use crate::sum::Accumulator;

use super::descend::Potential;
use super::scratch::Scratch;

/// λ beyond this is as good as this: sums of its multiples must not overflow.
const GREATEST_LAMBDA: f64 = 1e12;

/// All prompts with their strengths.
#[derive(Debug)]
pub(super) struct Control<'a> {
    problems: &'a [PromptProblem<'a>],
    rows: &'a RowSet,
    /// Prompt by prompt λ = 1/β.
    lambda: Vec<f64>,
    /// Prompt by prompt the weight of its KL in what is minimised.
    weights: Vec<f64>,
    /// Prompt by prompt log p_\[β\] − log a of valid outputs and of the others.
    rewards: Vec<[f64; 2]>,
}

/// What is still to come for one prompt.
struct Future {
    /// log p_\[β\] − log a of valid outputs and of the others.
    reward: [f64; 2],
    /// Minus the expected log-ratio to the tilt, position by position and node by node.
    nodes: Vec<Vec<f64>>,
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
        let lambda: Vec<f64> = betas.iter().map(|beta| beta.recip().min(GREATEST_LAMBDA)).collect();
        Ok(Self { problems, rows, rewards: Self::rewards(problems, &lambda), lambda, weights })
    }

    /// The greatest λ.
    pub(super) fn greatest_lambda(&self) -> f64 {
        self.lambda.iter().copied().fold(0.0, f64::max)
    }

    /// For each prompt of positive weight its weight in the potential, and log p_\[β\] − log a of a valid output and of
    /// another.
    pub(super) fn prompts(&self) -> Vec<(f64, [f64; 2])> {
        let all = self.weights.iter().copied().zip(self.rewards.iter().copied());
        all.zip(self.problems).filter(|(_, problem)| problem.weight > 0.0).map(|(prompt, _)| prompt).collect()
    }

    /// The mean over prompts of KL(q‖p_\[β\]).
    pub(super) fn mean(&self, log_q: &[f64]) -> f64 {
        let mut value = Accumulator::default();
        for (weight, future) in mean_weights(self.problems).into_iter().zip(&self.futures(log_q)) {
            value.add(if weight > 0.0 { weight * (0.0 - future.nodes[0][0]).max(0.0) } else { 0.0 });
        }
        value.total()
    }

    /// Whether the potential is a multiple of the mean, and which.
    pub(super) fn over_mean(&self) -> Option<f64> {
        let means = mean_weights(self.problems);
        let mut ratios = self.weights.iter().zip(&means).filter(|(weight, _)| **weight > 0.0);
        let (weight, mean) = ratios.next()?;
        let first = weight / mean;
        ratios.all(|(weight, mean)| (weight / mean / first - 1.0).abs() < 1e-12).then_some(first)
    }

    /// Prompt by prompt log p_\[β\] − log a of valid outputs and of the others: class by class, as differences of
    /// λ + log A1 − log Z_β would cancel.
    fn rewards(problems: &[PromptProblem<'_>], lambda: &[f64]) -> Vec<[f64; 2]> {
        let of = |(problem, lambda): (&PromptProblem<'_>, &f64)| {
            if !problem.has_filtered() || problem.log_invalid == f64::NEG_INFINITY {
                return [0.0, 0.0];
            }
            let logit = lambda + (problem.log_valid - problem.log_invalid);
            [-math::softplus(-logit) - problem.log_valid, -math::softplus(logit) - problem.log_invalid]
        };
        problems.iter().zip(lambda).map(of).collect()
    }

    fn potential(&self, futures: &[Future]) -> f64 {
        let mut sum = Accumulator::default();
        for (weight, future) in self.weights.iter().zip(futures) {
            sum.add(-weight * future.nodes[0][0]);
        }
        sum.total()
    }

    fn futures(&self, log_q: &[f64]) -> Vec<Future> {
        let of = |(problem, &reward): (&PromptProblem<'_>, &[f64; 2])| Future::of(problem, reward, log_q);
        self.problems.iter().zip(&self.rewards).map(of).collect()
    }

    /// T of every choice, NaN where its row is not in use.
    fn target(&self, log_q: &[f64], futures: &[Future]) -> Vec<f64> {
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
        target
    }
}

impl Potential for Control<'_> {
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, _: &mut Scratch) -> f64 {
        let futures = self.futures(log_q);
        *wish = self.target(log_q, &futures);
        for range in self.rows.ranges().filter(|range| !wish[range.start].is_nan()).collect::<Vec<_>>() {
            for index in range.clone() {
                if log_q[index] == f64::NEG_INFINITY {
                    wish[index] = f64::NEG_INFINITY;
                }
            }
            let log_norm = math::log_sum_exp(&wish[range.clone()]);
            wish[range].iter_mut().for_each(|wish| *wish -= log_norm);
        }
        self.potential(&futures)
    }

    fn longest_stride(&self) -> f64 {
        1.0
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
