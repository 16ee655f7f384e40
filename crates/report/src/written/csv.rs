//! Comma-separated values: a row a row of the tables, all digits.

use super::{Numbers, numbers};
use crate::tables::{Cell, RunTables};
use csv::Writer;
use pstar_record::number::number;
use serde_json::Value;

/// The columns that say which row it is.
const ROW: [&str; 6] = ["kind", "policy", "name", "learning_rate", "seeds", "verdict"];

/// The parts of a figure: its value, and behind its name what follows.
const PARTS: [&str; 5] = ["", "_low", "_high", "_std_error", "_p_value"];

/// The tables of a run as CSV (RFC 4180): `kind` is target, start, objective, optimum or difference, the last with `seeds`
/// pairs and p-values by Holm; each figure has its value, the ends of its 95 % interval, its standard error where it is an
/// estimate, and a difference its p-value. What does not exist is empty, infinite is `inf`.
pub(super) fn csv(tables: &RunTables) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    let figures =
        tables.columns.iter().flat_map(|column| PARTS.iter().map(|part| format!("{}{part}", column.metric)));
    // Memory takes all that is written.
    let _ = writer.write_record(ROW.iter().map(ToString::to_string).chain(figures));
    for row in numbers(tables) {
        let Numbers { kind, policy, name, learning_rate, seeds, verdict, cells } = row;
        let mut fields = vec![
            kind.into(),
            policy.into(),
            name.into(),
            text(learning_rate),
            seeds.map_or(String::new(), |seeds| seeds.to_string()),
            verdict.unwrap_or_default().into(),
        ];
        for column in &tables.columns {
            let cell = cells.iter().find(|(own, _)| own.metric == column.metric);
            fields.extend(parts(cell.map_or(&Cell::default(), |(_, cell)| cell)).map(text));
        }
        let _ = writer.write_record(fields);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn parts(cell: &Cell) -> [Option<f64>; 5] {
    [cell.value, cell.low, cell.high, cell.std_error, cell.p_value]
}

fn text(value: Option<f64>) -> String {
    match number(value) {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}
