//! The coefficients of a run before they add up.

use super::each::product;
use super::token_ratios::Room;
use crate::blocks::{At, Clip, PolicyGradientBlocks as Blocks};
use pstar_blocks::{Advantages, Ratio, Run};
use pstar_core::math;
use pstar_core::objective::ObjectiveBatch;

/// Room that is used again from run to run.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) advantages: Vec<f64>,
    pub(super) of_tokens: OfTokens,
}

/// The same, of what becomes of advantages.
#[derive(Default)]
pub(super) struct OfTokens {
    weights: Vec<f64>,
    room: Room,
}

/// A run as a surrogate sees it: columns of its tokens.
#[derive(Clone, Copy)]
pub(super) struct RunTokens<'a> {
    pub(super) batch: &'a ObjectiveBatch<'a>,
    pub(super) run: Run<'a>,
    pub(super) log_q: &'a [f64],
    pub(super) log_b: &'a [f64],
    pub(super) advantages: &'a [f64],
    /// Whether all tokens of a sequence have its advantage.
    of_sequences: bool,
}

impl<'a> RunTokens<'a> {
    /// Those of a run; `room` is for the advantages of tokens.
    pub(super) fn of(
        batch: &'a ObjectiveBatch<'a>,
        run: Run<'a>,
        advantages: &'a Advantages,
        room: &'a mut Vec<f64>,
    ) -> Self {
        let tokens = run.tokens();
        let own = advantages.tokens.as_ref().map(|all| &all[tokens.clone()]);
        let of_sequences = own.is_none();
        let advantages = own.unwrap_or_else(|| {
            room.clear();
            append_advantages(run, advantages, room);
            room
        });
        let log_q = &batch.log_probs().values()[tokens.clone()];
        let log_b = &batch.behaviour_log_probs().values()[tokens];
        Self { batch, run, log_q, log_b, advantages, of_sequences }
    }

    pub(super) fn is_right(&self, i: usize) -> bool {
        self.batch.reward(i) > 0.0
    }
}

/// Appends the advantages of a run's tokens.
pub(super) fn append_advantages(run: Run<'_>, advantages: &Advantages, all: &mut Vec<f64>) {
    match &advantages.tokens {
        Some(own) => all.extend_from_slice(&own[run.tokens()]),
        None => {
            for (i, of) in run.sequences() {
                all.resize(all.len() + of.len(), advantages.sequences[i]);
            }
        }
    }
}

impl Blocks {
    /// Whether the coefficients of tokens are their advantages.
    pub(super) fn has_no_ratio(&self) -> bool {
        let plain = self.ratio == Ratio::None && self.clip == Clip::None;
        plain && self.importance.is_none() && self.sequence_mask.0.is_none()
    }

    /// Appends the coefficients of a run; says how many tokens a clip changed.
    pub(super) fn surrogate(&self, tokens: RunTokens<'_>, all: &mut Vec<f64>, scratch: &mut OfTokens) -> u64 {
        let RunTokens { log_q, log_b, advantages, .. } = tokens;
        if tokens.of_sequences && advantages.iter().all(|a| *a == 0.0) {
            all.resize(all.len() + advantages.len(), 0.0);
            return 0;
        }
        let start = all.len();
        // Of what neither can produce there is no ratio.
        let differences = log_q.iter().zip(log_b).map(|(q, b)| if q == b { 0.0 } else { q - b });
        math::widest(|| all.extend(differences));
        // Log-ratios, then ratios, then coefficients, all in one place.
        let c = &mut all[start..];
        let is_weighted = self.weigh(tokens, c, &mut scratch.weights);
        let changed = match (self.clip, self.ratio) {
            (Clip::GeometricOfClipped { low, high }, _) => geometric_of_clipped([low, high], tokens, c),
            (_, Ratio::Token) => {
                math::exp_all(c);
                self.of_token_ratios(tokens, c, &mut scratch.room)
            }
            _ => self.of_sequence_ratios(tokens, c),
        };
        if is_weighted {
            for (c, weight) in c.iter_mut().zip(&scratch.weights) {
                *c = product(*c, *weight);
            }
        }
        changed
    }

    /// The weights of tokens without a derivative, from their log-ratios; false where there are none.
    fn weigh(&self, tokens: RunTokens<'_>, log_ratios: &[f64], weights: &mut Vec<f64>) -> bool {
        if self.importance.is_none() && self.sequence_mask.0.is_none() {
            return false;
        }
        weights.clear();
        weights.resize(log_ratios.len(), 1.0);
        if let Some(importance) = self.importance {
            match importance.level {
                Ratio::Sequence => {
                    for (_, of) in tokens.run.sequences() {
                        weights[of.clone()].fill(Ratio::Sequence.of_sequence(&log_ratios[of]));
                    }
                }
                _ => weights.copy_from_slice(log_ratios),
            }
            math::exp_all(weights);
            for weight in weights.iter_mut() {
                *weight = weight.min(importance.max);
            }
        }
        if let Some(delta) = self.sequence_mask.0 {
            for (_, of) in tokens.run.sequences() {
                if -Ratio::Geometric.of_sequence(&log_ratios[of.clone()]) > delta {
                    for (weight, a) in weights[of.clone()].iter_mut().zip(&tokens.advantages[of]) {
                        *weight = if *a < 0.0 { 0.0 } else { *weight };
                    }
                }
            }
        }
        true
    }

    /// Those where all tokens have the ratio of their sequence, in the place of their log-ratios.
    fn of_sequence_ratios(&self, tokens: RunTokens<'_>, c: &mut [f64]) -> u64 {
        let mut changed = 0;
        for (i, of) in tokens.run.sequences() {
            let (c, advantages) = (&mut c[of.clone()], &tokens.advantages[of]);
            let ratio = math::exp(self.ratio.of_sequence(c));
            let right = tokens.is_right(i);
            let factor =
                |advantage: f64| self.clip.factor(At { advantage, right, ratio, log_probs: [0.0; 2] });
            if let (true, Some(&a)) = (tokens.of_sequences, advantages.first()) {
                let factor = factor(a);
                c.fill(product(a, factor));
                changed += if factor == ratio || a == 0.0 { 0 } else { c.len() as u64 };
                continue;
            }
            for (c, &a) in c.iter_mut().zip(advantages) {
                let factor = factor(a);
                changed += u64::from(factor != ratio && a != 0.0);
                *c = product(a, factor);
            }
        }
        changed
    }
}

/// Those of a mean over clipped log-ratios, in the place of these.
fn geometric_of_clipped([low, high]: [f64; 2], tokens: RunTokens<'_>, c: &mut [f64]) -> u64 {
    let mut changed = 0;
    for (_, of) in tokens.run.sequences() {
        let (c, Some(&advantage)) = (&mut c[of.clone()], tokens.advantages[of].first()) else { continue };
        if advantage == 0.0 {
            c.fill(0.0);
            continue;
        }
        let is_good = advantage > 0.0;
        let bound = if is_good { high } else { -low };
        let is_cut = |x: f64| if is_good { x > high } else { x < -low };
        let sum: f64 = c.iter().map(|&x| if is_cut(x) { bound } else { x }).sum();
        let mean = math::exp(sum / c.len() as f64);
        for c in c {
            let is_cut = is_cut(*c);
            *c = if is_cut { 0.0 } else { advantage * mean };
            changed += u64::from(is_cut);
        }
    }
    changed
}
