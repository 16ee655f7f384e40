//! `host run FILE`.

use super::{json, open, print, room};
use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::output::print_text;
use crate::progress::Bars;
use crate::signals::Interruptible;
use pstar_lab::clock::process_seconds;
use pstar_lab::experiment::Experiment;
use pstar_lab::run::{Conducted, Estimate, Progress, RunError, RunOptions, conduct, prepare_telling};
use pstar_loader::Registry;
use pstar_record::RunRecord;
use pstar_report::run_table;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit code where an arm failed.
const FAILED: u8 = 4;

pub(super) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let (experiment, registry) = open(&args.experiment)?;
    let threads = args.threads.map_or(0, usize::from);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| Failure::Usage {
            message: format!("{threads} threads cannot be started: {error}"),
            hint: Some("leave out `--threads`".into()),
        })?;
    if args.dry_run {
        return pool.install(|| dry_run(args, &experiment, &registry));
    }
    let progress = Interruptible::new();
    let Conducted { record, directory, unwritten } =
        pool.install(|| train(args, &experiment, &registry, &progress))?;
    // What is in memory is told, whatever became of the files.
    if args.json {
        print(&json(&record))?;
    } else {
        let place = format!("\nwritten to {}\n", directory.path().display());
        let place = if unwritten.is_none() { &*place } else { "" };
        print_text(&format!("{}{place}", run_table(&record, room())))?;
    }
    if let Some(error) = unwritten {
        return Err(RunError::Result(error).into());
    }
    if let Some(signal) = progress.signal() {
        stopped(&record, signal);
        return Ok(ExitCode::from(128 + signal));
    }
    Ok(if record.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Says what a signal left undone.
fn stopped(record: &RunRecord, signal: u8) {
    let (left, all) = (record.interruptions(), record.arms.len());
    // Where standard error is gone there is nobody left to tell.
    let _ = writeln!(
        io::stderr(),
        "stopped by signal {signal}: {left} of {all} arms did not end; no optima were looked for"
    );
}

fn train(
    args: &RunArgs,
    experiment: &Experiment,
    registry: &Registry,
    progress: &dyn Progress,
) -> Result<Conducted, Failure> {
    let options = RunOptions {
        directory: args.out.as_deref(),
        set: &args.experiment.set,
        table: &|record| run_table(record, None),
    };
    Ok(conduct(experiment, registry, &options, progress)?)
}

fn dry_run(args: &RunArgs, experiment: &Experiment, registry: &Registry) -> Result<ExitCode, Failure> {
    let bars = Bars::new();
    let before = process_seconds();
    let prepared = prepare_telling(experiment, registry, &bars)?;
    prepared.check_memory()?;
    bars.phase("trying a few steps");
    let estimate = Estimate::of(&prepared, process_seconds() - before)
        .map_err(|error| Failure::Usage { message: error.message, hint: error.hint })?;
    drop(bars);
    let Estimate { arms, sequences, optimizer_steps, seconds, mebibytes } = estimate;
    print(&if args.json {
        json(&estimate)
    } else {
        format!(
            "{arms} arms, {sequences} sequences and {optimizer_steps} optimizer steps in all; {} on {} threads and \
             {mebibytes:.0} MiB\n",
            if seconds < 1.0 { "below 1 s".into() } else { format!("about {seconds:.0} s") },
            rayon::current_num_threads(),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
