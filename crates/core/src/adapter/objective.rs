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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Task;
    use crate::objective::{ForTask, ObjectiveBatch, ObjectiveStep};

    /// Gives every token the number that stands in a file.
    struct FromFile(f64);

    impl Objective for FromFile {
        const NAME: &'static str = "from-file";
        const DOC: &'static str = "nothing";
        type Config = String;
        const FOR_TASK: Option<ForTask<Self>> = Some(|path, task| {
            let bytes = task.read(path).map_err(|error| PluginError::config("path", error.to_string()))?;
            let number = String::from_utf8_lossy(&bytes).trim().parse();
            number.map(Self).map_err(|_| PluginError::data("no number"))
        });

        fn new(_: String) -> Result<Self, PluginError> {
            Err(PluginError::contract("it is made for a task"))
        }

        fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
            Ok(ObjectiveStep::per_sequence(batch, &vec![self.0; batch.len()]))
        }
    }

    #[test]
    fn an_objective_made_for_its_task_tells_the_files_beside_it() {
        let folder = std::env::temp_dir().join(format!("pstar-core-for-task-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("number.txt"), "2.5").unwrap();
        let task = config::options().to_string(&Task::of_one_symbol().in_directory(&folder)).unwrap();
        let made = ObjectiveAdapter::<FromFile>::create("\"number.txt\"".into(), task.as_str().into());
        let files = made.unwrap().files().unwrap().into_option().unwrap();
        let files: Vec<FileRead> = config::parse(files.as_str()).unwrap();
        assert_eq!((files.len(), &*files[0].path, files[0].bytes), (1, "number.txt", 3));
        let missing = ObjectiveAdapter::<FromFile>::create("\"none.txt\"".into(), task.as_str().into());
        assert!(missing.is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
