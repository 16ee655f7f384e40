//! `host merge RUN`.

use super::run::FAILED;
use super::{open, pool, print};
use crate::cli::{ExperimentArgs, MergeArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::print_text;
use crate::program::as_called;
use crate::progress::Bars;
use pstar_core::escaped;
use pstar_report::run_table;
use pstar_run::{DirectoryError, RunError, Shown, merge};

/// Puts together what a run has found so far.
pub(super) fn put_together(args: &MergeArgs) -> Result<ExitCode, Failure> {
    let file = args.run.join("experiment.ron");
    if !file.exists() {
        return Err(DirectoryError::NoRun { path: args.run.clone() }.into());
    }
    let experiment = ExperimentArgs { file, set: Vec::new(), plugins: args.plugins.clone() };
    let (experiment, registry) = open(&experiment)?;
    let shown = Shown { table: &|record| run_table(record, None), page: &pstar_page::page };
    let merged = pool(args.threads.map_or(0, usize::from))?
        .install(|| merge(&args.run, &experiment, &registry, shown, &Bars::new()))?;
    print_text(&run_table(&merged.record, None))?;
    if let Some(unwritten) = merged.unwritten {
        return Err(RunError::from(unwritten).into());
    }
    let (all, missing) = (experiment.plan.arm_count(), merged.record.missing.arms.len());
    let place = escaped(&merged.directory.display().to_string());
    if missing > 0 {
        print(&format!("\npartial: {missing} of {all} arms are missing\n"))?;
    }
    print(&as_called(&format!("written to {place}: host show {place}\n")))?;
    Ok(if merged.record.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
