//! Paired differences to the first objective.

use super::{Cell, Choice, Column};
use crate::rates;
use pstar_record::{Comparison, RunRecord, StarRecord};

/// Behind a difference that chance alone would hardly give.
pub(crate) const STAR: &str = "*";

/// What is not compared unless it is asked for: it says little beside the others.
const LEFT_OUT: [&str; 2] = ["entropy", "effective_number"];

/// An objective's differences.
#[derive(Clone, Debug)]
pub struct DifferenceRow {
    /// The objective.
    pub objective: String,
    /// Its learning rate, where rows say theirs.
    pub learning_rate: Option<f64>,
    /// What it is called.
    pub title: String,
    /// Number of pairs.
    pub pairs: usize,
    /// One a column that is compared.
    pub cells: Vec<Cell>,
}

/// The columns that are compared: those that were asked for, or the usual without the two entropies.
pub(crate) fn compared(columns: &[Column], choice: &Choice) -> Vec<Column> {
    let wanted = |column: &&Column| !choice.columns.is_empty() || !LEFT_OUT.contains(&&*column.metric);
    columns.iter().filter(wanted).cloned().collect()
}

pub(super) fn baseline(record: &RunRecord, policy: &str) -> String {
    of_policy(&record.comparisons, policy).first().map_or(String::new(), |first| first.baseline.clone())
}

fn of_policy<'a>(comparisons: &'a [Comparison], policy: &str) -> Vec<&'a Comparison> {
    comparisons.iter().filter(|c| c.policy == policy && c.pairs > 1).collect()
}

pub(crate) fn rows(comparisons: &[Comparison], policy: &str, columns: &[Column]) -> Vec<DifferenceRow> {
    let of_policy = of_policy(comparisons, policy);
    let same = |a: &Comparison, b: &Comparison| {
        a.objective == b.objective && a.learning_rate.map(f64::to_bits) == b.learning_rate.map(f64::to_bits)
    };
    let row = |own: &[&Comparison]| {
        let first = own[0];
        let cell = |column: &Column| {
            let found = own.iter().find(|c| c.metric == column.metric);
            found.map_or_else(|| Cell { text: "–".into(), ..Cell::default() }, |c| cell(c))
        };
        DifferenceRow {
            objective: first.objective.clone(),
            learning_rate: first.learning_rate,
            title: format!("  {}{}", first.objective, compared_rates(first)),
            pairs: first.pairs,
            cells: columns.iter().map(cell).collect(),
        }
    };
    let mut rows: Vec<DifferenceRow> = of_policy.chunk_by(|a, b| same(a, b)).map(row).collect();
    for column in 0..columns.len() {
        // A star beside none leaves its place free, so that ends stand under ends.
        let starred = |row: &DifferenceRow| row.cells[column].text.ends_with(STAR);
        if rows.iter().any(starred) {
            rows.iter_mut().filter(|row| !starred(row)).for_each(|row| row.cells[column].text.push(' '));
        }
    }
    rows
}

fn cell(comparison: &Comparison) -> Cell {
    let star = if comparison.star == Some(StarRecord::Earned) { STAR } else { "" };
    Cell {
        text: format!("{}{star}", interval(comparison)),
        value: Some(comparison.difference),
        low: comparison.low,
        high: comparison.high,
        std_error: None,
        p_value: comparison.adjusted_p_value,
    }
}

/// A difference with as many decimals as its interval gives two digits to.
pub(crate) fn interval(comparison: &Comparison) -> String {
    let Comparison { difference, low, high, .. } = comparison;
    let (Some(low), Some(high)) = (low, high) else { return format!("{difference:+.3}") };
    let width = (high - low) / 2.0;
    if width == 0.0 {
        return format!("{difference:+.3}");
    }
    if width < 1e-6 && *difference != 0.0 {
        return format!("{difference:+.1e}");
    }
    let decimals = if width > 0.0 { (1.0 - width.log10().floor()).clamp(0.0, 6.0) } else { 2.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 6")]
    let decimals = decimals as usize;
    // Adding 0 turns −0 into 0.
    let short = |x: &f64| {
        let scale = 10f64.powi(i32::try_from(decimals).unwrap_or(0));
        format!("{:+.decimals$}", (x * scale).round() / scale + 0.0)
    };
    format!("{} [{}, {}]", short(difference), short(low), short(high))
}

/// At which learning rates two objectives are compared, where arms differ in them.
fn compared_rates(comparison: &Comparison) -> String {
    match (comparison.learning_rate, comparison.baseline_learning_rate) {
        (Some(rate), Some(other)) if rate != other => format!("{}, to {other:?}", rates::suffix(rate)),
        (rate, _) => rate.map_or(String::new(), rates::suffix),
    }
}
