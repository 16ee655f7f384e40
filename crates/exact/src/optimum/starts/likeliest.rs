//! The likeliest valid outputs of the base, best first.
//!
//! # Source
//! Best-first search with the exact value of what is left, from a Viterbi pass backwards: the A* of Hart, Nilsson,
//! Raphael (1968).

use std::cmp::Reverse;

use crate::dynamic::occupancy::{Behind, PromptProblem};
use crate::optimum::frontier::Frontier;

/// Beginnings that are looked at where outputs must choose alike.
const POPS: usize = 60_000;

/// The choices, as indices of parameters, of the `wanted` likeliest valid outputs; fewer if there are fewer.
pub(in crate::optimum) fn likeliest(
    problem: &PromptProblem<'_>,
    log_q: &[f64],
    wanted: usize,
) -> Vec<Vec<usize>> {
    best_first(problem, log_q, wanted, usize::MAX, |_, _| true)
}

/// The same of outputs that choose the same wherever they come by a row again: the policy that always says one of them
/// is of the class. Gives up where there are few among many.
pub(super) fn of_one_choice(problem: &PromptProblem<'_>, log_q: &[f64], wanted: usize) -> Vec<Vec<usize>> {
    let choices = problem.product.space().choices();
    best_first(problem, log_q, wanted, POPS, |step, mut before| {
        let row = step.index - step.choice;
        (&mut before).all(|index| index == step.index || !(row..row + choices).contains(&index))
    })
}

/// One more choice behind a beginning.
struct Next {
    index: usize,
    choice: usize,
}

/// Best first, the outputs all of whose choices `may` be made, given those before.
fn best_first(
    problem: &PromptProblem<'_>,
    log_q: &[f64],
    wanted: usize,
    mut pops: usize,
    may: impl Fn(&Next, &mut dyn Iterator<Item = usize>) -> bool,
) -> Vec<Vec<usize>> {
    let greatest = greatest(problem, log_q);
    let mut found = Vec::new();
    if wanted == 0 {
        return found;
    }
    let Some(&score) = greatest[0].first().filter(|&&score| score > f64::NEG_INFINITY) else {
        return found;
    };
    let mut trail: Vec<(usize, usize)> = Vec::new();
    let start = Open { depth: 0, node: Some(0), log_a: 0.0, last: usize::MAX };
    let mut open = Frontier::new();
    open.push(score, start.tie(), start);
    while let Some(open_path) = open.pop() {
        let Open { depth, node, log_a, last } = open_path;
        let Some(node) = node else {
            let mut choices: Vec<usize> = back(&trail, last).collect();
            choices.reverse();
            found.push(choices);
            if found.len() >= wanted {
                break;
            }
            continue;
        };
        if pops == 0 {
            break;
        }
        pops -= 1;
        for (choice, step) in problem.steps(log_q, depth, node).enumerate() {
            let log_a = log_a + step.log_a;
            let (node, left) = match step.behind {
                Behind::End(valid) => (None, if valid { 0.0 } else { f64::NEG_INFINITY }),
                Behind::Node(node) => {
                    (Some(node), greatest[depth + 1].get(node).copied().unwrap_or(f64::NEG_INFINITY))
                }
            };
            let score = log_a + left;
            let next = Next { index: step.index, choice };
            if score > f64::NEG_INFINITY && may(&next, &mut back(&trail, last)) {
                trail.push((last, step.index));
                let longer = Open { depth: depth + 1, node, log_a, last: trail.len() - 1 };
                open.push(score, longer.tie(), longer);
            }
        }
    }
    found
}

/// The choices on the way to an entry of the trail, the last one first.
fn back(trail: &[(usize, usize)], last: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(trail.get(last), |(before, _)| trail.get(*before)).map(|&(_, choice)| choice)
}

/// The greatest log-probability of a valid end, from every node that has one.
fn greatest(problem: &PromptProblem<'_>, log_q: &[f64]) -> Vec<Vec<f64>> {
    let layers = problem.product.layers();
    let mut greatest: Vec<Vec<f64>> = vec![Vec::new(); layers.len()];
    for (position, layer) in layers.iter().enumerate().rev() {
        let (head, tail) = greatest.split_at_mut(position + 1);
        let left = |behind| match behind {
            Behind::End(true) => 0.0,
            Behind::End(false) => f64::NEG_INFINITY,
            Behind::Node(node) => tail[0].get(node).copied().unwrap_or(f64::NEG_INFINITY),
        };
        head[position] = (0..layer.alive)
            .map(|node| {
                let steps = problem.steps(log_q, position, node);
                steps.map(|step| step.log_a + left(step.behind)).fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
    }
    greatest
}

/// A beginning of an output; no node behind an end.
struct Open {
    depth: usize,
    node: Option<usize>,
    log_a: f64,
    last: usize,
}

impl Open {
    /// Of beginnings as good as each other, the longest comes first.
    fn tie(&self) -> (usize, Reverse<usize>) {
        (self.depth, Reverse(self.last))
    }
}
