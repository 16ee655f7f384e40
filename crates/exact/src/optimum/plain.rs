//! Passes in plain numbers over the graph of a prompt: sums of products and sums of sums.
//!
//! Sums of products over valid outputs are scaled position by position, so that long outputs do not underflow. A node
//! whose share is below 1e-290 of its position's counts for nothing.

use pstar_core::math;

use super::graph::{Graph, Prompt};
use super::scratch::{Futures, Scratch};

/// Sums of products further from 1 than this are scaled.
const LARGE: f64 = 1e100;

/// Nodes with less are passed over.
const TINY: f64 = 1e-290;

/// Factors a^s of a prompt's choices: layer by layer, pairs × choices.
pub(super) fn base_powers(prompt: &Prompt, exponent: f64) -> Vec<Vec<f64>> {
    let power = |&log: &f64| match exponent {
        0.0 => 1.0,
        _ => math::exp(exponent * log),
    };
    prompt.layers.iter().map(|layer| layer.log_a.iter().map(power).collect()).collect()
}

/// Writes base × power of the policy's choice to `weights`.
pub(super) fn weigh(
    graph: &Graph,
    prompt: &Prompt,
    base: &[Vec<f64>],
    powers: &[f64],
    weights: &mut Vec<Vec<f64>>,
) {
    weights.resize_with(weights.len().max(prompt.layers.len()), Vec::new);
    for ((layer, base), weights) in prompt.layers.iter().zip(base).zip(weights.iter_mut()) {
        weights.clear();
        for (pair, base) in base.chunks_exact(graph.choices).enumerate() {
            let powers = &powers[layer.row[pair]..][..graph.choices];
            weights.extend(base.iter().zip(powers).map(|(base, power)| base * power));
        }
    }
}

/// Runs backwards: the logarithm of the sum over valid outputs of the product of `weights`.
pub(super) fn products_behind(
    graph: &Graph,
    prompt: &Prompt,
    weights: &[Vec<f64>],
    Futures { values: behind, scales }: &mut Futures,
) -> f64 {
    let choices = graph.choices;
    let len = prompt.len();
    behind.resize_with(behind.len().max(len + 1), Vec::new);
    Scratch::zeros(scales, len);
    let mut log_scale = 0.0;
    let end = |log_scale: f64| if log_scale == 0.0 { 1.0 } else { math::exp(f64::min(-log_scale, 690.0)) };
    behind[len].clear();
    behind[len].extend([1.0, 0.0]);
    for position in (0..len).rev() {
        let layer = prompt.layer(position);
        let weights = &weights[prompt.positions[position] as usize];
        let (head, tail) = behind.split_at_mut(position + 1);
        let (here, next) = (&mut head[position], &tail[0]);
        Scratch::zeros(here, layer.nodes() + 2);
        let mut greatest: f64 = 0.0;
        for node in 0..layer.alive {
            let (pair, successors) = layer.node(node, choices);
            let weights = &weights[pair * choices..][..choices];
            let mut sum = 0.0;
            for (weight, &successor) in weights.iter().zip(successors) {
                sum += weight * next[successor as usize];
            }
            here[node] = sum;
            greatest = greatest.max(sum);
        }
        let mut scale = 1.0;
        if greatest > 0.0 && !(1.0 / LARGE..=LARGE).contains(&greatest) {
            scale = greatest;
            here[..layer.alive].iter_mut().for_each(|value| *value /= scale);
            log_scale += math::ln(scale);
        }
        scales[position] = scale;
        let nodes = layer.nodes();
        here[nodes] = end(log_scale);
    }
    math::ln(behind[0][0]) + log_scale
}

/// Runs forwards behind [`products_behind`] and adds `scale` × the expected number of uses of every choice, under the
/// distribution over valid outputs that is proportional to the product of `weights`.
pub(super) fn add_counts(
    graph: &Graph,
    prompt: &Prompt,
    scale: f64,
    weights: &[Vec<f64>],
    Futures { values: behind, scales }: &Futures,
    [here, next]: [&mut Vec<f64>; 2],
    counts: &mut [f64],
) {
    let choices = graph.choices;
    here.clear();
    here.push(scale);
    for position in 0..prompt.len() {
        let layer = prompt.layer(position);
        let weights = &weights[prompt.positions[position] as usize];
        let after = &behind[position + 1];
        Scratch::zeros(next, layer.next_nodes + 2);
        for node in 0..layer.alive {
            let (occupancy, future) = (here[node], behind[position][node]);
            if occupancy == 0.0 || future < TINY {
                continue;
            }
            let unit = occupancy / (future * scales[position]);
            let (pair, successors) = layer.node(node, choices);
            let weights = &weights[pair * choices..][..choices];
            let counts = &mut counts[layer.row[pair]..][..choices];
            for ((weight, &successor), count) in weights.iter().zip(successors).zip(counts) {
                let here = unit * weight * after[successor as usize];
                *count += here;
                next[successor as usize] += here;
            }
        }
        std::mem::swap(here, next);
    }
}
