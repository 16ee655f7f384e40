//! The command line of pstar.

mod cli;
mod commands;
mod failure;
mod progress;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    pstar_lab::memory::keep_freed();
    let cli = cli::Cli::parse();
    match commands::dispatch(&cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
