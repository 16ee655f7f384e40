//! Objectives.

use super::read_task;
use crate::abi::{
    AbiObjective, AbiObjective_TO, AbiResult, Columns, Guarded, ObjectiveBox, OwnedColumns, guard,
};
use crate::error::PluginError;
use crate::files::{FileRead, noted};
use crate::objective::{Objective, ObjectivePreset};
use crate::{config, wire};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RStr, RString};
use serde::de::DeserializeOwned;

/// The objective, and the files that it was made from.
pub(crate) struct ObjectiveAdapter<O>(Guarded<O>, Vec<FileRead>);

impl<O: Objective> ObjectiveAdapter<O> {
    pub(crate) extern "C" fn create(configuration: RStr<'_>, task: RStr<'_>) -> AbiResult<ObjectiveBox> {
        let Some(for_task) = O::FOR_TASK else { return make(O::NAME, configuration, O::new) };
        guard(O::NAME, || {
            let task = read_task(task.as_str())?;
            told(|| for_task(config::parse(configuration.as_str())?, &task))
        })
    }
}

/// Makes the objective of a preset.
pub(crate) extern "C" fn create_preset<P: ObjectivePreset>(
    configuration: RStr<'_>,
    _task: RStr<'_>,
) -> AbiResult<ObjectiveBox> {
    make(P::NAME, configuration, P::new)
}

/// In one function for all presets of one configuration, so that a preset costs little code.
fn make<O: Objective, C: DeserializeOwned>(
    name: &'static str,
    configuration: RStr<'_>,
    new: fn(C) -> Result<O, PluginError>,
) -> AbiResult<ObjectiveBox> {
    guard(name, || told(|| new(config::parse(configuration.as_str())?)))
}

/// The objective that `make` makes, with the files that it was made from.
fn told<O: Objective>(make: impl FnOnce() -> Result<O, PluginError>) -> Result<ObjectiveBox, PluginError> {
    let (objective, files) = noted(make)?;
    let adapter = ObjectiveAdapter(Guarded::new(objective), files);
    Ok(AbiObjective_TO::from_value(adapter, TD_Opaque))
}

impl<O: Objective> AbiObjective for ObjectiveAdapter<O> {
    fn declaration(&self) -> AbiResult<OwnedColumns> {
        guard(O::NAME, || Ok(wire::give_declaration(&self.0.declaration())))
    }

    fn prepare(&mut self, prompts: Columns<'_>) -> AbiResult<()> {
        guard(O::NAME, || self.0.prepare(&wire::read_facts(&prompts)?))
    }

    fn observe(&mut self, batch: Columns<'_>) -> AbiResult<()> {
        guard(O::NAME, || self.0.observe(&wire::read_objective_batch(&batch)?))
    }

    fn step(&mut self, batch: Columns<'_>) -> AbiResult<OwnedColumns> {
        guard(O::NAME, || Ok(wire::give_step(self.0.step(&wire::read_objective_batch(&batch)?)?)))
    }

    fn save(&self) -> AbiResult<RString> {
        guard(O::NAME, || self.0.save().map(RString::from))
    }

    fn restore(&mut self, state: RStr<'_>) -> AbiResult<()> {
        guard(O::NAME, || self.0.restore(state.as_str()))
    }

    fn files(&self) -> AbiResult<ROption<RString>> {
        super::tell(&self.1)
    }
}
