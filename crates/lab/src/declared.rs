//! An objective of a plan, made and asked what it declares.

use crate::experiment::{Experiment, Problem};
use crate::plan::ObjectiveSpec;
use pstar_core::data::Ending;
use pstar_core::objective::Declaration;
use pstar_core::{PluginError, shown};
use pstar_loader::{Component, ObjectiveHandle, Registry, TaskText};

/// An objective that was made, and what it declares for the experiment's task: where all outputs are of one length, the form
/// that holds there.
pub(crate) struct Declared<'a> {
    pub(crate) component: &'a Component<ObjectiveHandle>,
    pub(crate) objective: ObjectiveHandle,
    pub(crate) declaration: Declaration,
}

impl<'a> Declared<'a> {
    /// Makes an objective of an experiment, whose task is `task`.
    ///
    /// # Errors
    /// What it says, at its place in the file.
    pub(crate) fn of(
        experiment: &Experiment,
        registry: &'a Registry,
        spec: &ObjectiveSpec,
        task: &TaskText,
    ) -> Result<Self, Problem> {
        let failed = |error: PluginError| experiment.of_objective(spec, &error);
        let component = registry.objective(&spec.plugin).map_err(|error| {
            Problem::at(spec.place.clone(), format!("objective `{}`: {error}", shown(&spec.name)))
        })?;
        let objective = component.create_for(&spec.configuration, task).map_err(failed)?;
        let mut declaration = objective.declaration().map_err(failed)?;
        if experiment.world.task.ending == Ending::FixedLength && declaration.population.is_none() {
            declaration.population = declaration.equal_lengths;
        }
        Ok(Self { component, objective, declaration })
    }
}
