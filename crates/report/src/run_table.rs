//! The table that a run prints.

use crate::number::significant;
use crate::table::aligned;
use pstar_lab::evaluation::{Measures, Method};
use pstar_lab::run::{ArmRecord, Comparison, RunRecord};
use pstar_lab::training::ArmStatus;
use std::fmt::Write;

/// Marks objectives that were handed the exact Z.
const ORACLE: &str = " °";

/// A column: its title, and the name of its figure as in `curves.csv`.
struct Column {
    title: String,
    metric: String,
}

/// The table of a run: the rows that policies are compared with, the policies under every objective (means over
/// seeds), and the paired differences to the first objective.
pub fn run_table(record: &RunRecord) -> String {
    let columns = columns(record);
    let mut text = String::new();
    let unit = match record.method {
        Method::Enumeration => "exact, over all outputs",
        Method::Sampling => "estimated from samples",
    };
    let _ = writeln!(text, "{} · means over prompts, {unit} · KL and entropy in nats\n", record.name);
    let _ = writeln!(text, "{}", targets(record, &columns));
    for policy in distinct(record.arms.iter().map(|arm| &arm.policy)) {
        let _ = writeln!(text, "\n{}", policy_block(record, policy, &columns));
        let differences = difference_block(record, policy, &columns);
        if !differences.is_empty() {
            let _ = writeln!(text, "\n{differences}");
        }
    }
    let notes = notes(record);
    if !notes.is_empty() {
        let _ = writeln!(text, "\n{}", notes.join("\n"));
    }
    text
}

fn columns(record: &RunRecord) -> Vec<Column> {
    let column = |title: &str, metric: &str| Column { title: title.into(), metric: metric.into() };
    let mut columns = vec![
        column("validity", "validity_rate"),
        column("entropy", "entropy"),
        column("exp H", "effective_number"),
        column("KL(p*‖q)", "kl_from_filtered"),
    ];
    let base = record.references.first().map(|(_, measures)| measures);
    let coverage: Vec<String> = base
        .into_iter()
        .flat_map(Measures::flat)
        .filter(|(name, _)| name.starts_with("coverage@"))
        .map(|(name, _)| name)
        .collect();
    let shown = [coverage.len() / 2, coverage.len().saturating_sub(1)];
    let shown = coverage.iter().enumerate().filter(|(i, _)| shown.contains(i));
    columns.extend(shown.map(|(_, name)| column(name, name)));
    columns
}

fn header(first: &str, columns: &[Column]) -> Vec<String> {
    std::iter::once(first.to_string()).chain(columns.iter().map(|column| column.title.clone())).collect()
}

fn find(measures: &Measures, metric: &str) -> Option<f64> {
    measures.flat().find(|(name, _)| name == metric)?.1.value
}

fn targets(record: &RunRecord, columns: &[Column]) -> String {
    let rows: Vec<Vec<String>> = record
        .references
        .iter()
        .map(|(name, measures)| {
            let figures = columns.iter().map(|column| significant(find(measures, &column.metric)));
            std::iter::once(target_title(name)).chain(figures).collect()
        })
        .collect();
    aligned(&header("target", columns), &rows)
}

fn target_title(name: &str) -> String {
    match name {
        "base" => "base a".into(),
        "filtered" => "p* (filtered)".into(),
        "uniform-valid" => "uniform on valid".into(),
        other => other.strip_prefix("tilted ").map_or(other.into(), |beta| format!("p_[β={beta}] (tilted)")),
    }
}

fn policy_block(record: &RunRecord, policy: &str, columns: &[Column]) -> String {
    let mut rows = Vec::new();
    let first = record.arms.iter().find(|arm| arm.policy == policy);
    if let Some(initial) = first.and_then(|arm| arm.initial.as_ref()) {
        let figures = columns.iter().map(|column| significant(find(initial, &column.metric)));
        rows.push(std::iter::once("(start)".to_string()).chain(figures).collect());
    }
    for objective in distinct(record.arms.iter().map(|arm| &arm.objective)) {
        let arms: Vec<&ArmRecord> = record.arms_of(policy, objective).collect();
        let figures = columns.iter().map(|column| significant(mean_over(&arms, &column.metric)));
        rows.push(std::iter::once(objective_title(objective, &arms)).chain(figures).collect());
    }
    let seeds = distinct(record.arms.iter().map(|arm| &arm.seed)).len();
    aligned(&header(&format!("{policy} · {seeds} seed{}", if seeds == 1 { "" } else { "s" }), columns), &rows)
}

fn objective_title(objective: &str, arms: &[&ArmRecord]) -> String {
    let oracle = if arms.iter().any(|arm| arm.log_partition.exact > 0) { ORACLE } else { "" };
    let failed = arms.iter().filter(|arm| arm.status != ArmStatus::Complete).count();
    let failures = if failed == 0 { String::new() } else { format!(" ({failed} of {} failed)", arms.len()) };
    format!("{objective}{oracle}{failures}")
}

/// The mean over the arms that completed.
fn mean_over(arms: &[&ArmRecord], metric: &str) -> Option<f64> {
    let values: Option<Vec<f64>> =
        arms.iter().filter_map(|arm| arm.last.as_ref()).map(|measures| find(measures, metric)).collect();
    let values = values.filter(|values| !values.is_empty())?;
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

fn difference_block(record: &RunRecord, policy: &str, columns: &[Column]) -> String {
    let of_policy: Vec<&Comparison> =
        record.comparisons.iter().filter(|comparison| comparison.policy == policy).collect();
    let Some(first) = of_policy.first() else { return String::new() };
    let compared = |column: &&Column| !["entropy", "effective_number"].contains(&column.metric.as_str());
    let columns: Vec<&Column> = columns.iter().filter(compared).collect();
    let rows: Vec<Vec<String>> = distinct(of_policy.iter().map(|comparison| &comparison.objective))
        .into_iter()
        .map(|objective| {
            let cell = |column: &&Column| {
                let found = of_policy.iter().find(|c| c.objective == *objective && c.metric == column.metric);
                found.map_or("–".into(), |c| interval(c))
            };
            std::iter::once(format!("  {objective}")).chain(columns.iter().map(cell)).collect()
        })
        .collect();
    let title = format!("  Δ to {}", first.baseline);
    let header: Vec<String> =
        std::iter::once(title).chain(columns.iter().map(|column| column.title.clone())).collect();
    aligned(&header, &rows)
}

fn interval(comparison: &Comparison) -> String {
    let short = |x: f64| {
        let text = format!("{x:+.2}");
        if x.abs() >= 100.0 { format!("{x:+.0}") } else { text }
    };
    format!("{} [{}, {}]", short(comparison.difference), short(comparison.low), short(comparison.high))
}

fn notes(record: &RunRecord) -> Vec<String> {
    let mut notes = vec![budget(record)];
    if record.arms.iter().any(|arm| arm.log_partition.exact > 0) {
        notes.push("° was handed the exact Z: an oracle that real training does not have".to_string());
    }
    if !record.comparisons.is_empty() {
        notes.push("Δ: mean difference over paired seeds [95 % bootstrap interval]".to_string());
    }
    let failed = record.arms.iter().filter_map(|arm| match &arm.status {
        ArmStatus::Failed { step, message } => Some(format!(
            "failed: {} · {} · seed {} at step {step}: {message}",
            arm.policy, arm.objective, arm.seed
        )),
        ArmStatus::Complete => None,
    });
    notes.extend(failed);
    notes.extend(record.warnings.iter().map(|warning| format!("warning: {warning}")));
    notes
}

/// What every arm spent; tokens are left out, since an end symbol decides how many there are.
fn budget(record: &RunRecord) -> String {
    let complete = record.arms.iter().filter(|arm| arm.status == ArmStatus::Complete);
    let spent = distinct(
        complete.map(|arm| (arm.budget.sequences, arm.budget.verifier_calls, arm.budget.optimizer_steps)),
    );
    let words = |&(sequences, calls, steps): &(u64, u64, u64)| {
        format!("{sequences} sequences, {calls} verifier calls, {steps} optimizer steps")
    };
    match &spent[..] {
        [] => "no arm completed".into(),
        [one] => format!("every arm: {}", words(one)),
        several => {
            format!("warning: budgets differ: {}", several.iter().map(words).collect::<Vec<_>>().join("; "))
        }
    }
}

fn distinct<T: PartialEq + Copy>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for item in items {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}
