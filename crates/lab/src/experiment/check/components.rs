//! Policies and objectives.

use super::Checker;
use crate::experiment::file::{ObjectiveFile, PolicyFile};
use crate::experiment::{ComponentFile, ExperimentFile, Problem};
use crate::plan::{ObjectiveSpec, PolicySpec};
use pstar_core::files::FileRead;
use pstar_core::{PluginError, Task};
use pstar_loader::{TaskText, UnknownComponent};
use rayon::prelude::*;
use std::ops::Range;

impl Checker<'_> {
    pub(super) fn policies(&mut self, file: &ExperimentFile, task: Option<&Task>) -> Vec<PolicySpec> {
        let mut specs = Vec::new();
        for (name, policy) in file.policies.iter() {
            let PolicyFile { plugin, config, start } = policy.clone();
            let (component, start_place) = (ComponentFile { plugin, config }, start.place(self.text));
            let (plugin, configuration) =
                (component.plugin.value().clone(), component.configuration().into());
            let place = place_of(&component, self.text);
            let mut spec = PolicySpec {
                name: name.into(),
                plugin,
                configuration,
                start: *start,
                start_place,
                place,
                files: None,
            };
            match self.registry.policy(&spec.plugin) {
                Err(error) => self.unknown(component.plugin.place(self.text), &error),
                // Its arms tell.
                Ok(found) if found.avoided(&spec.configuration).is_some() => {}
                Ok(found) => {
                    let name = format!("policy `{name}`");
                    if let Some(task) = task {
                        let made = found.create(&spec.configuration, task).and_then(|made| made.files());
                        spec.files = made.as_ref().ok().cloned().flatten();
                        self.told(&name, &spec.place, made);
                    }
                }
            }
            specs.push(spec);
        }
        specs
    }

    pub(super) fn objectives(&mut self, file: &ExperimentFile) -> Vec<ObjectiveSpec> {
        let task = TaskText::of(&Task::of_one_symbol().in_directory(&self.directory));
        let make = |(_, component, _): &(&str, ComponentFile, &ObjectiveFile)| {
            let found = self.registry.objective(component.plugin.value())?;
            if found.avoided(component.configuration()).is_some() {
                // Its arms tell.
                return Ok(Ok(Some(Vec::new())));
            }
            let task = task.as_ref().map_err(Clone::clone);
            Ok(task.and_then(|task| found.create_for(component.configuration(), task)?.files()))
        };
        // There may be many.
        let files: Vec<_> = file
            .objectives
            .iter()
            .map(|(name, objective)| (name, objective.component(), objective))
            .collect();
        let made: Vec<Result<_, UnknownComponent>> = files.par_iter().map(make).collect();
        let mut specs = Vec::new();
        for ((name, component, objective), made) in files.into_iter().zip(made) {
            let (plugin, configuration) =
                (component.plugin.value().clone(), component.configuration().into());
            let place = place_of(&component, self.text);
            let learning_rate = objective.learning_rate.as_ref().map(|rate| **rate);
            let spec = ObjectiveSpec { name: name.into(), plugin, configuration, place, learning_rate };
            match made {
                Err(unknown) => self.unknown(component.plugin.place(self.text), &unknown),
                Ok(made) => self.told(&format!("objective `{name}`"), &spec.place, made),
            }
            specs.push(spec);
        }
        specs
    }

    /// Notes the files that a component was made from, or that it was not made.
    pub(super) fn told(
        &mut self,
        name: &str,
        place: &Range<usize>,
        files: Result<Option<Vec<FileRead>>, PluginError>,
    ) {
        match files {
            Ok(files) => self.inputs.add(name, files),
            Err(error) => self.problem(Problem::of_component(name, &error, place.clone(), self.text)),
        }
    }
}

/// Where a component's configuration stands, or its name if it has none.
pub(super) fn place_of(component: &ComponentFile, text: &str) -> Range<usize> {
    component.config.as_ref().map_or_else(|| component.plugin.place(text), |config| config.place(text))
}
