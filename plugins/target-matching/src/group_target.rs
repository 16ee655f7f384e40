//! `group-target`: the policy's shares within a group are drawn to a target's.

use crate::refusals::{impossible, positive};
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::{ErrorKind, Field, Objective, PluginError, math};
use serde::Deserialize;
use std::ops::Range;

/// Maximises the mean over groups of Σ_i t_i log p_i, where p is the softmax over the group of log q and
/// t ∝ b e^{u/η} that of what sampled, tilted by the normalised rewards u = (v − mean)/std (ddof 0; without the division where
/// the std is at most 1e-6): c_i = (N / number of groups) (t_i − p_i).
///
/// TPO (arXiv 2604.06159). The odds among right answers stay those of what sampled, so that steps from the base lead towards
/// p*; c_i is proportional to the sample's own share of its group, so that unlikely right answers hardly move.
/// `anchor: None` has t ∝ e^{u/η}, whose right answers are alike. A group that is all right or all wrong stays where it was:
/// its coefficients are 0 on-policy.
pub(crate) struct GroupTarget(Config);

/// `()` or `(eta: 0.5, anchor: None)`
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// η > 0: the temperature of rewards.
    #[serde(default = "one")]
    eta: f64,
    /// What rewards tilt.
    #[serde(default)]
    anchor: Anchor,
}

fn one() -> f64 {
    1.0
}

/// What rewards tilt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Anchor {
    /// What sampled.
    #[default]
    Behaviour,
    /// Equal shares.
    None,
}

/// Standard deviations up to this one divide nothing.
const LEAST_DEVIATION: f64 = 1e-6;

impl Objective for GroupTarget {
    const NAME: &'static str = "group-target";
    const DOC: &'static str = "matches shares within the group: c = (N/groups) (t - p), t of b e^(u/eta), p of q, u = (v - mean)/std; from the base towards p*; \
         arXiv 2604.06159";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::optional("eta", "number", "> 0", "1", "the temperature of the normalised rewards"),
        Field::optional(
            "anchor",
            "Behaviour | None",
            "",
            "Behaviour",
            "what the rewards tilt: the shares under what sampled, or equal ones",
        ),
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        positive("eta", config.eta)?;
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default().minimum_group(2)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let found = batch.smallest_group();
        if found < 2 {
            let message =
                format!("shares of a group need groups of at least 2 samples, found a group of {found}");
            return Err(PluginError::new(ErrorKind::Config, message).with_hint("sample larger groups"));
        }
        let mut c = Vec::with_capacity(batch.len());
        let scale = batch.len() as f64 / batch.groups() as f64;
        for g in 0..batch.groups() {
            let group = batch.group(g);
            let shares = softmax(group.clone().map(|i| batch.log_prob(i)));
            let targets = softmax(self.targets(batch, group.clone()));
            if shares.iter().any(|share| share.is_nan()) {
                return Err(impossible("policy", group.start, batch.step()));
            }
            if targets.iter().any(|target| target.is_nan()) {
                return Err(impossible("behaviour policy", group.start, batch.step()));
            }
            c.extend(targets.iter().zip(&shares).map(|(target, share)| scale * (target - share)));
        }
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }
}

impl GroupTarget {
    /// Logarithms of t, not normalised.
    fn targets(&self, batch: &ObjectiveBatch<'_>, group: Range<usize>) -> impl Iterator<Item = f64> {
        let n = group.len() as f64;
        let mean = group.clone().map(|i| batch.reward(i)).sum::<f64>() / n;
        let variance =
            group.clone().map(|i| (batch.reward(i) - mean) * (batch.reward(i) - mean)).sum::<f64>() / n;
        let deviation = variance.sqrt();
        let scale = if deviation > LEAST_DEVIATION { deviation } else { 1.0 };
        let Config { eta, anchor } = self.0;
        group.map(move |i| {
            let anchored = if anchor == Anchor::Behaviour { batch.behaviour_log_prob(i) } else { 0.0 };
            (batch.reward(i) - mean) / scale / eta + anchored
        })
    }
}

/// Shares; NaN where all logarithms are −∞.
fn softmax(logs: impl Iterator<Item = f64>) -> Vec<f64> {
    let logs: Vec<f64> = logs.collect();
    let log_sum = math::log_sum_exp(&logs);
    logs.into_iter().map(|log| math::exp(log - log_sum)).collect()
}
