//! `host report RUN [RUN]`.

use super::{print, room};
use crate::cli::ReportArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{print_text, tell};
use pstar_compare::between;
use pstar_core::shown;
use pstar_record::{DataError, RunData, experiment_differences};
use pstar_report::{between_table, evidence};
use pstar_run::write_whole;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How pages begin.
const DOCTYPE: &[u8] = b"<!DOCTYPE html>";

/// Writes the page of a run again, the page of an objective for a pull request, or compares two runs. Needs no plugin.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    match (&args.runs[..], args.for_pull_request) {
        ([run], true) => for_pull_request(run, args)?,
        ([run], false) => page(run, args)?,
        ([first, second], false) => two(first, second, args)?,
        _ => {
            let hint = Some("compare two runs without `--for-pull-request`, or name one".into());
            return Err(Failure::Usage { message: "that is a page about one run".into(), hint });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn page(run: &Path, args: &ReportArgs) -> Result<(), Failure> {
    let data = read(run)?;
    let path = args.out.clone().unwrap_or_else(|| directory(run).join("report.html"));
    check_free(&path)?;
    write(&path, &pstar_page::page(&data))?;
    print(&format!("written to {}\n", path.display()))
}

fn for_pull_request(run: &Path, args: &ReportArgs) -> Result<(), Failure> {
    let data = read(run)?;
    let arms = &data.record.arms;
    let objective = args.objective.clone().or_else(|| arms.last().map(|arm| arm.objective.clone()));
    let objective = objective.ok_or_else(|| Failure::usage("the run has no arms".into()))?;
    let picture = "pull-request.svg";
    let page = evidence(&data.record, data.provenance.as_ref(), &objective, picture).ok_or_else(|| {
        let mut known: Vec<&str> = Vec::new();
        for arm in arms.iter().filter(|arm| arm.policy == arms[0].policy) {
            if known.last() != Some(&&*arm.objective) {
                known.push(&arm.objective);
            }
        }
        Failure::Usage {
            message: format!("the run has no objective `{}`", shown(&objective)),
            hint: Some(format!(
                "it has {}",
                known.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
            )),
        }
    })?;
    let folder = args.out.clone().unwrap_or_else(|| directory(run));
    let (text, curves) = (folder.join("pull-request.md"), folder.join(picture));
    if let Some(drawn) = pstar_page::evidence_figure(&data, &objective) {
        write(&curves, &drawn)?;
    }
    write(&text, &page)?;
    print(&format!("written to {} and {}\n", text.display(), curves.display()))
}

fn two(first: &Path, second: &Path, args: &ReportArgs) -> Result<(), Failure> {
    let (first, second) = (read(first)?, read(second)?);
    let text = |data: &RunData| data.experiment.clone().unwrap_or_default();
    let changed = experiment_differences(&text(&first), &text(&second));
    let between = between(&first.record, &second.record);
    if let Some(path) = &args.out {
        check_free(path)?;
        write(path, &pstar_page::comparison(&first, &second, &changed, &between))?;
    }
    print_text(&between_table((&first.record, &second.record), &changed, &between, room()))
}

/// Whether a page may be written there: where nothing is, or a page. What else somebody has there is not lost for a slip.
fn check_free(path: &Path) -> Result<(), Failure> {
    let mut start = Vec::new();
    let is_page = match fs::File::open(path) {
        Ok(file) => file.take(DOCTYPE.len() as u64).read_to_end(&mut start).is_ok() && start == DOCTYPE,
        // Writing tells what keeps it from being written.
        Err(_) => true,
    };
    if is_page || start.is_empty() && path.is_file() || path.is_dir() {
        return Ok(());
    }
    Err(Failure::Usage {
        message: format!("`{}` is no report, and would be lost", path.display()),
        hint: Some("name another file, or remove this one".into()),
    })
}

/// Writes a file, and the folder that it is in.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        // If it cannot be made the file cannot be written, which is told.
        let _ = fs::create_dir_all(folder);
    }
    write_whole(path, text.as_bytes()).map_err(|error| pstar_run::RunError::from(error).into())
}

/// The directory of a run that is named by it or by its record.
fn directory(run: &Path) -> PathBuf {
    if run.is_file() { run.parent().map_or_else(PathBuf::new, Path::to_path_buf) } else { run.to_path_buf() }
}

/// What a run's directory holds.
pub(super) fn read(run: &Path) -> Result<RunData, Failure> {
    let data = RunData::read(&directory(run)).map_err(|error| {
        let hint = match &error {
            DataError::Unreadable { .. } => {
                "name the directory of a run that has ended, as `host run` tells it: `runs/NAME` or what `--out` says"
            }
            _ => "was it copied whole?",
        };
        Failure::Usage { message: error.to_string(), hint: Some(hint.into()) }
    })?;
    for fault in &data.faults {
        tell(&format!("warning: `{}`: {}: what it holds is left out", fault.file, fault.problem));
    }
    Ok(data)
}
