//! `host worker RUN`.

use super::run::FAILED;
use super::{open_avoiding, pool, print};
use crate::cli::{ExperimentArgs, WorkerArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::signals::{Interruptible, TIME_UP};
use pstar_report::run_table;
use pstar_run::isolate::{Child, child};
use pstar_run::{DirectoryError, Shown, WorkOptions, Worked, work};
use std::time::Duration;

/// Runs arms of a run until none is left that nobody works on.
pub(super) fn worker(args: &WorkerArgs) -> Result<ExitCode, Failure> {
    let child =
        child().map_err(|error| Failure::usage(format!("this process cannot be watched: {error}")))?;
    let result = work_here(args, child.as_ref());
    if let Some(child) = &child {
        child.done();
    }
    result
}

fn work_here(args: &WorkerArgs, child: Option<&Child>) -> Result<ExitCode, Failure> {
    let avoid = child.map_or(&[][..], |child| &child.avoid);
    let file = args.run.join("experiment.ron");
    if !file.exists() {
        return Err(DirectoryError::NoRun { path: args.run.clone() }.into());
    }
    let experiment = ExperimentArgs { file, set: Vec::new(), plugins: args.plugins.clone() };
    let (experiment, registry) = open_avoiding(&experiment, avoid)?;
    let progress = Interruptible::new();
    // From the beginning: preparing may take longer than the time that is left.
    progress.listen_for_notice();
    let options = WorkOptions {
        checkpoint: Duration::from_secs(args.checkpoint),
        linger: Duration::from_secs(args.linger),
        observers: &args.watch.observers(&args.run),
        retry_failed: args.retry_failed,
        // One thread would be long about it: whoever watches this process has more.
        summarise: child.is_none(),
        shown: Shown { table: &|record| run_table(record, None), page: &pstar_page::page },
    };
    let pool = pool(args.threads.map_or(0, usize::from))?;
    let Worked { arms, complete, failed } =
        pool.install(|| work(&args.run, &experiment, &registry, &options, &progress))?;
    let left = arms - complete - failed;
    print(&format!("{complete} of {arms} arms are done, {failed} failed, {left} are left\n"))?;
    if let Some(signal) = progress.signal() {
        return Ok(ExitCode::from(if progress.is_notice() { TIME_UP } else { 128 + signal }));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
