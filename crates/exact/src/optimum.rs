//! Class optima: how close the policies of a class can come to a target, found by dynamic programming.
//!
//! The problems are not convex, and that is part of the answer: every solver starts in several places, and the
//! values of all the optima that it finds are kept. All solvers work on log-probabilities and multiply rather than
//! step, so that choices of probability e^−1/β come out as exactly as the others. Checked against the published
//! tables of two small spaces and against a grid.
//!
//! KL(p*‖q) has a closed form. D_α, the validity rate and the clipped pseudo-reward are raised by taking expected
//! counts again and again ([`counting`], [`clipped`]); KL(q‖p_\[β\]) is lowered by mirror descent ([`control`]).

mod clipped;
mod control;
mod counting;
mod likeliest;
mod reach;
mod starts;

use pstar_core::objective::Divergence;

use crate::gradient::PopulationError;
use crate::occupancy::{PromptProblem, RowSet};

use clipped::Clipped;
use control::Control;
use reach::within_base;

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// Greatest number of iterations from one start.
    pub iterations: usize,
    /// A log-probability that would still change by less is settled; relative to 1 + 1/β.
    pub tolerance: f64,
    /// Starts near one of the likeliest valid outputs.
    pub likeliest: usize,
    /// Starts in pseudo-random rows.
    pub random: usize,
    /// Greatest number of valid outputs that are listed where they must be.
    pub outputs: usize,
}

impl Search {
    /// A short look at classes of `transitions` transitions, for showing beside other results; `None` where even that
    /// would take long.
    pub fn brief(transitions: usize) -> Option<Self> {
        let iterations = (BRIEF_VISITS / transitions.max(1)).min(BRIEF_ITERATIONS);
        let brief = Self { iterations, tolerance: 1e-6, likeliest: 1, random: 0, outputs: 1 << 16 };
        (iterations >= BRIEF_ITERATIONS / 5).then_some(brief)
    }
}

/// Iterations of a short look.
const BRIEF_ITERATIONS: usize = 100;

/// Transitions that a short look visits from each start: some seconds.
const BRIEF_VISITS: usize = 1 << 26;

impl Default for Search {
    fn default() -> Self {
        Self { iterations: 5000, tolerance: 1e-11, likeliest: 6, random: 6, outputs: 1 << 20 }
    }
}

/// The best policy found.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// Log-probabilities of its rows; rows that make no difference are as they were at the start.
    pub parameters: Vec<f64>,
    /// Its divergence, the weighted mean over the prompts that have p*; of the clipped pseudo-reward −Φ.
    pub value: f64,
    /// How much a log-probability would still change in an iteration, the smallest probabilities included; 0 once all is
    /// valid and nothing else is asked for.
    pub residual: f64,
    /// Number of starts.
    pub starts: usize,
    /// Whether the search came to rest.
    pub settled: bool,
    /// Distinct values that the starts which came to rest led to, best first.
    pub local_optima: Vec<f64>,
    /// Iterations over all starts.
    pub iterations: usize,
}

/// An invalidity rate that is none: which of the fully valid policies it is makes no difference.
const ALL_VALID: f64 = 1e-16;

/// Of the others every digit counts.
const NEVER: f64 = f64::NEG_INFINITY;

/// Where one start led.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    log_q: Vec<f64>,
    value: f64,
    /// What is minimised; differs from the value only by how prompts are weighted.
    potential: f64,
    residual: f64,
    settled: bool,
    iterations: usize,
}

/// Looks for the policy with the least divergence, the weighted mean over prompts.
///
/// With a common μ the prompts' KLs are weighted by their β besides, as the objective weights them, so that the
/// optimum is where [`population_gradient`](crate::population_gradient) vanishes; the reported values are plain means.
///
/// Probabilities below e^−2000 that still fall are taken for zero, except for tilts.
///
/// # Shapes
/// `start`: the flat vector of logits of the initial policy, usually the base's best fit. `known`: such vectors of
/// policies that are known already; the best of them is followed too, so that none is better than the optimum.
///
/// # Range and cost
/// About four passes over the transitions an iteration; each start is followed to the end.
///
/// # Errors
/// [`PopulationError::TooMany`] for a clipped pseudo-reward over too many valid outputs,
/// [`PopulationError::NoTilt`], [`PopulationError::LeavesBaseSupport`] if all policies tried are infinitely far, and
/// [`PopulationError::NotDecomposable`] for a divergence that it does not know.
pub fn optimum(
    problems: &[PromptProblem<'_>],
    divergence: Divergence,
    start: &[f64],
    known: &[Vec<f64>],
    search: &Search,
) -> Result<Optimum, PopulationError> {
    let rows = RowSet::of(problems);
    let start = rows.log_softmax(start);
    let fit = counting::forward_kl(problems, &rows, &start);
    if divergence == Divergence::KlFromFiltered {
        return Ok(best(vec![fit]));
    }
    let starts = starts::all(problems, &rows, [&start, &fit.log_q], search);
    let known = known.iter().map(|logits| rows.log_softmax(logits));
    let locals = match divergence {
        Divergence::InvalidityRate => {
            let step = |log_q: &[f64], counts: &mut _| counting::validity(problems, log_q, counts);
            follow(starts, known, search, |start, search| {
                counting::iterate(&rows, search, start, ALL_VALID, step)
            })
        }
        Divergence::Alpha { alpha } => {
            let step = |log_q: &[f64], counts: &mut _| counting::alpha(problems, alpha, log_q, counts);
            follow(starts, known, search, |start, search| {
                counting::iterate(&rows, search, start, NEVER, step)
            })
        }
        Divergence::ClippedAlpha { alpha, clip } => {
            let clipped = Clipped::list(problems, alpha, clip, search.outputs)?;
            let step = |log_q: &[f64], counts: &mut _| clipped.step(log_q, counts);
            follow(starts, known, search, |start, search| {
                counting::iterate(&rows, search, start, NEVER, step)
            })
        }
        Divergence::KlToTilted { .. } | Divergence::KlToTiltedAtRate { .. } => {
            let control = Control::new(problems, &rows, divergence)?;
            let within = |wish: &[f64], sets| within_base(problems, &rows, wish, sets);
            let sets = search.likeliest.max(1);
            let firsts = [&start, &fit.log_q].into_iter().flat_map(|wish| within(wish, sets));
            let starts = firsts.chain(starts.iter().flat_map(|wish| within(wish, 0)));
            let known = known.filter(|policy| within(policy, 0).first() == Some(policy));
            let mut locals =
                follow(distinct(starts), known, search, |start, search| control.descend(start, search));
            locals.extend(within(&start, 0).into_iter().map(|first| control.strengthen(first, search)));
            locals
        }
        _ => return Err(PopulationError::NotDecomposable),
    };
    if locals.is_empty() {
        return Err(PopulationError::LeavesBaseSupport);
    }
    Ok(best(locals))
}

/// The first of each of equal policies.
fn distinct(policies: impl Iterator<Item = Vec<f64>>) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    for policy in policies {
        if !found.contains(&policy) {
            found.push(policy);
        }
    }
    found
}

/// Follows every start, and the best of the policies that are known.
fn follow(
    starts: Vec<Vec<f64>>,
    known: impl Iterator<Item = Vec<f64>>,
    search: &Search,
    descend: impl Fn(Vec<f64>, &Search) -> Local,
) -> Vec<Local> {
    let still = Search { iterations: 0, ..*search };
    let known = known.map(|policy| descend(policy, &still));
    let best = known.min_by(|a, b| a.potential.total_cmp(&b.potential));
    starts.into_iter().chain(best.map(|local| local.log_q)).map(|start| descend(start, search)).collect()
}

fn best(mut locals: Vec<Local>) -> Optimum {
    locals.sort_by(|a, b| a.potential.total_cmp(&b.potential));
    let best = locals[0].potential;
    let at_rest = locals.iter().filter(|local| local.settled || local.potential == best);
    let mut values: Vec<[f64; 2]> = at_rest.map(|local| [local.potential, local.value]).collect();
    values.dedup_by(|next, kept| next[0] - kept[0] <= 1e-9 * (1.0 + kept[0].abs()));
    let (starts, iterations) = (locals.len(), locals.iter().map(|local| local.iterations).sum());
    // Of equally good ones the one that has settled best.
    let equal = locals.iter().take_while(|local| {
        local.potential - locals[0].potential <= 1e-13 * (1.0 + locals[0].potential.abs())
    });
    let settled = equal.enumerate().min_by(|a, b| a.1.residual.total_cmp(&b.1.residual));
    let local = locals.swap_remove(settled.map_or(0, |(number, _)| number));
    Optimum {
        parameters: local.log_q,
        value: local.value,
        residual: local.residual,
        settled: local.settled,
        starts,
        local_optima: values.into_iter().map(|[_, value]| value).collect(),
        iterations,
    }
}

#[cfg(test)]
mod tests;
