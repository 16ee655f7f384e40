//! One file a command.

mod check;
mod completions;
mod exact;
mod isolated;
mod new;
mod optimum;
mod plugins;
mod probe;
mod report;
mod run;
mod show;
mod strangers;
mod validate;
mod worker;

use crate::cli::{Cli, Command, ExperimentArgs, PluginDirs};
use crate::failure::Failure;
use crate::output::{print, room};
use pstar_lab::experiment::{Experiment, ExperimentFile, OverrideError, check, override_fields};
use pstar_lab::text_file::read_text;
use pstar_loader::{Registry, find};
use pstar_run::isolate::{Avoided, tell_what_ends_this_process};
use std::process::ExitCode;

pub(crate) fn dispatch(cli: &Cli) -> Result<ExitCode, Failure> {
    if !matches!(cli.command, Command::Run(_) | Command::Worker(_)) {
        // Where the system does not offer that, a crash is a crash.
        let _ = tell_what_ends_this_process();
    }
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Worker(args) => worker::worker(args),
        Command::Show(args) => show::show(args),
        Command::Report(args) => report::report(args),
        Command::Validate(args) => validate::validate(args),
        Command::Exact(args) => exact::exact(args),
        Command::Optimum(args) => optimum::optimum(args),
        Command::Plugins(args) => plugins::plugins(args),
        Command::Probe(args) => probe::probe(args),
        Command::New(args) => new::new(args),
        Command::Check(args) => check::check(args),
        Command::Completions { shell } => completions::completions(*shell),
    }
}

fn load_plugins(args: &PluginDirs) -> Result<Registry, Failure> {
    find(&args.plugin_dir).and_then(|files| Registry::load(&files)).map_err(Failure::Plugins)
}

/// Reads and checks an experiment, with the plugins that it needs.
fn open(args: &ExperimentArgs) -> Result<(Experiment, Registry), Failure> {
    open_avoiding(args, &[])
}

/// The same, leaving components alone that would end the process.
fn open_avoiding(args: &ExperimentArgs, avoid: &[Avoided]) -> Result<(Experiment, Registry), Failure> {
    let written = read_text(&args.file)?;
    let text = override_fields(&written, &args.set).or_else(|error| {
        if matches!(error, OverrideError::File { .. }) {
            // The file's own fault is told in full.
            ExperimentFile::parse(&args.file, &written)?;
        }
        Err(Failure::Usage { message: format!("--set: {error}"), hint: Some(error.hint()) })
    })?;
    let file = ExperimentFile::parse(&args.file, &text)?;
    let mut registry = load_plugins(&args.plugins)?;
    for Avoided { kind, name, configuration, why } in avoid {
        registry.avoid(kind, name, configuration, why);
    }
    Ok((check(file, &args.file, &text, &registry)?, registry))
}

/// A pool of so many threads; of one a core if there are none.
fn pool(threads: usize) -> Result<rayon::ThreadPool, Failure> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| Failure::Usage {
        message: format!("{threads} threads cannot be started: {error}"),
        hint: Some("leave out `--threads`".into()),
    })
}
