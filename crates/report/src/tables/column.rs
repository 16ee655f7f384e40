//! The columns of a run's table.

use super::{Choice, UnknownName};
use pstar_record::{Measures, RunRecord};

/// A column: its title, and the name of its figure as in `curves.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// The figure's name.
    pub metric: String,
}

/// Titles of figures that have one; others are called by their names.
const TITLES: [(&str, &str); 4] = [
    ("validity_rate", "validity"),
    ("entropy", "entropy"),
    ("effective_number", "exp H"),
    ("kl_from_filtered", "KL(p*‖q)"),
];

impl Column {
    fn of(metric: &str) -> Self {
        let title = TITLES.iter().find(|(name, _)| *name == metric).map_or(metric, |(_, title)| title);
        Self { title: title.into(), metric: metric.into() }
    }
}

/// The chosen columns; where none are chosen, validity, entropy, its exponential, KL(p*‖q), and coverage at the middle and
/// at the last k.
pub(super) fn columns(record: &RunRecord, choice: &Choice) -> Result<Vec<Column>, UnknownName> {
    if choice.columns.is_empty() {
        return Ok(usual(record));
    }
    let known = known(record);
    let of_name = |name: &String| {
        let by_title = TITLES.iter().find(|(_, title)| title == name).map(|(name, _)| (*name).to_string());
        let metric = by_title.unwrap_or_else(|| name.clone());
        if known.contains(&metric) {
            Ok(Column::of(&metric))
        } else {
            Err(UnknownName { kind: "figure", name: name.clone(), known: known.clone() })
        }
    };
    let mut columns: Vec<Column> = Vec::new();
    for column in choice.columns.iter().map(of_name) {
        let column = column?;
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// Validity, entropy, its exponential, KL(p*‖q), and coverage at the middle and at the last k.
pub(crate) fn usual(record: &RunRecord) -> Vec<Column> {
    let mut columns: Vec<Column> = TITLES.iter().map(|(metric, _)| Column::of(metric)).collect();
    let base = record.references.first().map(|(_, measures)| measures);
    let coverage: Vec<String> =
        base.into_iter().flat_map(Measures::names).filter(|name| name.starts_with("coverage@")).collect();
    let shown = [coverage.len() / 2, coverage.len().saturating_sub(1)];
    let shown = coverage.iter().enumerate().filter(|(i, _)| shown.contains(i));
    columns.extend(shown.map(|(_, name)| Column::of(name)));
    columns
}

/// The figures that some row has, in their order.
fn known(record: &RunRecord) -> Vec<String> {
    let rows = record.references.iter().map(|(_, measures)| measures);
    let ends = record.arms.iter().flat_map(|arm| [arm.initial.as_ref(), arm.last.as_ref()]).flatten();
    let mut known: Vec<String> = Vec::new();
    let mut before: Option<&Measures> = None;
    for measures in rows.chain(ends) {
        // Arms have the same figures: one look each is enough.
        if before.is_some_and(|before| before.has_names_of(measures)) {
            continue;
        }
        let new: Vec<String> = measures.names().filter(|name| !known.contains(name)).collect();
        known.extend(new);
        before = Some(measures);
    }
    known
}
