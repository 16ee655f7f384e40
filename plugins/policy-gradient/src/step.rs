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
