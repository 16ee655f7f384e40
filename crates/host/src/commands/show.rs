//! `host show RUN`.

use super::{print, room};
use crate::cli::{ShowArgs, TableArgs, TableFormat};
use crate::failure::Failure;
use crate::output::{print_text, tell};
use pstar_core::files::{ReadError, read_regular};
use pstar_record::{RunRecord, VERSION, to_json};
use pstar_report::{Choice, Format, RunTables, written};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The record in a run's directory.
const SUMMARY: &str = "summary.json";

/// Greatest number of bytes of a record that is read.
const MOST_BYTES: u64 = 1 << 30;

/// Prints the table of a run that was done before. Needs no plugin.
pub(super) fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
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
    RunTables::new(record, &choice).map_err(|unknown| Failure::Usage {
        message: unknown.to_string(),
        hint: Some(format!("it has {}", unknown.known.join(", "))),
    })
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
