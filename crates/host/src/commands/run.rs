//! `host run FILE`.

use super::isolated::{isolated, isolated_after_a_crash};
use super::show::tables;
use super::strangers::tell_strangers;
use super::{open_avoiding, pool, print, room};
use crate::cli::RunArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::print_text;
use crate::program::{as_called, program};
use crate::progress::Bars;
use crate::shell::quoted;
use crate::signals::Interruptible;
use pstar_core::{PluginError, shown};
use pstar_lab::clock::process_seconds;
use pstar_lab::experiment::Experiment;
use pstar_lab::run::{Estimate, Progress, VerifierTime, prepare_telling};
use pstar_loader::Registry;
use pstar_record::{RunRecord, to_json};
use pstar_report::{Format, run_table, written};
use pstar_run::isolate::{Child, Going, Stage, child, tell_what_ends_this_process};
use pstar_run::{Conducted, Part, RunError, RunOptions, Shown, conduct};
use serde_json::json;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Exit code where an arm failed.
pub(super) const FAILED: u8 = 4;

pub(super) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let child =
        child().map_err(|error| Failure::usage(format!("this process cannot be watched: {error}")))?;
    if child.is_none() && args.isolate && !args.dry_run && !args.prepare {
        return isolated(args);
    }
    let going = if child.is_some() {
        None
    } else if args.dry_run {
        tell_what_ends_this_process().ok().and(None)
    } else {
        isolated_after_a_crash(args)
    };
    let result = run_here(args, child.as_ref(), going.as_ref());
    if let Some(child) = &child {
        child.done();
    }
    if let Some(going) = going {
        going.done();
    }
    result
}

/// Runs in this process.
fn run_here(args: &RunArgs, child: Option<&Child>, going: Option<&Going>) -> Result<ExitCode, Failure> {
    let avoid = child.map_or(&[][..], |child| &child.avoid);
    let (experiment, registry) = open_avoiding(&args.experiment, avoid)?;
    if child.is_none_or(|child| child.stage == Stage::Lead) {
        tell_strangers(&experiment, &registry);
    }
    let threads = args.threads.map_or(0, usize::from);
    let pool = pool(threads)?;
    if args.dry_run {
        return pool.install(|| dry_run(args, &experiment, &registry));
    }
    let part = match child.map(|child| child.stage) {
        Some(Stage::Finish) => Part::Finish,
        Some(Stage::TakeLead) => Part::Rest,
        _ if args.prepare => Part::Prepare,
        _ => Part::All,
    };
    let began = |directory: &Path| {
        if let Some(child) = child {
            child.set_directory(directory);
        }
        if let Some(going) = going {
            going.with(arguments(args, Some(directory), true));
        }
    };
    let progress = Interruptible::new();
    // Whose process ends costs its own arm alone.
    let single = child.map(|_| super::pool(1)).transpose()?;
    let work = Work { part, pool: single.as_ref(), began: &began };
    let Conducted { record, directory, unwritten } =
        pool.install(|| train(args, &work, (&experiment, &registry), &progress))?;
    if part == Part::Prepare {
        if args.prepare {
            let (open, path) = (record.interruptions(), quoted(&directory.display().to_string()));
            let line = format!("{open} of {} arms are to be run: host worker {path}\n", record.arm_count());
            print(&as_called(&line))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(child) = child {
        child.wait_for_quiet();
    }
    // What is in memory is told, whatever became of the files.
    if args.json {
        print(&to_json(&record))?;
    } else {
        let report = directory.join("report.html");
        let place = format!("\nwritten to {}; open {}\n", directory.display(), report.display());
        let place = if unwritten.is_none() { &*place } else { "" };
        // An unknown column was found before anything was run, as far as that can be known.
        let tables = tables(&record, &args.table, &[])?;
        print_text(&format!("{}{place}", written(&tables, Format::Text, room())))?;
    }
    if let Some(signal) = progress.signal().filter(|_| child.is_none()) {
        stopped(&record, signal, &again(args, &directory));
    }
    if let Some(error) = unwritten {
        return Err(RunError::from(error).into());
    }
    if let Some(signal) = progress.signal() {
        return Ok(ExitCode::from(128 + signal));
    }
    let whole = record.failures() + record.interruptions() == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Says what a signal left undone, and how to go on.
fn stopped(record: &RunRecord, signal: u8, again: &str) {
    let (left, all) = (record.interruptions(), record.arm_count());
    let optima = if record.missing.optima { "; no optima were looked for" } else { "" };
    // Where standard error is gone there is nobody left to tell.
    let _ = writeln!(
        io::stderr(),
        "stopped by signal {signal}: {left} of {all} arms did not end{optima}\nto go on: {again}"
    );
}

/// The line to type to go on with a run.
pub(super) fn again(args: &RunArgs, directory: &Path) -> String {
    let mut words = arguments(args, Some(directory), args.isolate);
    let own = program().start().len();
    words.splice(..own, [program().called.clone()]);
    let words: Vec<String> = words.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    words.join(" ")
}

/// The program's path and the arguments with which a run goes on, in its directory once it has one.
pub(super) fn arguments(args: &RunArgs, directory: Option<&Path>, isolate: bool) -> Vec<OsString> {
    let mut words = program().words();
    if let Some(directory) = directory {
        words.retain(|word| word != "--fresh");
        if args.out.is_none() {
            words.extend(["--out".into(), directory.into()]);
        }
    }
    if isolate && !args.isolate {
        words.push("--isolate".into());
    }
    words
}

/// The command line as others may read it: of absolute paths their last part is left, and so behind `=`.
fn command_line(arguments: impl Iterator<Item = OsString>) -> Vec<String> {
    let portable = |word: &str| {
        let path = Path::new(word);
        let name = path.file_name().filter(|_| path.is_absolute());
        name.map_or_else(|| word.to_string(), |name| name.to_string_lossy().into_owned())
    };
    let portable = |word: OsString| {
        let word = word.to_string_lossy();
        match word.split_once('=') {
            Some((option, value)) => format!("{option}={}", portable(value)),
            None => portable(&word),
        }
    };
    std::iter::once("host".to_string()).chain(arguments.map(portable)).collect()
}

/// What this process is to do of a run.
struct Work<'a> {
    part: Part,
    /// Where arms are trained, if not on the current pool.
    pool: Option<&'a rayon::ThreadPool>,
    began: &'a (dyn Fn(&Path) + Sync),
}

fn train(
    args: &RunArgs,
    &Work { part, pool, began }: &Work<'_>,
    (experiment, registry): (&Experiment, &Registry),
    progress: &dyn Progress,
) -> Result<Conducted, Failure> {
    let observers = |directory: &Path| args.watch.observers(directory);
    let command: Vec<String> = command_line(program().arguments.iter().cloned());
    let options = RunOptions {
        directory: args.out.as_deref(),
        store: args.store.as_deref(),
        // A part that finishes another's work must not undo it.
        fresh: args.fresh && matches!(part, Part::All | Part::Prepare),
        part,
        pool,
        began,
        set: &args.experiment.set,
        command: &command,
        program: program().code.as_deref(),
        checkpoint: Duration::from_secs(args.checkpoint),
        observers: &observers,
        shown: Shown { table: &|record| run_table(record, None), page: &pstar_page::page },
    };
    Ok(conduct(experiment, registry, &options, progress)?)
}

fn dry_run(args: &RunArgs, experiment: &Experiment, registry: &Registry) -> Result<ExitCode, Failure> {
    let failed = |error: PluginError| Failure::Usage { message: error.message, hint: error.hint };
    // Before the outputs are enumerated, which takes as long as this tells.
    let verifier = VerifierTime::of(&experiment.world).map_err(failed)?;
    if !args.json {
        print_text(&verifier_line(&verifier))?;
    }
    let bars = Bars::new();
    let before = process_seconds();
    let prepared = prepare_telling(experiment, registry, &bars)?;
    prepared.check_memory()?;
    bars.phase("trying a few steps");
    let estimate = Estimate::of(&prepared, process_seconds() - before).map_err(failed)?;
    drop(bars);
    let Estimate { arms, sequences, optimizer_steps, seconds, mebibytes } = estimate;
    print(&if args.json {
        let mut told = json!(estimate);
        told["verifier"] = json!(verifier);
        to_json(&told)
    } else {
        format!(
            "{arms} arms, {sequences} sequences and {optimizer_steps} optimizer steps in all; {} on {} threads and \
             {mebibytes:.0} MiB\n",
            rough(seconds),
            rayon::current_num_threads(),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// How long the verifier takes.
fn verifier_line(verifier: &VerifierTime) -> String {
    let VerifierTime { calls, seconds, without_verdict, reason, outputs, enumeration_seconds } = verifier;
    let none = match reason {
        Some(reason) => format!(", {without_verdict} without a verdict (the first: {})", shown(reason)),
        None => String::new(),
    };
    let all = match (outputs, enumeration_seconds) {
        (Some(outputs), Some(seconds)) => format!("; all {outputs} outputs would take {}", rough(*seconds)),
        _ => String::new(),
    };
    format!("{calls} verifier calls took {:.1} ms{none}{all}\n", 1e3 * seconds)
}

/// A time, as far as it is known.
fn rough(seconds: f64) -> String {
    match seconds {
        ..1.0 => "below 1 s".into(),
        ..7200.0 => format!("about {seconds:.0} s"),
        ..172_800.0 => format!("about {:.0} hours", seconds / 3600.0),
        _ => format!("about {:.0} days", seconds / 86400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_holds_no_folder_of_the_machine() {
        let words =
            ["run", "experiments/a.ron", "--out=/home/me/out", "--store", "/srv/arms", "--set", "a.b=c/d"];
        let expected =
            ["host", "run", "experiments/a.ron", "--out=out", "--store", "arms", "--set", "a.b=c/d"];
        assert_eq!(command_line(words.into_iter().map(OsString::from)), expected);
    }
}
