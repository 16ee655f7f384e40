//! `host probe verifier|model|objective`.

use super::{json, load_plugins, read, write_to};
use crate::cli::{ProbeArgs, ProbeKind};
use crate::failure::Failure;
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_lab::plugins::Registry;
use pstar_lab::probe::{
    Component, ModelProbe, ObjectiveInput, ProbeError, ProbeTask, VerifierProbe, ask_lines,
};
use std::io::{self, BufWriter, Read};
use std::path::Path;
use std::process::ExitCode;

pub(super) fn probe(args: &ProbeArgs) -> Result<ExitCode, Failure> {
    let registry = load_plugins(&args.plugins)?;
    let experiment = args.experiment.as_deref().map(|path| open(path, &registry)).transpose()?;
    let component = args.plugin.as_ref().map(|plugin| Component {
        plugin: plugin.clone(),
        configuration: args.config.clone().unwrap_or_else(|| "()".into()),
    });
    let input = io::stdin().lock();
    let mut out = BufWriter::new(io::stdout().lock());
    let task = ProbeTask { registry: &registry, experiment: experiment.as_ref(), component };
    match args.kind {
        ProbeKind::Verifier => ask_lines(&mut VerifierProbe::new(task)?, input, &mut out)?,
        ProbeKind::Model => ask_lines(&mut ModelProbe::new(task)?, input, &mut out)?,
        ProbeKind::Objective => {
            let answer = ask_objective(&task, input)?;
            write_to(&mut out, answer.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path, registry: &Registry) -> Result<Experiment, Failure> {
    let text = read(path)?;
    Ok(check(ExperimentFile::parse(path, &text)?, path, &text, registry)?)
}

fn ask_objective(task: &ProbeTask<'_>, mut input: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(ProbeError::from)?;
    let batch: ObjectiveInput = serde_json::from_str(&text).map_err(|error| ProbeError::Malformed {
        line: error.line(),
        message: format!("{}, at column {}", words(&error), error.column()),
    })?;
    let mut objective = task.objective()?;
    Ok(json(&batch.ask(&mut objective).map_err(ProbeError::from)?))
}

/// The words of a JSON error without its place.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_string()
}
