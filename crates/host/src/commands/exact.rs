//! `host exact FILE`.

use super::{json, open, print, room};
use crate::cli::ExactArgs;
use crate::failure::Failure;
use pstar_lab::exact;
use pstar_report::exact_table;
use std::process::ExitCode;

pub(super) fn exact(args: &ExactArgs) -> Result<ExitCode, Failure> {
    let (experiment, registry) = open(&args.experiment)?;
    let record = exact::exact(&experiment, &registry)?;
    print(&if args.json { json(&record) } else { exact_table(&record, room()) })?;
    Ok(ExitCode::SUCCESS)
}
