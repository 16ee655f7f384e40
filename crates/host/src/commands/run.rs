//! `host run FILE`.

use super::{load_plugins, print};
use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::progress::Bars;
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_lab::plugins::Registry;
use pstar_lab::run::{Progress, Provenance, RunDirectory, RunRecord, execute, prepare, resolved};
use pstar_report::run_table;
use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let text = read(&args.file)?;
    let file = ExperimentFile::parse(&args.file, &text)?;
    let registry = load_plugins(&args.plugins)?;
    let experiment = check(file, &args.file, &text, &registry)?;
    let threads = args.threads.unwrap_or(0);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| Failure::Usage {
            message: format!("{threads} threads cannot be started: {error}"),
            hint: Some("leave out `--threads`".into()),
        })?;
    let (record, directory) = pool.install(|| train(args, &experiment, &registry))?;
    if args.json {
        let mut json = serde_json::to_string_pretty(&record).unwrap_or_default();
        json.push('\n');
        print(&json)?;
    } else {
        print(&format!("{}\nwritten to {}\n", run_table(&record), directory.path().display()))?;
    }
    Ok(if record.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::from(4) })
}

fn train(
    args: &RunArgs,
    experiment: &Experiment,
    registry: &Registry,
) -> Result<(RunRecord, RunDirectory), Failure> {
    let bars = Bars::new();
    bars.phase("working out exact values");
    let prepared = prepare(experiment, registry)?;
    let directory = match &args.out {
        Some(path) => RunDirectory::create(path)?,
        None => RunDirectory::create_fresh(Path::new("runs"), &experiment.file.name)?,
    };
    let now = env::current_dir().unwrap_or_default();
    directory.write_inputs(&resolved(experiment, &now), &Provenance::collect(registry, &experiment.seeds))?;
    let record = execute(&prepared, &bars)
        .map_err(|error| Failure::Usage { message: error.message, hint: error.hint })?;
    directory.write_record(&record)?;
    Ok((record, directory))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::Usage {
        message: format!("the experiment `{}` cannot be read: {error}", path.display()),
        hint: path.is_dir().then(|| "name a file, for example `experiments/compare.ron`".into()),
    })
}
