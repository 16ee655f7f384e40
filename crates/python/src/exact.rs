//! The exact values of an experiment, and the optima of its policy classes.

use crate::background::{Work, wait};
use crate::failure::of_failure;
use pstar_host::{Failure, apply_sweep, open_experiment};
use pstar_lab::exact::{self as values, MethodChoice};
use pstar_lab::kappa;
use pstar_lab::optimum::{self as optima, Search};
use pstar_record::to_json;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;

/// The exact values of an experiment's task, or how fast its objectives climb, as JSON.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "what the command line takes")]
pub(crate) fn exact(
    py: Python<'_>,
    file: PathBuf,
    set: Vec<String>,
    sweep: Option<String>,
    method: &str,
    kappa: bool,
    threads: usize,
    plugins: Vec<PathBuf>,
) -> PyResult<String> {
    let method = match method {
        "auto" => MethodChoice::Auto,
        "enumeration" => MethodChoice::Enumeration,
        "dynamic-programming" => MethodChoice::DynamicProgramming,
        other => {
            return Err(PyValueError::new_err(format!(
                "method: expected \"auto\", \"enumeration\" or \"dynamic-programming\", found \"{other}\""
            )));
        }
    };
    let ask = move || -> Result<String, Failure> {
        let (mut experiment, registry) = open_experiment(&file, &set, &plugins)?;
        if kappa {
            return Ok(to_json(&kappa::kappa(&experiment, &registry)?));
        }
        if let Some(sweep) = sweep {
            apply_sweep(&mut experiment, &sweep)?;
        }
        Ok(to_json(&values::exact(&experiment, &registry, method)?))
    };
    wait(py, &Work::begin(threads, ask)?)?.map_err(|failure| of_failure(&failure))
}

/// The best policies of the classes of an experiment, as JSON.
#[pyfunction]
pub(crate) fn optimum(
    py: Python<'_>,
    file: PathBuf,
    set: Vec<String>,
    boxes: Option<usize>,
    flow: bool,
    threads: usize,
    plugins: Vec<PathBuf>,
) -> PyResult<String> {
    let ask = move || -> Result<String, Failure> {
        let (experiment, registry) = open_experiment(&file, &set, &plugins)?;
        let effort = |transitions| {
            let search = Search::thorough(transitions)?;
            Some(Search { boxes: boxes.unwrap_or(search.boxes), ..search })
        };
        Ok(to_json(&optima::optimum(&experiment, &registry, &effort, flow)?))
    };
    wait(py, &Work::begin(threads, ask)?)?.map_err(|failure| of_failure(&failure))
}
