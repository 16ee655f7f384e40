//! One learned log Z a prompt.

use pstar_core::objective::{ObjectiveBatch, restored, saved};
use pstar_core::{Field, PluginError, math};
use std::collections::BTreeMap;

/// log Z of every prompt, learned by gradient steps of its own from 0: a balance is a loss in it too.
///
/// Asked outside a run, which hands over its prompts first, an objective may be given a log Z with the batch: then it is that one.
#[derive(Clone, Debug)]
pub(crate) struct LearnedPartitions {
    step_size: f64,
    is_run: bool,
    by_prompt: BTreeMap<u32, f64>,
}

pub(crate) fn default_step_size() -> f64 {
    0.1
}

impl LearnedPartitions {
    pub(crate) const FIELD: Field = Field::optional(
        "step_size",
        "number",
        ">= 0",
        "0.1",
        "the step of the learned log Z along its gradient, a mean over the prompt's samples",
    );

    /// # Errors
    /// For a step size out of range.
    pub(crate) fn new(step_size: f64) -> Result<Self, PluginError> {
        if step_size >= 0.0 && step_size.is_finite() {
            return Ok(Self { step_size, is_run: false, by_prompt: BTreeMap::new() });
        }
        let message = format!("`step_size` must be a number of at least 0, found `{step_size}`");
        Err(PluginError::config("step_size", message))
    }

    /// Told that a run begins, where nobody gives log Z.
    pub(crate) fn begin_run(&mut self) {
        self.is_run = true;
    }

    /// log Z of a group's prompt.
    pub(crate) fn log_partition(&self, batch: &ObjectiveBatch<'_>, g: usize) -> f64 {
        let given = if self.is_run { None } else { batch.facts(g).log_partition };
        self.by_prompt.get(&batch.prompt(g)).copied().or(given).unwrap_or(0.0)
    }

    /// Steps along the gradients of the updated groups, −`factor` times the mean of their residuals.
    ///
    /// Over all outputs the mean is that under the policy.
    pub(crate) fn learn(&mut self, batch: &ObjectiveBatch<'_>, residuals: &[f64], factor: f64) {
        let mut moved = BTreeMap::new();
        for g in (0..batch.groups()).filter(|&g| batch.is_updated(g)) {
            let weight = |i: usize| if batch.is_population() { population_weight(batch, i) } else { 1.0 };
            let (mut sum, mut total) = (0.0, 0.0);
            for i in batch.group(g).filter(|&i| weight(i) > 0.0) {
                sum += weight(i) * residuals[i];
                total += weight(i);
            }
            let gradient = if total > 0.0 { -factor * sum / total } else { 0.0 };
            let start = self.log_partition(batch, g);
            *moved.entry(batch.prompt(g)).or_insert(start) += self.step_size * gradient;
        }
        self.by_prompt.extend(moved);
    }

    pub(crate) fn save(&self) -> Result<String, PluginError> {
        saved(&self.by_prompt)
    }

    pub(crate) fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        self.by_prompt = restored(state)?;
        Ok(())
    }
}

/// q(y_i) of an enumerated output.
fn population_weight(batch: &ObjectiveBatch<'_>, i: usize) -> f64 {
    if batch.weight(i) > 0.0 {
        math::exp(math::ln(batch.weight(i)) + batch.log_importance_weight(i))
    } else {
        0.0
    }
}
