//! Where to start: kinds of policies that complement each other, none of which leads to every optimum alone.

mod likeliest;
mod supports;

use pstar_core::math;
use pstar_core::rng::{Purpose, StreamKey};

use crate::dynamic::occupancy::{PromptProblem, RowSet};

use super::Search;
use super::graph::Graph;
use super::plain::{add_counts, base_powers, products_behind, weigh};
use super::plain_counting::wish_for;
use super::scratch::{Room, Scratch};
use supports::Aim;

pub(super) use likeliest::likeliest;

/// How much of the initial policy is mixed into a start near one output.
const MIXED_IN: f64 = 1e-3;

/// How much of the initial policy and of uniform rows is mixed into a projection.
const SOFTENING: f64 = 1e-4;

/// Concentrations of random rows, in turn.
const CONCENTRATIONS: [f64; 3] = [0.3, 1.0, 0.1];

/// Policies to start from.
#[derive(Debug)]
pub(super) struct Starts {
    /// In log-probabilities.
    pub(super) policies: Vec<Vec<f64>>,
    /// Policies that always say one thing, where the class has them.
    pub(super) diracs: Vec<Vec<f64>>,
    /// Sets of choices, of one output a prompt, that are worth staying within the base's support for.
    pub(super) worth_keeping: Vec<Vec<bool>>,
}

/// The given policies, uniform rows, rows near the likeliest valid outputs and near those of one choice a row, the
/// projections of p* on sets of choices that only valid outputs are made of, and those of randomly tilted p*.
pub(super) fn all(
    problems: &[PromptProblem<'_>],
    graph: &Graph,
    given: [&[f64]; 2],
    search: &Search,
) -> Starts {
    let rows = &graph.rows;
    let fit = given[0];
    let mut policies: Vec<Vec<f64>> = given.map(<[f64]>::to_vec).into();
    policies.push(uniform(rows, fit));
    let lists = |list: fn(&PromptProblem<'_>, &[f64], usize) -> Vec<Vec<usize>>, wanted: usize| {
        problems.iter().map(|problem| list(problem, fit, wanted)).collect::<Vec<_>>()
    };
    let near = |lists: &[Vec<Vec<usize>>], wanted: usize| {
        (0..wanted)
            .filter_map(|rank| counted(lists, rank, fit.len()))
            .map(|counts| {
                let mix = |(count, &log_q): (&f64, &f64)| math::ln(count + MIXED_IN * math::exp(log_q));
                rows.log_softmax(&counts.iter().zip(fit).map(mix).collect::<Vec<_>>())
            })
            .collect::<Vec<_>>()
    };
    let likeliest = lists(likeliest::likeliest, search.likeliest);
    policies.extend(near(&likeliest, search.likeliest));
    let of_one_choice = lists(likeliest::of_one_choice, search.one_choice);
    policies.extend(near(&of_one_choice, search.one_choice));
    let counts = (0..search.one_choice).filter_map(|rank| counted(&of_one_choice, rank, fit.len()));
    let diracs = counts.filter_map(|counts| dirac(rows, &counts, fit)).collect();
    let kept = |lists: &[Vec<Vec<usize>>], wanted: usize| -> Vec<Vec<bool>> {
        let counts = (0..wanted).filter_map(|rank| counted(lists, rank, fit.len()));
        counts.map(|counts| counts.iter().map(|&count| count > 0.0).collect()).collect()
    };
    let mut worth_keeping = kept(&of_one_choice, search.one_choice);
    worth_keeping.extend(kept(&likeliest, search.likeliest));

    let projector = Projector::new(graph, fit);
    let mut scratch = Scratch::default();
    let supports::Supports { valid, partial } =
        supports::supports(graph, Aim::Valid, search.supports, search.partial, search.pops);
    for support in valid.into_iter().chain(partial) {
        let allowed: Vec<f64> = support.into_iter().map(|allowed| if allowed { 1.0 } else { 0.0 }).collect();
        policies.push(projector.project(&allowed, &mut scratch));
    }
    for number in 0..search.tilted {
        let tilt = random_rows(rows, fit.len(), number);
        policies.push(projector.project(&tilt, &mut scratch));
    }
    Starts { policies, diracs, worth_keeping }
}

/// Sets of choices that stay within the base's support, as large as they can be.
pub(super) fn within_reach(graph: &Graph, search: &Search) -> Vec<Vec<bool>> {
    let sets = |aim| supports::supports(graph, aim, search.supports, 0, search.pops).valid;
    let mut found = sets(Aim::ReachedByValid);
    for set in sets(Aim::Reached) {
        if !found.contains(&set) {
            found.push(set);
        }
    }
    found
}

fn uniform(rows: &RowSet, fit: &[f64]) -> Vec<f64> {
    let mut uniform = fit.to_vec();
    for range in rows.ranges() {
        uniform[range].fill(0.0);
    }
    rows.log_softmax(&uniform)
}

/// How often each choice is made by the outputs of one rank, one a prompt; `None` if there are none.
fn counted(lists: &[Vec<Vec<usize>>], rank: usize, parameters: usize) -> Option<Vec<f64>> {
    let mut counts = vec![0.0; parameters];
    let outputs = lists.iter().filter_map(|outputs| outputs.get(rank));
    outputs.flatten().for_each(|&choice| counts[choice] += 1.0);
    counts.iter().any(|&count| count > 0.0).then_some(counts)
}

/// The policy that makes the counted choices and no other; `None` if there are two in a row.
fn dirac(rows: &RowSet, counts: &[f64], fit: &[f64]) -> Option<Vec<f64>> {
    let mut log_q = fit.to_vec();
    for range in rows.ranges() {
        match counts[range.clone()].iter().filter(|&&count| count > 0.0).count() {
            0 => {}
            1 => range
                .for_each(|index| log_q[index] = if counts[index] > 0.0 { 0.0 } else { f64::NEG_INFINITY }),
            _ => return None,
        }
    }
    Some(log_q)
}

/// Random rows, the same for ever: powers of exponential numbers, which one choice dominates the more the smaller the
/// concentration is.
fn random_rows(rows: &RowSet, parameters: usize, number: usize) -> Vec<f64> {
    let concentration = CONCENTRATIONS[number % CONCENTRATIONS.len()];
    let mut weights = vec![0.0; parameters];
    for range in rows.ranges() {
        for index in range {
            let exponential = -math::ln_1p(-uniform_at(number, index));
            weights[index] = math::exp(math::ln(exponential) / concentration).max(f64::MIN_POSITIVE);
        }
    }
    for range in rows.ranges() {
        let total: f64 = weights[range.clone()].iter().sum();
        weights[range].iter_mut().for_each(|weight| *weight /= total);
    }
    weights
}

/// A number in (0, 1), the same for ever.
fn uniform_at(start: usize, index: usize) -> f64 {
    const BLOCK: usize = 1 << 16;
    let [start, block] = [start, index / BLOCK].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let key = StreamKey::new(0, Purpose::Initialise, 0);
    key.uniform(block % StreamKey::MAX_PROMPTS, start, index % BLOCK).max(f64::EPSILON)
}

/// Projections, in KL(p‖q), of distributions over valid outputs that are p* times a factor a choice.
struct Projector<'a> {
    graph: &'a Graph,
    fit: &'a [f64],
    base: Vec<Vec<Vec<f64>>>,
}

impl<'a> Projector<'a> {
    fn new(graph: &'a Graph, fit: &'a [f64]) -> Self {
        Self { graph, fit, base: graph.prompts.iter().map(|prompt| base_powers(prompt, 1.0)).collect() }
    }

    fn project(&self, factors: &[f64], scratch: &mut Scratch) -> Vec<f64> {
        let Room { sums, weights, futures, here, next, .. } = &mut scratch.one;
        Scratch::zeros(sums, factors.len());
        for (prompt, base) in
            self.graph.prompts.iter().zip(&self.base).filter(|(prompt, _)| prompt.has_filtered())
        {
            weigh(self.graph, prompt, base, factors.as_chunks().0, weights);
            if products_behind(self.graph, prompt, weights, futures) > [f64::NEG_INFINITY] {
                add_counts(self.graph, prompt, [prompt.weight], weights, futures, [here, next], sums);
            }
        }
        let mut log_q = Vec::new();
        wish_for(&self.graph.rows, sums, 0, &mut log_q);
        for (log, &fit) in log_q.iter_mut().zip(self.fit) {
            let prob = if log.is_nan() { math::exp(fit) } else { math::exp(*log) };
            let soft = 0.5 * (math::exp(fit) + 1.0 / self.graph.choices as f64);
            *log = math::ln((1.0 - SOFTENING) * prob + SOFTENING * soft);
        }
        self.graph.rows.log_softmax(&log_q)
    }
}
