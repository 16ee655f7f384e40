//! Objectives.

use crate::abi::{
    AbiObjective, AbiObjective_TO, AbiResult, Columns, Guarded, ObjectiveBox, OwnedColumns, guard,
};
use crate::error::PluginError;
use crate::files::{FileRead, noted};
use crate::objective::{Objective, PromptFacts};
use crate::{config, wire};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RStr, RString};

/// The objective, and the files that it was made from.
pub(crate) struct ObjectiveAdapter<O>(Guarded<O>, Vec<FileRead>);

impl<O: Objective> ObjectiveAdapter<O> {
    pub(crate) extern "C" fn create(configuration: RStr<'_>, _task: RStr<'_>) -> AbiResult<ObjectiveBox> {
        guard(O::NAME, || {
            let (objective, files) = noted(|| O::new(config::parse(configuration.as_str())?))?;
            Ok(AbiObjective_TO::from_value(Self(Guarded::new(objective), files), TD_Opaque))
        })
    }
}

impl<O: Objective> AbiObjective for ObjectiveAdapter<O> {
    fn declaration(&self) -> AbiResult<RString> {
        guard(O::NAME, || {
            let text = ron::to_string(&self.0.declaration());
            text.map(RString::from).map_err(|error| PluginError::contract(error.to_string()))
        })
    }

    fn prepare(&mut self, prompts: Columns<'_>) -> AbiResult<()> {
        guard(O::NAME, || {
            let known = |value: f64| (!value.is_nan()).then_some(value);
            let log_partition: &[f64] = prompts.get("log_partition")?;
            let log_invalidity: &[f64] = prompts.get("log_invalidity")?;
            let facts: Vec<PromptFacts> = log_partition
                .iter()
                .zip(log_invalidity)
                .map(|(&z, &i)| PromptFacts { log_partition: known(z), log_invalidity: known(i) })
                .collect();
            self.0.prepare(&facts)
        })
    }

    fn step(&mut self, batch: Columns<'_>) -> AbiResult<OwnedColumns> {
        guard(O::NAME, || Ok(wire::give_step(self.0.step(&wire::read_objective_batch(&batch)?)?)))
    }

    fn files(&self) -> AbiResult<ROption<RString>> {
        super::tell(&self.1)
    }
}
