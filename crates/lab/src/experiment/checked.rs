//! An experiment that was checked and can be run.

use super::{ExperimentError, ExperimentFile, Problem};
use crate::inputs::Inputs;
use crate::plan::{ObjectiveSpec, Plan, PolicySpec};
use crate::training::StartError;
use crate::world::World;
use pstar_core::{PluginError, shown};
use std::ops::Range;
use std::path::PathBuf;

/// An experiment whose task is built and whose parts are checked.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub struct Experiment {
    /// The file as written.
    pub file: ExperimentFile,
    /// Where the file stands.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The task, and how policies are measured on it.
    pub world: World,
    /// What is run.
    pub plan: Plan,
    /// The files that it is made from.
    pub inputs: Inputs,
}

impl Experiment {
    /// That it cannot be run, for these reasons.
    pub fn error(&self, problems: Vec<Problem>) -> ExperimentError {
        ExperimentError { path: self.path.clone(), text: self.text.clone(), problems }
    }

    /// That it cannot be run since a component failed, which no place of the file is to blame for.
    pub(crate) fn failure(&self, error: PluginError) -> ExperimentError {
        self.error(vec![error.into()])
    }

    /// Where the file says what is made equal between arms; empty if it does not.
    pub(crate) fn match_place(&self) -> Range<usize> {
        let training = self.file.training.as_ref();
        training.and_then(|training| training.matched.as_ref()).map_or(0..0, |it| it.place(&self.text))
    }

    /// Where the file says where gradients come from; empty if it does not.
    pub(crate) fn gradient_place(&self) -> Range<usize> {
        self.file.training.as_ref().map_or(0..0, |training| training.gradient.place(&self.text))
    }

    /// The complaint of a policy, at its configuration.
    pub(crate) fn of_policy(&self, spec: &PolicySpec, error: &PluginError) -> Problem {
        let name = format!("policy `{}`", spec.name);
        Problem::of_component(&name, error, spec.place.clone(), &self.text)
    }

    /// Why a policy has no initial parameters, at what is to blame.
    pub(crate) fn of_start(&self, spec: &PolicySpec, error: &StartError) -> Problem {
        match error {
            StartError::Component(error) => self.of_policy(spec, error),
            StartError::Copy(_) => {
                let message = format!("policy `{}`: {error}", shown(&spec.name));
                Problem::at(spec.start_place.clone(), message)
                    .with_hint("start with `FitBase`, or give both one shape")
            }
        }
    }

    /// The complaint of an objective, at its configuration.
    pub(crate) fn of_objective(&self, spec: &ObjectiveSpec, error: &PluginError) -> Problem {
        let name = format!("objective `{}`", shown(&spec.name));
        Problem::of_component(&name, error, spec.place.clone(), &self.text)
    }
}
