//! One file a command.

mod completions;
mod exact;
mod optimum;
mod plugins;
mod probe;
mod run;
mod validate;

use crate::cli::{Cli, Command, ExperimentArgs, PluginDirs};
use crate::failure::Failure;
use console::Term;
use pstar_core::files::{MOST_BYTES, read_regular};
use pstar_lab::experiment::{Experiment, ExperimentFile, check, override_fields};
use pstar_lab::plugins::{Registry, find};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn dispatch(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Validate(args) => validate::validate(args),
        Command::Exact(args) => exact::exact(args),
        Command::Optimum(args) => optimum::optimum(args),
        Command::Plugins(args) => plugins::plugins(args),
        Command::Probe(args) => probe::probe(args),
        Command::Completions { shell } => completions::completions(*shell),
    }
}

fn load_plugins(args: &PluginDirs) -> Result<Registry, Failure> {
    find(&args.plugin_dir).and_then(|files| Registry::load(&files)).map_err(Failure::Plugins)
}

/// Reads and checks an experiment, with the plugins that it needs.
fn open(args: &ExperimentArgs) -> Result<(Experiment, Registry), Failure> {
    let text = override_fields(&read(&args.file)?, &args.set)
        .map_err(|error| Failure::Usage { message: format!("--set: {error}"), hint: Some(error.hint()) })?;
    let file = ExperimentFile::parse(&args.file, &text)?;
    let registry = load_plugins(&args.plugins)?;
    Ok((check(file, &args.file, &text, &registry)?, registry))
}

fn read(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: &dyn Display| Failure::Usage {
        message: format!("the experiment `{}` cannot be read: {error}", path.display()),
        hint: path.is_dir().then(|| "name a file, for example `experiments/compare.ron`".into()),
    };
    let bytes = read_regular(path, MOST_BYTES).map_err(|error| unreadable(&error))?;
    String::from_utf8(bytes).map_err(|error| unreadable(&error.utf8_error()))
}

/// A value as indented JSON.
fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .unwrap_or_else(|error| unreachable!("records serialise: {error}"));
    text.push('\n');
    text
}

/// The width of the terminal; nothing where standard output is none.
fn room() -> Option<usize> {
    let columns = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|_| io::stdout().is_terminal())
}

/// Writes to standard output; a reader that went away is no error.
fn print(text: &str) -> Result<(), Failure> {
    write_to(&mut io::stdout().lock(), text.as_bytes())
}

fn write_to(out: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Usage { message: format!("standard output cannot be written: {error}"), hint: None })
        }
        _ => Ok(()),
    }
}
