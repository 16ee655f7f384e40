//! A run that was done before, as columns.

use crate::background::{Work, wait};
use crate::failure::{PstarError, of_failure};
use numpy::PyArray1;
use pstar_host::Failure;
use pstar_record::{DataError, Measure, Measures, RunData, Whose, curve_points, to_json};
use pstar_report::{Choice, Format, RunTables, written};
use pstar_run::write_whole;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashMap;
use std::path::PathBuf;

/// A run, read from its directory.
#[pyclass(frozen, module = "pstar._native")]
pub(crate) struct Record {
    data: RunData,
}

/// Reads the directory of a run.
///
/// # Errors
/// If it holds no record that can be read.
#[pyfunction]
pub(crate) fn load(py: Python<'_>, run: PathBuf) -> PyResult<Record> {
    let read = move || {
        let directory = if run.is_file() { run.parent().map(PathBuf::from).unwrap_or_default() } else { run };
        RunData::read(&directory)
    };
    let data = wait(py, &Work::begin(1, read)?)?.map_err(|error| {
        let hint = match &error {
            DataError::Unreadable { .. } => {
                "name the directory of a run that has ended, as `Run.directory` tells it: `runs/NAME` or what `out` says"
            }
            _ => "was it copied whole?",
        };
        of_failure(&Failure::Usage { message: error.to_string(), hint: Some(hint.into()) })
    })?;
    Ok(Record { data })
}

/// A column of texts: the number of each, and what the numbers stand for.
#[derive(Default)]
struct Texts {
    codes: Vec<i32>,
    meanings: Vec<String>,
    known: HashMap<String, i32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        let code = self.known.get(text).copied().unwrap_or_else(|| {
            let code = i32::try_from(self.meanings.len()).unwrap_or(i32::MAX);
            self.meanings.push(text.into());
            self.known.insert(text.into(), code);
            code
        });
        self.codes.push(code);
    }

    fn into_column(self, py: Python<'_>) -> (Bound<'_, PyArray1<i32>>, Vec<String>) {
        (PyArray1::from_vec(py, self.codes), self.meanings)
    }
}

/// Whose figures rows of a table are.
#[derive(Default)]
struct Arms {
    policy: Texts,
    objective: Texts,
    learning_rate: Vec<f64>,
    seed: Vec<i64>,
}

impl Arms {
    fn push(&mut self, policy: &str, objective: &str, learning_rate: Option<f64>, seed: Option<u64>) {
        self.policy.push(policy);
        self.objective.push(objective);
        self.learning_rate.push(learning_rate.unwrap_or(f64::NAN));
        self.seed.push(seed.map_or(-1, |seed| i64::try_from(seed).unwrap_or(i64::MAX)));
    }

    fn put(self, py: Python<'_>, columns: &Bound<'_, PyDict>) -> PyResult<()> {
        columns.set_item("policy", self.policy.into_column(py))?;
        columns.set_item("objective", self.objective.into_column(py))?;
        columns.set_item("learning_rate", PyArray1::from_vec(py, self.learning_rate))?;
        columns.set_item("seed", PyArray1::from_vec(py, self.seed))
    }
}

#[pymethods]
impl Record {
    /// The record, as JSON.
    fn json(&self, py: Python<'_>) -> String {
        py.detach(|| to_json(&self.data.record))
    }

    /// Files of the directory that are damaged or missing, and what is wrong with them.
    fn faults(&self) -> Vec<(String, String)> {
        self.data.faults.iter().map(|fault| (fault.file.clone(), fault.problem.clone())).collect()
    }

    /// What the run was made with, as JSON.
    fn provenance(&self) -> Option<String> {
        self.data.provenance.as_ref().map(to_json)
    }

    /// Figures of arms at their start and end, and of what they are compared with.
    fn figures<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (mut arms, mut point, mut metric) = (Arms::default(), Texts::default(), Texts::default());
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        let mut push = |who: (&str, &str, Option<f64>, Option<u64>), at: &str, measures: &Measures| {
            for (name, Measure { value, std_error }) in measures.flat() {
                let Some(value) = value else { continue };
                arms.push(who.0, who.1, who.2, who.3);
                point.push(at);
                metric.push(&name);
                values.push(value);
                errors.push(std_error.unwrap_or(f64::NAN));
            }
        };
        for (name, measures) in &self.data.record.references {
            push((name, "", None, None), "reference", measures);
        }
        for arm in &self.data.record.arms {
            let who = (&*arm.policy, &*arm.objective, Some(arm.learning_rate), Some(arm.seed));
            arm.initial.iter().for_each(|measures| push(who, "initial", measures));
            arm.last.iter().for_each(|measures| push(who, "final", measures));
        }
        let columns = PyDict::new(py);
        arms.put(py, &columns)?;
        columns.set_item("point", point.into_column(py))?;
        columns.set_item("metric", metric.into_column(py))?;
        columns.set_item("value", PyArray1::from_vec(py, values))?;
        columns.set_item("std_error", PyArray1::from_vec(py, errors))?;
        Ok(columns)
    }

    /// Figures and signals of arms while they trained.
    fn curves<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (mut arms, mut metric) = (Arms::default(), Texts::default());
        let (mut steps, mut values) = (Vec::new(), Vec::new());
        for arm in &self.data.record.arms {
            for point in &arm.curve {
                for (name, value) in curve_points(point) {
                    arms.push(&arm.policy, &arm.objective, Some(arm.learning_rate), Some(arm.seed));
                    metric.push(&name);
                    steps.push(i64::from(point.step));
                    values.push(value);
                }
            }
        }
        let columns = PyDict::new(py);
        arms.put(py, &columns)?;
        columns.set_item("step", PyArray1::from_vec(py, steps))?;
        columns.set_item("metric", metric.into_column(py))?;
        columns.set_item("value", PyArray1::from_vec(py, values))?;
        Ok(columns)
    }

    /// Figures of single prompts.
    fn prompts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (mut arms, mut point) = (Arms::default(), Texts::default());
        let (mut prompt, mut metric, mut values) = (Texts::default(), Texts::default(), Vec::new());
        for figures in &self.data.prompts {
            for (name, Measure { value, .. }) in figures.measures.flat() {
                let Some(value) = value else { continue };
                let at = match &figures.whose {
                    Whose::Reference(name) => {
                        arms.push(name, "", None, None);
                        "reference"
                    }
                    Whose::Start { policy, seed } => {
                        arms.push(policy, "", None, Some(*seed));
                        "initial"
                    }
                    Whose::End { policy, objective, learning_rate, seed } => {
                        arms.push(policy, objective, Some(*learning_rate), Some(*seed));
                        "final"
                    }
                };
                point.push(at);
                prompt.push(&figures.prompt);
                metric.push(&name);
                values.push(value);
            }
        }
        let columns = PyDict::new(py);
        arms.put(py, &columns)?;
        columns.set_item("point", point.into_column(py))?;
        columns.set_item("prompt", prompt.into_column(py))?;
        columns.set_item("metric", metric.into_column(py))?;
        columns.set_item("value", PyArray1::from_vec(py, values))?;
        Ok(columns)
    }

    /// The tables as text.
    fn table(
        &self,
        columns: Vec<String>,
        policies: Vec<String>,
        intervals: bool,
        format: &str,
    ) -> PyResult<String> {
        let format = match format {
            "text" => Format::Text,
            "markdown" => Format::Markdown,
            "latex" => Format::Latex,
            "csv" => Format::Csv,
            "json" => Format::Json,
            other => {
                return Err(PstarError::new_err(format!(
                    "format: expected \"text\", \"markdown\", \"latex\", \"csv\" or \"json\", found \"{other}\""
                )));
            }
        };
        let choice = Choice { columns, policies, intervals };
        let tables = RunTables::new(&self.data.record, &choice).map_err(|unknown| {
            PstarError::new_err(format!("{unknown}\nhelp: it has {}", unknown.known.join(", ")))
        })?;
        Ok(written(&tables, format, None))
    }

    /// Writes the page that browsers show.
    fn report(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let written = py.detach(|| write_whole(&path, pstar_page::page(&self.data).as_bytes()));
        written.map_err(|error| of_failure(&Failure::from(pstar_run::RunError::from(error))))
    }
}
