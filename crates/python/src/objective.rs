//! An objective of a plugin, asked with columns of numpy.

use crate::failure::{PstarError, of_failure, of_plugin};
use numpy::{PyArray1, PyReadonlyArray1};
use pstar_core::objective::{Moment, PromptFacts};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_lab::objective_rows::{PackedRows, SequenceRow};
use pstar_lab::probe::{NamedComponent, ProbeTask};
use pstar_loader::ObjectiveHandle;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::Mutex;

/// An objective.
#[pyclass(frozen, module = "pstar._native")]
pub(crate) struct Objective {
    handle: Mutex<ObjectiveHandle>,
}

#[pymethods]
impl Objective {
    #[new]
    fn new(name: String, configuration: String, plugins: Vec<PathBuf>) -> PyResult<Self> {
        let registry = pstar_host::load_plugins(&plugins).map_err(|failure| of_failure(&failure))?;
        let component = Some(NamedComponent { plugin: name, configuration });
        let task = ProbeTask { registry: &registry, experiment: None, component };
        let handle = task.objective().map_err(|error| of_failure(&error.into()))?;
        Ok(Self { handle: Mutex::new(handle) })
    }

    /// Coefficients of sequences that stand one behind the other.
    #[allow(clippy::too_many_arguments, reason = "the columns of a batch")]
    fn coefficients<'py>(
        &self,
        py: Python<'py>,
        step: u64,
        rewards: PyReadonlyArray1<'py, f64>,
        groups: PyReadonlyArray1<'py, u32>,
        lengths: PyReadonlyArray1<'py, u64>,
        log_probs: PyReadonlyArray1<'py, f64>,
        behaviour_log_probs: Option<PyReadonlyArray1<'py, f64>>,
        base_log_probs: Option<PyReadonlyArray1<'py, f64>>,
    ) -> PyResult<(Bound<'py, PyArray1<f64>>, Vec<(String, f64)>)> {
        let columns = (rewards.as_slice()?, groups.as_slice()?, lengths.as_slice()?);
        let mut rows = Vec::new();
        let mut start = 0;
        for ((&reward, &group), &length) in columns.0.iter().zip(columns.1).zip(columns.2) {
            let end = start + usize::try_from(length)?;
            let part = |column: &PyReadonlyArray1<'py, f64>| -> PyResult<Vec<f64>> {
                let values = column.as_slice()?;
                let found = values.get(start..end);
                found.map(<[f64]>::to_vec).ok_or_else(|| PstarError::new_err("too few values"))
            };
            rows.push(SequenceRow {
                group,
                reward,
                weight: None,
                ended: true,
                log_probs: part(&log_probs)?,
                behaviour_log_probs: behaviour_log_probs.as_ref().map(part).transpose()?,
                base_log_probs: base_log_probs.as_ref().map(part).transpose()?,
                outcome: None,
            });
            start = end;
        }
        let packed = PackedRows::new(&rows, |_| PromptFacts::default())
            .map_err(|fault| PstarError::new_err(fault.to_string()))?;
        let key = StreamKey::new(0, Purpose::Objective, u32::try_from(step).unwrap_or(u32::MAX));
        let answer = py.detach(|| {
            let batch = packed.buffer.view(Moment::new(step, key))?;
            let mut handle = self.handle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            handle.observe(&batch)?;
            handle.step(&batch)
        });
        let answer = answer.map_err(|error| of_plugin(&error))?;
        let coefficients = packed.by_sequence(&answer.coefficients).concat();
        let diagnostics = answer.diagnostics.into_iter().collect();
        Ok((PyArray1::from_vec(py, coefficients), diagnostics))
    }
}
