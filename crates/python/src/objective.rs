//! An objective of a plugin, asked with columns of numpy.

use crate::columns::{TokenArray, check_numbers};
use crate::failure::of_plugin;
use crate::placing::Placing;
use crate::refusal::of_probe;
use crate::registry::registry;
use numpy::PyReadonlyArray1;
use pstar_core::PluginError;
use pstar_core::objective::{Declaration, ObjectiveAnswer};
use pstar_lab::objective_rows::{PackedRows, SequenceColumns};
use pstar_lab::probe::{BatchFault, BatchQuestion, NamedComponent, ProbeTask};
use pstar_loader::ObjectiveHandle;
use pyo3::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An objective.
#[pyclass(frozen, module = "pstar._native")]
pub(crate) struct Objective {
    declaration: Declaration,
    asked: Mutex<Asked>,
}

/// What asking changes.
struct Asked {
    handle: ObjectiveHandle,
    /// Number of the next batch.
    next: u64,
}

/// What is given of a batch beside its sequences.
type Told = (BTreeMap<u32, f64>, BTreeMap<u32, f64>, u64, u32, u64, Option<BTreeSet<u32>>);
/// Columns of sequences: groups, rewards, lengths, weights, ended, outcomes.
type OfSequences<'py> = (
    PyReadonlyArray1<'py, u32>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, u64>,
    Option<PyReadonlyArray1<'py, f64>>,
    Option<PyReadonlyArray1<'py, u8>>,
    Option<PyReadonlyArray1<'py, u64>>,
);
/// Columns of tokens under policy, behaviour and base.
type OfTokens<'py> = (TokenArray<'py>, Option<TokenArray<'py>>, Option<TokenArray<'py>>);
/// Coefficients, what is added of the entropy, figures.
type Answer<'py> = (Bound<'py, PyAny>, Option<Bound<'py, PyAny>>, Vec<(String, f64)>);

#[pymethods]
impl Objective {
    #[new]
    fn new(py: Python<'_>, name: String, configuration: String, folders: Vec<PathBuf>) -> PyResult<Self> {
        let registry = registry(py, folders)?;
        let component = Some(NamedComponent { plugin: name, configuration });
        let task = ProbeTask { registry, experiment: None, component };
        let handle = py.detach(|| task.objective()).map_err(|error| of_probe(py, error))?;
        let declaration = handle.declaration().map_err(|error| of_plugin(&error))?;
        Ok(Self { declaration, asked: Mutex::new(Asked { handle, next: 0 }) })
    }

    /// What it needs and where it heads, as JSON.
    fn declaration(&self) -> String {
        let Declaration {
            base_log_probs,
            outcomes,
            partition,
            power,
            minimum_group,
            sources,
            population,
            equal_lengths,
            beyond_counts,
            claim,
            divergence,
            cautions,
            unknown,
            ..
        } = &self.declaration;
        let told = json!({
            "base_log_probs": base_log_probs,
            "outcomes": outcomes,
            "partition": partition,
            "power": power,
            "minimum_group": minimum_group,
            "sources": sources,
            "population": population,
            "equal_lengths": equal_lengths,
            "beyond_counts": beyond_counts,
            "claim": claim,
            "divergence": divergence,
            "cautions": cautions,
            "unknown": unknown,
        });
        told.to_string()
    }

    /// What it has learnt, and the number of the next batch.
    fn save(&self, py: Python<'_>) -> PyResult<(String, u64)> {
        py.detach(|| {
            let asked = self.asked();
            Ok((asked.handle.save()?, asked.next))
        })
        .map_err(|error: PluginError| of_plugin(&error))
    }

    /// Takes up what was saved.
    fn restore(&self, py: Python<'_>, learnt: String, next: u64) -> PyResult<()> {
        let restored = py.detach(|| {
            let mut asked = self.asked();
            asked.handle.restore(&learnt)?;
            asked.next = next;
            Ok(())
        });
        restored.map_err(|error: PluginError| of_probe(py, BatchFault::from(error).into()))
    }

    /// Coefficients, in the shape of the policy's log-probabilities; `step` counts batches where it is absent.
    fn coefficients<'py>(
        &self,
        py: Python<'py>,
        sequences: OfSequences<'py>,
        tokens: OfTokens<'py>,
        told: Told,
        step: Option<u64>,
    ) -> PyResult<Answer<'py>> {
        let (groups, rewards, lengths, weights, ended, outcomes) = &sequences;
        let (log_probs, behaviour, base) = &tokens;
        // Other threads may write to the arrays meanwhile: what says where values are must stay what was checked.
        let (groups, lengths) = (groups.as_slice()?.to_vec(), lengths.as_slice()?.to_vec());
        let columns = SequenceColumns {
            groups: &groups,
            rewards: rewards.as_slice()?,
            lengths: &lengths,
            weights: weights.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
            ended: ended.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
            outcomes: outcomes.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
            log_probs: log_probs.values()?,
            behaviour_log_probs: behaviour.as_ref().map(TokenArray::values).transpose()?,
            base_log_probs: base.as_ref().map(TokenArray::values).transpose()?,
        };
        columns.check().map_err(|fault| of_probe(py, BatchFault::from(fault).into()))?;
        check_numbers(py, &columns)?;
        let (log_partition, log_power_partition, horizon, epoch, seed, updated) = told;
        let mut question = BatchQuestion {
            log_partition,
            log_power_partition,
            horizon,
            epoch,
            seed,
            updated,
            ..BatchQuestion::new(columns, 0)
        };
        let (packed, answer) = py
            .detach(|| {
                let packed = question.pack()?;
                let answer = self.ask(&mut question, &packed, step)?;
                Ok((packed, answer))
            })
            .map_err(|fault: BatchFault| of_probe(py, fault.into()))?;
        let placing = Placing { question: &question, packed: &packed, shape: log_probs.shape() };
        let coefficients = placing.place(py, &answer.coefficients)?;
        let entropy = (!answer.entropy.is_empty()).then(|| placing.place(py, &answer.entropy));
        Ok((coefficients, entropy.transpose()?, answer.diagnostics))
    }
}

impl Objective {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and counts the batch; what fails leaves what was learnt as it was.
    fn ask(
        &self,
        question: &mut BatchQuestion<'_>,
        packed: &PackedRows<'_>,
        step: Option<u64>,
    ) -> Result<ObjectiveAnswer, BatchFault> {
        let mut asked = self.asked();
        // Another pass is over the batch that was asked last.
        question.step =
            step.unwrap_or(if question.epoch == 0 { asked.next } else { asked.next.saturating_sub(1) });
        let before = asked.handle.save()?;
        let answer = question.ask(packed, &mut asked.handle, self.declaration.minimum_group);
        match &answer {
            Ok(_) => asked.next = question.step.saturating_add(1),
            Err(_) if asked.handle.save()? != before => asked.handle.restore(&before)?,
            Err(_) => {}
        }
        answer
    }
}
