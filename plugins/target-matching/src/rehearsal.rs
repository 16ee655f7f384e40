//! `rehearsal`: what the base got right is kept alive.

use crate::refusals::{impossible, positive};
use pstar_blocks::{Aggregate, Block, Rows, written};
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep, Source};
use pstar_core::{Field, Objective, PluginError, math};
use serde::Deserialize;
use std::f64::consts::LN_2;

/// Minimises η times a divergence's generator at u = q_t/a_t, token by token, on right answers of the base; wrong ones do not
/// count. c_it before the aggregate:
///
/// | divergence | c | loss |
/// |---|---|---|
/// | `Forward` | η (1 − u) | k3 = u − 1 − log u |
/// | `Alpha` | η (u^{1−α} − u)/α | (u^{1−α} − (1−α) u − α)/(α (α−1)) |
/// | `Js` | η (u/(1+u) − u/2) | k3 of the midpoint: m − 1 − log m, m = (1+u)/2 |
/// | `JsLowVariance` | −η u log(2u/(1+u)) | u log u − (1+u) log((1+u)/2) |
///
/// The rehearsal of DPH-RL (arXiv 2509.07430), which trains other prompts by a policy gradient at the same time: here one
/// objective trains all. It has η of 0.01 to 0.05 (`Forward`, `Alpha`) or 0.05 to 0.2, α 0.2, and with a `clamp` of 10 no
/// gradient where the k3 of `Forward` or `Js` is above it. Where all answers are right the expected gradient of `Forward` is
/// −η ∇KL(a‖q); filtered, 1 − u is no control variate any more but pushes down what the base gets right rarely.
pub(crate) struct Rehearsal(Config);

/// `()` or `(divergence: Alpha, alpha: 0.2, eta: 0.05, aggregate: SequenceMean)`
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The generator.
    #[serde(default)]
    divergence: Generator,
    /// α in (0, 1), of `Alpha`.
    #[serde(default = "fifth")]
    alpha: f64,
    /// η > 0.
    #[serde(default = "hundredth")]
    eta: f64,
    /// Greater values of k3 have no gradient.
    #[serde(default)]
    clamp: Option<f64>,
    /// How tokens add up.
    #[serde(default = "token_mean", deserialize_with = "written")]
    aggregate: Aggregate,
}

/// What is minimised, as a function of u.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Generator {
    #[default]
    Forward,
    Alpha,
    Js,
    JsLowVariance,
}

fn fifth() -> f64 {
    0.2
}

fn hundredth() -> f64 {
    0.01
}

fn token_mean() -> Aggregate {
    Aggregate::TokenMean
}

const AGGREGATE: Field = Aggregate::FIELD.with_default("TokenMean");

impl Objective for Rehearsal {
    const NAME: &'static str = "rehearsal";
    const DOC: &'static str = "keeps alive what the base gets right: c = eta (1 - u) with u = q/a of a token, or another divergence's; towards p*; \
         arXiv 2509.07430";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::optional(
            "divergence",
            "Forward | Alpha | Js | JsLowVariance",
            "",
            "Forward",
            "what is minimised, as a function of q/a of a token",
        ),
        Field::optional("alpha", "number", "in (0, 1)", "0.2", "the alpha of `divergence: Alpha`"),
        Field::optional("eta", "number", "> 0", "0.01", "multiplies the loss"),
        Field::optional(
            "clamp",
            "number",
            "> 0, with Forward or Js",
            "None",
            "values of k3 above it have no gradient",
        ),
        AGGREGATE,
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        let Config { divergence, alpha, eta, clamp, .. } = config;
        positive("eta", eta)?;
        if !(alpha > 0.0 && alpha < 1.0) {
            let error = PluginError::config("alpha", format!("`alpha` must be in (0, 1), found `{alpha}`"));
            return Err(error.with_hint("the limit of an alpha of 1 is `divergence: Forward`"));
        }
        if let Some(clamp) = clamp {
            positive("clamp", clamp)?;
            if !matches!(divergence, Generator::Forward | Generator::Js) {
                let message = format!("`divergence: {divergence:?}` has no k3 for a `clamp` to bound");
                return Err(PluginError::config("clamp", message)
                    .with_hint("leave out `clamp`, or set `divergence` to `Forward` or `Js`"));
            }
        }
        Ok(Self(config))
    }

    /// Samples of p* are the right ones of the base.
    fn declaration(&self) -> Declaration {
        Declaration::default().base_log_probs().sources(&[Source::Base, Source::Filtered])
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let base = batch.base_log_probs()?;
        let rows = Rows::of(batch, |i| batch.reward(i) > 0.0);
        let mut c = vec![0.0; batch.log_probs().values().len()];
        for (i, tokens) in &rows.rows {
            let share = self.0.eta * self.0.aggregate.factor(tokens.len(), &rows.counts);
            let log_probs = batch.log_probs().row(*i).iter().zip(base.row(*i));
            for (c, (&log_q, &log_a)) in c[tokens.clone()].iter_mut().zip(log_probs) {
                if log_a == f64::NEG_INFINITY {
                    return Err(impossible("base", *i, batch.step()));
                }
                *c = share * self.slope(log_q - log_a);
            }
        }
        Ok(ObjectiveStep::per_token(c))
    }
}

impl Rehearsal {
    /// −d/d log u of the loss over η, at log u.
    fn slope(&self, log_u: f64) -> f64 {
        let Config { divergence, alpha, clamp, .. } = self.0;
        let u = math::exp(log_u);
        let is_clamped = |k3: f64| clamp.is_some_and(|clamp| k3 > clamp);
        match divergence {
            Generator::Forward if is_clamped(math::exp_m1(log_u) - log_u) => 0.0,
            Generator::Forward => -math::exp_m1(log_u),
            Generator::Alpha => -math::exp((1.0 - alpha) * log_u) * math::exp_m1(alpha * log_u) / alpha,
            Generator::Js if is_clamped(0.5 * math::exp_m1(log_u) - math::softplus(log_u) + LN_2) => 0.0,
            Generator::Js => 1.0 / (1.0 + math::exp(-log_u)) - 0.5 * u,
            Generator::JsLowVariance if u == 0.0 => 0.0,
            Generator::JsLowVariance => u * (math::softplus(-log_u) - LN_2),
        }
    }
}
