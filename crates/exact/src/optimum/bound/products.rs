//! Sums of p*^(1−α) q^α in boxes, and at α = 1 the validity rate. From node n on, F is that sum over valid ends.

use pstar_core::math;

use super::super::graph::Graph;
use super::super::plain::base_powers;
use super::super::scratch::Scratch;
use super::boxes::PolicyBox;
use super::rows::{Faces, power};
use super::sums::apart;
use super::{Look, Relaxation, rounding};

/// A base that is valid less often than e^this leaves too little room above underflow.
const RAREST: f64 = -600.0;

/// D_α; at α = 1 the invalidity rate.
pub(in crate::optimum) struct Products<'a> {
    graph: &'a Graph,
    alpha: f64,
    /// Prompt by prompt the factor of its sum in J, and layer by layer a^(1−α).
    prompts: Vec<(f64, Vec<Vec<f64>>)>,
    room: Room,
}

/// Buffers.
struct Room {
    /// Position by position, sums of nodes and ends; rows of the nodes and their terms.
    values: Vec<Vec<f64>>,
    rows: Vec<Vec<f64>>,
    terms: Vec<Vec<f64>>,
    powers: Vec<f64>,
    mass: Vec<f64>,
    sums: Vec<f64>,
    constants: Vec<f64>,
    worth: Vec<f64>,
    shares: Vec<f64>,
    row: Vec<f64>,
}

impl Room {
    fn new(graph: &Graph) -> Self {
        let none = || vec![Vec::new(); graph.horizon() + 1];
        let row = || vec![0.0; graph.choices];
        let [powers, mass, sums, constants] = [0; 4].map(|_| Vec::new());
        Self {
            values: none(),
            rows: none(),
            terms: none(),
            powers,
            mass,
            sums,
            constants,
            worth: row(),
            shares: row(),
            row: row(),
        }
    }
}

impl Relaxation for Products<'_> {
    fn look(&mut self, policies: &PolicyBox, bar: f64) -> Look {
        let parameters = self.graph.parameters;
        let alpha = self.alpha;
        let faces = Faces::new(policies, self.graph.rows.ranges(), |prob| raised(alpha, prob));
        let mut centre = vec![0.0; parameters];
        let mut disagreement = vec![0.0; parameters];
        Scratch::zeros(&mut self.room.mass, parameters);
        let solvable: Vec<usize> =
            (0..self.prompts.len()).filter(|&number| self.prompts[number].0 > 0.0).collect();
        let mut uncoupled = 0.0;
        for &number in &solvable {
            uncoupled += self.uncoupled(number, &faces);
            self.flow(number, |room, start, row, flow| {
                room.mass[start] += flow;
                for (sum, prob) in centre[start..].iter_mut().zip(row) {
                    *sum += flow * prob;
                }
            });
        }
        for row in self.graph.rows.ranges() {
            policies.average(row.clone(), self.room.mass[row.start], &mut centre);
        }
        // Every term is positive: what went in is no more than what came out.
        let least = |upper: f64, magnitude: f64| self.potential(upper + rounding(self.graph) * magnitude);
        let first = least(uncoupled, uncoupled + 1.0);
        if first >= bar {
            return Look { least: first, centre, potential: f64::INFINITY, disagreement };
        }
        for &number in &solvable {
            if solvable.len() > 1 {
                self.uncoupled(number, &faces);
            }
            self.flow(number, |_, start, row, flow| {
                for (k, prob) in row.iter().enumerate() {
                    disagreement[start + k] += flow * apart(*prob, centre[start + k]);
                }
            });
        }
        let (value, centred, magnitude) = self.centred(&faces, &centre, &solvable);
        let second = self.potential(centred + rounding(self.graph) * magnitude);
        Look { least: first.max(second), potential: self.potential(value), centre, disagreement }
    }
}

fn raised(alpha: f64, prob: f64) -> f64 {
    if alpha == 1.0 { prob } else { math::pow(prob, alpha) }
}

impl<'a> Products<'a> {
    /// `None` if the base is valid too rarely for plain numbers.
    pub(in crate::optimum) fn new(graph: &'a Graph, alpha: f64) -> Option<Self> {
        let mut solvable = graph.prompts.iter().filter(|prompt| prompt.has_filtered());
        // Of a power of the base, Z may be beyond the other end too.
        if solvable.any(|prompt| (1.0 - alpha) * prompt.log_valid.abs() > -RAREST) {
            return None;
        }
        let prompts = graph.prompts.iter().map(|prompt| {
            let scale = prompt.mean_weight * math::exp(-(1.0 - alpha) * prompt.log_valid);
            (if prompt.has_filtered() { scale } else { 0.0 }, base_powers(prompt, 1.0 - alpha))
        });
        Some(Self { graph, alpha, prompts: prompts.collect(), room: Room::new(graph) })
    }

    /// The potential where the sum over prompts is J.
    fn potential(&self, sum: f64) -> f64 {
        let units = if self.alpha == 1.0 { 1.0 } else { self.alpha * (1.0 - self.alpha) };
        (1.0 - sum) / units
    }

    /// F where every node has a row of its own, those rows and their terms; times the prompt's factor.
    fn uncoupled(&mut self, number: usize, faces: &Faces<'_>) -> f64 {
        let Self { graph, alpha, prompts, room } = self;
        let (prompt, (scale, base), choices) = (&graph.prompts[number], &prompts[number], graph.choices);
        let len = prompt.len();
        room.values[len].clear();
        room.values[len].extend([1.0, 0.0]);
        for position in (0..len).rev() {
            let layer = prompt.layer(position);
            let base = &base[prompt.positions[position] as usize];
            let (head, tail) = room.values.split_at_mut(position + 1);
            let (here, next) = (&mut head[position], &tail[0]);
            Scratch::zeros(here, layer.nodes());
            let (rows, terms) = (&mut room.rows[position], &mut room.terms[position]);
            Scratch::zeros(rows, layer.alive * choices);
            Scratch::zeros(terms, layer.alive * choices);
            for node in 0..layer.alive {
                let (pair, successors) = layer.node(node, choices);
                let range = layer.row[pair]..layer.row[pair] + choices;
                for k in 0..choices {
                    room.worth[k] = base[pair * choices + k] * next[successors[k] as usize];
                }
                let row = &mut rows[node * choices..][..choices];
                let terms = &mut terms[node * choices..][..choices];
                here[node] = power(*alpha, &room.worth, &faces.row(range), terms, row);
            }
            here.extend([1.0, 0.0]);
        }
        scale * room.values[0][0]
    }

    /// Shows for every node the start of its row, its own row and how much of J goes through it.
    fn flow(&mut self, number: usize, mut see: impl FnMut(&mut Room, usize, &[f64], f64)) {
        let Self { graph, prompts, room, .. } = self;
        let (prompt, scale, choices) = (&graph.prompts[number], prompts[number].0, graph.choices);
        let mut here = vec![scale * room.values[0][0]];
        for position in 0..prompt.len() {
            let layer = prompt.layer(position);
            let mut next = vec![0.0; layer.next_nodes + 2];
            let rows = std::mem::take(&mut room.rows[position]);
            for node in 0..layer.alive {
                let (flow, value) = (here[node], room.values[position][node]);
                if flow <= 0.0 || value <= f64::MIN_POSITIVE {
                    continue;
                }
                let (pair, successors) = layer.node(node, choices);
                see(room, layer.row[pair], &rows[node * choices..][..choices], flow);
                let terms = &room.terms[position][node * choices..][..choices];
                for (term, &successor) in terms.iter().zip(successors) {
                    next[successor as usize] += flow * (term / value);
                }
            }
            room.rows[position] = rows;
            here = next;
        }
    }

    /// J at the centre, the second bound, and the magnitudes that went into it.
    fn centred(&mut self, faces: &Faces<'_>, centre: &[f64], solvable: &[usize]) -> (f64, f64, f64) {
        let Self { graph, alpha, prompts, room } = self;
        let choices = graph.choices;
        for buffer in [&mut room.mass, &mut room.sums, &mut room.constants, &mut room.powers] {
            Scratch::zeros(buffer, graph.parameters);
        }
        for k in graph.rows.ranges().flatten() {
            room.powers[k] = raised(*alpha, centre[k]);
        }
        let (mut value, mut upper, mut magnitude) = (0.0, 0.0, 0.0);
        for &number in solvable {
            let (prompt, (scale, base)) = (&graph.prompts[number], &prompts[number]);
            let len = prompt.len();
            room.values[len].clear();
            room.values[len].extend([1.0, 0.0]);
            for position in (0..len).rev() {
                let layer = prompt.layer(position);
                let base = &base[prompt.positions[position] as usize];
                let (head, tail) = room.values.split_at_mut(position + 1);
                let (here, next) = (&mut head[position], &tail[0]);
                Scratch::zeros(here, layer.nodes());
                for node in 0..layer.alive {
                    let (pair, successors) = layer.node(node, choices);
                    let powers = &room.powers[layer.row[pair]..][..choices];
                    let terms = powers.iter().zip(&base[pair * choices..]).zip(successors);
                    here[node] = terms
                        .map(|((power, base), &next_node)| power * base * next[next_node as usize])
                        .sum();
                }
                here.extend([1.0, 0.0]);
            }
            value += scale * room.values[0][0];
            let mut here = vec![[*scale; 3]];
            for position in 0..len {
                let layer = prompt.layer(position);
                let base = &base[prompt.positions[position] as usize];
                let mut next = vec![[0.0; 3]; layer.next_nodes + 2];
                for node in 0..layer.alive {
                    let [own, least, most] = here[node];
                    // Sums over one position of a^(1−α) q^α are at most 1.
                    let most = f64::min(most, *scale);
                    if most == 0.0 {
                        continue;
                    }
                    let (pair, successors) = layer.node(node, choices);
                    let start = layer.row[pair];
                    let value = room.values[position][node];
                    let mut lowest = 0.0;
                    for k in 0..choices {
                        let (index, base) = (start + k, base[pair * choices + k]);
                        let worth = base * room.values[position + 1][successors[k] as usize];
                        room.worth[k] = worth;
                        room.sums[index] += own * worth;
                        // As probabilities sum to 1, the node's own value may be taken off choice by choice.
                        let at = |power: f64, prob: f64| worth * power - value * prob;
                        lowest += at(faces.of_low[index], faces.policies.low[index])
                            .min(at(faces.of_high[index], faces.policies.high[index]));
                        let behind = &mut next[successors[k] as usize];
                        behind[0] += own * base * room.powers[index];
                        behind[1] += least * base * faces.of_low[index];
                        behind[2] += most * base * faces.of_high[index];
                    }
                    room.constants[start] += own * value;
                    room.mass[start] += own;
                    let ends = faces.row(start..start + choices);
                    let best = power(*alpha, &room.worth, &ends, &mut room.shares, &mut room.row);
                    let rest = ((most - own).max(0.0) * (best - value).max(0.0))
                        .max((own - least).max(0.0) * (-lowest).max(0.0));
                    upper += rest;
                    magnitude += rest + most * (best + 2.0 * value + lowest.abs());
                }
                here = next;
            }
        }
        upper += value;
        magnitude += value + 1.0;
        for range in graph.rows.ranges().filter(|range| room.mass[range.start] > 0.0) {
            let constant = room.constants[range.start];
            room.worth.copy_from_slice(&room.sums[range.clone()]);
            let best = power(*alpha, &room.worth, &faces.row(range), &mut room.shares, &mut room.row);
            upper += best - constant;
            magnitude += best + constant;
        }
        (value, upper, magnitude)
    }
}
