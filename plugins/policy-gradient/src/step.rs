//! The coefficients of a step: advantages times ratios, added up, less penalties.
//!
//! Run by run, while its tokens are at hand; only what depends on all tokens of the batch comes between.

mod covariance;
mod each;
mod surrogate;
mod token_ratios;

use crate::blocks::{Clip, Entropy, EntropyForm, PolicyGradientBlocks as Blocks};
use pstar_blocks::{Advantages, Counts, PenaltyScratch, Rows, Run};
use pstar_core::objective::{ObjectiveBatch, ObjectiveStep};
use pstar_core::{PluginError, math};
use surrogate::{RunTokens, Scratch, append_advantages};

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
        let (mut scratch, mut of_penalties) = (Scratch::default(), PenaltyScratch::default());
        let mut changed = 0;
        for run in rows.runs() {
            // What does not count in between has no coefficients.
            c.resize(run.tokens().start, 0.0);
            if self.has_no_ratio() {
                append_advantages(run, advantages, &mut c);
            } else {
                let tokens = RunTokens::of(batch, run, advantages, &mut scratch.advantages);
                changed += self.surrogate(tokens, &mut c, &mut scratch.of_tokens);
            }
            if !self.has_covariances() {
                self.finish(batch, run, &rows.counts, &mut c[run.tokens()], &mut of_penalties)?;
            }
        }
        c.resize(batch.log_probs().values().len(), 0.0);
        if self.has_covariances() {
            if let Clip::Covariance { above, below, fraction, .. } = self.clip {
                changed += covariance::drop_some(batch, advantages, &rows, [above, below, fraction], &mut c);
            }
            if let Some(penalty) = self.covariance_penalty {
                covariance::penalise(batch, advantages, &rows, penalty, &mut c);
            }
            for run in rows.runs() {
                self.finish(batch, run, &rows.counts, &mut c[run.tokens()], &mut of_penalties)?;
            }
        }
        let step = ObjectiveStep::per_token(c).with_entropy(self.exact_entropy(&rows, batch));
        let share = if rows.counts.tokens > 0.0 { changed as f64 / rows.counts.tokens } else { 0.0 };
        Ok(match self.clip {
            Clip::None => step,
            _ => step.with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, share),
        })
    }

    /// What comes after the surrogate of a run: its part of a sampled entropy, the aggregate, penalties.
    fn finish(
        &self,
        batch: &ObjectiveBatch<'_>,
        run: Run<'_>,
        counts: &Counts,
        c: &mut [f64],
        scratch: &mut PenaltyScratch,
    ) -> Result<(), PluginError> {
        if let Some(Entropy { coefficient, form: EntropyForm::Sampled }) = self.entropy {
            for (c, log_q) in c.iter_mut().zip(&batch.log_probs().values()[run.tokens()]) {
                *c -= coefficient * log_q;
            }
        }
        math::widest(|| {
            for (_, of) in run.sequences() {
                let factor = self.aggregate.factor(of.len(), counts);
                c[of].iter_mut().for_each(|c| *c *= factor);
            }
        });
        if !self.penalties.0.is_empty() {
            let log_probs = self.penalties.log_probs(batch, run)?;
            self.penalties.subtract((run, log_probs), (self.aggregate, self.ratio), counts, scratch, c);
        }
        if math::all_finite(c) { Ok(()) } else { Err(unsound(batch, run, c)) }
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
}

/// What is told of a coefficient without a value, by what it comes from.
fn unsound(batch: &ObjectiveBatch<'_>, run: Run<'_>, c: &[f64]) -> PluginError {
    let at = c.iter().position(|c| !c.is_finite()).unwrap_or_default();
    let holds_it = |(_, of): &(usize, std::ops::Range<usize>)| of.contains(&at);
    let (i, of) = run.sequences().find(holds_it).unwrap_or_default();
    let t = at - of.start;
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

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_blocks::{Given, Window};
    use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
    use pstar_core::rng::{Purpose, StreamKey};

    /// Groups of sequences of no token to more than a run holds, off-policy, in an order of groups.
    fn buffer(order: impl Iterator<Item = u32>) -> ObjectiveBuffer {
        let key = StreamKey::new(11, Purpose::Objective, 0);
        let lengths = [0, 3, 700, 1, 17, 511, 513, 64, 2];
        let mut buffer = ObjectiveBuffer::default();
        for g in order {
            buffer.push_group(g, PromptFacts::default());
            for i in 0..4 {
                let length = lengths[(g as usize * 5 + i as usize * 7) % lengths.len()];
                let row = |column: u32| -> Vec<f64> {
                    (0..length).map(|t| -0.01 - 1.5 * key.uniform(g, 3 * i + column, t)).collect()
                };
                let [log_q, log_a, moved] = [0, 1, 2].map(row);
                let log_b: Vec<f64> =
                    log_q.iter().zip(moved).map(|(q, x)| (q + 0.8 * (x + 0.7)).min(-1e-3)).collect();
                let reward = f64::from(u8::from((g + i) % 3 == 0));
                buffer.push(Row::new(reward, &log_q).behaviour_log_probs(&log_b).base_log_probs(&log_a));
            }
        }
        buffer
    }

    /// In another order of groups runs are cut elsewhere, and sequences that do not count leave gaps in them: every token has
    /// the coefficient that it has there, to the bit.
    #[test]
    fn where_runs_are_cut_changes_no_coefficient() {
        const GROUPS: u32 = 12;
        let moment = Moment::new(0, StreamKey::new(1, Purpose::Objective, 0));
        let (forward, backward) = (buffer(0..GROUPS), buffer((0..GROUPS).rev()));
        let [forward, backward] = [&forward, &backward].map(|buffer| buffer.view(moment).unwrap());
        for text in [
            "(ratio: Token, clip: Ppo(low: 0.2, high: 0.2), aggregate: SequenceMean)",
            "(ratio: Token, clip: Divergence(divergence: Kl, low: 0.02, high: 0.03), aggregate: TokenMean)",
            "(ratio: Token, clip: Divergence(divergence: Tv, low: 0.1, high: 0.1), subset: Wrong)",
            "(ratio: Geometric, clip: Ppo(low: 0.01, high: 0.01), sequence_mask: (delta: 0.01))",
            "(ratio: Token, clip: GeometricOfClipped(low: 0.4, high: 0.4), importance: (level: Sequence, max: 1.5))",
            "(ratio: Token, clip: Taper(by: Reward), importance: (level: Token, max: 1.1))",
            "(penalties: [(estimator: K3, coefficient: 0.1, to: Base, aggregate: SequenceMean)], subset: Correct)",
            "(ratio: Sequence, penalties: [(estimator: K2, coefficient: 0.1, to: Behaviour, weighted: Ratio, clamp: 0.1)])",
        ] {
            let given: Given<Blocks> = pstar_core::config::parse(text).unwrap();
            let blocks = given.over(&[]).unwrap();
            let [one, other] = [&forward, &backward].map(|batch| {
                let advantages = blocks.advantage.of(batch, &Window::default()).unwrap();
                blocks.coefficients(batch, &advantages).unwrap().coefficients
            });
            let mut moved = 0;
            for g in 0..GROUPS as usize {
                for (i, j) in forward.group(g).zip(backward.group(GROUPS as usize - 1 - g)) {
                    let [one, other] =
                        [(&forward, i, &one), (&backward, j, &other)].map(|(batch, row, c)| {
                            let start = (0..row).map(|row| batch.log_probs().row(row).len()).sum::<usize>();
                            &c[start..start + batch.log_probs().row(row).len()]
                        });
                    assert!(one == other, "{text}: sequence {i}");
                    moved += one.iter().filter(|c| **c != 0.0).count();
                }
            }
            assert!(moved > 500, "{text}: {moved} tokens have coefficients");
        }
    }
}
