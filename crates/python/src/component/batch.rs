//! The batch of a step, as Python sees it.

use numpy::PyArray1;
use pstar_core::objective::{ObjectiveBatch, PromptFacts};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};

static BATCH: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// A `pstar.components.Batch`: the columns are copies, which Python may keep.
pub(crate) fn batch<'py>(py: Python<'py>, batch: &ObjectiveBatch<'_>) -> PyResult<Bound<'py, PyAny>> {
    let (rows, groups) = (0..batch.len(), 0..batch.groups());
    let log_probs = batch.log_probs();
    let same_behaviour = std::ptr::eq(log_probs.values(), batch.behaviour_log_probs().values());
    let moment = batch.moment();
    let key = moment.key;
    let facts = |of: fn(PromptFacts) -> Option<f64>| {
        PyArray1::from_iter(py, groups.clone().map(|g| of(batch.facts(g)).unwrap_or(f64::NAN)))
    };
    let log_prob_column = PyArray1::from_slice(py, log_probs.values()).into_any();
    let behaviour = if same_behaviour {
        log_prob_column.clone()
    } else {
        PyArray1::from_slice(py, batch.behaviour_log_probs().values()).into_any()
    };
    let base = match batch.base_log_probs() {
        Ok(base) => PyArray1::from_slice(py, base.values()).into_any(),
        Err(_) => py.None().into_bound(py),
    };
    let outcomes: Result<Vec<u64>, _> = rows.clone().map(|i| batch.outcome(i)).collect();
    let outcomes = match outcomes {
        Ok(outcomes) if !batch.is_empty() => PyArray1::from_vec(py, outcomes).into_any(),
        _ => py.None().into_bound(py),
    };
    let group_starts = groups.clone().map(|g| batch.group(g).start).chain([batch.len()]);
    let columns = [
        moment.step.into_bound_py_any(py)?,
        moment.epoch.into_bound_py_any(py)?,
        moment.population.into_bound_py_any(py)?,
        batch.horizon().into_bound_py_any(py)?,
        (key.seed, key.purpose, key.step, key.epoch, key.resample).into_bound_py_any(py)?,
        PyArray1::from_iter(py, group_starts.map(signed)).into_any(),
        PyArray1::from_iter(py, groups.clone().map(|g| i64::from(batch.prompt(g)))).into_any(),
        PyArray1::from_iter(py, groups.clone().map(|g| batch.is_updated(g))).into_any(),
        facts(|facts| facts.log_partition).into_any(),
        facts(|facts| facts.log_invalidity).into_any(),
        facts(|facts| facts.log_power_partition).into_any(),
        PyArray1::from_iter(py, rows.clone().map(|i| batch.reward(i))).into_any(),
        PyArray1::from_iter(py, rows.clone().map(|i| batch.weight(i))).into_any(),
        PyArray1::from_iter(py, rows.clone().map(|i| batch.ended(i))).into_any(),
        PyArray1::from_iter(py, rows.clone().map(|i| batch.source(i) as u8)).into_any(),
        PyArray1::from_iter(py, rows.map(|i| i64::from(batch.age(i)))).into_any(),
        outcomes,
        PyArray1::from_iter(py, log_probs.offsets().iter().map(|&offset| offset.cast_signed())).into_any(),
        log_prob_column,
        behaviour,
        base,
    ];
    let class = BATCH.import(py, "pstar.components", "Batch")?;
    class.call1(PyTuple::new(py, columns)?)
}

/// A `pstar.components.Prompts`: what is known of every prompt of the task, NaN where it is not.
pub(crate) fn prompts<'py>(py: Python<'py>, prompts: &[PromptFacts]) -> PyResult<Bound<'py, PyAny>> {
    let column = |of: fn(&PromptFacts) -> Option<f64>| {
        PyArray1::from_iter(py, prompts.iter().map(|facts| of(facts).unwrap_or(f64::NAN)))
    };
    let columns = (
        column(|facts| facts.log_partition),
        column(|facts| facts.log_invalidity),
        column(|facts| facts.log_top_valid),
        column(|facts| facts.log_power_partition),
    );
    py.import("pstar.components")?.getattr("Prompts")?.call1(columns)
}

/// An index of a slice in memory, which has no more than an `i64` can count.
fn signed(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
