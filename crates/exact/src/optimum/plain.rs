//! Passes in plain numbers over the graph of a prompt: sums of products and sums of sums.
//!
//! Sums of products over valid outputs are scaled position by position, so that long outputs do not underflow. A node
//! whose share is below 1e-290 of its position's counts for nothing.
//!
//! Every pass is over W policies, each in a lane of its own: what becomes of one has the same bits whatever stands beside it.

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

/// Writes base × power of the policies' choices to `weights`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(super) fn weigh<const W: usize>(
    graph: &Graph,
    prompt: &Prompt,
    base: &[Vec<f64>],
    powers: &[[f64; W]],
    weights: &mut Vec<Vec<[f64; W]>>,
) {
    let choices = graph.choices;
    weights.resize_with(weights.len().max(prompt.layers.len()), Vec::new);
    for ((layer, base), weights) in prompt.layers.iter().zip(base).zip(weights.iter_mut()) {
        weights.resize(base.len(), [0.0; W]);
        let rows = base.chunks_exact(choices).zip(weights.chunks_exact_mut(choices));
        for ((base, weights), &row) in rows.zip(&layer.row) {
            for ((base, powers), weights) in base.iter().zip(&powers[row..][..choices]).zip(weights) {
                for lane in 0..W {
                    weights[lane] = base * powers[lane];
                }
            }
        }
    }
}

/// Runs backwards: the logarithm of the sum over valid outputs of the product of `weights`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(super) fn products_behind<const W: usize>(
    graph: &Graph,
    prompt: &Prompt,
    weights: &[Vec<[f64; W]>],
    Futures { values: behind, scales }: &mut Futures<W>,
) -> [f64; W] {
    let choices = graph.choices;
    let len = prompt.len();
    behind.resize_with(behind.len().max(len + 1), Vec::new);
    Scratch::zeros(scales, len);
    let mut log_scale = [0.0; W];
    behind[len].clear();
    behind[len].extend([[1.0; W], [0.0; W]]);
    for position in (0..len).rev() {
        let layer = prompt.layer(position);
        let weights = &weights[prompt.positions[position] as usize];
        let (head, tail) = behind.split_at_mut(position + 1);
        let (here, next) = (&mut head[position], &tail[0]);
        Scratch::zeros(here, layer.nodes() + 2);
        let mut greatest = [0.0f64; W];
        for node in 0..layer.alive {
            let (pair, successors) = layer.node(node, choices);
            let weights = &weights[pair * choices..][..choices];
            let mut sum = [0.0; W];
            for (weight, &successor) in weights.iter().zip(successors) {
                let next = &next[successor as usize];
                for lane in 0..W {
                    sum[lane] += weight[lane] * next[lane];
                }
            }
            here[node] = sum;
            for lane in 0..W {
                greatest[lane] = greatest[lane].max(sum[lane]);
            }
        }
        let nodes = layer.nodes();
        for lane in 0..W {
            let (greatest, mut scale) = (greatest[lane], 1.0);
            if greatest > 0.0 && !(1.0 / LARGE..=LARGE).contains(&greatest) {
                scale = greatest;
                here[..layer.alive].iter_mut().for_each(|values| values[lane] /= scale);
                log_scale[lane] += math::ln(scale);
            }
            scales[position][lane] = scale;
            here[nodes][lane] = valid_end(log_scale[lane]);
        }
    }
    let mut log_total = [0.0; W];
    for lane in 0..W {
        log_total[lane] = math::ln(behind[0][0][lane]) + log_scale[lane];
    }
    log_total
}

/// 1, scaled as the values beside it.
fn valid_end(log_scale: f64) -> f64 {
    if log_scale == 0.0 { 1.0 } else { math::exp(f64::min(-log_scale, 690.0)) }
}

/// Runs forwards behind [`products_behind`] and adds `scale` × the expected number of uses of every choice, under the
/// distribution over valid outputs that is proportional to the product of `weights`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(super) fn add_counts<const W: usize>(
    graph: &Graph,
    prompt: &Prompt,
    scale: [f64; W],
    weights: &[Vec<[f64; W]>],
    Futures { values: behind, scales }: &Futures<W>,
    [here, next]: [&mut Vec<[f64; W]>; 2],
    counts: &mut [[f64; W]],
) {
    let choices = graph.choices;
    here.clear();
    here.push(scale);
    for position in 0..prompt.len() {
        let layer = prompt.layer(position);
        let weights = &weights[prompt.positions[position] as usize];
        let (after, scales) = (&behind[position + 1], &scales[position]);
        Scratch::zeros(next, layer.next_nodes + 2);
        for node in 0..layer.alive {
            let (occupancy, future) = (&here[node], &behind[position][node]);
            let mut unit = [0.0; W];
            for lane in 0..W {
                let share = occupancy[lane] / (future[lane] * scales[lane]);
                // Two selections, which no branch need tell apart.
                let share = if future[lane] < TINY { 0.0 } else { share };
                unit[lane] = if occupancy[lane] == 0.0 { 0.0 } else { share };
            }
            // Where some lanes have none, 0 is added to their counts.
            if unit == [0.0; W] {
                continue;
            }
            let (pair, successors) = layer.node(node, choices);
            let weights = &weights[pair * choices..][..choices];
            let counts = &mut counts[layer.row[pair]..][..choices];
            for ((weight, &successor), count) in weights.iter().zip(successors).zip(counts) {
                // Copies, which cannot lie upon each other: what is added to both is worked out for all lanes at once.
                let (after, mut reached, mut used) =
                    (after[successor as usize], next[successor as usize], *count);
                for lane in 0..W {
                    let here = unit[lane] * weight[lane] * after[lane];
                    used[lane] += here;
                    reached[lane] += here;
                }
                (*count, next[successor as usize]) = (used, reached);
            }
        }
        std::mem::swap(here, next);
    }
}
