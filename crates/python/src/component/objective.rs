//! Objectives.

use super::batch::{batch, prompts};
use super::configuration::{Configuration, FIELDS};
use super::declaration::declaration;
use super::instance::Instance;
use super::raised::in_short;
use super::step::step;
use pstar_core::objective::{Declaration, ForTask, ObjectiveBatch, ObjectiveStep, PromptFacts};
use pstar_core::{Field, Objective, PluginError, Task};
use pyo3::prelude::*;

/// An object of Python's with the method `step`.
#[derive(Debug)]
pub(crate) struct PythonObjective {
    instance: Instance,
    declaration: Declaration,
    prepares: bool,
    observes: bool,
    saves: bool,
}

impl PythonObjective {
    fn for_task(configuration: Configuration, task: &Task) -> Result<Self, PluginError> {
        Python::attach(|py| {
            let instance = Instance::new(py, &configuration, task)?;
            if !instance.has(py, "step") {
                let hint =
                    "an objective is a class with a method `step(self, batch)` that answers coefficients";
                return Err(instance.unfit("has no method `step`", hint));
            }
            let declaration = declaration(py, &instance)?;
            let [saves, restores] = ["save", "restore"].map(|method| instance.has(py, method));
            if saves != restores {
                let (one, other) = if saves { ("save", "restore") } else { ("restore", "save") };
                let hint =
                    "a run that stops and goes on calls both, or neither of an objective that learns nothing";
                return Err(instance.unfit(&format!("has a method `{one}` and no `{other}`"), hint));
            }
            let [prepares, observes] = ["prepare", "observe"].map(|method| instance.has(py, method));
            Ok(Self { instance, declaration, prepares, observes, saves })
        })
    }

    /// The module that states are written and read with.
    fn json<'py>(
        py: Python<'py>,
        function: &str,
        argument: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1(function, (argument,))
    }
}

impl Objective for PythonObjective {
    const NAME: &'static str = "python";
    const DOC: &'static str = "what a class of Python answers to a batch";
    type Config = Configuration;
    const FIELDS: &'static [Field] = FIELDS;
    const FOR_TASK: Option<ForTask<Self>> = Some(Self::for_task);

    fn new(configuration: Configuration) -> Result<Self, PluginError> {
        Self::for_task(configuration, &Task::of_one_symbol())
    }

    fn declaration(&self) -> Declaration {
        self.declaration.clone()
    }

    fn prepare(&mut self, facts: &[PromptFacts]) -> Result<(), PluginError> {
        if !self.prepares {
            return Ok(());
        }
        Python::attach(|py| {
            let called = prompts(py, facts)
                .and_then(|prompts| self.instance.object(py).call_method1("prepare", (prompts,)));
            called.map(drop).map_err(|error| self.instance.failure(py, "prepare", &error))
        })
    }

    fn observe(&mut self, drawn: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        if !self.observes {
            return Ok(());
        }
        Python::attach(|py| {
            let called =
                batch(py, drawn).and_then(|batch| self.instance.object(py).call_method1("observe", (batch,)));
            called.map(drop).map_err(|error| self.instance.failure(py, "observe", &error))
        })
    }

    fn step(&mut self, asked: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        Python::attach(|py| {
            let answer =
                batch(py, asked).and_then(|batch| self.instance.object(py).call_method1("step", (batch,)));
            let answer = answer.map_err(|error| self.instance.failure(py, "step", &error))?;
            step(&self.instance.named("step"), &answer, asked)
        })
    }

    fn save(&self) -> Result<String, PluginError> {
        if !self.saves {
            return Ok(String::new());
        }
        Python::attach(|py| {
            let state = self.instance.object(py).call_method0("save");
            let state = state.map_err(|error| self.instance.failure(py, "save", &error))?;
            let text = Self::json(py, "dumps", &state).and_then(|text| text.extract::<String>());
            text.map_err(|error| {
                let (what, why) = (self.instance.named("save"), in_short(py, &error));
                PluginError::contract(format!("{what} answered what cannot be written as JSON: {why}"))
                    .with_hint("answer dicts, lists, texts and numbers; of an array its `tolist()`")
            })
        })
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        if !self.saves {
            if state.is_empty() {
                return Ok(());
            }
            let found = state.len();
            return Err(PluginError::data(format!(
                "`{}` keeps no state, found one of {found} bytes",
                self.instance.name
            )));
        }
        Python::attach(|py| {
            let read = state.into_pyobject(py).map_err(PyErr::from);
            let read = read.and_then(|text| Self::json(py, "loads", text.as_any()));
            let read = read.map_err(|_| PluginError::data("the saved state is no JSON"))?;
            let called = self.instance.object(py).call_method1("restore", (read,));
            called.map(drop).map_err(|error| self.instance.failure(py, "restore", &error))
        })
    }
}
