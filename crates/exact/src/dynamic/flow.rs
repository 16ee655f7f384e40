//! Where plain gradient ascent on the expected reward ends, of the infinitely many policies that are best.
//!
//! Every policy that is never wrong maximises E_q\[v\]; which of them training reaches is decided by the start. The flow
//! dθ/dt = ∇ Σ_x w_x E_q\[v\] in the logits goes on for ever, ever more slowly; measured along its path, θ moves by
//! ∇/|∇|, it comes arbitrarily close to its limit within a path of moderate length. Gradients are those of minus the
//! invalid mass, so that they keep their relative precision however little of it is left. Checked where the limit is
//! known: of a table of softmax choices it is the likeliest valid output alone (Dymetman 2026, arXiv 2605.02375).
//!
//! # Source
//! Dormand, Prince (1980), for the integrator.

use crate::dynamic::gradient::invalid_mass_gradient;
use crate::dynamic::occupancy::{PromptProblem, RowSet};

/// The error of a step that is accepted, in logits.
const TOLERANCE: f64 = 1e-7;

/// An invalid mass that is none.
const ALL_VALID: f64 = 1e-26;

/// A gradient that is none where not all can be valid, relative to what is valid or invalid.
const FLAT: f64 = 1e-13;

/// A share of valid outputs that is lost in rounding: from there nothing can be climbed, whatever lies ahead.
const NOTHING_VALID: f64 = 1e-9;

/// The longest path, and the most steps along it.
const LONGEST: f64 = 2000.0;
const STEPS: usize = 50_000;

/// The end of the flow.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowLimit {
    /// Log-probabilities of the rows.
    pub parameters: Vec<f64>,
    /// Length of the path, in logits.
    pub length: f64,
    /// Whether the flow came so near to its limit that nothing is left to move it.
    pub settled: bool,
}

/// Follows the expected reward's gradient flow from a start.
///
/// # Shapes
/// `start`: the flat vector of logits that the problems' rows lie in.
///
/// # Range and cost
/// Six gradients a step and at most 50,000 steps, usually some hundred.
pub fn reward_flow(problems: &[PromptProblem<'_>], start: &[f64]) -> FlowLimit {
    let rows = RowSet::of(problems);
    let mut here = rows.log_softmax(start);
    let mut slope = direction(problems, &here);
    let (mut length, mut step, mut settled) = (0.0, 0.01, false);
    for _ in 0..STEPS {
        let Some(first) = slope.as_ref() else {
            settled = true;
            break;
        };
        if length >= LONGEST {
            break;
        }
        match stage(problems, &here, first, step) {
            Some((next, last, error)) if error <= TOLERANCE => {
                length += step;
                here = next;
                slope = last;
                step *= (0.9 * (TOLERANCE / error.max(1e-300)).powf(0.2)).clamp(0.2, 5.0);
                step = step.min(2.0);
            }
            Some((_, _, error)) => step *= (0.9 * (TOLERANCE / error).powf(0.2)).clamp(0.1, 0.9),
            // Somewhere within the step nothing is left to climb.
            None if step > 1e-9 => step *= 0.5,
            None => {
                settled = true;
                break;
            }
        }
    }
    FlowLimit { parameters: rows.log_softmax(&here), length, settled: settled && !is_lost(problems, &here) }
}

/// Whether all but nothing is invalid.
fn is_lost(problems: &[PromptProblem<'_>], logits: &[f64]) -> bool {
    let invalid = invalid_mass_gradient(problems, logits, &mut vec![0.0; logits.len()]);
    1.0 - invalid / solvable_weight(problems) < NOTHING_VALID
}

fn solvable_weight(problems: &[PromptProblem<'_>]) -> f64 {
    problems.iter().filter(|problem| problem.has_filtered()).map(|problem| problem.weight).sum()
}

/// The unit vector of the gradient; `None` where there is nothing to climb.
fn direction(problems: &[PromptProblem<'_>], logits: &[f64]) -> Option<Vec<f64>> {
    let mut gradient = vec![0.0; logits.len()];
    let invalid = invalid_mass_gradient(problems, logits, &mut gradient);
    let greatest = gradient.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    // Beneath the share that is valid, or invalid, slopes are rounding.
    let least = invalid.min(solvable_weight(problems) - invalid).max(0.0);
    if invalid <= ALL_VALID || greatest <= FLAT * least || !greatest.is_finite() {
        return None;
    }
    let norm = greatest * gradient.iter().map(|x| (x / greatest).powi(2)).sum::<f64>().sqrt();
    for x in &mut gradient {
        *x /= norm;
    }
    Some(gradient)
}

/// Where a step of the pair of fifth and fourth order leads, the direction there, and how far the two orders are apart.
#[allow(clippy::type_complexity, reason = "three parts of one step")]
fn stage(
    problems: &[PromptProblem<'_>],
    here: &[f64],
    first: &[f64],
    step: f64,
) -> Option<(Vec<f64>, Option<Vec<f64>>, f64)> {
    const A: [&[f64]; 6] = [
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    ];
    const E: [f64; 7] = [
        71.0 / 57600.0,
        0.0,
        -71.0 / 16695.0,
        71.0 / 1920.0,
        -17253.0 / 339_200.0,
        22.0 / 525.0,
        -1.0 / 40.0,
    ];
    let at = |slopes: &[Vec<f64>], weights: &[f64]| -> Vec<f64> {
        let mut point = here.to_vec();
        for (slope, weight) in slopes.iter().zip(weights) {
            for (x, s) in point.iter_mut().zip(slope) {
                // Logits of −∞ stay where they are.
                if x.is_finite() {
                    *x += step * weight * s;
                }
            }
        }
        point
    };
    let mut slopes = vec![first.to_vec()];
    for weights in &A[..5] {
        let point = at(&slopes, weights);
        slopes.push(direction(problems, &point)?);
    }
    let next = at(&slopes, A[5]);
    let last = direction(problems, &next);
    let Some(last_slope) = last.clone() else { return Some((next, None, 0.0)) };
    slopes.push(last_slope);
    let mut error: f64 = 0.0;
    for index in 0..here.len() {
        let off: f64 = slopes.iter().zip(E).map(|(slope, weight)| weight * slope[index]).sum();
        error = error.max((step * off).abs());
    }
    Some((next, last, error))
}

#[cfg(test)]
mod tests;
