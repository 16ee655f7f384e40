//! The table that a run prints.

use crate::table::aligned;
use crate::tables::{Cell, Choice, Column, PolicyRow, PolicyTable, RunTables};
use crate::wrap::wrapped;
use pstar_core::shown;
use pstar_record::{RunRecord, Word};
use std::fmt::Write;

/// Columns of a line of a sentence at most.
const LONGEST_LINE: usize = 120;

/// The table of a run: what its objectives did, the rows that policies are compared with, the policies under every objective
/// (means over seeds), and the paired differences to the first objective, in lines of at most `room` columns.
pub fn run_table(record: &RunRecord, room: Option<usize>) -> String {
    match RunTables::new(record, &Choice::default()) {
        Ok(tables) => text(&tables, room),
        Err(unknown) => format!("{unknown}\n"),
    }
}

/// Tables as text, in lines of at most `room` columns.
pub(crate) fn text(tables: &RunTables, room: Option<usize>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}\n", wrapped(&tables.title, room));
    let lines = Some(room.map_or(LONGEST_LINE, |room| room.min(LONGEST_LINE)));
    let sentences = tables.policies.iter().filter_map(|policy| {
        let sentence = policy.sentence.as_ref()?;
        Some(wrapped(&format!("{}: {sentence}", shown(&policy.policy)), lines))
    });
    let sentences: Vec<String> = sentences.collect();
    if !sentences.is_empty() {
        let _ = writeln!(text, "{}\n", sentences.join("\n"));
    }
    let targets: Vec<Vec<String>> =
        tables.targets.iter().map(|row| line(&row.title, &[], &row.cells)).collect();
    let _ = writeln!(text, "{}", aligned(&header("target", &[], &tables.columns), &targets, room));
    for policy in &tables.policies {
        let _ = writeln!(text, "\n{}", policy_block(policy, &tables.columns, room));
        if !policy.differences.is_empty() {
            let _ = writeln!(text, "\n{}", difference_block(policy, room));
        }
    }
    if !tables.notes.is_empty() {
        let _ = writeln!(text, "\n{}", wrapped(&tables.notes.join("\n"), room));
    }
    text
}

fn header(first: &str, further: &[&str], columns: &[Column]) -> Vec<String> {
    let further = further.iter().map(ToString::to_string);
    let titles = columns.iter().map(|column| column.title.clone());
    std::iter::once(first.to_string()).chain(further).chain(titles).collect()
}

fn line(title: &str, further: &[&str], cells: &[Cell]) -> Vec<String> {
    let further = further.iter().map(ToString::to_string);
    let cells = cells.iter().map(|cell| cell.text.clone());
    std::iter::once(title.to_string()).chain(further).chain(cells).collect()
}

fn policy_block(policy: &PolicyTable, columns: &[Column], room: Option<usize>) -> String {
    let title = format!("{} · {}", policy.policy, policy.title);
    let judged = policy.rows.iter().any(|row| row.word.is_some());
    let further = if judged { &["verdict"][..] } else { &[] };
    let row = |row: &PolicyRow| {
        let word = row.word.map_or("", Word::as_str);
        line(&row.title, if judged { std::slice::from_ref(&word) } else { &[] }, &row.cells)
    };
    let rows: Vec<Vec<String>> = policy.rows.iter().map(row).collect();
    aligned(&header(&title, further, columns), &rows, room)
}

fn difference_block(policy: &PolicyTable, room: Option<usize>) -> String {
    let title = format!("  Δ to {}", policy.baseline);
    let rows: Vec<Vec<String>> =
        policy.differences.iter().map(|row| line(&row.title, &[], &row.cells)).collect();
    aligned(&header(&title, &[], &policy.compared), &rows, room)
}
