//! The objectives of this family: blocks under a name.

use crate::blocks::PolicyGradientBlocks;
use pstar_blocks::{Given, Preset, Window, fields_of};
use pstar_core::objective::{
    Declaration, ObjectiveBatch, ObjectivePreset, ObjectiveStep, PopulationForm, restored, saved,
};
use pstar_core::{Field, Objective, PluginError};
use std::marker::PhantomData;

/// A named configuration of the blocks.
pub(crate) trait NamedPreset: Send + 'static {
    /// The name that experiments use.
    const NAME: &'static str;
    /// What it is, and whose.
    const DOC: &'static str;
    /// The fields that differ from the blocks' own defaults.
    const FIELDS: Preset;
}

/// The objective of a preset.
pub(crate) struct Named<P>(PhantomData<P>);

/// The objective of some blocks.
pub(crate) struct PolicyGradient {
    blocks: PolicyGradientBlocks,
    window: Window,
}

impl<P: NamedPreset> ObjectivePreset for Named<P> {
    type Objective = PolicyGradient;
    type Config = Given<PolicyGradientBlocks>;
    const NAME: &'static str = P::NAME;
    const DOC: &'static str = P::DOC;

    fn fields() -> Vec<Field> {
        fields_of::<PolicyGradientBlocks>(P::FIELDS)
    }

    fn new(given: Self::Config) -> Result<PolicyGradient, PluginError> {
        PolicyGradient::of(P::FIELDS, &given)
    }
}

impl PolicyGradient {
    fn of(preset: Preset, given: &Given<PolicyGradientBlocks>) -> Result<Self, PluginError> {
        let blocks = given.over(preset)?;
        blocks.check()?;
        Ok(Self { blocks, window: Window::default() })
    }
}

impl Objective for PolicyGradient {
    const NAME: &'static str = "policy-gradient";
    const DOC: &'static str = "maximises the expected reward, made of blocks that can all be configured";
    type Config = Given<PolicyGradientBlocks>;

    fn new(given: Self::Config) -> Result<Self, PluginError> {
        Self::of(&[], &given)
    }

    fn declaration(&self) -> Declaration {
        let blocks = &self.blocks;
        let mut declaration = Declaration::default().minimum_group(blocks.advantage.minimum_group());
        if blocks.needs_base() {
            declaration = declaration.base_log_probs();
        }
        if blocks.advantage.needs_outcomes() {
            declaration = declaration.outcomes();
        }
        for (when, message) in blocks.cautions() {
            declaration = declaration.caution(when, message);
        }
        let form = PopulationForm::BinaryGroup { group: blocks.group.0 };
        let beyond = blocks.beyond_counts();
        declaration = match beyond.len() {
            0 => declaration.population(form),
            beyond if beyond == blocks.by_length().len() => declaration.equal_lengths(form),
            _ => declaration,
        };
        declaration.beyond_counts(beyond).claim(blocks.claim())
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        self.blocks.advantage.observe(batch, &mut self.window);
        Ok(())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let advantages = self.blocks.advantage.of(batch, &self.window)?;
        self.blocks.coefficients(batch, &advantages)
    }

    fn save(&self) -> Result<String, PluginError> {
        if self.blocks.advantage.remembers().is_some() { saved(&self.window) } else { Ok(String::new()) }
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        if !state.is_empty() {
            self.window = restored(state)?;
        }
        Ok(())
    }
}
