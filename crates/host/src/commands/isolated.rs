//! `host run --isolate`: this process loads no plugin.

use super::run::{FAILED, again, arguments};
use crate::cli::RunArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output;
use crate::program::program;
use crate::signals::Interruptible;
use pstar_lab::run::Progress;
use pstar_run::isolate::{Death, Going, Isolated, Isolation, Stage, go_on_isolated_after_a_crash, supervise};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Runs every arm in a process of its own.
pub(super) fn isolated(args: &RunArgs) -> Result<ExitCode, Failure> {
    let command = |stage: Stage, directory: Option<&Path>| {
        let words = match (stage, directory) {
            (Stage::Work, Some(directory)) => worker(args, directory),
            (_, directory) => arguments(args, directory, true),
        };
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        if let Some(output) = output::descriptor().and_then(|output| output.try_clone_to_owned().ok()) {
            command.stdout(output);
        }
        command
    };
    let progress = Interruptible::new();
    progress.listen();
    progress.phase("preparing in a process of its own");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let isolation = Isolation {
        command: &command,
        workers: args.threads.map_or(cores, usize::from),
        arm_timeout: args.arm_timeout.map(Duration::from_secs),
        memory_limit: args.memory_limit.map(|mebibytes| mebibytes << 20),
        progress: &progress,
    };
    let ended = supervise(&isolation);
    progress.end();
    let ended = ended.map_err(|error| Failure::Output {
        message: format!("the arms' processes cannot be watched: {error}"),
        hint: Some("run the same without `--isolate`".into()),
    })?;
    let (code, directory) = match ended {
        Isolated::Ended { code, directory } => (code, directory),
        Isolated::Died(death) => return Err(died(&death)),
    };
    if let Some(signal) = progress.signal() {
        if let Some(directory) = directory {
            // Where standard error is gone there is nobody left to tell.
            let _ =
                writeln!(io::stderr(), "stopped by signal {signal}\nto go on: {}", again(args, &directory));
        }
        return Ok(ExitCode::from(128 + signal));
    }
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(FAILED)))
}

/// Has this process begin again, isolated, where a component ends it.
pub(super) fn isolated_after_a_crash(args: &RunArgs) -> Option<Going> {
    // Where the system does not offer that, a crash is a crash.
    go_on_isolated_after_a_crash(arguments(args, None, true), output::descriptor()).ok()
}

fn worker(args: &RunArgs, directory: &Path) -> Vec<OsString> {
    let mut words = program().start();
    words.extend(["worker".into(), directory.into()]);
    let checkpoint = args.checkpoint.to_string();
    // As long as others work their arms may come free.
    for (name, value) in [("--threads", "1"), ("--linger", "1000000000"), ("--checkpoint", &*checkpoint)] {
        words.extend([name.into(), value.into()]);
    }
    words.extend(args.watch.words().map(OsString::from));
    for folder in &args.experiment.plugins.plugin_dir {
        words.extend(["--plugin-dir".into(), folder.into()]);
    }
    words
}

/// What is said of a component that ends the process of every run.
fn died(death: &Death) -> Failure {
    Failure::Died {
        message: death.to_string(),
        of_file: death.component().is_some_and(|doing| {
            doing.called.as_deref().is_some_and(|called| called.starts_with("plugin file"))
        }),
    }
}
