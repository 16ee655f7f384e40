//! One file a command.

mod plugins;
mod run;

use crate::cli::{Cli, Command, PluginArgs};
use crate::failure::Failure;
use pstar_lab::plugins::{Registry, find};
use std::io::{self, Write};
use std::process::ExitCode;

pub(crate) fn dispatch(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Plugins(args) => plugins::plugins(args),
    }
}

fn load_plugins(args: &PluginArgs) -> Result<Registry, Failure> {
    find(&args.plugin_dir).and_then(|files| Registry::load(&files)).map_err(Failure::Plugins)
}

/// Writes to standard output; a reader that went away is no error.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Usage { message: format!("standard output cannot be written: {error}"), hint: None })
        }
        _ => Ok(()),
    }
}
