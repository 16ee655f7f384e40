//! `host probe verifier|model|objective`.

use super::{load_plugins, print};
use crate::cli::{ProbeArgs, ProbeKind};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output;
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_lab::probe::{
    ModelProbe, NamedComponent, ObjectiveInput, ProbeError, ProbeTask, VerifierProbe, ask_lines,
};
use pstar_lab::text_file::read_text;
use pstar_loader::Registry;
use pstar_record::to_json;
use std::io::{self, BufRead};
use std::path::Path;

pub(super) fn probe(args: &ProbeArgs) -> Result<ExitCode, Failure> {
    let registry = load_plugins(&args.plugins.plugin_dir)?;
    let experiment = args.experiment.as_deref().map(|path| open(path, &registry)).transpose()?;
    let component = args.plugin.as_ref().map(|plugin| NamedComponent {
        plugin: plugin.clone(),
        configuration: args.config.clone().unwrap_or_else(|| "()".into()),
    });
    let input = io::stdin().lock();
    let mut out = output::writer()?;
    let task = ProbeTask { registry: &registry, experiment: experiment.as_ref(), component };
    match args.kind {
        ProbeKind::Verifier => ask_lines(&mut VerifierProbe::new(task)?, input, &mut out)?,
        ProbeKind::Model => ask_lines(&mut ModelProbe::new(task)?, input, &mut out)?,
        ProbeKind::Objective => print(&ask_objective(&task, input)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path, registry: &Registry) -> Result<Experiment, Failure> {
    let text = read_text(path)?;
    Ok(check(ExperimentFile::parse(path, &text)?, path, &text, registry)?)
}

fn ask_objective(task: &ProbeTask<'_>, input: impl BufRead) -> Result<String, Failure> {
    let batch = ObjectiveInput::read(input)?;
    let mut objective = task.objective()?;
    Ok(to_json(&batch.ask(&mut objective).map_err(ProbeError::from)?))
}
