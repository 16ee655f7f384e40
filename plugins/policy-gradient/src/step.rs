//! The coefficients of a step: advantages times ratios, added up, less penalties.
//!
//! Sequence by sequence, while its tokens are at hand; only what depends on all tokens of the batch comes between.

use crate::blocks::{
    At, Clip, CovariancePenalty, Entropy, EntropyForm, Kind, PolicyGradientBlocks as Blocks, binary_kl,
};
use crate::rough_exp::{ERROR, RANGE, all_below, rough_exp};
use pstar_blocks::{Advantages, Counts, Ratio, Rows};
use pstar_core::objective::{ObjectiveBatch, ObjectiveStep};
use pstar_core::{PluginError, math};

/// What rounding may move a probability by, relative to it, and some more.
const ROUNDING: f64 = 1e-14;

/// Room that is used again from sequence to sequence.
#[derive(Default)]
struct Scratch {
    weights: Vec<f64>,
    others: Vec<f64>,
}

impl Blocks {
    /// The coefficients for these advantages.
    ///
    /// # Errors
    /// If the batch lacks a column, or one of its log-probs leaves a coefficient without a value.
    pub(crate) fn coefficients(
        &self,
        batch: &ObjectiveBatch<'_>,
        advantages: &Advantages,
    ) -> Result<ObjectiveStep, PluginError> {
        let rows = Rows::of(batch, |i| self.subset.holds(batch.reward(i)));
        let mut c = Vec::with_capacity(batch.log_probs().values().len());
        let mut scratch = Scratch::default();
        let mut changed = 0;
        for (i, tokens) in &rows.rows {
            let own = advantages.tokens.as_ref().map(|all| &all[tokens.clone()]);
            let row = Row::of(batch, *i, advantages.sequences[*i], own);
            c.resize(tokens.start, 0.0);
            changed += self.surrogate(row, &mut c, &mut scratch);
            if !self.has_covariances() {
                self.finish(batch, &rows.counts, *i, &mut c[tokens.clone()], &mut scratch.others)?;
            }
        }
        c.resize(batch.log_probs().values().len(), 0.0);
        if self.has_covariances() {
            if let Clip::Covariance { above, below, fraction, .. } = self.clip {
                changed += drop_covariant(batch, advantages, &rows, [above, below, fraction], &mut c);
            }
            if let Some(penalty) = self.covariance_penalty {
                penalise_covariant(batch, advantages, &rows, penalty, &mut c);
            }
            for (i, tokens) in &rows.rows {
                self.finish(batch, &rows.counts, *i, &mut c[tokens.clone()], &mut scratch.others)?;
            }
        }
        let step = ObjectiveStep::per_token(c).with_entropy(self.exact_entropy(&rows, batch));
        let share = if rows.counts.tokens > 0.0 { changed as f64 / rows.counts.tokens } else { 0.0 };
        Ok(match self.clip {
            Clip::None => step,
            _ => step.with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, share),
        })
    }

    /// What comes after the surrogate of a sequence: its part of a sampled entropy, the aggregate, penalties.
    fn finish(
        &self,
        batch: &ObjectiveBatch<'_>,
        counts: &Counts,
        i: usize,
        c: &mut [f64],
        scratch: &mut Vec<f64>,
    ) -> Result<(), PluginError> {
        if let Some(Entropy { coefficient, form: EntropyForm::Sampled }) = self.entropy {
            for (c, log_q) in c.iter_mut().zip(batch.log_probs().row(i)) {
                *c -= coefficient * log_q;
            }
        }
        let factor = self.aggregate.factor(c.len(), counts);
        if factor != 1.0 {
            math::widest(|| c.iter_mut().for_each(|c| *c *= factor));
        }
        if !self.penalties.0.is_empty() {
            let log_probs = self.penalties.log_probs(batch, i)?;
            self.penalties.subtract(log_probs, (self.aggregate, self.ratio), counts, scratch, c);
        }
        if math::all_finite(c) { Ok(()) } else { Err(unsound(batch, i, c)) }
    }

    /// The weight of every position's entropy, where the policy is to work it out.
    fn exact_entropy(&self, rows: &Rows, batch: &ObjectiveBatch<'_>) -> Vec<f64> {
        let exact = self.entropy.filter(|entropy| entropy.form == EntropyForm::Exact);
        let Some(Entropy { coefficient, .. }) = exact else { return Vec::new() };
        let mut weights = vec![0.0; batch.log_probs().values().len()];
        for (_, tokens) in &rows.rows {
            let factor = self.aggregate.factor(tokens.len(), &rows.counts);
            weights[tokens.clone()].fill(coefficient * factor);
        }
        weights
    }

    /// Appends the coefficients of a sequence before they add up; says how many tokens a clip changed.
    fn surrogate(&self, row: Row<'_>, all: &mut Vec<f64>, scratch: &mut Scratch) -> u64 {
        let start = all.len();
        let end = start + row.log_q.len();
        if row.own.is_none() && row.advantage == 0.0 {
            all.resize(end, 0.0);
            return 0;
        }
        let plain = self.ratio == Ratio::None && self.importance.is_none() && self.sequence_mask.0.is_none();
        if plain && self.clip == Clip::None {
            match row.own {
                Some(own) => all.extend_from_slice(own),
                None => all.resize(end, row.advantage),
            }
            return 0;
        }
        // Of what neither can produce there is no ratio.
        let differences = row.log_q.iter().zip(row.log_b).map(|(q, b)| if q == b { 0.0 } else { q - b });
        math::widest(|| all.extend(differences));
        // Log-ratios, then ratios, then coefficients, all in one place.
        let c = &mut all[start..];
        let weight = match self.importance {
            Some(importance) if importance.level == Ratio::Sequence => {
                math::exp(Ratio::Sequence.of_sequence(c)).min(importance.max)
            }
            _ => 1.0,
        };
        let stale = self.sequence_mask.0.is_some_and(|delta| -Ratio::Geometric.of_sequence(c) > delta);
        let Scratch { weights, others } = scratch;
        let token_weights = self.importance.filter(|importance| importance.level == Ratio::Token);
        if token_weights.is_some() {
            weights.clear();
            weights.extend_from_slice(c);
            math::exp_all(weights);
        }
        let changed = if let Clip::GeometricOfClipped { low, high } = self.clip {
            geometric_of_clipped([low, high], row, c)
        } else {
            match self.ratio {
                Ratio::Sequence | Ratio::Geometric => {
                    self.of_sequence_ratio(row, math::exp(self.ratio.of_sequence(c)), c)
                }
                Ratio::None => self.of_sequence_ratio(row, 1.0, c),
                Ratio::Token => {
                    math::exp_all(c);
                    self.of_token_ratios(row, c, others)
                }
            }
        };
        if let Some(importance) = token_weights {
            for (c, ratio) in c.iter_mut().zip(weights) {
                *c = if *c == 0.0 { 0.0 } else { *c * ratio.min(importance.max) };
            }
        }
        if stale || weight != 1.0 {
            for (t, c) in c.iter_mut().enumerate() {
                *c *= if stale && row.advantage_of(t) < 0.0 { 0.0 } else { weight };
            }
        }
        changed
    }

    /// Those where all tokens have the ratio of their sequence.
    fn of_sequence_ratio(&self, row: Row<'_>, ratio: f64, c: &mut [f64]) -> u64 {
        let factor =
            |a: f64| self.clip.factor(At { advantage: a, right: row.right, ratio, log_probs: [0.0; 2] });
        let Some(own) = row.own else {
            let factor = factor(row.advantage);
            c.fill(product(row.advantage, factor));
            return if factor == ratio { 0 } else { c.len() as u64 };
        };
        let mut changed = 0;
        for (c, &a) in c.iter_mut().zip(own) {
            let factor = factor(a);
            changed += u64::from(factor != ratio && a != 0.0);
            *c = product(a, factor);
        }
        changed
    }

    /// Those where tokens have ratios of their own, which they take the place of. The most frequent clips have loops without
    /// branches.
    fn of_token_ratios(&self, row: Row<'_>, c: &mut [f64], others: &mut Vec<f64>) -> u64 {
        match self.clip {
            Clip::None => each(row, c, row.log_b, move |_, x, _| x),
            Clip::Ppo { low, high, dual } => {
                let within = move |a: f64| {
                    let negative = (1.0 - low, dual.unwrap_or(f64::INFINITY));
                    if a > 0.0 { (f64::NEG_INFINITY, 1.0 + high) } else { negative }
                };
                let keep =
                    |(least, most): (f64, f64), x: f64| if (least..=most).contains(&x) { x } else { 0.0 };
                if row.own.is_some() {
                    each(row, c, row.log_b, move |a, x, _| keep(within(a), x))
                } else {
                    let bounds = within(row.advantage);
                    each(row, c, row.log_b, move |_, x, _| keep(bounds, x))
                }
            }
            Clip::Truncate { min, max } => each(row, c, row.log_b, move |_, x, _| x.clamp(min, max)),
            Clip::ZeroOutside { low, high, weighted: true } => {
                let (least, most) = (1.0 - low, 1.0 + high);
                each(row, c, row.log_b, move |_, x, _| if x < least || x > most { 0.0 } else { x })
            }
            Clip::Divergence { kind, low, high, cap } => {
                let cap = cap.unwrap_or(f64::INFINITY);
                // How far the probability of a token has moved with its advantage, and how far it may.
                let gone = move |a: f64, up: f64| if a > 0.0 { (up, high) } else { (-up, low) };
                let b = others;
                b.clear();
                if kind == Kind::Tv {
                    math::widest(|| b.extend(row.log_b.iter().map(|log_b| rough_exp(*log_b))));
                    let is_certain = move |a: f64, x: f64, b: f64| {
                        let (gone, most) = gone(a, b * (x - 1.0));
                        (gone - most).abs() > 2.0 * ERROR * gone.abs() + ROUNDING * b
                    };
                    if all_below(row.log_b, RANGE) && all(row, c, b, is_certain) {
                        return each(row, c, b, move |a, x, b| {
                            let (gone, most) = gone(a, b * (x - 1.0));
                            if gone <= most { x.min(cap) } else { 0.0 }
                        });
                    }
                    b.clear();
                }
                b.extend_from_slice(row.log_b);
                math::exp_all(b);
                if b.contains(&0.0) {
                    return self.one_by_one(row, c);
                }
                match kind {
                    Kind::Tv => each(row, c, b, move |a, x, b| {
                        let (gone, most) = gone(a, b * x - b);
                        if gone <= most { x.min(cap) } else { 0.0 }
                    }),
                    Kind::Kl => each(row, c, b, move |a, x, b| {
                        let q = b * x;
                        let (gone, most) = gone(a, q - b);
                        if gone <= 0.0 || binary_kl(b, q) <= most { x.min(cap) } else { 0.0 }
                    }),
                }
            }
            Clip::Sigmoid { positive, negative } => {
                // The logistic function of every token at once.
                let sigmoid = others;
                sigmoid.clear();
                let tau = |t: usize| if row.advantage_of(t) > 0.0 { positive } else { negative };
                sigmoid.extend(c.iter().enumerate().map(|(t, x)| -tau(t) * (x - 1.0)));
                math::exp_all(sigmoid);
                each(row, c, sigmoid, move |_, x, exp| {
                    let sigmoid = 1.0 / (1.0 + exp);
                    // Far out, 0 · ∞.
                    if sigmoid < 1.0 { x * 4.0 * sigmoid * (1.0 - sigmoid) } else { 0.0 }
                })
            }
            _ => self.one_by_one(row, c),
        }
    }

    /// Those of any clip, token by token.
    fn one_by_one(&self, row: Row<'_>, c: &mut [f64]) -> u64 {
        let mut changed = 0;
        for (t, c) in c.iter_mut().enumerate() {
            let (advantage, ratio) = (row.advantage_of(t), *c);
            let log_probs = [row.log_q[t], row.log_b[t]];
            let factor = self.clip.factor(At { advantage, right: row.right, ratio, log_probs });
            changed += u64::from(factor != ratio && advantage != 0.0);
            *c = product(advantage, factor);
        }
        changed
    }
}

/// A sequence as a surrogate sees it.
#[derive(Clone, Copy)]
struct Row<'a> {
    log_q: &'a [f64],
    log_b: &'a [f64],
    right: bool,
    advantage: f64,
    /// Where tokens have advantages of their own.
    own: Option<&'a [f64]>,
}

impl<'a> Row<'a> {
    fn of(batch: &ObjectiveBatch<'a>, i: usize, advantage: f64, own: Option<&'a [f64]>) -> Self {
        let (log_q, log_b) = (batch.log_probs().row(i), batch.behaviour_log_probs().row(i));
        Self { log_q, log_b, right: batch.reward(i) > 0.0, advantage, own }
    }

    fn advantage_of(self, t: usize) -> f64 {
        self.own.map_or(self.advantage, |own| own[t])
    }
}

/// An advantage times a factor; where there is none, or no more of it, a ratio beyond all numbers has none either.
fn product(advantage: f64, factor: f64) -> f64 {
    if advantage == 0.0 || factor == 0.0 { 0.0 } else { advantage * factor }
}

/// Whether it holds of all tokens, by advantage, ratio and another value.
#[inline(always)]
#[allow(clippy::inline_always, reason = "one loop a clip")]
fn all(row: Row<'_>, ratios: &[f64], others: &[f64], holds: impl Fn(f64, f64, f64) -> bool) -> bool {
    math::widest(move || {
        let tokens = ratios.iter().zip(others);
        // Whole numbers in place of truth values, which fill a vector of their own width.
        let all = match row.own {
            Some(own) => {
                tokens.zip(own).fold(1, |all, ((&x, &other), &a)| all & u64::from(holds(a, x, other)))
            }
            None => tokens.fold(1, |all, (&x, &other)| all & u64::from(holds(row.advantage, x, other))),
        };
        all == 1
    })
}

/// Every token's advantage times its factor by advantage, ratio and another value, in the place of its ratio; says of how
/// many the factor is not the ratio.
#[inline(always)]
#[allow(clippy::inline_always, reason = "one loop a clip")]
fn each(row: Row<'_>, c: &mut [f64], others: &[f64], factor: impl Fn(f64, f64, f64) -> f64) -> u64 {
    math::widest(move || {
        let mut changed = 0;
        let tokens = c.iter_mut().zip(others);
        if let Some(own) = row.own {
            for ((c, &other), &a) in tokens.zip(own) {
                let (x, factor) = (*c, factor(a, *c, other));
                changed += u64::from(factor != x) & u64::from(a != 0.0);
                *c = product(a, factor);
            }
        } else {
            for (c, &other) in tokens {
                let (x, factor) = (*c, factor(row.advantage, *c, other));
                changed += u64::from(factor != x);
                *c = product(row.advantage, factor);
            }
        }
        changed
    })
}

/// Those of a mean over clipped log-ratios, in the place of these.
fn geometric_of_clipped([low, high]: [f64; 2], row: Row<'_>, c: &mut [f64]) -> u64 {
    let is_good = row.advantage > 0.0;
    let bound = if is_good { high } else { -low };
    let is_cut = |x: f64| if is_good { x > high } else { x < -low };
    let sum: f64 = c.iter().map(|&x| if is_cut(x) { bound } else { x }).sum();
    let mean = math::exp(sum / c.len() as f64);
    let mut changed = 0;
    for c in c {
        let is_cut = is_cut(*c);
        *c = if is_cut { 0.0 } else { row.advantage * mean };
        changed += u64::from(is_cut);
    }
    changed
}

/// The covariance (A − Ā)(log q − mean) of every token that counts, with its place.
fn covariances(batch: &ObjectiveBatch<'_>, advantages: &Advantages, rows: &Rows) -> Vec<(usize, f64)> {
    let log_q = batch.log_probs().values();
    let of = |i: usize, t: usize| advantages.tokens.as_ref().map_or(advantages.sequences[i], |all| all[t]);
    let all = || rows.rows.iter().flat_map(|(i, tokens)| tokens.clone().map(move |t| (*i, t)));
    let tokens = rows.counts.tokens;
    let mean_advantage = all().map(|(i, t)| of(i, t)).sum::<f64>() / tokens;
    let mean_log_q = all().map(|(_, t)| log_q[t]).sum::<f64>() / tokens;
    all().map(|(i, t)| (t, (of(i, t) - mean_advantage) * (log_q[t] - mean_log_q))).collect()
}

/// ⌊fraction · tokens⌋, at least 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn share_of(fraction: f64, tokens: f64) -> usize {
    ((fraction * tokens) as usize).max(1)
}

fn drop_covariant(
    batch: &ObjectiveBatch<'_>,
    advantages: &Advantages,
    rows: &Rows,
    [above, below, fraction]: [f64; 3],
    c: &mut [f64],
) -> u64 {
    let eligible =
        |(t, covariance): &(usize, f64)| c[*t] != 0.0 && *covariance > above && *covariance < below;
    let mut eligible: Vec<usize> =
        covariances(batch, advantages, rows).into_iter().filter(eligible).map(|(t, _)| t).collect();
    let count = share_of(fraction, rows.counts.tokens).min(eligible.len());
    if count < eligible.len() {
        let key = batch.moment().key;
        for place in 0..count {
            let other = place + pick(key.uniform(0, 0, place), eligible.len() - place);
            eligible.swap(place, other);
        }
    }
    for &t in &eligible[..count] {
        c[t] = 0.0;
    }
    count as u64
}

fn penalise_covariant(
    batch: &ObjectiveBatch<'_>,
    advantages: &Advantages,
    rows: &Rows,
    penalty: CovariancePenalty,
    c: &mut [f64],
) {
    let (log_q, log_b) = (batch.log_probs().values(), batch.behaviour_log_probs().values());
    let mut tokens = covariances(batch, advantages, rows);
    // Stable: of equal ones the first.
    tokens.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    tokens.truncate(share_of(penalty.fraction, rows.counts.tokens));
    for (t, _) in tokens {
        let moved = log_q[t] - log_b[t];
        if moved != 0.0 {
            c[t] -= penalty.coefficient * moved.signum();
        }
    }
}

/// What is told of a coefficient without a value, by what it comes from.
fn unsound(batch: &ObjectiveBatch<'_>, i: usize, c: &[f64]) -> PluginError {
    let t = c.iter().position(|c| !c.is_finite()).unwrap_or_default();
    let (q, b) = (batch.log_probs().row(i)[t], batch.behaviour_log_probs().row(i)[t]);
    let base = batch.base_log_probs().ok().map(|base| base.row(i)[t]);
    let of_base = base.map_or(String::new(), |base| format!(", `base_log_probs` {base}"));
    let message = format!(
        "the coefficient of token {t} of sequence {i} is no number: `log_probs` {q}, `behaviour_log_probs` {b}{of_base}"
    );
    let advice = match base {
        Some(base) if base == f64::NEG_INFINITY => {
            "the base cannot produce this sequence: leave the penalty to the base out, or sample what it can produce"
        }
        _ => {
            "what was sampled has a probability above 0 under what sampled it: give finite `behaviour_log_probs`"
        }
    };
    PluginError::data(message).with_hint(advice)
}

/// A place among `count` for a uniform number.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn pick(uniform: f64, count: usize) -> usize {
    ((uniform * count as f64) as usize).min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_blocks::Given;

    /// Loops of their own say what the clip says of a token alone: to rounding, and of as many tokens.
    #[test]
    fn clips_in_loops_are_clips_of_single_tokens() {
        let wave = |n: usize, phase: f64| (n as f64 * 1.3 + phase).sin();
        let log_b: Vec<f64> = (0..200).map(|n| -1.1 - wave(n, 0.3)).collect();
        let mut log_q: Vec<f64> = (0..200).map(|n| log_b[n] + 0.6 * wave(n, 2.0)).collect();
        log_q[7] = f64::NEG_INFINITY;
        log_q[8] = log_b[8];
        let own: Vec<f64> = (0..200).map(|n| if n % 5 == 0 { 0.0 } else { wave(n, 4.0) }).collect();
        for clip in [
            "None",
            "Ppo(low: 0.2, high: 0.28)",
            "Ppo(low: 0.2, high: 0.2, dual: 1.3)",
            "Truncate(min: 0.8, max: 1.2)",
            "ZeroOutside(low: 0.1, high: 0.3)",
            "Divergence(divergence: Tv, low: 0.05, high: 0.1, cap: 1.2)",
            "Divergence(divergence: Kl, low: 0.01, high: 0.02)",
            "Sigmoid(positive: 1.0, negative: 1.05)",
        ] {
            let text = format!("(ratio: Token, clip: {clip})");
            let given: Given<Blocks> = pstar_core::config::parse(&text).unwrap();
            let blocks = given.over(&[]).unwrap();
            let mut x: Vec<f64> = log_q.iter().zip(&log_b).map(|(q, b)| q - b).collect();
            math::exp_all(&mut x);
            for (advantage, own) in [(0.7, None), (-0.7, None), (0.0, Some(&own[..]))] {
                let row = Row { log_q: &log_q, log_b: &log_b, right: true, advantage, own };
                let (mut loops, mut single) = (x.clone(), x.clone());
                let changed = blocks.of_token_ratios(row, &mut loops, &mut Vec::new());
                assert_eq!(changed, blocks.one_by_one(row, &mut single), "{clip}, {advantage}");
                for (a, b) in loops.iter().zip(&single) {
                    assert!((a - b).abs() <= 1e-15, "{clip}, {advantage}: {a} and {b}");
                }
                assert!(clip == "None" || changed > 0, "{clip}, {advantage}");
            }
        }
    }

    /// Tokens that have gone a billionth to a thousandth of the way too far, or not far enough, alone and beside others that
    /// are far from it: what a rough exponential cannot decide is decided by a whole one.
    #[test]
    fn trust_regions_end_where_they_say() {
        let given: Given<Blocks> = pstar_core::config::parse(
            "(ratio: Token, clip: Divergence(divergence: Tv, low: 0.1, high: 0.2))",
        )
        .unwrap();
        let blocks = given.over(&[]).unwrap();
        for b in [0.25, 0.5, 0.75, 0.999] {
            for (advantage, most) in [(1.0, 0.2), (-1.0, 0.1)] {
                for beside in [0, 40] {
                    for exponent in 3..10 {
                        for (sign, is_kept) in [(-1.0, true), (1.0, false)] {
                            let gone = most * (1.0 + sign * 10f64.powi(-exponent));
                            let q = b + advantage * gone;
                            let mut log_b = vec![math::ln(0.3); beside];
                            let mut log_q = log_b.clone();
                            log_b.push(math::ln(b));
                            log_q.push(math::ln(q.max(1e-9)));
                            let row = Row { log_q: &log_q, log_b: &log_b, right: true, advantage, own: None };
                            let mut c: Vec<f64> = log_q.iter().zip(&log_b).map(|(q, b)| q - b).collect();
                            math::exp_all(&mut c);
                            let changed = blocks.of_token_ratios(row, &mut c, &mut Vec::new());
                            assert_eq!(changed, u64::from(!is_kept), "{b} {advantage} {gone}");
                            assert_eq!(c[beside] != 0.0, is_kept, "{b} {advantage} {gone}");
                        }
                    }
                }
            }
        }
    }
}
