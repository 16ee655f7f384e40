//! KL(q‖p_\[β\]) in plain numbers; see [`control`](super::control) for the steps.

use pstar_core::math;

use super::control::Control;
use super::descend::Potential;
use super::graph::{Graph, Prompt};
use super::scratch::Scratch;

/// Times 1 + λ, what it costs to leave the base's support: more than anything else can.
const OUT_OF_REACH: f64 = -1e6;

/// KL(q‖p_\[β\]) over all prompts.
#[derive(Debug)]
pub(super) struct PlainControl<'a> {
    graph: &'a Graph,
    /// Prompt by prompt its weight in the potential, and log p_\[β\] − log a of a valid and of an invalid output.
    prompts: Vec<(f64, [f64; 2])>,
    /// Prompt by prompt and layer by layer log a, finite.
    log_a: Vec<Vec<Vec<f64>>>,
}

impl<'a> PlainControl<'a> {
    /// The same as `control`.
    pub(super) fn new(graph: &'a Graph, control: &Control<'_>) -> Self {
        let least = OUT_OF_REACH * (1.0 + control.greatest_lambda());
        let finite = |prompt: &Prompt| -> Vec<Vec<f64>> {
            prompt.layers.iter().map(|layer| layer.log_a.iter().map(|log| log.max(least)).collect()).collect()
        };
        Self { graph, prompts: control.prompts(), log_a: graph.prompts.iter().map(finite).collect() }
    }

    /// Minus the expected log-ratio to the tilt that is still to come from every node, and the first node's.
    fn worth_behind(
        &self,
        number: usize,
        powers: &[f64],
        log_q: &[f64],
        rewards: [f64; 2],
        weights: &mut Vec<Vec<f64>>,
        behind: &mut Vec<Vec<f64>>,
    ) -> f64 {
        let (prompt, log_a) = (&self.graph.prompts[number], &self.log_a[number]);
        let choices = self.graph.choices;
        weights.resize_with(weights.len().max(prompt.layers.len()), Vec::new);
        // What a pair costs at once.
        for ((layer, log_a), costs) in prompt.layers.iter().zip(log_a).zip(weights.iter_mut()) {
            costs.clear();
            for (&row, log_a) in layer.row.iter().zip(log_a.chunks_exact(choices)) {
                let mut cost = 0.0;
                for (k, log_a) in log_a.iter().enumerate() {
                    if powers[row + k] > 0.0 {
                        cost += powers[row + k] * (log_a - log_q[row + k]);
                    }
                }
                costs.push(cost);
            }
        }
        let len = prompt.len();
        behind.resize_with(behind.len().max(len + 1), Vec::new);
        behind[len].clear();
        behind[len].extend(rewards);
        for position in (0..len).rev() {
            let layer = prompt.layer(position);
            let costs = &weights[prompt.positions[position] as usize];
            let (head, tail) = behind.split_at_mut(position + 1);
            let (here, next) = (&mut head[position], &tail[0]);
            here.clear();
            for node in 0..layer.nodes() {
                let (pair, successors) = layer.node(node, choices);
                let probs = &powers[layer.row[pair]..][..choices];
                let mut sum = costs[pair];
                for (prob, &successor) in probs.iter().zip(successors) {
                    sum += prob * next[successor as usize];
                }
                here.push(sum);
            }
            here.extend(rewards);
        }
        behind[0][0]
    }
}

impl Potential for PlainControl<'_> {
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, scratch: &mut Scratch) -> f64 {
        let Scratch { powers, sums, masses, weights, futures, here, next, .. } = scratch;
        let behind = &mut futures.values;
        let choices = self.graph.choices;
        super::plain_counting::powers_of(self.graph, 1.0, log_q, powers);
        Scratch::zeros(sums, log_q.len());
        Scratch::zeros(masses, log_q.len());
        let mut potential = 0.0;
        for (number, (prompt, &(weight, rewards))) in self.graph.prompts.iter().zip(&self.prompts).enumerate()
        {
            potential -= weight * self.worth_behind(number, powers, log_q, rewards, weights, behind);
            here.clear();
            here.push(weight);
            for position in 0..prompt.len() {
                let layer = prompt.layer(position);
                let log_a = &self.log_a[number][prompt.positions[position] as usize];
                let after = &behind[position + 1];
                Scratch::zeros(next, layer.next_nodes + 2);
                for node in 0..layer.nodes() {
                    let occupancy = here[node];
                    if occupancy == 0.0 {
                        continue;
                    }
                    let (pair, successors) = layer.node(node, choices);
                    let row = layer.row[pair];
                    masses[row] += occupancy;
                    let log_a = &log_a[pair * choices..][..choices];
                    let (probs, sums) = (&powers[row..][..choices], &mut sums[row..][..choices]);
                    for k in 0..choices {
                        let successor = successors[k] as usize;
                        sums[k] += occupancy * (log_a[k] + after[successor]);
                        next[successor] += occupancy * probs[k];
                    }
                }
                std::mem::swap(here, next);
            }
        }
        wish.clear();
        wish.resize(log_q.len(), f64::NAN);
        for range in self.graph.rows.ranges() {
            let mass = masses[range.start];
            if mass < f64::MIN_POSITIVE {
                continue;
            }
            for index in range.clone() {
                let zero = log_q[index] == f64::NEG_INFINITY;
                wish[index] = if zero { f64::NEG_INFINITY } else { sums[index] / mass };
            }
            let log_norm = math::log_sum_exp(&wish[range.clone()]);
            wish[range].iter_mut().for_each(|wish| *wish -= log_norm);
        }
        potential
    }

    fn longest_stride(&self) -> f64 {
        1.0
    }
}
