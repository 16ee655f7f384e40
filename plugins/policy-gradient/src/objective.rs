//! The objectives of this family: blocks under a name.

use crate::advantage::pass_rate;
use crate::blocks::{PromptWeight, RateReference, Window};
use crate::config::{Blocks, FIELDS, Given, fields_of};
use pstar_core::objective::{
    Declaration, ObjectiveBatch, ObjectivePreset, ObjectiveStep, PopulationForm, restored, saved,
};
use pstar_core::{Field, Objective, PluginError};
use std::marker::PhantomData;

/// A named configuration of the blocks.
pub(crate) trait Preset: Send + 'static {
    /// The name that experiments use.
    const NAME: &'static str;
    /// What it is, and whose.
    const DOC: &'static str;
    /// The fields that differ from `policy-gradient`'s, as RON.
    const FIELDS: &'static [(&'static str, &'static str)];
}

/// The objective of a preset.
pub(crate) struct Named<P>(PhantomData<P>);

/// The objective of some blocks.
pub(crate) struct PolicyGradient {
    blocks: Blocks,
    window: Window,
}

impl<P: Preset> ObjectivePreset for Named<P> {
    type Objective = PolicyGradient;
    const NAME: &'static str = P::NAME;
    const DOC: &'static str = P::DOC;

    fn fields() -> Vec<Field> {
        fields_of(P::FIELDS)
    }

    fn new(given: Given) -> Result<PolicyGradient, PluginError> {
        Ok(PolicyGradient { blocks: Blocks::of(P::FIELDS, &given)?, window: Window::default() })
    }
}

impl Objective for PolicyGradient {
    const NAME: &'static str = "policy-gradient";
    const DOC: &'static str = "maximises the expected reward, made of blocks that can all be configured";
    type Config = Given;
    const FIELDS: &'static [Field] = FIELDS;

    fn new(given: Given) -> Result<Self, PluginError> {
        Ok(Self { blocks: Blocks::of(&[], &given)?, window: Window::default() })
    }

    fn declaration(&self) -> Declaration {
        declaration(&self.blocks)
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        observe(&self.blocks, &mut self.window, batch);
        Ok(())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        step(&self.blocks, &self.window, batch)
    }

    fn save(&self) -> Result<String, PluginError> {
        if remembers(&self.blocks).is_some() { saved(&self.window) } else { Ok(String::new()) }
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        if !state.is_empty() {
            self.window = restored(state)?;
        }
        Ok(())
    }
}

/// How many batches it remembers, if any.
fn remembers(blocks: &Blocks) -> Option<usize> {
    match blocks.prompt_weight {
        PromptWeight::Curve(RateReference::Batches(batches)) => Some(batches),
        _ => None,
    }
}

fn declaration(blocks: &Blocks) -> Declaration {
    let mut declaration = Declaration::default().minimum_group(blocks.minimum_group());
    if blocks.needs_base() {
        declaration = declaration.base_log_probs();
    }
    if blocks.sharing.needs_clusters() {
        declaration = declaration.outcomes();
    }
    for (when, message) in blocks.cautions() {
        declaration = declaration.caution(when, message);
    }
    if blocks.is_of_counts() {
        declaration = declaration.population(PopulationForm::BinaryGroup { group: blocks.group.0 });
    }
    declaration
}

fn observe(blocks: &Blocks, window: &mut Window, batch: &ObjectiveBatch<'_>) {
    let Some(length) = remembers(blocks) else { return };
    let rates = (0..batch.groups()).map(|g| pass_rate(batch, g)).filter(|rate| 0.0 < *rate && *rate < 1.0);
    window.observe(rates.collect(), length);
}

fn step(blocks: &Blocks, window: &Window, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
    let advantages = blocks.advantages(batch, window)?;
    blocks.coefficients(batch, &advantages)
}
