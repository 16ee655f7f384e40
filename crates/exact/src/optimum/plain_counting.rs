//! D_α and the invalidity rate in plain numbers: a full step goes to the expected counts under p*^(1−α) q^α.

use pstar_core::math;

use crate::dynamic::occupancy::RowSet;

use super::counting::longest_stride;
use super::descend::Potential;
use super::graph::Graph;
use super::plain::{add_counts, base_powers, products_behind, weigh};
use super::scratch::Scratch;
use super::tasks::alpha_divergence;

/// The logarithm of a count that may be nothing but underflow.
const UNDERFLOW: f64 = -700.0;

/// D_α; at α = 1 the invalidity rate.
#[derive(Debug)]
pub(super) struct PlainCounting<'a> {
    graph: &'a Graph,
    alpha: f64,
    /// Prompt by prompt a^(1−α).
    base: Vec<Vec<Vec<f64>>>,
}

impl<'a> PlainCounting<'a> {
    pub(super) fn new(graph: &'a Graph, alpha: f64) -> Self {
        let base = graph.prompts.iter().map(|prompt| base_powers(prompt, 1.0 - alpha)).collect();
        Self { graph, alpha, base }
    }
}

impl Potential for PlainCounting<'_> {
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, scratch: &mut Scratch) -> f64 {
        let Scratch { powers, sums, weights, futures, here, next, .. } = scratch;
        powers_of(self.graph, self.alpha, log_q, powers);
        Scratch::zeros(sums, log_q.len());
        let mut value = 0.0;
        for (prompt, base) in
            self.graph.prompts.iter().zip(&self.base).filter(|(prompt, _)| prompt.has_filtered())
        {
            weigh(self.graph, prompt, base, powers, weights);
            let log_total = products_behind(self.graph, prompt, weights, futures);
            let log_share = log_total - (1.0 - self.alpha) * prompt.log_valid;
            value += prompt.mean_weight
                * if self.alpha == 1.0 {
                    -math::exp_m1(log_share.min(0.0))
                } else {
                    alpha_divergence(self.alpha, log_share)
                };
            let share = prompt.weight * math::exp(log_share);
            if share > 0.0 {
                add_counts(self.graph, prompt, share, weights, futures, [here, next], sums);
            }
        }
        wish_for(&self.graph.rows, sums, wish);
        value
    }

    fn is_monotone(&self) -> bool {
        true
    }

    fn longest_stride(&self) -> f64 {
        longest_stride(self.alpha)
    }
}

/// π^s of every choice.
pub(super) fn powers_of(graph: &Graph, exponent: f64, log_q: &[f64], powers: &mut Vec<f64>) {
    Scratch::zeros(powers, log_q.len());
    for range in graph.rows.ranges() {
        for (power, &log) in powers[range.clone()].iter_mut().zip(&log_q[range.clone()]) {
            *power = exponent * log;
        }
        math::exp_all(&mut powers[range]);
    }
}

/// The rows in proportion to the counts, NaN where there are none.
pub(super) fn wish_for(rows: &RowSet, counts: &[f64], wish: &mut Vec<f64>) {
    wish.clear();
    wish.resize(counts.len(), f64::NAN);
    for range in rows.ranges() {
        let total: f64 = counts[range.clone()].iter().sum();
        if total < f64::MIN_POSITIVE {
            continue;
        }
        for index in range {
            wish[index] = math::ln(counts[index] / total).max(UNDERFLOW);
        }
    }
}
