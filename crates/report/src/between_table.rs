//! Two runs side by side, as text.

use crate::table::aligned;
use crate::tables::{Choice, Column, difference};
use crate::tables::{column, notes};
use crate::wrap::wrapped;
use pstar_compare::Between;
use pstar_core::shown;
use pstar_record::{ExperimentDifference, RunRecord};
use std::fmt::Write;

/// Names that a note lists at most.
const MOST_NAMED: usize = 8;

/// What changed between two runs: their experiments, and the figures of what both trained, second − first, paired by seed,
/// in lines of at most `room` columns.
pub fn between_table(
    (first, second): (&RunRecord, &RunRecord),
    changed: &[ExperimentDifference],
    between: &Between,
    room: Option<usize>,
) -> String {
    let mut text = String::new();
    let title = format!("{} − {} · means over prompts", shown(&second.name), shown(&first.name));
    let _ = writeln!(text, "{}\n", wrapped(&title, room));
    let told = match changed {
        [] => "the experiments are the same".to_string(),
        changed => changed.iter().map(|one| format!("changed: {one}")).collect::<Vec<_>>().join("\n"),
    };
    let _ = writeln!(text, "{}", wrapped(&told, room));
    let columns: Vec<Column> = difference::compared(&column::usual(second), &Choice::default());
    let mut policies: Vec<&str> = between.comparisons.iter().map(|c| c.policy.as_str()).collect();
    policies.dedup();
    for policy in policies {
        let rows = difference::rows(&between.comparisons, policy, &columns);
        if rows.is_empty() {
            continue;
        }
        let header: Vec<String> = std::iter::once(format!("{policy} · Δ"))
            .chain(columns.iter().map(|column| column.title.clone()))
            .collect();
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let title = row.title.trim_start().to_string();
                std::iter::once(title).chain(row.cells.iter().map(|cell| cell.text.clone())).collect()
            })
            .collect();
        let _ = writeln!(text, "\n{}", aligned(&header, &rows, room));
    }
    let _ = writeln!(text, "\n{}", wrapped(&foot(between).join("\n"), room));
    text
}

fn foot(between: &Between) -> Vec<String> {
    let mut foot = Vec::new();
    let pairs = between.comparisons.iter().map(|comparison| comparison.pairs).max().unwrap_or(0);
    if pairs > 1 {
        foot.push(format!("Δ: mean difference over up to {pairs} seeds of both [95 % interval]"));
    }
    foot.extend(notes::of_stars(&between.comparisons));
    let lists = [
        ("not paired, since no seed completed in both or learning rates differ", &between.unpaired),
        ("only in the first", &between.only_first),
        ("only in the second", &between.only_second),
    ];
    for (what, pairs) in lists.into_iter().filter(|(_, pairs)| !pairs.is_empty()) {
        let name =
            |(policy, objective): &(String, String)| format!("{} · {}", shown(policy), shown(objective));
        let mut names: Vec<String> = pairs.iter().take(MOST_NAMED).map(name).collect();
        if pairs.len() > MOST_NAMED {
            names.push(format!("{} more", pairs.len() - MOST_NAMED));
        }
        foot.push(format!("{what}: {}", names.join(", ")));
    }
    if pairs == 1 {
        foot.push(
            "one seed in both: no differences are shown, since nothing says how much they would vary".into(),
        );
    }
    foot
}
