//! The tables of a run in the forms that people and programs take.

mod csv;
mod json;
mod latex;
mod markdown;

pub(crate) use markdown::escaped;

use crate::run_table::text;

use crate::tables::{Cell, Column, DifferenceRow, PolicyRow, PolicyTable, RowKind, RunTables};
use pstar_record::Word;

/// A form of a run's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for a terminal.
    #[default]
    Text,
    /// Markdown, as GitHub reads it.
    Markdown,
    /// LaTeX, with booktabs.
    Latex,
    /// Comma-separated values with all digits.
    Csv,
    /// JSON with all digits.
    Json,
}

/// The tables of a run in a form; `room` is the width of the terminal, for text.
pub fn written(tables: &RunTables, format: Format, room: Option<usize>) -> String {
    match format {
        Format::Text => text(tables, room),
        Format::Markdown => markdown::markdown(tables),
        Format::Latex => latex::latex(tables),
        Format::Csv => csv::csv(tables),
        Format::Json => json::json(tables),
    }
}

/// A table of texts, for forms that people read.
struct Grid {
    /// What it shows.
    caption: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The tables in their order.
fn grids(tables: &RunTables) -> Vec<Grid> {
    let targets = tables.targets.iter().map(|row| texts(&row.title, None, &row.cells)).collect();
    let mut grids = vec![Grid {
        caption: "Targets".into(),
        header: header("target", false, &tables.columns),
        rows: targets,
    }];
    for policy in &tables.policies {
        grids.push(of_policy(policy, &tables.columns));
        if !policy.differences.is_empty() {
            grids.push(of_differences(policy));
        }
    }
    grids
}

fn of_policy(policy: &PolicyTable, columns: &[Column]) -> Grid {
    let judged = policy.rows.iter().any(|row| row.word.is_some());
    let row = |row: &PolicyRow| {
        texts(row.title.trim_start(), judged.then(|| row.word.map_or("", Word::as_str)), &row.cells)
    };
    Grid {
        caption: format!("{} · {}", policy.policy, policy.title),
        header: header("objective", judged, columns),
        rows: policy.rows.iter().map(row).collect(),
    }
}

fn of_differences(policy: &PolicyTable) -> Grid {
    let row = |row: &DifferenceRow| texts(row.title.trim_start(), None, &row.cells);
    Grid {
        caption: format!("{} · Δ to {}", policy.policy, policy.baseline),
        header: header("objective", false, &policy.compared),
        rows: policy.differences.iter().map(row).collect(),
    }
}

fn header(first: &str, judged: bool, columns: &[Column]) -> Vec<String> {
    let titles = columns.iter().map(|column| column.title.clone());
    std::iter::once(first.to_string()).chain(judged.then(|| "verdict".into())).chain(titles).collect()
}

fn texts(title: &str, word: Option<&str>, cells: &[Cell]) -> Vec<String> {
    let cells = cells.iter().map(|cell| cell.text.trim_end().to_string());
    std::iter::once(title.to_string()).chain(word.map(String::from)).chain(cells).collect()
}

/// A row of numbers, for forms that programs read.
struct Numbers<'a> {
    /// `target`, `start`, `objective`, `optimum` or `difference`.
    kind: &'static str,
    policy: &'a str,
    /// The target's or the objective's name.
    name: &'a str,
    learning_rate: Option<f64>,
    /// Number of seeds, or of pairs.
    seeds: Option<usize>,
    verdict: Option<&'static str>,
    /// With their columns.
    cells: Vec<(&'a Column, &'a Cell)>,
}

/// All rows in the order of the tables.
fn numbers(tables: &RunTables) -> Vec<Numbers<'_>> {
    let targets = tables.targets.iter().map(|row| Numbers {
        kind: "target",
        policy: "",
        name: &row.name,
        learning_rate: None,
        seeds: None,
        verdict: None,
        cells: tables.columns.iter().zip(&row.cells).collect(),
    });
    let mut all: Vec<Numbers<'_>> = targets.collect();
    for policy in &tables.policies {
        all.extend(policy.rows.iter().map(|row| Numbers {
            kind: match row.kind {
                RowKind::Start => "start",
                RowKind::Objective => "objective",
                RowKind::Optimum => "optimum",
            },
            policy: &policy.policy,
            name: &row.objective,
            learning_rate: row.learning_rate,
            seeds: (row.kind != RowKind::Optimum).then_some(row.seeds),
            verdict: row.word.map(Word::as_str),
            cells: tables.columns.iter().zip(&row.cells).collect(),
        }));
        all.extend(policy.all_differences.iter().map(|row| Numbers {
            kind: "difference",
            policy: &policy.policy,
            name: &row.objective,
            learning_rate: row.learning_rate,
            seeds: Some(row.pairs),
            verdict: None,
            cells: tables.columns.iter().zip(&row.cells).collect(),
        }));
    }
    all
}
