//! Population gradients by dynamic programming: the expected update of an objective, without sampling or listing.
//!
//! The update is Σ_x w_x Σ_y q(y) c(y) ∇ log q(y) with the coefficients c of the shipped objectives. Where c adds up
//! over an output's choices (rewards at its end, log-ratios on the way) it is Σ occupancy · π · (Q − W), the policy
//! gradient theorem; where q·c is a product over them, it follows from [`Posterior`]'s expected counts. Checked
//! against enumeration and against finite differences of the divergence.
//!
//! # Source
//! Sutton, McAllester, Singh, Mansour (1999), *Policy Gradient Methods*; Go et al. (2023), arXiv 2302.08215.

use pstar_core::math;
use pstar_core::objective::Divergence;
use thiserror::Error;

use crate::dynamic::occupancy::{Behind, Posterior, PromptProblem, RowSet, Step};
use crate::targets::tilted::beta_of_mu;

/// Why a gradient or an optimum cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum PopulationError {
    /// It is no sum over paths of products or of sums over choices.
    #[error("this divergence does not decompose over the choices of an output")]
    NotDecomposable,
    /// The policy reaches an output that the base does not, which costs infinitely much.
    #[error("the policy reaches an output that the base does not")]
    LeavesBaseSupport,
    /// No tilt has the wanted validity rate.
    #[error(
        "no tilted distribution has validity rate `{mu}`: it must lie above the base's, which must be in (0, 1)"
    )]
    NoTilt {
        /// μ.
        mu: f64,
    },
    /// No prompt has a valid output that the base reaches.
    #[error("the base reaches no valid output, so that there is no p*")]
    NoFiltered,
    /// There are too many valid outputs for a list of them.
    #[error("more than {limit} valid outputs, or very long ones")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// Adds up choice by choice: a reward at the end, and a price of the log-ratio log(q/a) on the way.
#[derive(Clone, Copy, Debug)]
struct Control {
    reward: [f64; 2],
    price: f64,
}

/// Writes the expected update of the objective that minimises `divergence`.
///
/// Coefficients: validity: c = v. Tilts: c = v − β log(q/a), with β a prompt's own where μ is given. KL(p*‖q):
/// Σ p* ∇ log q. D_α: (1/(1−α)) Σ p*^(1−α) q^α ∇ log q. Prompts without p* add nothing to the last two, and outputs
/// that the policy misses add nothing to any: no sample is ever one of them.
///
/// # Shapes
/// `parameters` and `gradient`: the flat vector of logits that the problems' rows lie in. A logit of −∞ is a
/// probability of zero; its gradient is 0.
///
/// # Range and cost
/// Two passes over the transitions of each prompt, with at most three exponentials each.
///
/// # Errors
/// [`PopulationError::NotDecomposable`] for a clipped pseudo-reward; [`PopulationError::LeavesBaseSupport`] for a
/// tilt, if the update is infinite; [`PopulationError::NoTilt`].
///
/// # Panics
/// If `parameters` and `gradient` differ in length, or a row lies outside.
pub fn population_gradient(
    problems: &[PromptProblem<'_>],
    divergence: Divergence,
    parameters: &[f64],
    gradient: &mut [f64],
) -> Result<(), PopulationError> {
    assert_eq!(parameters.len(), gradient.len(), "one gradient a parameter");
    let rows = RowSet::of(problems);
    let log_q = rows.log_softmax(parameters);
    gradient.fill(0.0);
    for problem in problems {
        let control = |price| Control { reward: [1.0, 0.0], price };
        match divergence {
            Divergence::InvalidityRate => control(0.0).add(problem, &log_q, gradient)?,
            Divergence::KlToTilted { beta } => control(beta).add(problem, &log_q, gradient)?,
            Divergence::KlToTiltedAtRate { mu } => {
                control(beta_at_rate(problem, mu)?).add(problem, &log_q, gradient)?;
            }
            Divergence::KlFromFiltered => add_counts(problem, &log_q, 0.0, gradient),
            Divergence::Alpha { alpha } => add_counts(problem, &log_q, alpha, gradient),
            _ => return Err(PopulationError::NotDecomposable),
        }
    }
    to_logits(&rows, &log_q, gradient);
    Ok(())
}

/// From gradients in log-probabilities to those in logits.
fn to_logits(rows: &RowSet, log_q: &[f64], gradient: &mut [f64]) {
    for range in rows.ranges() {
        let total: f64 = gradient[range.clone()].iter().sum();
        for (gradient, &log_prob) in gradient[range.clone()].iter_mut().zip(&log_q[range]) {
            *gradient -= math::exp(log_prob) * total;
        }
    }
}

/// Writes minus the gradient of the weighted invalid mass in the logits, and returns that mass: the gradient of the
/// expected reward, to full relative precision however little is invalid.
pub(crate) fn invalid_mass_gradient(
    problems: &[PromptProblem<'_>],
    parameters: &[f64],
    gradient: &mut [f64],
) -> f64 {
    let rows = RowSet::of(problems);
    let log_q = rows.log_softmax(parameters);
    gradient.fill(0.0);
    let control = Control { reward: [0.0, -1.0], price: 0.0 };
    let mut invalid = 0.0;
    for problem in problems.iter().filter(|problem| problem.has_filtered()) {
        invalid -= problem.weight * control.future(problem, &log_q)[0][0];
        // Without a price nothing is infinite.
        let _ = control.add(problem, &log_q, gradient);
    }
    to_logits(&rows, &log_q, gradient);
    invalid
}

/// β of the tilt with validity rate μ.
pub(crate) fn beta_at_rate(problem: &PromptProblem<'_>, mu: f64) -> Result<f64, PopulationError> {
    beta_of_mu(mu, problem.log_valid, problem.log_invalid).ok_or(PopulationError::NoTilt { mu })
}

/// Adds the expected counts under p*^(1−α) q^α, over 1 − α.
fn add_counts(problem: &PromptProblem<'_>, log_q: &[f64], alpha: f64, gradient: &mut [f64]) {
    if !problem.has_filtered() {
        return;
    }
    let posterior = Posterior::of_reached(problem, log_q, [1.0 - alpha, alpha]);
    let log_total = posterior.log_total() - (1.0 - alpha) * problem.log_valid;
    let scale = problem.weight * math::exp(log_total) / (1.0 - alpha);
    posterior.visit(|step, log_count| gradient[step.index] += scale * math::exp(log_count));
}

impl Control {
    fn add(
        self,
        problem: &PromptProblem<'_>,
        log_q: &[f64],
        gradient: &mut [f64],
    ) -> Result<(), PopulationError> {
        let future = self.future(problem, log_q);
        if future[0][0] == f64::NEG_INFINITY {
            return Err(PopulationError::LeavesBaseSupport);
        }
        let (mut here, mut next) = (vec![problem.weight], Vec::new());
        for (position, layer) in problem.product.layers().iter().enumerate() {
            next.clear();
            next.resize(layer.next_nodes, 0.0);
            for (node, &occupancy) in here.iter().enumerate() {
                if occupancy == 0.0 {
                    continue;
                }
                for step in problem.steps(log_q, position, node) {
                    let count = occupancy * math::exp(step.log_q);
                    if count == 0.0 {
                        continue;
                    }
                    let value = self.value(&step, future.get(position + 1));
                    gradient[step.index] += count * (value - future[position][node]);
                    if let Behind::Node(successor) = step.behind {
                        next[successor] += count;
                    }
                }
            }
            std::mem::swap(&mut here, &mut next);
        }
        Ok(())
    }

    /// The expected sum of what is still to come, from every node of every position.
    fn future(self, problem: &PromptProblem<'_>, log_q: &[f64]) -> Vec<Vec<f64>> {
        let layers = problem.product.layers();
        let mut future: Vec<Vec<f64>> = vec![Vec::new(); layers.len()];
        for (position, layer) in layers.iter().enumerate().rev() {
            let (head, tail) = future.split_at_mut(position + 1);
            head[position] = (0..layer.nodes())
                .map(|node| {
                    let steps = problem.steps(log_q, position, node);
                    let in_use = steps.filter(|step| step.log_q > f64::NEG_INFINITY);
                    in_use.fold(0.0, |sum, step| {
                        let value = self.value(&step, tail.first());
                        let prob = math::exp(step.log_q);
                        sum + if value == f64::NEG_INFINITY { value } else { prob * value }
                    })
                })
                .collect();
        }
        future
    }

    /// What a choice is worth, with all that follows.
    #[inline]
    fn value(self, step: &Step, next: Option<&Vec<f64>>) -> f64 {
        let paid = if self.price == 0.0 { 0.0 } else { self.price * (step.log_a - step.log_q) };
        paid + match step.behind {
            Behind::End(valid) => self.reward[usize::from(!valid)],
            Behind::Node(node) => next.map_or(0.0, |next| next[node]),
        }
    }
}

#[cfg(test)]
mod tests;
