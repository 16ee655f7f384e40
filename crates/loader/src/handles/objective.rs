//! Objectives.

use super::unwrap;
use crate::watch::Watched;
use pstar_core::PluginError;
use pstar_core::abi::{ColumnWriter, ObjectiveBox};
use pstar_core::objective::{Declaration, ObjectiveAnswer, ObjectiveBatch, PromptFacts};
use pstar_core::{math, wire};

/// An objective of a plugin.
pub struct ObjectiveHandle {
    pub(crate) name: String,
    pub(crate) inner: Watched<ObjectiveBox>,
}

impl ObjectiveHandle {
    /// What the objective needs and where it heads.
    ///
    /// # Errors
    /// If the component fails or its declaration cannot be read.
    pub fn declaration(&self) -> Result<Declaration, PluginError> {
        wire::take_declaration(unwrap(self.inner.call().declaration())?).map_err(|mut error| {
            error.message = format!("the declaration of objective `{}`: {}", self.name, error.message);
            error
        })
    }

    /// Hands over the exact values of the task's prompts, before the first step.
    ///
    /// # Errors
    /// If the objective cannot work with them.
    pub fn prepare(&mut self, prompts: &[PromptFacts]) -> Result<(), PluginError> {
        let facts = wire::FactColumns::of(prompts);
        let mut writer = ColumnWriter::default();
        wire::put_facts(&mut writer, &facts);
        unwrap(self.inner.call_mut().prepare(writer.columns()))
    }

    /// Tells of a batch that was drawn, before the first step on it.
    ///
    /// # Errors
    /// If the component fails.
    pub fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        let scalars = wire::ObjectiveScalars::of(batch);
        let mut writer = ColumnWriter::default();
        wire::put_objective_batch(&mut writer, batch, &scalars);
        unwrap(self.inner.call_mut().observe(writer.columns()))
    }

    /// What the objective has learnt so far, as text.
    ///
    /// # Errors
    /// If the component fails.
    pub fn save(&self) -> Result<String, PluginError> {
        Ok(unwrap(self.inner.call().save())?.into_string())
    }

    /// Takes up what [`save`](Self::save) gave.
    ///
    /// # Errors
    /// If the component refuses it.
    pub fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        unwrap(self.inner.call_mut().restore(state.into()))
    }

    /// The coefficients of one step, one a token.
    ///
    /// # Errors
    /// If the component fails, or a coefficient that is applied to a sequence of positive weight is not finite.
    pub fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveAnswer, PluginError> {
        let step = self.step_unchecked(batch)?;
        self.check_finite(batch, &step.coefficients)?;
        Ok(step)
    }

    /// The same, finite or not.
    pub(super) fn step_unchecked(
        &mut self,
        batch: &ObjectiveBatch<'_>,
    ) -> Result<ObjectiveAnswer, PluginError> {
        let scalars = wire::ObjectiveScalars::of(batch);
        let mut writer = ColumnWriter::default();
        wire::put_objective_batch(&mut writer, batch, &scalars);
        let step = wire::take_step(unwrap(self.inner.call_mut().step(writer.columns()))?)?;
        let (expected, found) = (batch.log_probs().values().len(), step.coefficients.len());
        if expected != found {
            return Err(PluginError::contract(format!(
                "objective `{}` gave {found} coefficients, expected one for each of {expected} tokens",
                self.name
            )));
        }
        let (groups, partitions) = (batch.groups(), step.partitions.len());
        if partitions != 0 && partitions != groups {
            return Err(PluginError::contract(format!(
                "objective `{}` told log Z for {partitions} groups, expected none or one for each of {groups}",
                self.name
            )));
        }
        Ok(step)
    }

    fn check_finite(&self, batch: &ObjectiveBatch<'_>, coefficients: &[f64]) -> Result<(), PluginError> {
        if math::all_finite(coefficients) {
            return Ok(());
        }
        let offsets = batch.log_probs().offsets();
        for i in (0..batch.groups()).filter(|&g| batch.is_updated(g)).flat_map(|g| batch.group(g)) {
            #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
            let of_row = &coefficients[offsets[i] as usize..offsets[i + 1] as usize];
            if batch.weight(i) > 0.0
                && let Some(found) = of_row.iter().find(|c| !c.is_finite())
            {
                return Err(PluginError::data(format!(
                    "objective `{}` gave the coefficient {found} for sequence {i} of step {}",
                    self.name,
                    batch.step()
                )));
            }
        }
        Ok(())
    }
}
