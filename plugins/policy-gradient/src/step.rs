//! The coefficients of a step: advantages times ratios, added up, less penalties.

use crate::advantage::Advantages;
use crate::blocks::{
    At, Clip, Counts, CovariancePenalty, Entropy, EntropyForm, Penalty, Ratio, Reference, Weighted,
};
use crate::config::Blocks;
use pstar_core::objective::{ObjectiveBatch, ObjectiveStep};
use pstar_core::{PluginError, math};
use std::ops::Range;

/// The sequences that count in a step, with their tokens' places among those of the batch.
struct Rows {
    rows: Vec<(usize, Range<usize>)>,
    counts: Counts,
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
        let rows = self.rows(batch);
        let mut c = vec![0.0; batch.log_probs().values().len()];
        let mut scratch = Vec::new();
        let mut changed = 0;
        for (i, tokens) in &rows.rows {
            changed += self.surrogate(batch, advantages, *i, tokens, &mut c[tokens.clone()], &mut scratch);
        }
        if let Clip::Covariance { above, below, fraction, .. } = self.clip {
            changed += drop_covariant(batch, advantages, &rows, [above, below, fraction], &mut c);
        }
        if let Some(penalty) = self.covariance_penalty {
            penalise_covariant(batch, advantages, &rows, penalty, &mut c);
        }
        if let Some(entropy) = self.entropy.filter(|entropy| entropy.form == EntropyForm::Sampled) {
            let log_q = batch.log_probs().values();
            for t in rows.rows.iter().flat_map(|(_, tokens)| tokens.clone()) {
                c[t] -= entropy.coefficient * log_q[t];
            }
        }
        for (_, tokens) in &rows.rows {
            let factor = self.aggregate.factor(tokens.len(), &rows.counts);
            c[tokens.clone()].iter_mut().for_each(|c| *c *= factor);
        }
        for penalty in &self.penalties.0 {
            self.penalise(batch, penalty, &rows, &mut c)?;
        }
        check(batch, &rows, &c)?;
        let step = ObjectiveStep::per_token(c).with_entropy(self.exact_entropy(&rows, batch));
        let share = if rows.counts.tokens > 0.0 { f64::from(changed) / rows.counts.tokens } else { 0.0 };
        Ok(match self.clip {
            Clip::None => step,
            _ => step.with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, share),
        })
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

    fn rows(&self, batch: &ObjectiveBatch<'_>) -> Rows {
        let mut counts = Counts::default();
        let mut rows = Vec::new();
        let mut start = 0;
        for g in 0..batch.groups() {
            for i in batch.group(g) {
                let tokens = start..start + batch.log_probs().row(i).len();
                start = tokens.end;
                let length = tokens.len() as f64;
                counts.horizon = counts.horizon.max(length);
                if !batch.is_updated(g) {
                    continue;
                }
                counts.step += 1.0;
                if self.subset.holds(batch.reward(i)) {
                    counts.rows += 1.0;
                    counts.tokens += length;
                    counts.longest = counts.longest.max(length);
                    rows.push((i, tokens));
                }
            }
        }
        counts.horizon = batch.horizon().map_or(counts.horizon, |horizon| horizon as f64);
        Rows { rows, counts }
    }

    /// The coefficients of a sequence before they add up; says how many tokens a clip changed.
    fn surrogate(
        &self,
        batch: &ObjectiveBatch<'_>,
        advantages: &Advantages,
        i: usize,
        tokens: &Range<usize>,
        c: &mut [f64],
        ratios: &mut Vec<f64>,
    ) -> u32 {
        let (log_q, log_b) = (batch.log_probs().row(i), batch.behaviour_log_probs().row(i));
        let right = batch.reward(i) > 0.0;
        let of_sequence = advantages.sequences[i];
        let own = advantages.tokens.as_ref().map(|all| &all[tokens.clone()]);
        if own.is_none() && of_sequence == 0.0 {
            return 0;
        }
        let plain = self.ratio == Ratio::None && self.importance.is_none() && self.sequence_mask.0.is_none();
        if plain && self.clip == Clip::None {
            match own {
                Some(own) => c.copy_from_slice(own),
                None => c.fill(of_sequence),
            }
            return 0;
        }
        ratios.clear();
        // Of what neither can produce there is no ratio.
        ratios.extend(log_q.iter().zip(log_b).map(|(q, b)| if q == b { 0.0 } else { q - b }));
        let weight = match self.importance {
            Some(importance) if importance.level == Ratio::Sequence => {
                math::exp(Ratio::Sequence.of_sequence(ratios)).min(importance.max)
            }
            _ => 1.0,
        };
        let stale = self.sequence_mask.0.is_some_and(|delta| -Ratio::Geometric.of_sequence(ratios) > delta);
        let mut changed = 0;
        if let Clip::GeometricOfClipped { low, high } = self.clip {
            let cut = |log_ratio: f64| if of_sequence > 0.0 { log_ratio > high } else { log_ratio < -low };
            let bound = if of_sequence > 0.0 { high } else { -low };
            let sum: f64 = ratios.iter().map(|&ratio| if cut(ratio) { bound } else { ratio }).sum();
            let mean = math::exp(sum / ratios.len() as f64);
            for (c, &ratio) in c.iter_mut().zip(&*ratios) {
                *c = if cut(ratio) { 0.0 } else { of_sequence * mean };
                changed += u32::from(cut(ratio));
            }
        } else {
            let sequence_ratio = match self.ratio {
                Ratio::Sequence | Ratio::Geometric => Some(math::exp(self.ratio.of_sequence(ratios))),
                Ratio::None => Some(1.0),
                Ratio::Token => None,
            };
            let token_weights = self.importance.filter(|importance| importance.level == Ratio::Token);
            if sequence_ratio.is_none() || token_weights.is_some() {
                math::exp_all(ratios);
            }
            let mut token = |t: usize, advantage: f64| {
                let ratio = sequence_ratio.unwrap_or_else(|| ratios[t]);
                let at = At { advantage, right, ratio, log_probs: [log_q[t], log_b[t]] };
                let factor = self.clip.factor(at);
                changed += u32::from(factor != ratio && advantage != 0.0);
                let factor = token_weights.map_or(factor, |weight| factor * ratios[t].min(weight.max));
                // Where there is no advantage, or no more of it, a ratio beyond all numbers has none either.
                if advantage == 0.0 || factor == 0.0 { 0.0 } else { advantage * factor }
            };
            match (own, self.clip, sequence_ratio, token_weights) {
                (None, Clip::Ppo { low, high, dual }, None, None) => {
                    // The most frequent case by far, in a loop of its own.
                    let [least, most] = if of_sequence > 0.0 {
                        [f64::NEG_INFINITY, 1.0 + high]
                    } else {
                        [1.0 - low, dual.unwrap_or(f64::INFINITY)]
                    };
                    for (c, &ratio) in c.iter_mut().zip(&*ratios) {
                        let kept = (least..=most).contains(&ratio);
                        changed += u32::from(!kept);
                        *c = if kept { of_sequence * ratio } else { 0.0 };
                    }
                }
                (None, ..) => c.iter_mut().enumerate().for_each(|(t, c)| *c = token(t, of_sequence)),
                (Some(own), ..) => c.iter_mut().enumerate().for_each(|(t, c)| *c = token(t, own[t])),
            }
        }
        if stale || weight != 1.0 {
            for (t, c) in c.iter_mut().enumerate() {
                let negative = own.map_or(of_sequence, |own| own[t]) < 0.0;
                *c *= if stale && negative { 0.0 } else { weight };
            }
        }
        changed
    }

    /// Subtracts a penalty.
    fn penalise(
        &self,
        batch: &ObjectiveBatch<'_>,
        penalty: &Penalty,
        rows: &Rows,
        c: &mut [f64],
    ) -> Result<(), PluginError> {
        let reference = match penalty.to {
            Reference::Base => batch.base_log_probs()?,
            Reference::Behaviour => batch.behaviour_log_probs(),
        };
        let aggregate = penalty.aggregate.unwrap_or(self.aggregate);
        for (i, tokens) in &rows.rows {
            let factor = -penalty.coefficient * aggregate.factor(tokens.len(), &rows.counts);
            let (log_q, log_b) = (batch.log_probs().row(*i), batch.behaviour_log_probs().row(*i));
            let estimates: Vec<(f64, f64)> =
                log_q.iter().zip(reference.row(*i)).map(|(q, r)| penalty.estimate(q - r)).collect();
            let log_ratios = || log_q.iter().zip(log_b).map(|(q, b)| q - b);
            // The loss is the mean of weight · value: its slope in log q of a token is the weight's times the values that it is
            // common to, and the weight times the token's own slope.
            let weights: Vec<f64> = match (penalty.weighted, self.ratio) {
                (Weighted::None | Weighted::OwnScore, _) => vec![1.0; log_q.len()],
                (Weighted::Ratio, Ratio::None | Ratio::Token) => log_ratios().map(math::exp).collect(),
                (Weighted::Ratio, level) => {
                    let log_ratios: Vec<f64> = log_ratios().collect();
                    vec![math::exp(level.of_sequence(&log_ratios)); log_q.len()]
                }
            };
            let open = |t: usize| penalty.is_open(weights[t] * estimates[t].0);
            let open_values = || (0..log_q.len()).filter(|&t| open(t)).map(|t| estimates[t].0).sum::<f64>();
            let common = match (penalty.weighted, self.ratio) {
                (Weighted::Ratio, Ratio::Geometric) => Some(open_values() / log_q.len() as f64),
                (Weighted::Ratio, Ratio::Sequence) => Some(open_values()),
                _ => None,
            };
            for (t, c) in c[tokens.clone()].iter_mut().enumerate() {
                let (value, slope) = if open(t) { estimates[t] } else { (0.0, 0.0) };
                let score = match penalty.weighted {
                    Weighted::None => 0.0,
                    Weighted::OwnScore | Weighted::Ratio => common.unwrap_or(value),
                };
                *c += factor * weights[t] * (score + slope);
            }
        }
        Ok(())
    }
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
) -> u32 {
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
    u32::try_from(count).unwrap_or(u32::MAX)
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

/// Refuses coefficients without a value, by what they come from.
fn check(batch: &ObjectiveBatch<'_>, rows: &Rows, c: &[f64]) -> Result<(), PluginError> {
    if c.iter().all(|c| c.is_finite()) {
        return Ok(());
    }
    let all =
        rows.rows.iter().flat_map(|(i, tokens)| tokens.clone().enumerate().map(move |(t, at)| (*i, t, at)));
    let Some((i, t, _)) = all.into_iter().find(|(_, _, at)| !c[*at].is_finite()) else { return Ok(()) };
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
    Err(PluginError::data(message).with_hint(advice))
}

/// A place among `count` for a uniform number.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn pick(uniform: f64, count: usize) -> usize {
    ((uniform * count as f64) as usize).min(count - 1)
}
