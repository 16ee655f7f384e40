//! `distillation`: the policy's own tokens are corrected towards a teacher's.

use crate::refusals::impossible;
use pstar_blocks::{Aggregate, Block, Penalties, PenaltyScratch, Ratio, Rows, written};
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::{Field, Objective, PluginError, math};
use serde::Deserialize;

/// c_it = ρ_it log(a_t/q_t) where q_t − b_t ≥ −low, else 0, aggregated; less the penalties. ρ is the token's ratio q/b.
///
/// On-policy distillation (Agarwal et al. 2024, arXiv 2306.13649) as prime-rl has it, whose further term is
/// `penalties: [(estimator: K2, coefficient: 0.002, to: Behaviour)]`; the teacher is the base. On-policy the expected gradient
/// is that of the reverse KL token by token, at the policy's prefixes, without what a token does to those behind it: its target
/// is the base, right or wrong.
pub(crate) struct Distillation(Config);

/// `()` or `(low: 0.1, aggregate: SequenceMean, penalties: [(estimator: K3, coefficient: 0.01, to: Base)])`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Who is followed.
    #[serde(default, rename = "teacher")]
    _teacher: Teacher,
    /// How far the probability of a token may have fallen for it to count.
    #[serde(default = "fifth")]
    low: f64,
    /// How tokens add up.
    #[serde(default = "token_mean", deserialize_with = "written")]
    aggregate: Aggregate,
    /// What distances cost.
    #[serde(default, deserialize_with = "written")]
    penalties: Penalties,
}

/// Who is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Teacher {
    /// The base.
    #[default]
    Base,
}

fn fifth() -> f64 {
    0.2
}

fn token_mean() -> Aggregate {
    Aggregate::TokenMean
}

const AGGREGATE: Field = Aggregate::FIELD.with_default("TokenMean");

impl Objective for Distillation {
    const NAME: &'static str = "distillation";
    const DOC: &'static str = "follows the base token by token: c = (q/b) log(a/q) of tokens, where q - b >= -low; target the base; arXiv 2306.13649";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::optional("teacher", "Base", "", "Base", "who is followed"),
        Field::optional(
            "low",
            "number",
            ">= 0",
            "0.2",
            "tokens whose probability has fallen by more since they were sampled do not count",
        ),
        AGGREGATE,
        Penalties::FIELD,
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        if config.low.is_nan() || config.low < 0.0 {
            let message = format!("`low` must be a number of at least 0, found `{}`", config.low);
            return Err(PluginError::config("low", message));
        }
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default().base_log_probs()
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let Config { low, aggregate, ref penalties, .. } = self.0;
        let base = batch.base_log_probs()?;
        let rows = Rows::of(batch, |_| true);
        let mut c = vec![0.0; batch.log_probs().values().len()];
        let mut scratch = PenaltyScratch::default();
        let mut cut = 0.0;
        for run in rows.runs() {
            let c = &mut c[run.tokens()];
            for (i, tokens) in run.sequences() {
                let share = aggregate.factor(tokens.len(), &rows.counts);
                let (now, then) = (batch.log_probs().row(i), batch.behaviour_log_probs().row(i));
                let log_probs = now.iter().zip(then).zip(base.row(i));
                for (c, ((&log_q, &log_b), &log_a)) in c[tokens].iter_mut().zip(log_probs) {
                    if math::exp(log_q) - math::exp(log_b) < -low {
                        cut += 1.0;
                    } else if log_a == f64::NEG_INFINITY {
                        return Err(impossible("base", i, batch.step()));
                    } else if log_q > f64::NEG_INFINITY {
                        *c = share * math::exp(log_q - log_b) * (log_a - log_q);
                    }
                }
            }
            let log_probs = penalties.log_probs(batch, run)?;
            penalties.subtract((run, log_probs), (aggregate, Ratio::Token), &rows.counts, &mut scratch, c);
        }
        let share = if rows.counts.tokens > 0.0 { cut / rows.counts.tokens } else { 0.0 };
        Ok(ObjectiveStep::per_token(c).with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, share))
    }
}
