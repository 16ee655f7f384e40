//! KL(q‖p_\[β\]) in boxes. From node n on, J is the expected log-ratio of the tilt to the policy.

use pstar_core::math;

use super::super::control::Control;
use super::super::graph::{Graph, Layer, Prompt};
use super::super::scratch::Scratch;
use super::boxes::PolicyBox;
use super::rows::{Faces, entropic};
use super::{Look, Relaxation, rounding};

/// Times 1 + λ, what leaving the base's support is taken to cost at least; it costs more.
const OUT_OF_REACH: f64 = -1e3;

/// KL(q‖p_\[β\]) over all prompts.
pub(in crate::optimum) struct Sums<'a> {
    graph: &'a Graph,
    /// Prompt by prompt its weight in the potential, and log p_\[β\] − log a of a valid and of an invalid output.
    prompts: Vec<(f64, [f64; 2])>,
    /// Prompt by prompt and layer by layer.
    log_a: Vec<Vec<Vec<f64>>>,
    room: Room,
}

/// Buffers.
struct Room {
    log_centre: Vec<f64>,
    /// Position by position, values of nodes and ends; rows of the nodes; occupancies.
    values: Vec<Vec<f64>>,
    rows: Vec<Vec<f64>>,
    occupancies: Vec<Vec<f64>>,
    mass: Vec<f64>,
    sums: Vec<f64>,
    constants: Vec<f64>,
    worth: Vec<f64>,
    row: Vec<f64>,
}

impl Room {
    fn new(graph: &Graph) -> Self {
        let (positions, choices) = (graph.horizon() + 1, graph.choices);
        let none = || vec![Vec::new(); positions];
        Self {
            log_centre: vec![0.0; graph.parameters],
            values: none(),
            rows: none(),
            occupancies: none(),
            mass: Vec::new(),
            sums: Vec::new(),
            constants: Vec::new(),
            worth: vec![0.0; choices],
            row: vec![0.0; choices],
        }
    }
}

/// A bound and the magnitudes that went into it.
#[derive(Clone, Copy, Default)]
struct Upper {
    value: f64,
    magnitude: f64,
}

impl Relaxation for Sums<'_> {
    fn look(&mut self, policies: &PolicyBox, bar: f64) -> Look {
        let parameters = self.graph.parameters;
        let faces = Faces::new(policies, self.graph.rows.ranges(), math::ln);
        let mut centre = vec![0.0; parameters];
        let mut disagreement = vec![0.0; parameters];
        Scratch::zeros(&mut self.room.mass, parameters);
        let mut uncoupled = Upper::default();
        // The nodes' own rows are needed once more where there are several prompts: they are worked out again.
        for number in 0..self.prompts.len() {
            let upper = self.uncoupled(number, &faces);
            uncoupled.value += upper.value;
            uncoupled.magnitude += upper.magnitude;
            self.average(number, &mut centre);
        }
        for row in self.graph.rows.ranges() {
            policies.average(row.clone(), self.room.mass[row.start], &mut centre);
        }
        let slack = rounding(self.graph);
        let least = |upper: Upper| -upper.value - slack * upper.magnitude;
        if least(uncoupled) >= bar {
            return Look { least: least(uncoupled), centre, potential: f64::INFINITY, disagreement };
        }
        for number in 0..self.prompts.len() {
            if self.prompts.len() > 1 {
                self.uncoupled(number, &faces);
                self.occupy(number);
            }
            self.disagree(number, &centre, &mut disagreement);
        }
        let (centred, potential) = self.centred(&faces, &centre);
        Look { least: least(uncoupled).max(least(centred)), centre, potential, disagreement }
    }
}

impl<'a> Sums<'a> {
    pub(in crate::optimum) fn new(graph: &'a Graph, control: &Control<'_>) -> Self {
        let least = OUT_OF_REACH * (1.0 + control.greatest_lambda());
        let finite = |layer: &Layer| layer.log_a.iter().map(|log| log.max(least)).collect();
        let log_a = graph.prompts.iter().map(|prompt| prompt.layers.iter().map(finite).collect()).collect();
        Self { graph, prompts: control.prompts(), log_a, room: Room::new(graph) }
    }

    /// J where every node has a row of its own, and those rows.
    fn uncoupled(&mut self, number: usize, faces: &Faces<'_>) -> Upper {
        let Self { graph, prompts, log_a, room } = self;
        let (prompt, (weight, rewards), choices) = (&graph.prompts[number], prompts[number], graph.choices);
        let len = prompt.len();
        room.values[len].clear();
        room.values[len].extend(rewards);
        let mut magnitude = rewards[0].abs() + rewards[1].abs();
        for position in (0..len).rev() {
            let layer = prompt.layer(position);
            let log_a = &log_a[number][prompt.positions[position] as usize];
            let (head, tail) = room.values.split_at_mut(position + 1);
            let (here, next) = (&mut head[position], &tail[0]);
            here.clear();
            let rows = &mut room.rows[position];
            rows.clear();
            rows.resize(layer.nodes() * choices, 0.0);
            let mut greatest: f64 = 0.0;
            for node in 0..layer.nodes() {
                let (pair, successors) = layer.node(node, choices);
                let range = layer.row[pair]..layer.row[pair] + choices;
                for k in 0..choices {
                    room.worth[k] = log_a[pair * choices + k] + next[successors[k] as usize];
                }
                let ends = faces.row(range);
                let row = &mut rows[node * choices..][..choices];
                here.push(entropic(&room.worth, &ends, row));
                let size = row.iter().zip(&room.worth).map(|(prob, worth)| prob * worth.abs()).sum::<f64>();
                greatest = greatest.max(size + 1.0);
            }
            magnitude += greatest;
            here.extend(rewards);
        }
        Upper { value: weight * room.values[0][0], magnitude: weight * magnitude }
    }

    /// How often nodes are reached where every node has a row of its own, times the prompt's weight.
    fn occupy(&mut self, number: usize) {
        let Self { graph, prompts, room, .. } = self;
        let (prompt, (weight, _), choices) = (&graph.prompts[number], prompts[number], graph.choices);
        room.occupancies[0].clear();
        room.occupancies[0].push(weight);
        for position in 0..prompt.len() {
            let layer = prompt.layer(position);
            let (head, tail) = room.occupancies.split_at_mut(position + 1);
            let (here, next) = (&head[position], &mut tail[0]);
            Scratch::zeros(next, layer.next_nodes + 2);
            for node in 0..layer.nodes() {
                let (_, successors) = layer.node(node, choices);
                let row = &room.rows[position][node * choices..][..choices];
                for (prob, &successor) in row.iter().zip(successors) {
                    next[successor as usize] += here[node] * prob;
                }
            }
        }
    }

    /// Adds the nodes' rows, as often as they are used.
    fn average(&mut self, number: usize, sums: &mut [f64]) {
        self.occupy(number);
        let Self { graph, room, .. } = self;
        let (prompt, choices) = (&graph.prompts[number], graph.choices);
        for position in 0..prompt.len() {
            let layer = prompt.layer(position);
            for node in 0..layer.nodes() {
                let occupancy = room.occupancies[position][node];
                let start = layer.row[layer.pair[node] as usize];
                room.mass[start] += occupancy;
                let row = &room.rows[position][node * choices..][..choices];
                for (sum, prob) in sums[start..].iter_mut().zip(row) {
                    *sum += occupancy * prob;
                }
            }
        }
    }

    fn disagree(&self, number: usize, centre: &[f64], disagreement: &mut [f64]) {
        let (prompt, choices) = (&self.graph.prompts[number], self.graph.choices);
        for position in 0..prompt.len() {
            let layer = prompt.layer(position);
            for node in 0..layer.nodes() {
                let occupancy = self.room.occupancies[position][node];
                if occupancy < 1e-12 {
                    continue;
                }
                let start = layer.row[layer.pair[node] as usize];
                let row = &self.room.rows[position][node * choices..][..choices];
                for (k, prob) in row.iter().enumerate() {
                    disagreement[start + k] += occupancy * apart(*prob, centre[start + k]);
                }
            }
        }
    }

    /// The second bound, and the potential of the centre.
    fn centred(&mut self, faces: &Faces<'_>, centre: &[f64]) -> (Upper, f64) {
        let Self { graph, prompts, log_a, room } = self;
        let (policies, choices) = (faces.policies, graph.choices);
        for range in graph.rows.ranges() {
            for k in range {
                room.log_centre[k] = math::ln(centre[k]);
            }
        }
        for buffer in [&mut room.mass, &mut room.sums, &mut room.constants] {
            Scratch::zeros(buffer, graph.parameters);
        }
        let mut upper = Upper::default();
        let mut potential = 0.0;
        for (number, prompt) in graph.prompts.iter().enumerate() {
            let (weight, rewards) = prompts[number];
            let len = prompt.len();
            let magnitude = centre_values(graph, prompt, rewards, &log_a[number], centre, room);
            potential -= weight * room.values[0][0];
            upper.value += weight * room.values[0][0];
            upper.magnitude += weight * magnitude;
            // Occupancies of the centre, and the least and greatest in the box.
            let mut here = vec![[weight; 3]];
            for position in 0..len {
                let layer = prompt.layer(position);
                let log_a = &log_a[number][prompt.positions[position] as usize];
                let mut next = vec![[0.0; 3]; layer.next_nodes + 2];
                for node in 0..layer.nodes() {
                    let [own, least, most] = here[node];
                    let most = f64::min(most, weight);
                    if most == 0.0 {
                        continue;
                    }
                    let (pair, successors) = layer.node(node, choices);
                    let start = layer.row[pair];
                    let value = room.values[position][node];
                    let mut lowest = 0.0;
                    for k in 0..choices {
                        let index = start + k;
                        let worth =
                            log_a[pair * choices + k] + room.values[position + 1][successors[k] as usize];
                        room.worth[k] = worth;
                        room.sums[index] += own * worth;
                        let at =
                            |prob: f64, log: f64| if prob > 0.0 { prob * (worth - value - log) } else { 0.0 };
                        lowest += at(policies.low[index], faces.of_low[index])
                            .min(at(policies.high[index], faces.of_high[index]));
                        let behind = &mut next[successors[k] as usize];
                        behind[0] += own * centre[index];
                        behind[1] += least * policies.low[index];
                        behind[2] += most * policies.high[index];
                    }
                    room.mass[start] += own;
                    room.constants[start] += own * value;
                    let range = start..start + choices;
                    let ends = faces.row(range);
                    let highest = entropic(&room.worth, &ends, &mut room.row) - value;
                    let rest = ((most - own).max(0.0) * highest.max(0.0))
                        .max((own - least).max(0.0) * (-lowest).max(0.0));
                    upper.value += rest;
                    upper.magnitude += rest + most * (value.abs() + highest.abs() + lowest.abs());
                }
                here = next;
            }
        }
        for range in graph.rows.ranges() {
            let (mass, constant) = (room.mass[range.start], room.constants[range.start]);
            if mass <= 0.0 {
                continue;
            }
            for (worth, sum) in room.worth.iter_mut().zip(&room.sums[range.clone()]) {
                *worth = sum / mass;
            }
            let ends = faces.row(range);
            let best = mass * entropic(&room.worth, &ends, &mut room.row);
            upper.value += best - constant;
            let size: f64 = room.row.iter().zip(&room.worth).map(|(prob, worth)| prob * worth.abs()).sum();
            upper.magnitude += best.abs() + constant.abs() + mass * (size + 1.0);
        }
        (upper, potential)
    }
}

/// Writes the centre's own values behind all nodes; the magnitudes that went into the first.
fn centre_values(
    graph: &Graph,
    prompt: &Prompt,
    rewards: [f64; 2],
    log_a: &[Vec<f64>],
    centre: &[f64],
    room: &mut Room,
) -> f64 {
    let (len, choices) = (prompt.len(), graph.choices);
    room.values[len].clear();
    room.values[len].extend(rewards);
    let mut magnitude = 0.0;
    for position in (0..len).rev() {
        let layer = prompt.layer(position);
        let log_a = &log_a[prompt.positions[position] as usize];
        let (head, tail) = room.values.split_at_mut(position + 1);
        let (here, next) = (&mut head[position], &tail[0]);
        here.clear();
        let mut greatest: f64 = 0.0;
        for node in 0..layer.nodes() {
            let (pair, successors) = layer.node(node, choices);
            let start = layer.row[pair];
            let (mut sum, mut size) = (0.0, 0.0);
            for k in 0..choices {
                let prob = centre[start + k];
                if prob > 0.0 {
                    let worth = log_a[pair * choices + k] + next[successors[k] as usize];
                    let term = prob * (worth - room.log_centre[start + k]);
                    sum += term;
                    size += term.abs();
                }
            }
            here.push(sum);
            greatest = greatest.max(size);
        }
        magnitude += greatest;
        here.extend(rewards);
    }
    magnitude
}

/// How far two probabilities are apart: nearly twice the terms of their KL where they are close, none of them negative.
pub(super) fn apart(prob: f64, other: f64) -> f64 {
    let sum = prob + other;
    if sum > 0.0 { (prob - other) * (prob - other) / sum } else { 0.0 }
}
