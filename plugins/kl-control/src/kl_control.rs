//! `kl-control`: the expected reward minus β times the divergence from the base.

use pstar_core::objective::{
    Baseline, Declaration, Divergence, ObjectiveBatch, ObjectiveStep, PartitionNeed, PartitionSource,
    PartitionUsed, PopulationForm, PromptFacts,
};
use pstar_core::{ErrorKind, Field, Objective, PluginError, math};
use serde::Deserialize;

/// Maximises E_q\[v\] − β KL(q‖a), whose optimum is the tilted distribution p_\[β\] ∝ a e^{v/β}:
/// c_i = R_i (v_i − β log(q(y_i)/a(y_i)) − baseline).
pub(crate) struct KlControl {
    strength: Strength,
    baseline: Baseline,
}

/// `(lambda: 10.0)`, `(beta: 0.1)` or `(mu: 0.95)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// β > 0: the price of one nat.
    #[serde(default)]
    beta: Option<f64>,
    /// λ = 1/β > 0.
    #[serde(default)]
    lambda: Option<f64>,
    /// The validity rate that the tilted distribution is to have, in (0, 1): one β a prompt, from the exact Z.
    #[serde(default)]
    mu: Option<f64>,
    /// What is subtracted from the reward and its price.
    #[serde(default)]
    baseline: Baseline,
}

/// How strongly the reward pulls.
enum Strength {
    /// One β for all prompts.
    Beta(f64),
    /// One β a prompt, for this validity rate.
    ValidityRate(f64),
}

impl Objective for KlControl {
    const NAME: &'static str = "kl-control";
    const DOC: &'static str = "maximises the expected reward minus beta times KL(policy || base)";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::optional("beta", "number", "> 0", "None", "the price of one nat of KL(policy || base)"),
        Field::optional("lambda", "number", "> 0", "None", "1 / beta"),
        Field::optional(
            "mu",
            "number",
            "in (0, 1), above the base's validity rate",
            "None",
            "the validity rate that the tilted distribution is to have",
        ),
        Baseline::FIELD,
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        let strength = match (config.beta, config.lambda, config.mu) {
            (Some(beta), None, None) => Strength::Beta(positive("beta", beta)?),
            (None, Some(lambda), None) => {
                let beta = 1.0 / positive("lambda", lambda)?;
                if beta.is_infinite() {
                    let message = format!(
                        "`lambda` must be at least 6e-309, so that 1/lambda is a number, found `{lambda:e}`"
                    );
                    return Err(PluginError::config("lambda", message));
                }
                Strength::Beta(beta)
            }
            (None, None, Some(mu)) if mu > 0.0 && mu < 1.0 => Strength::ValidityRate(mu),
            (None, None, Some(mu)) => {
                return Err(PluginError::config("mu", format!("`mu` must be in (0, 1), found `{mu}`")));
            }
            (None, None, None) => {
                let message = "expected one of `beta`, `lambda` and `mu`, found none";
                return Err(PluginError::new(ErrorKind::Config, message)
                    .with_hint("a KL coefficient of 0 is the objective `reinforce`"));
            }
            _ => {
                let message = "expected one of `beta`, `lambda` and `mu`, found several";
                return Err(PluginError::new(ErrorKind::Config, message));
            }
        };
        Ok(Self { strength, baseline: config.baseline })
    }

    fn declaration(&self) -> Declaration {
        let (partition, divergence) = match self.strength {
            Strength::Beta(beta) => (PartitionNeed::Unused, Divergence::KlToTilted { beta }),
            Strength::ValidityRate(mu) => (PartitionNeed::Exact, Divergence::KlToTiltedAtRate { mu }),
        };
        Declaration::default()
            .base_log_probs()
            .partition(partition)
            .minimum_group(self.baseline.minimum_group())
            .population(PopulationForm::PerSequence)
            .divergence(divergence)
    }

    fn prepare(&mut self, prompts: &[PromptFacts]) -> Result<(), PluginError> {
        prompts.iter().try_for_each(|&facts| self.beta(facts).map(|_| ()))
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        self.baseline.check_groups(batch)?;
        let mut c = vec![0.0; batch.len()];
        let mut partitions = Vec::new();
        for g in 0..batch.groups() {
            let facts = batch.facts(g);
            let beta = self.beta(facts)?;
            if let (Strength::ValidityRate(_), Some(log_partition)) = (&self.strength, facts.log_partition) {
                partitions.push(PartitionUsed { log_partition, source: PartitionSource::Exact });
            }
            for i in batch.group(g) {
                let log_a = batch.base_log_prob(i)?;
                if log_a > f64::NEG_INFINITY {
                    c[i] = batch.reward(i) - beta * (batch.log_prob(i) - log_a);
                } else if batch.weight(i) > 0.0 {
                    return Err(infinite_price(i, batch.step()));
                }
            }
        }
        if batch.is_population() {
            subtract_expectation(batch, &mut c);
        }
        self.baseline.subtract(batch, &mut c);
        c.iter_mut().enumerate().for_each(|(i, c)| *c *= batch.importance_weight(i));
        Ok(ObjectiveStep::per_sequence(batch, &c).with_partitions(partitions))
    }
}

impl KlControl {
    /// β for a prompt: with a validity rate μ, 1/β = logit μ − logit A1.
    fn beta(&self, facts: PromptFacts) -> Result<f64, PluginError> {
        let mu = match self.strength {
            Strength::Beta(beta) => return Ok(beta),
            Strength::ValidityRate(mu) => mu,
        };
        let Some(log_valid) = facts.log_partition else {
            return Err(PluginError::config(
                "mu",
                "`mu` needs the exact partition function, which is unknown here",
            )
            .with_hint("give `beta` or `lambda`, or make the space small enough to enumerate"));
        };
        let log_invalid = facts.log_invalidity.unwrap_or_else(|| math::ln(-math::exp_m1(log_valid)));
        let lambda = math::ln(mu) - math::ln_1p(-mu) - (log_valid - log_invalid);
        if lambda.is_finite() && lambda > 0.0 {
            return Ok(1.0 / lambda);
        }
        let rate = math::exp(log_valid);
        let message = format!(
            "`mu` must lie above the base's validity rate, which must be in (0, 1): found `{mu}` for a prompt of rate {rate:.6}"
        );
        Err(PluginError::config("mu", message))
    }
}

/// What all outputs have in common costs the differences between them as many digits as it has; below this, few.
const LARGE: f64 = 1e6;

/// Subtracts from each value its expectation over the group, where that is large: nothing to the expected gradient, but at
/// a large β it would drown the differences.
fn subtract_expectation(batch: &ObjectiveBatch<'_>, values: &mut [f64]) {
    for g in 0..batch.groups() {
        let prob = |i: usize| batch.weight(i) * batch.importance_weight(i);
        let total: f64 = batch.group(g).map(prob).sum();
        let mean: f64 = batch.group(g).filter(|&i| prob(i) > 0.0).map(|i| prob(i) / total * values[i]).sum();
        if mean.is_finite() && mean.abs() > LARGE {
            values[batch.group(g)].iter_mut().for_each(|value| *value -= mean);
        }
    }
}

/// The policy's divergence from the base is infinite, and no gradient leads back.
fn infinite_price(sequence: usize, step: u64) -> PluginError {
    let message =
        format!("the base cannot produce sequence {sequence} of step {step}: KL(policy || base) is infinite");
    PluginError::data(message).with_hint(
        "start with a policy that stays where the base is, give the base no zeros, or aim at p* instead",
    )
}

fn positive(field: &str, value: f64) -> Result<f64, PluginError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    let error = PluginError::config(field, format!("`{field}` must be a positive number, found `{value}`"));
    Err(error.with_hint("a KL coefficient of 0 is the objective `reinforce`"))
}
