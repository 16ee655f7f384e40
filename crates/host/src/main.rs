//! The command line of pstar.

mod cli;
mod commands;
mod failure;
mod output;
mod progress;
mod signals;
mod template;
mod watch;

use clap::Parser;
use pstar_report::harmless;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    pstar_lab::memory::keep_freed();
    output::claim();
    let done = cli::Cli::try_parse().map_or_else(|error| explain(&error), |cli| commands::dispatch(&cli));
    done.unwrap_or_else(|failure| failure.report())
}

/// Help and version are results, which standard output must take; what is wrong with the arguments is none.
fn explain(error: &clap::Error) -> Result<ExitCode, failure::Failure> {
    let text = error.render().to_string();
    if error.use_stderr() {
        // Where standard error is gone there is nobody left to tell.
        let _ = io::stderr().write_all(harmless(&text).as_bytes());
        return Ok(ExitCode::from(2));
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
