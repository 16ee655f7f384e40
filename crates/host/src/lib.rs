//! The command line of pstar as a library: [`main`] for programs that are this one, and what other front ends share
//! with it.

mod cli;
mod commands;
mod exit;
mod failure;
mod output;
mod program;
mod progress;
mod shell;
mod signals;
mod slurm;
mod template;
mod watch;

pub use commands::{apply_sweep, listings, load_plugins, open_experiment};
pub use exit::ExitCode;
pub use failure::Failure;
pub use program::{Program, set_program};
pub use progress::Bars;

use clap::{CommandFactory, FromArgMatches};
use program::as_called;
use pstar_core::{math, shown};
use pstar_report::harmless;
use std::io::{self, Write};

/// Does what the arguments of a program say, to its end. Takes standard output and the signals of the process.
pub fn main(program: Program) -> ExitCode {
    pstar_lab::memory::keep_freed();
    output::claim();
    let words = std::iter::once(program.called.clone()).chain(program.arguments.iter().cloned());
    let mut command = cli::Cli::command();
    if program.code.is_some() {
        command = command.name(&*program.called.to_string_lossy().into_owned().leak());
    }
    let matches = command.try_get_matches_from(words);
    set_program(program);
    let parsed = matches.and_then(|matches| cli::Cli::from_arg_matches(&matches));
    let done = parsed.map_or_else(
        |error| explain(&error),
        |cli| known_environment().and_then(|()| commands::dispatch(&cli)),
    );
    done.unwrap_or_else(|failure| failure.report())
}

/// Refuses what nobody reads in the variables of the environment, which would be passed over in silence.
fn known_environment() -> Result<(), Failure> {
    math::vectors_left().map(|_| ()).map_err(|found| Failure::Usage {
        message: format!(
            "`{}` must be `avx2` or `none`, found `{}`",
            math::VECTORS,
            shown(&found.to_string_lossy())
        ),
        hint: Some("unset it for the widest vectors that the processor has: no result depends on it".into()),
    })
}

/// Help and version are results, which standard output must take; what is wrong with the arguments is none.
fn explain(error: &clap::Error) -> Result<ExitCode, Failure> {
    let text = as_called(&error.render().to_string());
    if error.use_stderr() {
        // Where standard error is gone there is nobody left to tell.
        let _ = io::stderr().write_all(harmless(&text).as_bytes());
        return Ok(ExitCode::from(2));
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
