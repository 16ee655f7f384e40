//! `host submit RUN|FILE --slurm`.

use super::status::duration;
use super::{open, pool, print};
use crate::cli::{ExperimentArgs, SubmitArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::tell;
use crate::program::{as_called, program};
use crate::progress::Bars;
use crate::slurm::{Script, Size, Work, submit as hand_over};
use pstar_core::escaped;
use pstar_lab::clock::process_seconds;
use pstar_lab::experiment::Experiment;
use pstar_lab::run::{Estimate, prepare_telling};
use pstar_loader::Registry;
use pstar_report::run_table;
use pstar_run::{Part, RunError, RunOptions, Shown, conduct, retry_failed, status, write_whole};
use std::env;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;
use std::time::Duration;

/// Mebibytes of the program itself, and what estimates leave out.
const PROGRAM: f64 = 100.0;

/// Slurm's own default of MaxArraySize.
const MAX_ARRAY_SIZE: u32 = 1001;

/// Writes the script of an array of workers, and hands it to Slurm if that is wanted.
pub(super) fn submit(args: &SubmitArgs) -> Result<ExitCode, Failure> {
    let cluster = args.flags.clone().with_file(args.cluster.as_ref())?;
    let is_run = args.run.join("experiment.ron").exists();
    if is_run && (args.out.is_some() || !args.set.is_empty()) {
        return Err(Failure::usage("`--out` and `--set` are for an experiment file: this is a run".into()));
    }
    if !is_run && args.run.is_dir() {
        return Err(pstar_run::DirectoryError::NoRun { path: args.run.clone() }.into());
    }
    let file = if is_run { args.run.join("experiment.ron") } else { args.run.clone() };
    let (experiment, registry) =
        open(&ExperimentArgs { file, set: args.set.clone(), plugins: args.plugins.clone() })?;
    let run = if is_run { args.run.clone() } else { prepare(args, &experiment, &registry)? };
    let run = absolute(&run).unwrap_or(run);
    tell_where_it_lies(&run);
    if args.retry_failed {
        retry_failed(&run, &experiment, &registry)?;
    }
    let left = status(&run, &experiment, &registry)?.left();
    if left == 0 {
        print(&as_called(&format!(
            "nothing is left to do: `host show {}`\n",
            escaped(&run.display().to_string())
        )))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (work, memory) = estimate(&experiment, &registry, left)?;
    let cpus = cluster.cpus.unwrap_or(1);
    let size = Size::of(work, cpus, cluster.time, cluster.workers);
    let program: Vec<String> = absolute_words(program().start().into_iter().map(PathBuf::from))?;
    let mut arguments: Vec<String> = vec!["--checkpoint".into(), args.checkpoint.to_string()];
    for folder in absolute_words(
        args.plugins.plugin_dir.iter().map(|folder| absolute(folder).unwrap_or(folder.clone())),
    )? {
        arguments.extend(["--plugin-dir".into(), folder]);
    }
    let script = Script {
        program: &program,
        run: &text_of(&run)?,
        arguments: &arguments,
        name: experiment.file.name.value(),
        memory: cluster.memory.unwrap_or(memory),
        cluster: &cluster,
        size,
        work,
    };
    let folder = run.join("slurm");
    let path = folder.join("submit.sh");
    let text = script.text()?;
    // What cannot be made is told when the script is written.
    let _ = fs::create_dir_all(&folder);
    write_whole(&path, text.as_bytes()).map_err(|error| Failure::from(RunError::from(error)))?;
    let arrays = size.arrays(cluster.max_array_size.unwrap_or_else(max_array_size));
    print(&told(&script, &arrays, &path))?;
    if args.now {
        let jobs = hand_over(&path, &arrays)?;
        print(&format!("submitted: {}\n", jobs.join(", ")))?;
    }
    print(&as_called(&format!("how far it is: host status {}\n", escaped(&run.display().to_string()))))?;
    Ok(ExitCode::SUCCESS)
}

/// What was written, and what to type where it is not handed over.
fn told(script: &Script<'_>, arrays: &[String], path: &Path) -> String {
    let Work { arms, seconds } = script.work;
    let Size { at_once, elements } = script.size;
    let path = escaped(&path.display().to_string());
    let mut lines = vec![
        format!("{arms} arms are left, {} of one processor in all", duration(seconds)),
        format!(
            "{at_once} {} at a time, {elements} in all: {path}",
            if at_once == 1 { "worker" } else { "workers" }
        ),
    ];
    match arrays {
        [_] => lines.push(format!("to submit: sbatch {path}")),
        _ => lines.push(format!(
            "to submit: `--now`, which splits it into {} arrays: the site takes no more elements in one",
            arrays.len()
        )),
    }
    lines.join("\n") + "\n"
}

/// Makes the run's directory.
fn prepare(args: &SubmitArgs, experiment: &Experiment, registry: &Registry) -> Result<PathBuf, Failure> {
    let options = RunOptions {
        directory: args.out.as_deref(),
        store: None,
        fresh: false,
        part: Part::Prepare,
        pool: None,
        began: &|_| {},
        set: &args.set,
        command: &[],
        program: program().code.as_deref(),
        checkpoint: Duration::from_secs(args.checkpoint),
        observers: &|_| Vec::new(),
        shown: Shown { table: &|record| run_table(record, None), page: &pstar_page::page },
    };
    Ok(conduct(experiment, registry, &options, &Bars::new())?.directory)
}

/// What is left to do, and mebibytes that a worker takes.
fn estimate(experiment: &Experiment, registry: &Registry, left: u64) -> Result<(Work, u32), Failure> {
    let bars = Bars::new();
    let estimate = pool(1)?.install(|| {
        let before = process_seconds();
        let prepared = prepare_telling(experiment, registry, &bars)?;
        let failed =
            |error: pstar_core::PluginError| Failure::Usage { message: error.message, hint: error.hint };
        Estimate::of(&prepared, process_seconds() - before).map_err(failed)
    })?;
    let share = left as f64 / estimate.arms.max(1) as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; whole and not negative"
    )]
    let memory = (1.25 * estimate.mebibytes + PROGRAM).ceil() as u32;
    Ok((Work { arms: left, seconds: estimate.seconds * share }, memory))
}

/// Says what is suspicious of a directory that many machines are to see.
fn tell_where_it_lies(run: &Path) {
    let temporary = env::temp_dir();
    if run.starts_with(&temporary) || run.starts_with("/dev/shm") {
        tell(&format!(
            "warning: `{}` lies in a folder for temporary files, which every machine has its own of: workers on others will \
             say that there is no run",
            run.display()
        ));
    }
}

/// What the site takes.
fn max_array_size() -> u32 {
    let told = Command::new("scontrol").args(["show", "config"]).output();
    let text = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("MaxArraySize"));
    line.and_then(|line| line.trim_start_matches([' ', '=']).trim().parse().ok()).unwrap_or(MAX_ARRAY_SIZE)
}

fn absolute_words(words: impl Iterator<Item = PathBuf>) -> Result<Vec<String>, Failure> {
    words.map(|word| text_of(&word)).collect()
}

fn text_of(path: &Path) -> Result<String, Failure> {
    path.to_str().map(String::from).ok_or_else(|| Failure::Usage {
        message: format!("`{}` is not UTF-8, and Slurm's script is", path.display()),
        hint: Some("take a directory with another name".into()),
    })
}
