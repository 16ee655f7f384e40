//! Sets of choices which only valid outputs can be made of, or only outputs that the base reaches.
//!
//! As λ grows KL-control ends in such a set S, at a KL of −log a(valid outputs made of S)/A1 or more: the search goes
//! by that bound. It branches on the likeliest invalid output that S still makes: one of its choices must go. Classes
//! whose prompts share rows may have no such set at all, so that sets on the way are worth a start too.
//!
//! # Source
//! Best-first branch and bound; branching as in Lawler (1972), so that no set is met by two ways.

use std::cmp::Reverse;
use std::collections::HashSet;

use pstar_core::math;

use super::super::frontier::Frontier;
use super::super::graph::{Graph, Prompt};
use super::super::plain::{base_powers, products_behind, weigh};
use super::super::scratch::{Room, Scratch};

/// What a choice that the base never makes is taken to cost.
const NEVER: f64 = -1e6;

/// Bytes that open sets may take.
const MEMORY: usize = 1 << 28;

/// Sets of choices, parameter by parameter whether it may be chosen.
#[derive(Debug, Default)]
pub(super) struct Supports {
    /// All of whose outputs are as they must be, the most probable sets first.
    pub(super) valid: Vec<Vec<bool>>,
    /// Sets on the way, ever further on it.
    pub(super) partial: Vec<Vec<bool>>,
}

/// What outputs of a set must be, and which sets come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// Valid; by the base's mass of the valid outputs.
    Valid,
    /// Within the base's support; by the base's mass of the valid outputs.
    ReachedByValid,
    /// Within the base's support; by the base's mass of all outputs.
    Reached,
}

/// An open set.
struct Open {
    allowed: Vec<u64>,
    /// Choices that stay.
    kept: Vec<u64>,
}

/// Looks for at most `valid` sets, and for `partial` ones on the way, among `pops` sets.
pub(super) fn supports(graph: &Graph, aim: Aim, valid: usize, partial: usize, pops: usize) -> Supports {
    let mut found = Supports::default();
    let words = graph.parameters.div_ceil(64);
    let pops = pops.min(MEMORY / (16 * words.max(1) * graph.horizon().max(1)));
    let mut searcher = Searcher::new(graph, aim);
    let all = vec![u64::MAX; words];
    let Some(score) = searcher.score(&all).filter(|_| valid > 0) else { return found };
    let mut met = HashSet::from([all.clone()]);
    let mut open = Frontier::new();
    open.push(score, Reverse(0), Open { allowed: all, kept: vec![0; words] });
    let (mut popped, mut next_partial) = (0, 1);
    while let Some(set) = open.pop() {
        popped += 1;
        if popped > pops {
            break;
        }
        let Some(path) = searcher.likeliest_bad(&set.allowed) else {
            found.valid.push(unpack(&set.allowed, graph.parameters));
            if found.valid.len() >= valid {
                break;
            }
            continue;
        };
        if popped > next_partial && found.partial.len() < partial {
            found.partial.push(unpack(&set.allowed, graph.parameters));
            next_partial += 1 + next_partial / 2;
        }
        let mut kept = set.kept;
        for choice in path {
            if contains(&kept, choice) {
                continue;
            }
            let mut allowed = set.allowed.clone();
            allowed[choice / 64] &= !(1 << (choice % 64));
            if !met.contains(&allowed)
                && let Some(score) = searcher.score(&allowed)
            {
                met.insert(allowed.clone());
                open.push(score, Reverse(met.len()), Open { allowed, kept: kept.clone() });
            }
            kept[choice / 64] |= 1 << (choice % 64);
        }
    }
    found
}

/// The greatest log-probability of a bad end through a choice; one that the base never makes is bad itself.
fn through(log_a: f64, behind: f64) -> f64 {
    if log_a == f64::NEG_INFINITY { NEVER } else { log_a + behind }
}

fn contains(set: &[u64], choice: usize) -> bool {
    set[choice / 64] >> (choice % 64) & 1 == 1
}

fn unpack(set: &[u64], parameters: usize) -> Vec<bool> {
    (0..parameters).map(|choice| contains(set, choice)).collect()
}

/// The passes of the search.
struct Searcher<'a> {
    graph: &'a Graph,
    aim: Aim,
    /// Prompt by prompt and layer by layer the base's probabilities.
    base: Vec<Vec<Vec<f64>>>,
    room: Room<1>,
}

impl<'a> Searcher<'a> {
    fn new(graph: &'a Graph, aim: Aim) -> Self {
        let base = graph.prompts.iter().map(|prompt| base_powers(prompt, 1.0)).collect();
        Self { graph, aim, base, room: Room::default() }
    }

    /// The mean over prompts of the log-mass that a set goes by; `None` if a prompt has none left.
    fn score(&mut self, allowed: &[u64]) -> Option<f64> {
        if self.aim == Aim::Reached { self.log_mass(allowed) } else { self.log_valid_mass(allowed) }
    }

    /// The mean over prompts of log a(outputs made of `allowed`).
    fn log_mass(&mut self, allowed: &[u64]) -> Option<f64> {
        let Room { here, next, .. } = &mut self.room;
        let mut score = 0.0;
        for (prompt, base) in self.graph.prompts.iter().zip(&self.base) {
            let mut mass = 0.0;
            here.clear();
            here.push([1.0]);
            for position in 0..prompt.len() {
                let layer = prompt.layer(position);
                let base = &base[prompt.positions[position] as usize];
                Scratch::zeros(next, layer.next_nodes + 2);
                for node in 0..layer.nodes() {
                    let (pair, successors) = layer.node(node, self.graph.choices);
                    for (k, &successor) in successors.iter().enumerate() {
                        if contains(allowed, layer.row[pair] + k) {
                            next[successor as usize][0] +=
                                here[node][0] * base[pair * self.graph.choices + k];
                        }
                    }
                }
                mass += next[layer.next_nodes][0] + next[layer.next_nodes + 1][0];
                std::mem::swap(here, next);
            }
            if mass < f64::MIN_POSITIVE {
                return None;
            }
            score += prompt.weight * math::ln(mass);
        }
        Some(score)
    }

    /// The mean over the prompts that have p* of log a(valid outputs made of `allowed`)/A1; `None` if one has none left.
    fn log_valid_mass(&mut self, allowed: &[u64]) -> Option<f64> {
        let Room { powers, weights, futures, .. } = &mut self.room;
        Scratch::zeros(powers, self.graph.parameters);
        for range in self.graph.rows.ranges() {
            for index in range.filter(|&index| contains(allowed, index)) {
                powers[index] = [1.0];
            }
        }
        let mut score = 0.0;
        for (prompt, base) in
            self.graph.prompts.iter().zip(&self.base).filter(|(prompt, _)| prompt.has_filtered())
        {
            weigh(self.graph, prompt, base, powers, weights);
            let [log_mass] = products_behind(self.graph, prompt, weights, futures);
            if log_mass == f64::NEG_INFINITY {
                return None;
            }
            score += prompt.mean_weight * (log_mass - prompt.log_valid);
        }
        Some(score)
    }

    /// The distinct choices of the likeliest output of `allowed` that is not as it must be, over all prompts.
    fn likeliest_bad(&mut self, allowed: &[u64]) -> Option<Vec<usize>> {
        let mut best: Option<(f64, Vec<usize>)> = None;
        let all = self.aim != Aim::Valid;
        for prompt in self.graph.prompts.iter().filter(|prompt| all || prompt.has_filtered()) {
            let log = math::ln(prompt.weight) + self.bad_behind(prompt, allowed);
            if log > best.as_ref().map_or(f64::NEG_INFINITY, |(best, _)| *best) {
                best = Some((log, self.trace(prompt, allowed)));
            }
        }
        best.map(|(_, path)| path)
    }

    /// The greatest log-probability of a bad end, from the start and from every node.
    fn bad_behind(&mut self, prompt: &Prompt, allowed: &[u64]) -> f64 {
        let behind = &mut self.room.futures.values;
        behind.resize_with(behind.len().max(prompt.len() + 1), Vec::new);
        let invalid = if self.aim == Aim::Valid { 0.0 } else { f64::NEG_INFINITY };
        let ends = [f64::NEG_INFINITY, invalid];
        behind[prompt.len()].clear();
        behind[prompt.len()].extend(ends.map(|end| [end]));
        for position in (0..prompt.len()).rev() {
            let layer = prompt.layer(position);
            let (head, tail) = behind.split_at_mut(position + 1);
            let here = &mut head[position];
            here.clear();
            for node in 0..layer.nodes() {
                let (pair, successors) = layer.node(node, self.graph.choices);
                let (row, log_a) = (layer.row[pair], &layer.log_a[pair * self.graph.choices..]);
                let mut best = f64::NEG_INFINITY;
                let mut stuck = true;
                for (k, &successor) in successors.iter().enumerate() {
                    if contains(allowed, row + k) {
                        stuck = false;
                        best = best.max(through(log_a[k], tail[0][successor as usize][0]));
                    }
                }
                here.push([if stuck { 0.0 } else { best }]);
            }
            here.extend(ends.map(|end| [end]));
        }
        behind[0][0][0]
    }

    /// The distinct choices that the greatest value of [`bad_behind`](Self::bad_behind) comes from.
    fn trace(&self, prompt: &Prompt, allowed: &[u64]) -> Vec<usize> {
        let (mut path, mut node) = (Vec::new(), 0);
        for position in 0..prompt.len() {
            let layer = prompt.layer(position);
            let (pair, successors) = layer.node(node, self.graph.choices);
            let (row, log_a) = (layer.row[pair], &layer.log_a[pair * self.graph.choices..]);
            let after = &self.room.futures.values[position + 1];
            let value = |k: usize| through(log_a[k], after[successors[k] as usize][0]);
            let allowed = (0..self.graph.choices).filter(|&k| contains(allowed, row + k));
            let Some(best) = allowed.max_by(|&a, &b| value(a).total_cmp(&value(b)).then(b.cmp(&a))) else {
                break;
            };
            if !path.contains(&(row + best)) {
                path.push(row + best);
            }
            // Beyond the base's reach, or at an end, nothing more need go.
            if log_a[best] == f64::NEG_INFINITY || successors[best] as usize >= layer.next_nodes {
                break;
            }
            node = successors[best] as usize;
        }
        path
    }
}
