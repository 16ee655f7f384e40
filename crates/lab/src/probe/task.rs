//! The component that is asked, and the task that it is told of.

use super::ProbeError;
use crate::experiment::{ComponentFile, Experiment, NOISY, make_verifier};
use pstar_core::Task;
use pstar_core::data::{Alphabet, Ending};
use pstar_loader::Registry;
use pstar_loader::{BaseModelHandle, ObjectiveHandle, VerifierHandle};
use std::collections::BTreeSet;

/// A component by name and configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedComponent {
    /// The component's name.
    pub plugin: String,
    /// Its configuration as RON text.
    pub configuration: String,
}

/// What is asked, and what it may know.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct ProbeTask<'a> {
    /// Where components come from.
    pub registry: &'a Registry,
    /// The experiment whose task is meant; without one the alphabet is the characters met.
    pub experiment: Option<&'a Experiment>,
    /// The component; without one it is the experiment's own.
    pub component: Option<NamedComponent>,
}

impl ProbeTask<'_> {
    /// The component that was named, or the experiment's.
    fn named(&self, own: impl Fn(&Experiment) -> &ComponentFile) -> Result<NamedComponent, ProbeError> {
        let of_experiment = |experiment: &Experiment| {
            let file = own(experiment);
            NamedComponent { plugin: file.plugin.value().clone(), configuration: file.configuration().into() }
        };
        self.component.clone().or_else(|| self.experiment.map(of_experiment)).ok_or(ProbeError::Unnamed)
    }

    /// The verifier on a task.
    pub(super) fn verifier(&self, task: &Task) -> Result<VerifierHandle, ProbeError> {
        let component = self.named(|experiment| &experiment.file.task.verifier)?;
        if component.plugin != NOISY {
            self.registry.verifier(&component.plugin)?;
        }
        Ok(make_verifier(self.registry, (&component.plugin, &component.configuration), task)?)
    }

    /// The base model on a task.
    pub(super) fn base_model(&self, task: &Task) -> Result<BaseModelHandle, ProbeError> {
        let component = self.named(|experiment| &experiment.file.task.base)?;
        Ok(self.registry.base_model(&component.plugin)?.create(&component.configuration, task)?)
    }

    /// The objective.
    ///
    /// # Errors
    /// If it was not named, is not offered, or refuses its configuration.
    pub fn objective(&self) -> Result<ObjectiveHandle, ProbeError> {
        let component = self.component.as_ref().ok_or(ProbeError::Unnamed)?;
        let task =
            self.experiment.map_or_else(|| task_of(&BTreeSet::from(['a']), 1), |e| e.world.task.clone());
        Ok(self.registry.objective(&component.plugin)?.create(&component.configuration, &task)?)
    }
}

/// A task whose alphabet is the given characters in order.
pub(super) fn task_of(characters: &BTreeSet<char>, horizon: usize) -> Task {
    let symbols = if characters.is_empty() {
        vec!["a".to_string()]
    } else {
        characters.iter().map(char::to_string).collect()
    };
    let alphabet = Alphabet::new(symbols, Vec::new())
        .unwrap_or_else(|error| unreachable!("distinct characters are an alphabet: {error}"));
    Task::new(alphabet, horizon, Ending::EndSymbol)
}
