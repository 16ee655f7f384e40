//! `host run FILE`.

use super::{open, print, room};
use crate::cli::{RunArgs, Watch};
use crate::failure::Failure;
use crate::output::print_text;
use crate::progress::Bars;
use crate::signals::Interruptible;
use pstar_lab::clock::process_seconds;
use pstar_lab::experiment::Experiment;
use pstar_lab::run::{Estimate, Progress, prepare_telling};
use pstar_loader::Registry;
use pstar_record::{RunRecord, to_json};
use pstar_report::run_table;
use pstar_run::observers::{CsvFiles, Observer, TensorBoard};
use pstar_run::{Conducted, RunError, RunOptions, conduct};
use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Exit code where an arm failed.
pub(super) const FAILED: u8 = 4;

pub(super) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let (experiment, registry) = open(&args.experiment)?;
    let threads = args.threads.map_or(0, usize::from);
    let pool = super::pool(threads)?;
    if args.dry_run {
        return pool.install(|| dry_run(args, &experiment, &registry));
    }
    let progress = Interruptible::new();
    let Conducted { record, directory, unwritten } =
        pool.install(|| train(args, &experiment, &registry, &progress))?;
    if args.prepare {
        let (open, path) = (record.interruptions(), quoted(&directory.display().to_string()));
        print(&format!("{open} of {} arms are to be run: host worker {path}\n", record.arms.len()))?;
        return Ok(ExitCode::SUCCESS);
    }
    // What is in memory is told, whatever became of the files.
    if args.json {
        print(&to_json(&record))?;
    } else {
        let place = format!("\nwritten to {}\n", directory.display());
        let place = if unwritten.is_none() { &*place } else { "" };
        print_text(&format!("{}{place}", run_table(&record, room())))?;
    }
    if let Some(signal) = progress.signal() {
        stopped(&record, signal, &again(args, &directory));
    }
    if let Some(error) = unwritten {
        return Err(RunError::from(error).into());
    }
    if let Some(signal) = progress.signal() {
        return Ok(ExitCode::from(128 + signal));
    }
    Ok(if record.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Says what a signal left undone, and how to go on.
fn stopped(record: &RunRecord, signal: u8, again: &str) {
    let (left, all) = (record.interruptions(), record.arms.len());
    // Where standard error is gone there is nobody left to tell.
    let _ = writeln!(
        io::stderr(),
        "stopped by signal {signal}: {left} of {all} arms did not end; no optima were looked for\nto go on: {again}"
    );
}

/// The line to type to go on with a run.
fn again(args: &RunArgs, directory: &Path) -> String {
    let mut words: Vec<String> = env::args().collect();
    if words.is_empty() {
        words.push("host".into());
    }
    words.retain(|word| word != "--fresh");
    if args.out.is_none() {
        words.extend(["--out".into(), directory.display().to_string()]);
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn train(
    args: &RunArgs,
    experiment: &Experiment,
    registry: &Registry,
    progress: &dyn Progress,
) -> Result<Conducted, Failure> {
    let observers = |directory: &Path| {
        let observer = |watch: &Watch| -> Box<dyn Observer> {
            match watch {
                Watch::Csv => Box::new(CsvFiles),
                Watch::Tensorboard => Box::new(TensorBoard::new(directory.join("tensorboard"))),
            }
        };
        args.watch.iter().map(observer).collect()
    };
    let options = RunOptions {
        directory: args.out.as_deref(),
        store: args.store.as_deref(),
        fresh: args.fresh,
        prepare_only: args.prepare,
        set: &args.experiment.set,
        checkpoint: Duration::from_secs(args.checkpoint),
        observers: &observers,
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
        to_json(&estimate)
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
