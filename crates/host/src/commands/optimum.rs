//! `host optimum FILE`.

use super::{json, open, print, room};
use crate::cli::OptimumArgs;
use crate::failure::Failure;
use pstar_lab::optimum::{self, Search};
use pstar_report::optimum_table;
use std::process::ExitCode;

pub(super) fn optimum(args: &OptimumArgs) -> Result<ExitCode, Failure> {
    let (experiment, registry) = open(&args.experiment)?;
    let record = optimum::optimum(&experiment, &registry, &Search::default())?;
    print(&if args.json { json(&record) } else { optimum_table(&record, room()) })?;
    Ok(ExitCode::SUCCESS)
}
