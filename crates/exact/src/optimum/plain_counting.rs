//! D_α and the invalidity rate in plain numbers: a full step goes to the expected counts under p*^(1−α) q^α.

use std::slice;

use pstar_core::{math, vectorised};

use crate::dynamic::occupancy::RowSet;

use super::counting::longest_stride;
use super::descend::Potential;
use super::graph::Graph;
use super::plain::{add_counts, base_powers, products_behind, weigh};
use super::scratch::{LANES, Room, Scratch};
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

impl PlainCounting<'_> {
    /// See [`Potential::look_at`].
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    fn pass<const W: usize>(
        &self,
        log_q: &[&[f64]],
        wishes: &mut [Vec<f64>],
        room: &mut Room<W>,
    ) -> [f64; W] {
        let Room { log_q: logs, powers, sums, weights, futures, here, next, .. } = room;
        in_lanes(&self.graph.rows, log_q, logs);
        powers_of(&self.graph.rows, self.alpha, logs, powers);
        Scratch::zeros(sums, logs.len());
        let mut values = [0.0; W];
        for (prompt, base) in
            self.graph.prompts.iter().zip(&self.base).filter(|(prompt, _)| prompt.has_filtered())
        {
            weigh(self.graph, prompt, base, powers, weights);
            let log_total = products_behind(self.graph, prompt, weights, futures);
            let mut shares = [0.0; W];
            for lane in 0..W {
                let log_share = log_total[lane] - (1.0 - self.alpha) * prompt.log_valid;
                values[lane] += prompt.mean_weight
                    * if self.alpha == 1.0 {
                        -math::exp_m1(log_share.min(0.0))
                    } else {
                        alpha_divergence(self.alpha, log_share)
                    };
                let share = prompt.weight * math::exp(log_share);
                shares[lane] = if share > 0.0 { share } else { 0.0 };
            }
            if shares != [0.0; W] {
                add_counts(self.graph, prompt, shares, weights, futures, [here, next], sums);
            }
        }
        for (lane, wish) in wishes.iter_mut().enumerate() {
            wish_for(&self.graph.rows, sums, lane, wish);
        }
        values
    }
}

impl Potential for PlainCounting<'_> {
    fn look(&self, log_q: &[f64], wish: &mut Vec<f64>, scratch: &mut Scratch) -> f64 {
        self.pass(&[log_q], slice::from_mut(wish), &mut scratch.one)[0]
    }

    fn look_at(&self, log_q: &[&[f64]], wishes: &mut [Vec<f64>], scratch: &mut Scratch) -> [f64; LANES] {
        vectorised!([
            own: &PlainCounting<'_> = self,
            log_q: &[&[f64]] = log_q,
            wishes: &mut [Vec<f64>] = wishes,
            room: &mut Room<LANES> = &mut scratch.several,
        ] -> [f64; LANES] { own.pass(log_q, wishes, room) })
    }

    fn is_monotone(&self) -> bool {
        true
    }

    fn longest_stride(&self) -> f64 {
        longest_stride(self.alpha)
    }
}

/// Lays out the log-probabilities of policies lane by lane, in rows in use; the last one stands in all lanes that are left.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(super) fn in_lanes<const W: usize>(rows: &RowSet, log_q: &[&[f64]], lanes: &mut Vec<[f64; W]>) {
    lanes.resize(log_q[0].len(), [0.0; W]);
    for lane in 0..W {
        let log_q = log_q[lane.min(log_q.len() - 1)];
        for range in rows.ranges() {
            for (lanes, &log) in lanes[range.clone()].iter_mut().zip(&log_q[range]) {
                lanes[lane] = log;
            }
        }
    }
}

/// π^s of every choice in use.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(super) fn powers_of<const W: usize>(
    rows: &RowSet,
    exponent: f64,
    log_q: &[[f64; W]],
    powers: &mut Vec<[f64; W]>,
) {
    powers.resize(log_q.len(), [0.0; W]);
    for range in rows.ranges() {
        let powers = powers[range.clone()].as_flattened_mut();
        for (power, &log) in powers.iter_mut().zip(log_q[range].as_flattened()) {
            *power = exponent * log;
        }
        math::exp_all(powers);
    }
}

/// The rows of a lane in proportion to the counts, NaN where there are none.
pub(super) fn wish_for<const W: usize>(rows: &RowSet, counts: &[[f64; W]], lane: usize, wish: &mut Vec<f64>) {
    wish.clear();
    wish.resize(counts.len(), f64::NAN);
    for range in rows.ranges() {
        let counts = &counts[range.clone()];
        let total: f64 = counts.iter().map(|counts| counts[lane]).sum();
        if total < f64::MIN_POSITIVE {
            continue;
        }
        let wish = &mut wish[range];
        for (wish, counts) in wish.iter_mut().zip(counts) {
            // Nothing, of which the logarithm would take longer, is as good as what is less than can be told from it.
            *wish = (counts[lane] / total).max(f64::MIN_POSITIVE);
        }
        math::ln_all(wish);
        for wish in wish {
            *wish = wish.max(UNDERFLOW);
        }
    }
}
