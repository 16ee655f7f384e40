//! `mara`: right answers are all worth what the base's likeliest is.

use crate::refusals::{impossible, positive};
use pstar_core::objective::{
    Declaration, ObjectiveBatch, ObjectiveStep, PartitionNeed, PartitionSource, PartitionUsed,
    PopulationForm, PromptFacts,
};
use pstar_core::{Field, Objective, PluginError};
use serde::Deserialize;

/// Maximises KL-control's E\[r̄ − β log(q/a)\] with rewards that lift every right answer to z, the base's likeliest right one:
/// r̄ = v + β (log a(z) − log a(y)) on right answers, v on wrong ones. c_i = R_i (1 + β (log a(z) − log q(y_i))) on right
/// answers, −R_i β log(q(y_i)/a(y_i)) on wrong ones; no baseline.
///
/// Its target is *uniform* on the right answers, at the height a(z) e^{1/β} before normalisation, and the base on wrong ones:
/// not p*. GX-Chen et al. 2025 (arXiv 2510.20817), by two independent notes: the formula is second-hand. `anchor: Batch`, as
/// there, takes z from the group, so that the reward moves with the samples; `anchor: Exact` from all outputs.
pub(crate) struct Mara {
    config: Config,
    /// For each prompt log a(z) over all outputs, where known.
    anchors: Vec<Option<f64>>,
}

/// `(beta: 0.1)` or `(beta: 0.1, anchor: Exact)`
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// β > 0: the price of one nat.
    beta: f64,
    /// Where z comes from.
    #[serde(default)]
    anchor: Anchor,
}

/// Where z comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Anchor {
    /// The group.
    #[default]
    Batch,
    /// All outputs.
    Exact,
}

impl Objective for Mara {
    const NAME: &'static str = "mara";
    const DOC: &'static str = "KL-control to equal right answers: c = R (1 + beta log(a(z)/q)) if right, R beta log(a/q) if wrong; target uniform on right ones, \
         not p*; arXiv 2510.20817, second-hand";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::required("beta", "number", "> 0", "the price of one nat"),
        Field::optional(
            "anchor",
            "Batch | Exact",
            "",
            "Batch",
            "which right answer of the base sets the height: the likeliest of the group, or of all outputs",
        ),
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        positive("beta", config.beta)?;
        Ok(Self { config, anchors: Vec::new() })
    }

    fn declaration(&self) -> Declaration {
        let declaration = Declaration::default().base_log_probs();
        match self.config.anchor {
            Anchor::Batch => declaration,
            // Who knows the likeliest right answer has gone through all outputs, as for Z.
            Anchor::Exact => {
                declaration.partition(PartitionNeed::Exact).population(PopulationForm::PerSequence)
            }
        }
    }

    fn prepare(&mut self, prompts: &[PromptFacts]) -> Result<(), PluginError> {
        self.anchors = prompts.iter().map(|facts| facts.log_top_valid).collect();
        let is_unknown = self.config.anchor == Anchor::Exact && self.anchors.contains(&None);
        if is_unknown { Err(unknown_anchor()) } else { Ok(()) }
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let mut c = Vec::with_capacity(batch.len());
        for g in 0..batch.groups() {
            let anchor = self.anchor(batch, g)?;
            for i in batch.group(g) {
                c.push(self.coefficient(batch, i, anchor)?);
            }
        }
        let step = ObjectiveStep::per_sequence(batch, &c);
        let known = (0..batch.groups()).map(|g| batch.facts(g).log_partition).collect::<Option<Vec<f64>>>();
        match known.filter(|_| self.config.anchor == Anchor::Exact) {
            // Who has the likeliest right answer was handed an oracle, and is marked like those that have Z.
            Some(known) => {
                let used = |log_partition| PartitionUsed { log_partition, source: PartitionSource::Exact };
                Ok(step.with_partitions(known.into_iter().map(used).collect()))
            }
            None => Ok(step),
        }
    }
}

impl Mara {
    /// log a(z) of a group; −∞ where there is no right answer.
    fn anchor(&self, batch: &ObjectiveBatch<'_>, g: usize) -> Result<f64, PluginError> {
        if self.config.anchor == Anchor::Exact {
            let of_prompt = usize::try_from(batch.prompt(g)).ok().and_then(|prompt| self.anchors.get(prompt));
            return of_prompt.copied().flatten().ok_or_else(unknown_anchor);
        }
        let mut greatest = f64::NEG_INFINITY;
        for i in batch.group(g).filter(|&i| batch.reward(i) > 0.0) {
            greatest = greatest.max(batch.base_log_prob(i)?);
        }
        Ok(greatest)
    }

    fn coefficient(&self, batch: &ObjectiveBatch<'_>, i: usize, anchor: f64) -> Result<f64, PluginError> {
        let (log_q, is_right) = (batch.log_prob(i), batch.reward(i) > 0.0);
        if log_q == f64::NEG_INFINITY {
            return Ok(0.0);
        }
        let log_height = if is_right { anchor } else { batch.base_log_prob(i)? };
        if log_height == f64::NEG_INFINITY {
            let is_sample = batch.weight(i) > 0.0;
            return if is_sample { Err(impossible("base", i, batch.step())) } else { Ok(0.0) };
        }
        let bonus = if is_right { 1.0 } else { 0.0 };
        Ok((bonus + self.config.beta * (log_height - log_q)) * batch.importance_weight(i))
    }
}

fn unknown_anchor() -> PluginError {
    let message = "the base's likeliest right answer is unknown here";
    PluginError::config("anchor", message)
        .with_hint("set `anchor: Batch`, or make the space small enough to enumerate")
}
