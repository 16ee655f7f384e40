//! Verifiers that read symbol by symbol.

use super::declaration::type_of;
use super::instance::Instance;
use pstar_core::PluginError;
use pstar_core::author::Recognizer;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, PoisonError};

/// The verifier of one prompt: its states are numbers for objects of Python's that are equal and hash alike.
#[derive(Debug)]
pub(crate) struct PythonRecognizer {
    instance: Instance,
    prompt: String,
    /// Whether it says which states lead nowhere.
    looks_ahead: bool,
    /// The number of each state.
    numbers: Py<PyDict>,
    states: Mutex<Vec<Py<PyAny>>>,
    fault: Mutex<Option<PluginError>>,
}

impl PythonRecognizer {
    /// The verifier of a prompt.
    pub(crate) fn new(py: Python<'_>, instance: &Instance, prompt: &str) -> Self {
        Self {
            instance: instance.clone_ref(py),
            prompt: prompt.into(),
            looks_ahead: instance.has(py, "can_accept_within"),
            numbers: PyDict::new(py).unbind(),
            states: Mutex::default(),
            fault: Mutex::default(),
        }
    }

    /// What a question answers; nothing where it failed, which the host asks about.
    fn ask<T>(&self, method: &str, ask: impl FnOnce(Python<'_>) -> PyResult<T>) -> Option<T> {
        Python::attach(|py| {
            let failed = |error| self.fail(self.instance.failure(py, method, &error));
            ask(py).map_err(failed).ok()
        })
    }

    fn fail(&self, fault: PluginError) {
        let mut known = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        // What went wrong first is why the rest did.
        known.get_or_insert(fault);
    }

    /// The number of a state, `None` of `None`.
    fn number(&self, state: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
        if state.is_none() {
            return Ok(None);
        }
        let py = state.py();
        let numbers = self.numbers.bind(py);
        if let Some(known) = numbers.get_item(state)? {
            return Ok(Some(known.extract()?));
        }
        // No lock is held while Python runs: another thread may hold its own.
        let number = {
            let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
            states.push(state.clone().unbind());
            states.len() as u64 - 1
        };
        numbers.set_item(state, number)?;
        Ok(Some(number))
    }

    fn state<'py>(&self, py: Python<'py>, number: u64) -> Bound<'py, PyAny> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let known = usize::try_from(number).ok().and_then(|number| states.get(number));
        known.map_or_else(|| py.None().into_bound(py), |state| state.bind(py).clone())
    }

    /// An answer that must be yes or no.
    fn flag(&self, method: &str, said: &Bound<'_, PyAny>) -> bool {
        said.extract().unwrap_or_else(|_| {
            let what = self.instance.named(method);
            let found = type_of(said);
            self.fail(PluginError::contract(format!(
                "{what} answered `{found}`, expected `True` or `False`"
            )));
            false
        })
    }
}

impl Recognizer for PythonRecognizer {
    type State = u64;

    fn start(&self) -> Option<u64> {
        let ask =
            |py: Python<'_>| self.number(&self.instance.object(py).call_method1("start", (&self.prompt,))?);
        self.ask("start", ask).flatten()
    }

    fn next(&self, &state: &u64, symbol: &str) -> Option<u64> {
        let ask = |py: Python<'_>| {
            let state = self.state(py, state);
            self.number(&self.instance.object(py).call_method1("read", (state, symbol))?)
        };
        self.ask("read", ask).flatten()
    }

    fn accepts(&self, &state: &u64) -> bool {
        let ask = |py: Python<'_>| {
            let said = self.instance.object(py).call_method1("accepting", (self.state(py, state),))?;
            Ok(self.flag("accepting", &said))
        };
        self.ask("accepting", ask).unwrap_or(false)
    }

    fn can_accept_within(&self, state: &u64, remaining: usize) -> bool {
        if !self.looks_ahead {
            return remaining > 0 || self.accepts(state);
        }
        let ask = |py: Python<'_>| {
            let state = self.state(py, *state);
            let said = self.instance.object(py).call_method1("can_accept_within", (state, remaining))?;
            Ok(self.flag("can_accept_within", &said))
        };
        self.ask("can_accept_within", ask).unwrap_or(false)
    }

    fn take_fault(&self) -> Option<PluginError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
