//! Class optima: how close the policies of a class can come to a target, found by dynamic programming, and proved by
//! branch and bound where that can be.
//!
//! The problems are not convex, and that is part of the answer. Many starts of kinds that complement each other
//! ([`starts`]) are followed for a few steps, the best of them further; what one objective found is tried under all the
//! others ([`search`]). Steps go in log-probabilities and multiply rather than add, so that choices of probability
//! e^−1/β come out as exactly as the others: passes in plain numbers rank policies, the last steps and all that is
//! reported are in log space. No search can know that it has found the best policy; [`bound`] can.
//!
//! KL(p*‖q) has a closed form. D_α, the validity rate and the clipped pseudo-reward are raised by taking expected
//! counts again and again ([`counting`], [`clipped`]); KL(q‖p_\[β\]) is lowered by mirror descent ([`control`]). Checked
//! against published tables of two small spaces, grids, and an independent search on random tasks.

#![allow(clippy::needless_range_loop, reason = "passes walk several arrays by one number")]

mod bound;
mod clipped;
mod control;
mod counting;
mod descend;
mod frontier;
mod graph;
mod plain;
mod plain_control;
mod plain_counting;
mod reach;
mod scratch;
mod search;
mod starts;
mod tasks;

use pstar_core::objective::Divergence;

use crate::dynamic::gradient::PopulationError;
use crate::dynamic::occupancy::{PromptProblem, RowSet};

/// How hard to look: numbers of starts of each kind, and how far they are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// Starts near one of the likeliest valid outputs.
    pub likeliest: usize,
    /// Starts near valid outputs that choose alike wherever they come by a row again.
    pub one_choice: usize,
    /// Starts in sets of choices that only valid outputs are made of.
    pub supports: usize,
    /// Starts in sets on the way to those.
    pub partial: usize,
    /// Sets that are looked at on the way.
    pub pops: usize,
    /// Starts in projections of p*, tilted at random.
    pub tilted: usize,
    /// Steps from every start.
    pub screen: usize,
    /// Starts that are followed further,
    pub keep: usize,
    /// for so many steps.
    pub middle: usize,
    /// Starts that are followed further still,
    pub finalists: usize,
    /// for so many steps.
    pub polish: usize,
    /// Times that what one objective found is tried by the others.
    pub rounds: usize,
    /// Greatest number of steps that the best one is followed to the end.
    pub settle: usize,
    /// Greatest number of the last steps, in log space.
    pub last: usize,
    /// Whether to solve other objectives besides where there are few, for the starts that they make.
    pub stepping_stones: bool,
    /// Whether to try all changes of one row.
    pub hops: bool,
    /// A log-probability that would still change by less is settled; relative to 1 + 1/β.
    pub tolerance: f64,
    /// Greatest number of valid outputs that are listed where they must be.
    pub outputs: usize,
    /// Boxes of policies that a proof may look at; 0 to seek none.
    pub boxes: usize,
}

/// Transitions below which a thorough search is quick enough to stand beside other results.
const SMALL: usize = 10_000;

/// Transitions beyond which even a short search would take long.
const LARGE: usize = 1 << 23;

/// Transitions that the last steps of a search visit.
const LAST_VISITS: [usize; 2] = [1 << 21, 1 << 26];

/// Transitions that the boxes of a proof visit, and boxes.
const BOX_VISITS: usize = 1 << 24;
const MOST_BOXES: usize = 100_000;

/// The same of a proof that stands beside other results.
const FEW_BOX_VISITS: usize = 1 << 22;
const FEW_BOXES: usize = 20_000;

impl Search {
    /// A search of classes of `transitions` transitions whose result stands alone; `None` where even a short one would
    /// take hours.
    pub fn thorough(transitions: usize) -> Option<Self> {
        let transitions = transitions.max(1);
        let thorough = Self {
            likeliest: 16,
            one_choice: 8,
            supports: 16,
            partial: 8,
            pops: 3000,
            tilted: 32,
            screen: 20,
            keep: 12,
            middle: 100,
            finalists: 4,
            polish: 500,
            rounds: 3,
            settle: 4000,
            last: (LAST_VISITS[1] / transitions).clamp(20, 5000),
            stepping_stones: true,
            hops: true,
            tolerance: 1e-11,
            outputs: 1 << 20,
            boxes: MOST_BOXES.min(BOX_VISITS / transitions),
        };
        if transitions <= SMALL {
            return Some(thorough);
        }
        // A proof would take more boxes than there is time for.
        let settle = (3 * LAST_VISITS[1] / transitions).clamp(100, 4000);
        let pops = (1 << 28) / transitions;
        let thorough = Self { pops, polish: settle / 8, settle, hops: false, boxes: 0, ..thorough };
        (transitions <= LARGE).then_some(thorough)
    }

    /// A search for showing beside other results: the thorough one of small classes, else a short one; `None` where
    /// even that would take long.
    pub fn brief(transitions: usize) -> Option<Self> {
        let brief = Self {
            likeliest: 8,
            one_choice: 4,
            supports: 6,
            partial: 0,
            pops: 200,
            tilted: 8,
            screen: 4,
            keep: 3,
            middle: 15,
            finalists: 1,
            polish: 15,
            rounds: 2,
            settle: 120,
            last: (LAST_VISITS[0] / transitions.max(1)).clamp(5, 150),
            stepping_stones: false,
            hops: false,
            tolerance: 1e-6,
            outputs: 1 << 16,
            boxes: 0,
        };
        if transitions <= SMALL {
            let boxes = FEW_BOXES.min(FEW_BOX_VISITS / transitions.max(1));
            return Self::thorough(transitions).map(|search| Self { boxes, ..search });
        }
        // Fewer starts where passes are long, the dearest kind first.
        let fewer = Self { tilted: 2, supports: 3, pops: 60, settle: 60, ..brief };
        let few = Self { tilted: 0, supports: 0, likeliest: 2, one_choice: 2, keep: 1, ..brief };
        match transitions {
            0..=250_000 => Some(brief),
            250_001..=500_000 => Some(fewer),
            500_001..=2_000_000 => Some(Self { middle: 10, polish: 5, rounds: 1, settle: 20, ..few }),
            _ => None,
        }
    }
}

impl Search {
    /// About how many policies are looked at for one objective, at two passes over the transitions each.
    pub fn looks(&self) -> usize {
        let follow = |starts: usize| {
            starts * self.screen + self.keep * self.middle + self.finalists * self.polish.min(100)
        };
        let starts = 3 + self.likeliest + self.one_choice + self.supports + self.partial + self.tilted;
        follow(starts) + self.rounds * follow(8 * self.finalists) + self.settle.min(500)
    }
}

/// The best policy found.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// Log-probabilities of its rows; rows that make no difference are as they were at the start.
    pub parameters: Vec<f64>,
    /// Its divergence, the weighted mean over the prompts that have p*; of the clipped pseudo-reward −Φ.
    pub value: f64,
    /// What the divergence of no policy of the class is below; `None` where none was sought or found.
    pub lower_bound: Option<f64>,
    /// How much a log-probability would still change in an iteration, the smallest probabilities included; 0 once all is
    /// valid and nothing else is asked for. Says nothing of whether there is a better policy elsewhere.
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

/// Looks for the policy with the least divergence, the weighted mean over prompts, for each of `divergences`.
///
/// With a common μ the prompts' KLs are weighted by their β besides, as the objective weights them, so that the
/// optimum is where [`population_gradient`](crate::population_gradient) vanishes; the reported values are plain means.
///
/// Probabilities below e^−2000 that still fall are taken for zero, except for tilts. No optimum is worse than another
/// divergence's, than a policy of `known`, or than a policy that always says the same.
///
/// # Shapes
/// `start`: the flat vector of logits of the initial policy, usually the base's best fit. `known`: such vectors of
/// policies that are known already. One result a divergence.
///
/// # Range and cost
/// Two passes over the transitions a step. Runs on the current pool of threads, whose number changes no bit.
///
/// # Errors
/// [`PopulationError::NoFiltered`] if no prompt has p*; [`PopulationError::TooMany`] for a clipped pseudo-reward over
/// too many valid outputs, [`PopulationError::NoTilt`], [`PopulationError::LeavesBaseSupport`] if all policies tried are
/// infinitely far, and [`PopulationError::NotDecomposable`] for a divergence that it does not know.
pub fn optima(
    problems: &[PromptProblem<'_>],
    divergences: &[Divergence],
    start: &[f64],
    known: &[Vec<f64>],
    search: &Search,
) -> Vec<Result<Optimum, PopulationError>> {
    if !problems.iter().any(PromptProblem::has_filtered) {
        return vec![Err(PopulationError::NoFiltered); divergences.len()];
    }
    search::solve(problems, divergences, start, known, search)
}

/// The policy of the class that is nearest to p* in KL(p*‖q), in log-probabilities: the expected choices under p*. Rows
/// without p*-mass stay as in `start`.
///
/// # Shapes
/// `start` and the result: flat vectors of logits, as in [`optima`].
///
/// # Range and cost
/// Two passes over the transitions.
pub fn filtered_projection(problems: &[PromptProblem<'_>], start: &[f64]) -> Vec<f64> {
    let rows = RowSet::of(problems);
    counting::forward_kl(problems, &rows, &rows.log_softmax(start))
}

#[cfg(test)]
mod tests;
