//! KL(q‖p_\[β\]) in plain numbers; see [`control`](super::control) for the steps.

use std::slice;

use pstar_core::{math, vectorised};

use crate::dynamic::occupancy::RowSet;

use super::control::Control;
use super::descend::Potential;
use super::graph::{Graph, Prompt};
use super::plain_counting::{in_lanes, powers_of};
use super::scratch::{Futures, LANES, Room, Scratch};

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

    /// See [`Potential::look_at`].
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn pass<const W: usize>(
        &self,
        log_q: &[&[f64]],
        wishes: &mut [Vec<f64>],
        room: &mut Room<W>,
    ) -> [f64; W] {
        in_lanes(&self.graph.rows, log_q, &mut room.log_q);
        powers_of(&self.graph.rows, 1.0, &room.log_q, &mut room.powers);
        Scratch::zeros(&mut room.sums, room.log_q.len());
        Scratch::zeros(&mut room.masses, room.log_q.len());
        let mut potentials = [0.0; W];
        for (number, &(weight, rewards)) in self.prompts.iter().enumerate() {
            let worth = self.worth_behind(number, rewards, room);
            for lane in 0..W {
                potentials[lane] -= weight * worth[lane];
            }
            self.add_wishes(number, weight, room);
        }
        for (lane, wish) in wishes.iter_mut().enumerate() {
            wish_for(&self.graph.rows, room, lane, log_q[lane], wish);
        }
        potentials
    }

    /// Minus the expected log-ratio to the tilt that is still to come from every node, and the first node's.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn worth_behind<const W: usize>(
        &self,
        number: usize,
        rewards: [f64; 2],
        Room { log_q, powers, weights, futures: Futures { values: behind, .. }, .. }: &mut Room<W>,
    ) -> [f64; W] {
        let (prompt, log_a) = (&self.graph.prompts[number], &self.log_a[number]);
        let choices = self.graph.choices;
        weights.resize_with(weights.len().max(prompt.layers.len()), Vec::new);
        // What a pair costs at once.
        for ((layer, log_a), costs) in prompt.layers.iter().zip(log_a).zip(weights.iter_mut()) {
            costs.clear();
            for (&row, log_a) in layer.row.iter().zip(log_a.chunks_exact(choices)) {
                let mut cost = [0.0; W];
                let (powers, log_q) = (&powers[row..][..choices], &log_q[row..][..choices]);
                for ((log_a, power), log_q) in log_a.iter().zip(powers).zip(log_q) {
                    for lane in 0..W {
                        let term = power[lane] * (log_a - log_q[lane]);
                        cost[lane] += if power[lane] > 0.0 { term } else { 0.0 };
                    }
                }
                costs.push(cost);
            }
        }
        let len = prompt.len();
        let ends = rewards.map(|reward| [reward; W]);
        behind.resize_with(behind.len().max(len + 1), Vec::new);
        behind[len].clear();
        behind[len].extend(ends);
        for position in (0..len).rev() {
            let layer = prompt.layer(position);
            let costs = &weights[prompt.positions[position] as usize];
            let (head, tail) = behind.split_at_mut(position + 1);
            let (here, next) = (&mut head[position], &tail[0]);
            here.clear();
            for node in 0..layer.nodes() {
                let (pair, successors) = layer.node(node, choices);
                let mut sum = costs[pair];
                for (prob, &successor) in powers[layer.row[pair]..][..choices].iter().zip(successors) {
                    let next = &next[successor as usize];
                    for lane in 0..W {
                        sum[lane] += prob[lane] * next[lane];
                    }
                }
                here.push(sum);
            }
            here.extend(ends);
        }
        behind[0][0]
    }

    /// Runs forwards behind [`worth_behind`](Self::worth_behind): adds up T of every choice times its row's mass, and the masses.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn add_wishes<const W: usize>(
        &self,
        number: usize,
        weight: f64,
        Room { powers, sums, masses, futures: Futures { values: behind, .. }, here, next, .. }: &mut Room<W>,
    ) {
        let prompt = &self.graph.prompts[number];
        let choices = self.graph.choices;
        here.clear();
        here.push([weight; W]);
        for position in 0..prompt.len() {
            let layer = prompt.layer(position);
            let log_a = &self.log_a[number][prompt.positions[position] as usize];
            let after = &behind[position + 1];
            Scratch::zeros(next, layer.next_nodes + 2);
            for node in 0..layer.nodes() {
                let occupancy = here[node];
                // Where some lanes have none, 0 is added to their sums.
                if occupancy == [0.0; W] {
                    continue;
                }
                let (pair, successors) = layer.node(node, choices);
                let row = layer.row[pair];
                for lane in 0..W {
                    masses[row][lane] += occupancy[lane];
                }
                let log_a = &log_a[pair * choices..][..choices];
                let (probs, sums) = (&powers[row..][..choices], &mut sums[row..][..choices]);
                for (((log_a, prob), sum), &successor) in log_a.iter().zip(probs).zip(sums).zip(successors) {
                    // Copies, which cannot lie upon each other, so that all lanes are worked out at once.
                    let (after, mut reached, mut wished) =
                        (after[successor as usize], next[successor as usize], *sum);
                    for lane in 0..W {
                        wished[lane] += occupancy[lane] * (log_a + after[lane]);
                        reached[lane] += occupancy[lane] * prob[lane];
                    }
                    (*sum, next[successor as usize]) = (wished, reached);
                }
            }
            std::mem::swap(here, next);
        }
    }
}

/// T of every choice of a lane's policy, normalised; NaN in rows without mass.
fn wish_for<const W: usize>(
    rows: &RowSet,
    Room { sums, masses, .. }: &Room<W>,
    lane: usize,
    log_q: &[f64],
    wish: &mut Vec<f64>,
) {
    wish.clear();
    wish.resize(log_q.len(), f64::NAN);
    for range in rows.ranges() {
        let mass = masses[range.start][lane];
        if mass < f64::MIN_POSITIVE {
            continue;
        }
        let wish = &mut wish[range.clone()];
        for ((wish, sum), &log_q) in wish.iter_mut().zip(&sums[range.clone()]).zip(&log_q[range]) {
            *wish = if log_q == f64::NEG_INFINITY { f64::NEG_INFINITY } else { sum[lane] / mass };
        }
        let log_norm = math::log_sum_exp(wish);
        for wish in wish {
            *wish -= log_norm;
        }
    }
}

impl Potential for PlainControl<'_> {
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, scratch: &mut Scratch) -> f64 {
        self.pass(&[log_q], slice::from_mut(wish), &mut scratch.one)[0]
    }

    fn look_at(&self, log_q: &[&[f64]], wishes: &mut [Vec<f64>], scratch: &mut Scratch) -> [f64; LANES] {
        vectorised!([
            own: &PlainControl<'_> = self,
            log_q: &[&[f64]] = log_q,
            wishes: &mut [Vec<f64>] = wishes,
            room: &mut Room<LANES> = &mut scratch.several,
        ] -> [f64; LANES] { own.pass(log_q, wishes, room) })
    }

    fn longest_stride(&self) -> f64 {
        1.0
    }
}
