//! `host status RUN`.

use super::{open, print};
use crate::cli::{ExperimentArgs, RunArg};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::print_text;
use pstar_core::shown;
use pstar_record::to_json;
use pstar_run::{DirectoryError, FailedArm, Status, Worker, status};
use std::fmt::Write;

/// Failed arms that are named; the others are counted.
const MOST_NAMED: usize = 20;

/// Says how far a run is, on which others may work.
pub(super) fn tell(args: &RunArg) -> Result<ExitCode, Failure> {
    let file = args.run.join("experiment.ron");
    if !file.exists() {
        return Err(DirectoryError::NoRun { path: args.run.clone() }.into());
    }
    let experiment = ExperimentArgs { file, set: Vec::new(), plugins: args.plugins.clone() };
    let (experiment, registry) = open(&experiment)?;
    let status = status(&args.run, &experiment, &registry)?;
    if args.json {
        print(&to_json(&status))?;
    } else {
        print_text(&text(&status))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What people read.
fn text(status: &Status) -> String {
    let mut text = format!("{} of {} arms are done", status.complete, status.arms);
    let counts = [
        (status.failed.len() as u64, "failed"),
        (status.running(), "running"),
        (status.stopped, "stopped"),
        (status.unbegun, "not begun"),
    ];
    // Writing to a string cannot fail.
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(text, ", {count} {what}");
    }
    let left = status.seconds_left.filter(|_| status.left() > 0);
    text += &left.map_or("\n".to_string(), |seconds| format!("; {} left at this pace\n", duration(seconds)));
    for Worker { machine, process, arms, silent_seconds, is_dead } in &status.workers {
        let state = if *is_dead { "has ended or fallen silent" } else { "works" };
        let _ = writeln!(
            text,
            "  {} process {process}: {state}, {arms} {}, last sign of life {} ago",
            shown(machine),
            if *arms == 1 { "arm" } else { "arms" },
            duration(*silent_seconds)
        );
    }
    for FailedArm { arm, id, message } in status.failed.iter().take(MOST_NAMED) {
        let id = if id.is_empty() { String::new() } else { format!(" ({id})") };
        let _ = writeln!(text, "  failed: {arm}{id}: {}", shown(message));
    }
    let unnamed = status.failed.len().saturating_sub(MOST_NAMED);
    if unnamed > 0 {
        let _ = writeln!(text, "  and {unnamed} more: `--json` names all");
    }
    if status.left() > 0 && status.running() == 0 {
        text += "nobody works on it: `host worker RUN` or `host submit RUN --slurm` goes on\n";
    } else if status.left() == 0 && !status.summarised {
        text += "its summary is not written: `host worker RUN` writes it\n";
    }
    text
}

/// A time as people say it.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            arms: 200,
            complete: 170,
            failed: Vec::new(),
            workers: Vec::new(),
            stopped: 0,
            unbegun: 30,
            seconds_left: None,
            summarised: false,
        }
    }

    #[test]
    fn a_run_that_nobody_works_on_says_how_to_go_on() {
        assert_eq!(
            text(&status()),
            "170 of 200 arms are done, 30 not begun\nnobody works on it: `host worker RUN` or `host submit RUN --slurm` \
             goes on\n"
        );
    }

    #[test]
    fn who_works_and_what_failed_is_named() {
        let worker = |process, is_dead| Worker {
            machine: "node\u{1b}1".into(),
            process,
            arms: 3,
            silent_seconds: 7.4,
            is_dead,
        };
        let failed =
            FailedArm { arm: "p · o · seed 1".into(), id: "ab".into(), message: "two\nlines".into() };
        let working = Status {
            failed: vec![failed; 21],
            unbegun: 0,
            stopped: 3,
            workers: vec![worker(5, false), worker(6, true)],
            seconds_left: Some(600.0),
            ..status()
        };
        let text = text(&working);
        assert!(
            text.starts_with(
                "170 of 200 arms are done, 21 failed, 3 running, 3 stopped; 10 min left at this pace\n"
            ),
            "{text}"
        );
        assert!(text.contains("process 5: works, 3 arms, last sign of life 7 s ago\n"), "{text}");
        assert!(text.contains("process 6: has ended or fallen silent, 3 arms"), "{text}");
        assert!(text.ends_with("and 1 more: `--json` names all\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(text.matches("failed: p · o · seed 1 (ab): two\\nlines").count(), MOST_NAMED, "{text}");
    }
}
