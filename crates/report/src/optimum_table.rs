//! The table that `host optimum` prints.

use crate::number::{figure, significant};
use crate::table::aligned;
use crate::wrap::wrapped;
use pstar_record::{ClassOptimum, OptimumRecord};
use std::fmt::Write;

const COLUMNS: [(&str, &str); 6] = [
    ("validity", "validity_rate"),
    ("entropy", "entropy"),
    ("exp H", "effective_number"),
    ("top-1", "top1"),
    ("KL(p*‖q)", "kl_from_filtered"),
    ("KL(q‖a)", "kl_to_base"),
];

/// Marks optima that are not proved.
pub(crate) const UNPROVED: &str = " ≈";

/// What the mark means.
pub(crate) const UNPROVED_NOTE: &str =
    "≈ the best found, not proved: unmarked ones are within 0.1 % of the best possible";

/// The row of the limit of gradient ascent.
const FLOW: &str = "  flow from the start";

/// What that is.
const FLOW_NOTE: &str = "flow from the start: the limit of gradient ascent on the expected reward, the one of the many that it selects";

/// What the figures are.
const UNITS: &str = "means over prompts · KL and entropy in nats · value: what the objective minimises, a divergence, 1 − validity or minus a potential";

/// What stands in place of figures that an objective does not determine.
pub(crate) const ONE_OF_MANY: &str = "one of many";

/// What that means.
pub(crate) const ONE_OF_MANY_NOTE: &str =
    "one of many: the objective has infinitely many optima and determines nothing but the validity";

/// One table a policy: the best policy of the class under every objective; columns are left out where lines would be
/// longer than `room`.
pub fn optimum_table(record: &OptimumRecord, room: Option<usize>) -> String {
    let mut text = String::new();
    let mut rest = record.optima.as_slice();
    while let Some(first) = rest.first() {
        let (block, behind) =
            rest.split_at(rest.iter().take_while(|optimum| optimum.policy == first.policy).count());
        let titles = ["value", "best possible", "starts"].map(String::from);
        let header: Vec<String> = std::iter::once(format!("{} · optimum of the class", first.policy))
            .chain(COLUMNS.map(|(title, _)| title.to_string()))
            .chain(titles)
            .collect();
        let rows: Vec<Vec<String>> =
            block.iter().flat_map(|optimum| [Some(row(optimum)), flow_row(optimum)]).flatten().collect();
        let _ = writeln!(text, "{}\n", aligned(&header, &rows, room));
        rest = behind;
    }
    let notes = table_notes(record);
    if !notes.is_empty() {
        let _ = writeln!(text, "{}", wrapped(&notes.join("\n"), room));
    }
    text
}

/// What stands beneath the tables.
fn table_notes(record: &OptimumRecord) -> Vec<String> {
    let mut notes = Vec::new();
    if !record.undeclared.is_empty() {
        notes.push(format!("without a declared divergence: {}", record.undeclared.join(", ")));
    }
    let mut reasons: Vec<&String> = record.optima.iter().filter_map(|optimum| optimum.why.as_ref()).collect();
    reasons.dedup();
    notes.extend(reasons.into_iter().map(|why| format!("no optimum: {why}")));
    notes.extend(optimum_notes(&record.optima).into_iter().map(String::from));
    if record.optima.iter().any(|optimum| optimum.flow.is_some()) {
        notes.push(FLOW_NOTE.into());
    }
    if record.optima.iter().any(|optimum| optimum.value.is_some()) {
        notes.push(UNITS.into());
    }
    notes
}

/// What the marks of optima mean, as far as there are any.
pub(crate) fn optimum_notes(optima: &[ClassOptimum]) -> Vec<&'static str> {
    let unproved = optima.iter().any(|optimum| !mark(optimum).is_empty());
    let degenerate = optima.iter().any(|optimum| optimum.degenerate && optimum.value.is_some());
    let notes = [unproved.then_some(UNPROVED_NOTE), degenerate.then_some(ONE_OF_MANY_NOTE)];
    notes.into_iter().flatten().collect()
}

/// The mark behind an optimum's name.
pub(crate) fn mark(optimum: &ClassOptimum) -> &'static str {
    if optimum.value.is_none() || optimum.is_proved() { "" } else { UNPROVED }
}

/// The figures of an optimum, `ONE_OF_MANY` in place of the first that the objective does not determine.
pub(crate) fn figures(optimum: &ClassOptimum, cells: impl Iterator<Item = String>) -> Vec<String> {
    let mut cells: Vec<String> = cells.collect();
    let determined = |cell: &String| cell != "–";
    if optimum.degenerate
        && optimum.value.is_some()
        && let Some(first) = cells.iter().position(|cell| !determined(cell))
    {
        cells[first] = ONE_OF_MANY.into();
    }
    cells
}

fn row(optimum: &ClassOptimum) -> Vec<String> {
    let best_possible = match optimum.gap() {
        Some(0.0) => "exact".into(),
        Some(gap) if optimum.is_proved() => format!("within {} %", at_least(100.0 * gap)),
        _ if optimum.value.is_some() => "best found".into(),
        _ => "–".into(),
    };
    std::iter::once(format!("{}{}", optimum.objective, mark(optimum)))
        .chain(figures(optimum, COLUMNS.iter().map(|(_, metric)| figure(&optimum.measures, metric))))
        .chain([significant(optimum.value), best_possible, optimum.starts.to_string()])
        .collect()
}

/// Where gradient ascent ends, of the many optima.
fn flow_row(optimum: &ClassOptimum) -> Option<Vec<String>> {
    let flow = optimum.flow.as_ref()?;
    let mark = if flow.settled { "" } else { UNPROVED };
    let figures = COLUMNS.iter().map(|(_, metric)| figure(&flow.measures, metric));
    Some(std::iter::once(format!("{FLOW}{mark}")).chain(figures).collect())
}

/// Rounded up to two decimals.
fn at_least(percent: f64) -> String {
    format!("{:.2}", (percent * 100.0).ceil() / 100.0)
}
