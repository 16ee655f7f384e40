//! What no policy of a class is better than: branch and bound over boxes of row probabilities.
//!
//! The difficulty of a class is that many nodes share a row. Within a box two relaxations bound the objective J (what
//! is maximised: minus a KL, a sum of p*^(1−α) q^α, a linear reward):
//!
//! * *uncoupled*: every node chooses a row of its own in its row's box, by dynamic programming;
//! * *centred*: with π0 the mean of those choices, J(π) − J(π0) = Σ_n o_π(n) g_n(π), o being occupancies and g_n what
//!   the row of π is better by at node n alone. With o_0 in place of o_π the maximum is had row by row; the rest is at
//!   most the product of what o and g can differ by, and so quadratic in the size of the box.
//!
//! A box is cut where nodes of one row disagree most, and the box with the worst bound first, until the worst is as good
//! as what a search has found, or the budget is spent.
//!
//! # Soundness
//! Row by row the bounds are dual: they hold for any multiplier ([`rows`]). Rounding: a bound is a sum and product of
//! rounded numbers over at most T positions of N nodes; each operation is off by at most 2⁻⁵³ of its result, `exp` and
//! `log` by at most twice that, and no term of such a computation passes through more than T(4K + 16) + N of them. All
//! magnitudes are added up beside the bound, and the bound is raised by [`rounding`] of that sum: four times
//! (T(4K + 16) + N) 2⁻⁵³. Underflow is at most 1e-290 relative, as no bound is sought where log A1 < −600.
//!
//! # Source
//! Branch and bound: Land, Doig (1960). The performance difference lemma of Kakade, Langford (2002).

mod boxes;
mod listed;
mod products;
mod rows;
mod sums;

use std::cmp::Reverse;

use boxes::PolicyBox;

use super::frontier::Frontier;
use super::graph::Graph;

/// Relative to the potential: boxes this close are close enough.
const CLOSE: f64 = 8e-4;

/// What is this close to 0 is 0.
const NOTHING: f64 = 1e-12;

/// Bytes that open boxes may take.
const MEMORY: usize = 1 << 29;

/// What is known of the policies of a box.
#[derive(Debug)]
pub(super) struct Look {
    /// None of them has a smaller potential.
    least: f64,
    /// A policy inside, and its potential; infinite where it was not worth working out.
    centre: Vec<f64>,
    potential: f64,
    /// Choice by choice, how far the nodes of a row are from agreeing.
    disagreement: Vec<f64>,
}

/// An objective that can be bounded in boxes.
pub(super) trait Relaxation {
    /// Looks at a box; a bound above `bar` need not be any better.
    fn look(&mut self, policies: &PolicyBox, bar: f64) -> Look;
}

/// What a proof came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bound {
    /// The potential of no policy is smaller.
    pub(super) least: f64,
    /// A policy with a smaller potential than the one that is to be proved, in probabilities.
    pub(super) better: Option<Vec<f64>>,
}

pub(super) use listed::Listed;
pub(super) use products::Products;
pub(super) use sums::Sums;

/// An open box, and where it is to be cut.
struct Open {
    least: f64,
    policies: PolicyBox,
    cut: Option<Cut>,
}

/// Row, parameter and probability.
type Cut = (std::ops::Range<usize>, usize, f64);

/// Cuts boxes until none can hold a policy better than `best`, or `budget` of them have been looked at.
pub(super) fn branch(graph: &Graph, relaxation: &mut dyn Relaxation, best: f64, budget: usize) -> Bound {
    let budget = budget.min(MEMORY / (16 * graph.parameters.max(1)));
    let mut bound = Bound { least: f64::NEG_INFINITY, better: None };
    let mut known = best;
    let mut open = Frontier::new();
    let mut looked = 0;
    let mut parts = vec![(f64::NEG_INFINITY, PolicyBox::all(graph.parameters))];
    loop {
        for (least, policies) in parts.drain(..) {
            let look = relaxation.look(&policies, best);
            looked += 1;
            if look.potential < known - 1e-9 * (1.0 + known.abs()) {
                known = look.potential;
                bound.better = Some(look.centre.clone());
            }
            let least = look.least.max(least);
            if least < best {
                let cut = cut(graph, &policies, &look);
                open.push(-least, Reverse(looked), Open { least, policies, cut });
            }
        }
        let Some(worst) = open.highest() else {
            bound.least = best;
            break;
        };
        bound.least = -worst;
        if best - bound.least <= (CLOSE * best.abs()).max(NOTHING) || looked >= budget {
            break;
        }
        let Some(Open { least, policies, cut: Some((row, index, prob)) }) = open.pop() else { break };
        parts.extend(policies.split(row, index, prob).into_iter().map(|part| (least, part)));
    }
    bound
}

/// The choice to cut: the one that is disagreed on most, else the one with the widest box.
fn cut(graph: &Graph, policies: &PolicyBox, look: &Look) -> Option<Cut> {
    let width = |index: usize| policies.high[index] - policies.low[index];
    let order = |&(_, a): &(_, usize), &(_, b): &(_, usize)| {
        let by_nodes = look.disagreement[a].total_cmp(&look.disagreement[b]);
        by_nodes.then(width(a).total_cmp(&width(b))).then(b.cmp(&a))
    };
    let choices = graph.rows.ranges().flat_map(|row| row.clone().map(move |index| (row.clone(), index)));
    let (row, index) = choices.filter(|&(_, index)| width(index) > 1e-12).max_by(order)?;
    Some((row, index, policies.cut(index, look.centre[index])))
}

/// How much of the magnitudes that went into a bound it may be off by.
fn rounding(graph: &Graph) -> f64 {
    let nodes: usize = graph
        .prompts
        .iter()
        .map(|prompt| (0..prompt.len()).map(|t| prompt.layer(t).nodes()).sum::<usize>())
        .sum();
    let operations = graph.horizon() * (4 * graph.choices + 16) + nodes;
    2.0 * f64::EPSILON * operations as f64
}

#[cfg(test)]
mod tests;
