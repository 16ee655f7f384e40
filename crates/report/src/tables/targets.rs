//! The rows that policies are compared with.

use super::{Cell, Column};
use crate::number::figure;
use pstar_record::{Measures, RunRecord};

/// A row that policies are compared with.
#[derive(Clone, Debug)]
pub struct TargetRow {
    /// Its name in the record.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// One a column.
    pub cells: Vec<Cell>,
}

pub(super) fn rows(record: &RunRecord, columns: &[Column]) -> Vec<TargetRow> {
    let row = |(name, measures): &(String, Measures)| TargetRow {
        name: name.clone(),
        title: title(name),
        cells: columns.iter().map(|column| cell(measures, &column.metric)).collect(),
    };
    record.references.iter().map(row).collect()
}

/// The cell of one row of figures.
pub(super) fn cell(measures: &Measures, metric: &str) -> Cell {
    let found = Measures::mean_over_seeds(&[measures], metric).unwrap_or_default();
    Cell { text: figure(measures, metric), value: found.value, std_error: found.std_error, ..Cell::default() }
}

fn title(name: &str) -> String {
    match name {
        "base" => "base a".into(),
        "filtered" => "p* (filtered)".into(),
        "uniform-valid" => "uniform on valid".into(),
        other => match other.split_once(' ') {
            Some(("tilted", beta)) => format!("p_[β={beta}] (tilted)"),
            Some(("power", alpha)) => format!("p_(α={alpha}) (power)"),
            _ => other.into(),
        },
    }
}
