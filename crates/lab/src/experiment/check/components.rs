//! Policies and objectives.

use super::Checker;
use crate::experiment::file::PolicyFile;
use crate::experiment::{ComponentFile, ExperimentFile, ObjectiveSpec, PolicySpec, Problem};
use pstar_core::Task;
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
            let spec =
                PolicySpec { name: name.into(), plugin, configuration, start: *start, start_place, place };
            match self.registry.policy(&spec.plugin) {
                Err(error) => self.unknown(component.plugin.place(self.text), &error),
                Ok(found) => {
                    let made = task.map(|task| found.create(&spec.configuration, task));
                    if let Some(Err(error)) = made {
                        let name = format!("policy `{name}`");
                        self.problem(Problem::of_component(&name, &error, spec.place.clone(), self.text));
                    }
                }
            }
            specs.push(spec);
        }
        specs
    }

    pub(super) fn objectives(&mut self, file: &ExperimentFile) -> Vec<ObjectiveSpec> {
        let task = Task::of_one_symbol();
        let mut specs = Vec::new();
        for (name, component) in file.objectives.iter() {
            let (plugin, configuration) =
                (component.plugin.value().clone(), component.configuration().into());
            let place = place_of(component, self.text);
            let spec = ObjectiveSpec { name: name.into(), plugin, configuration, place };
            match self.registry.objective(&spec.plugin) {
                Err(error) => self.unknown(component.plugin.place(self.text), &error),
                Ok(found) => {
                    if let Err(error) = found.create(&spec.configuration, &task) {
                        let name = format!("objective `{name}`");
                        self.problem(Problem::of_component(&name, &error, spec.place.clone(), self.text));
                    }
                }
            }
            specs.push(spec);
        }
        specs
    }
}

/// Where a component's configuration stands, or its name if it has none.
pub(super) fn place_of(component: &ComponentFile, text: &str) -> Range<usize> {
    component.config.as_ref().map_or_else(|| component.plugin.place(text), |config| config.place(text))
}
