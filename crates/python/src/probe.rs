//! Asking a single component, as `host probe` does.

use crate::refusal::{Refused, of_failure_in, of_probe, refused};
use crate::registry::registry;
use pstar_lab::probe::{
    ModelProbe, NamedComponent, ObjectiveInput, ProbeError, ProbeTask, VerifierProbe, ask_lines,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;

/// The answers to questions in JSON Lines, in JSON Lines; of an objective one question and one answer.
#[pyfunction]
pub(crate) fn probe(
    py: Python<'_>,
    kind: String,
    questions: String,
    component: Option<(String, String)>,
    experiment: Option<PathBuf>,
    folders: Vec<PathBuf>,
) -> PyResult<String> {
    let opened = experiment.map(|file| py.detach(|| pstar_host::open_experiment(&file, &[], &folders)));
    let opened = opened.transpose().map_err(|failure| of_failure_in(py, Some(Refused::Config), &failure))?;
    let registry = match &opened {
        Some((_, registry)) => registry,
        None => registry(py, folders)?,
    };
    let component = component.map(|(plugin, configuration)| NamedComponent { plugin, configuration });
    let task =
        ProbeTask { registry, experiment: opened.as_ref().map(|(experiment, _)| experiment), component };
    let mut answers = Vec::new();
    let input = questions.as_bytes();
    py.detach(|| match kind.as_str() {
        "verifier" => {
            VerifierProbe::new(task).and_then(|mut probe| ask_lines(&mut probe, input, &mut answers))
        }
        "model" => ModelProbe::new(task).and_then(|mut probe| ask_lines(&mut probe, input, &mut answers)),
        _ => {
            let batch = ObjectiveInput::read(input)?;
            let answer = batch.ask(&mut task.objective()?)?;
            serde_json::to_writer(&mut answers, &answer).map_err(|error| ProbeError::Output(error.into()))
        }
    })
    .map_err(|error| match error {
        ProbeError::Malformed { line, message } => {
            // What callers gave were no lines.
            let of = if kind == "objective" { "the batch".into() } else { format!("question {}", line - 1) };
            refused(py, Refused::Batch, &format!("{of}: {message}"))
        }
        error => of_probe(py, error),
    })?;
    String::from_utf8(answers).map_err(|error| PyValueError::new_err(error.to_string()))
}
