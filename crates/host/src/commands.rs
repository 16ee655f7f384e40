//! One file a command.

mod check;
mod completions;
mod exact;
mod isolated;
mod merge;
mod new;
mod optimum;
mod plugins;
mod probe;
mod report;
mod run;
mod show;
mod status;
mod strangers;
mod submit;
mod validate;
mod worker;

use crate::cli::{Cli, Command, ExperimentArgs, PluginDirs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{print, room};
use crate::program::program;
pub use exact::apply_sweep;
pub use plugins::listings;
use pstar_core::files::{read_regular, sha256};
use pstar_lab::experiment::{Experiment, ExperimentFile, OverrideError, check, override_fields};
use pstar_lab::text_file::read_text;
use pstar_loader::{Registry, find};
use pstar_run::isolate::{Avoided, tell_what_ends_this_process};
use std::path::{Path, PathBuf};

pub(crate) fn dispatch(cli: &Cli) -> Result<ExitCode, Failure> {
    if !matches!(cli.command, Command::Run(_) | Command::Worker(_)) {
        // Where the system does not offer that, a crash is a crash.
        let _ = tell_what_ends_this_process();
    }
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Worker(args) => worker::worker(args),
        Command::Submit(args) => submit::submit(args),
        Command::Status(args) => status::tell(args),
        Command::Merge(args) => merge::put_together(args),
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

/// The components of this program and of the plugins beside it, in `folders` and in `PSTAR_PLUGIN_PATH`.
///
/// # Errors
/// Of every file that is no sound plugin, and of every name that two offer.
pub fn load_plugins(folders: &[PathBuf]) -> Result<Registry, Failure> {
    let program = program();
    let files = find(program.plugins.as_deref(), folders).map_err(Failure::Plugins)?;
    with_own(Registry::load(&files).map_err(Failure::Plugins)?)
}

/// Adds the plugin that is part of the program.
fn with_own(mut registry: Registry) -> Result<Registry, Failure> {
    if let Some((own, path)) = (program().own)() {
        let sha256 = read_regular(&path, u64::MAX).map(|bytes| sha256(&bytes)).unwrap_or_default();
        registry.add(own, &path, sha256).map_err(Failure::Plugins)?;
    }
    Ok(registry)
}

/// Reads and checks an experiment with the plugins that [`load_plugins`] finds; `set` replaces fields, as in
/// `training.steps=100`.
///
/// # Errors
/// Of everything that is wrong with the file, with a field that is replaced, or with a plugin.
pub fn open_experiment(
    file: &Path,
    set: &[String],
    folders: &[PathBuf],
) -> Result<(Experiment, Registry), Failure> {
    let plugins = PluginDirs { plugin_dir: folders.to_vec() };
    open(&ExperimentArgs { file: file.into(), set: set.to_vec(), plugins })
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
    let mut registry = load_plugins(&args.plugins.plugin_dir)?;
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
