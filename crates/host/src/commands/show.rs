//! `host show RUN`.

use super::{print, report, room};
use crate::cli::{ShowArgs, TableArgs, TableFormat};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{print_text, tell};
use pstar_core::files::{ReadError, read_regular};
use pstar_core::shown;
use pstar_record::{RunData, RunRecord, VERSION, to_json};
use pstar_report::{Choice, Format, RunTables, UnknownName, scores, written};
use pstar_run::RunError;
use pstar_run::observers::{ArmName, Observer, TensorBoard};
use std::io;
use std::path::Path;

/// The record in a run's directory.
const SUMMARY: &str = "summary.json";

/// Greatest number of bytes of a record that is read.
const MOST_BYTES: u64 = 1 << 30;

/// Prints the table of a run that was done before. Needs no plugin.
pub(super) fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    if let Some(name) = &args.figure {
        figure(&report::read(&args.run)?, name)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = &args.tensorboard {
        let arms = events(&report::read(&args.run)?, folder)?;
        print(&format!("curves of {arms} arms written below {}\n", folder.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(metric) = &args.scores {
        print(&scores(&report::read(&args.run)?, metric).map_err(|unknown| told(&unknown))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let record = read(&args.run)?;
    if record.is_newer() {
        tell(&format!(
            "warning: the record is of version {}, newer than {VERSION}, the last that this program knows: what it does \
             not know is left out",
            record.version
        ));
    }
    if args.json {
        print(&to_json(&record))?;
        return Ok(ExitCode::SUCCESS);
    }
    let tables = tables(&record, &args.table, &args.policy)?;
    match format(args.format) {
        Format::Text => print_text(&written(&tables, Format::Text, room()))?,
        // For programs: nothing is changed for a terminal's sake.
        other => print(&written(&tables, other, None))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a figure.
fn figure(data: &RunData, name: &str) -> Result<(), Failure> {
    let drawn = pstar_page::figure(data, name).ok_or_else(|| Failure::Usage {
        message: format!("the report of the run has no figure `{}`", shown(name)),
        hint: Some(format!(
            "it has {}",
            pstar_page::figure_names(data).iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
        )),
    })?;
    print(&drawn)
}

/// Writes the curves of all arms as event files; how many arms have one.
fn events(data: &RunData, folder: &Path) -> Result<usize, Failure> {
    let board = TensorBoard::new(folder.to_path_buf());
    let arms = &data.record.arms;
    let rates_differ = arms.iter().any(|arm| arm.learning_rate.to_bits() != arms[0].learning_rate.to_bits());
    let mut written = 0;
    for arm in arms.iter().filter(|arm| !arm.curve.is_empty()) {
        let named = ArmName {
            id: &arm.id,
            policy: &arm.policy,
            objective: &arm.objective,
            seed: arm.seed,
            learning_rate: rates_differ.then_some(arm.learning_rate),
        };
        board.begin(named, folder, &arm.curve).map_err(RunError::from)?;
        written += 1;
    }
    Ok(written)
}

fn format(format: TableFormat) -> Format {
    match format {
        TableFormat::Text => Format::Text,
        TableFormat::Markdown => Format::Markdown,
        TableFormat::Latex => Format::Latex,
        TableFormat::Csv => Format::Csv,
        TableFormat::Json => Format::Json,
    }
}

/// The tables of a run as its reader wants them; of all policies where none is named.
pub(super) fn tables(
    record: &RunRecord,
    args: &TableArgs,
    policies: &[String],
) -> Result<RunTables, Failure> {
    let choice =
        Choice { columns: args.columns.clone(), policies: policies.to_vec(), intervals: args.intervals };
    RunTables::new(record, &choice).map_err(|unknown| told(&unknown))
}

fn told(unknown: &UnknownName) -> Failure {
    let hint = match &unknown.known[..] {
        [] => "it has none".into(),
        known => format!("it has {}", known.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")),
    };
    Failure::Usage { message: unknown.to_string(), hint: Some(hint) }
}

/// The record of a run, by the run's directory or its own path.
fn read(run: &Path) -> Result<RunRecord, Failure> {
    let is_directory = run.is_dir();
    let path = if is_directory { run.join(SUMMARY) } else { run.to_path_buf() };
    let refused = |message, hint: Option<&str>| Failure::Usage { message, hint: hint.map(String::from) };
    let bytes = read_regular(&path, MOST_BYTES).map_err(|error| match &error {
        ReadError::System(cause) if is_directory && cause.kind() == io::ErrorKind::NotFound => refused(
            format!("`{}` holds no `{SUMMARY}`", run.display()),
            Some("name the directory of a run that has ended, as `host run` tells it: `runs/NAME` or what `--out` says"),
        ),
        _ => refused(
            format!("`{}` cannot be read: {error}", path.display()),
            Some("name the directory of a run, or its `summary.json`"),
        ),
    })?;
    RunRecord::read(&bytes).map_err(|error| {
        let hint = match error {
            pstar_record::ReadError::CutShort { .. } => Some("was it copied whole?"),
            pstar_record::ReadError::Newer { .. } => Some("a newer version of this program can read it"),
            _ => None,
        };
        refused(format!("`{}` {error}", path.display()), hint)
    })
}
