//! What an objective did, on one page of Markdown for a pull request.

use crate::number::significant;
use crate::tables::{Choice, Column, column, difference, notes};
use crate::written::escaped;
use pstar_compare::{spread, starts, with_interval};
use pstar_core::shown;
use pstar_record::{
    ArmRecord, ArmStatus, Comparison, KappaRecord, Measures, ObjectiveKappa, ObjectiveRecord, Provenance,
    RunRecord,
};
use std::fmt::Write;

/// Digits of half an interval.
const DIGITS: i32 = 2;

/// One page about an objective: what it computes, how fast it climbs, what it did beside the first objective with all else
/// equal, what that cost, and what to know. `picture` is the file of its curves, beside the page. Nothing if the run has no
/// such objective.
pub fn evidence(
    record: &RunRecord,
    provenance: Option<&Provenance>,
    objective: &str,
    picture: &str,
) -> Option<String> {
    if !record.arms.iter().any(|arm| arm.objective == objective) {
        return None;
    }
    let mut page = format!("### {}\n", name(objective));
    if let Some(own) = record.objectives.iter().find(|own| own.name == objective) {
        page.push_str(&computes(own));
    }
    if let Some(kappa) = &record.kappa {
        page.push_str(&climbs(kappa, objective));
    }
    let first = record.arms.first().map_or("", |arm| arm.objective.as_str());
    page.push_str("\n#### What it did, all else equal\n");
    for verdict in &record.verdicts {
        for row in verdict.rows.iter().filter(|row| row.objective == objective) {
            let _ = writeln!(page, "\n* {}: {}", name(&verdict.policy), escaped(&row.sentence));
        }
    }
    page.push_str(&figures(record, objective, first));
    let _ = writeln!(page, "\n![Curves of {}]({picture})", name(objective));
    page.push_str("\n#### What it cost, and what to know\n\n");
    for line in foot(record, objective) {
        let _ = writeln!(page, "* {}", escaped(&line));
    }
    page.push_str(&made_with(record, provenance));
    Some(page)
}

fn name(text: &str) -> String {
    escaped(&shown(text))
}

/// What it computes.
fn computes(own: &ObjectiveRecord) -> String {
    let ObjectiveRecord { plugin, version, doc, configuration, divergence, .. } = own;
    let mut text =
        format!("\n`{}` {}: {}.\n", shown(plugin).replace('`', "'"), escaped(version), escaped(doc));
    let longest = configuration.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    if !matches!(configuration.trim(), "" | "()") {
        let fence = "`".repeat((longest + 1).max(3));
        let _ = write!(text, "\n{fence}ron\n{}\n{fence}\n", configuration.trim());
    }
    if let Some(divergence) = divergence {
        let _ = write!(text, "\nIt minimises {}.\n", escaped(divergence));
    }
    text
}

/// How fast it climbs.
fn climbs(kappa: &KappaRecord, objective: &str) -> String {
    let Some(own) = kappa.objectives.iter().find(|own| own.objective == objective) else {
        return String::new();
    };
    let ObjectiveKappa { group, claim, because, .. } = own;
    if own.kappa.is_empty() {
        let why = if because.is_empty() { String::new() } else { format!(" ({})", because.join("; ")) };
        return format!("\nIts expected gradient is no multiple κ(V) of ∇V{}.\n", escaped(&why));
    }
    let of_group = group.map_or(String::new(), |group| format!(" for groups of {group}"));
    let mut text = format!("\nOn-policy its expected gradient of a prompt is κ(V) ∇V{of_group}");
    if let Some(claim) = claim {
        let _ = write!(text, "; it claims {}", escaped(claim));
    }
    text.push_str(".\n\n");
    let cells = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(" | ");
    let numbers = |values: &[f64]| cells(&mut values.iter().map(|x| significant(Some(*x))));
    let _ = writeln!(text, "| V | {} |", numbers(&kappa.validity_rates));
    let _ = writeln!(text, "| :--- |{}", " ---: |".repeat(kappa.validity_rates.len()));
    let _ = writeln!(text, "| κ | {} |", numbers(&own.kappa));
    if !own.claimed.is_empty() {
        let _ = writeln!(text, "| claimed | {} |", numbers(&own.claimed));
    }
    if !own.ratio.is_empty() {
        let ratios = cells(&mut own.ratio.iter().map(|ratio| significant(ratio.0)));
        let _ = writeln!(text, "| κ ÷ claimed | {ratios} |");
    }
    for cosine in &own.cosines {
        let of = significant(cosine.cosine);
        let _ = writeln!(
            text,
            "\nCosine to the claimed gradient at the start of {}: {of}.",
            name(&cosine.policy)
        );
    }
    text
}

/// Its final figures beside the first objective's.
fn figures(record: &RunRecord, objective: &str, first: &str) -> String {
    let columns: Vec<Column> = difference::compared(&column::usual(record), &Choice::default());
    let mut policies: Vec<&str> = record.arms.iter().map(|arm| arm.policy.as_str()).collect();
    policies.dedup();
    let mut text = String::new();
    for policy in policies {
        let _ = write!(text, "\n| {} | base | start | {} |", name(policy), name(first));
        if objective != first {
            let _ = write!(text, " {} | Δ | p |", name(objective));
        }
        let further = if objective == first { 3 } else { 6 };
        let _ = writeln!(text, "\n| :--- |{}", " ---: |".repeat(further));
        for Column { title, metric } in &columns {
            let base = record.references.first().and_then(|(_, measures)| measures.named(metric));
            let start = mean_of(record, policy, None, metric);
            let _ = write!(text, "| {} | {} | {start} |", escaped(title), significant(base));
            let _ = write!(text, " {} |", mean_of(record, policy, Some(first), metric));
            if objective != first {
                let found = record
                    .comparisons
                    .iter()
                    .find(|c| c.policy == policy && c.objective == objective && c.metric == *metric);
                let (delta, p) = found.map_or(("–".into(), "–".into()), difference_cells);
                let _ =
                    write!(text, " {} | {delta} | {p} |", mean_of(record, policy, Some(objective), metric));
            }
            text.push('\n');
        }
    }
    text
}

/// A mean with its interval: of an objective's ends, or of the policy's starts.
fn mean_of(record: &RunRecord, policy: &str, objective: Option<&str>, metric: &str) -> String {
    let is_of = |arm: &&ArmRecord, objective: &str| {
        arm.policy == policy && arm.objective == objective && arm.status == ArmStatus::Complete
    };
    let figures: Vec<&Measures> = match objective {
        Some(objective) => {
            let own = record.arms.iter().filter(|arm| is_of(arm, objective));
            own.filter_map(|arm| arm.last.as_ref()).collect()
        }
        None => starts(policy, &record.arms),
    };
    spread(&figures, metric).map_or("–".into(), |spread| escaped(&with_interval(&spread, DIGITS)))
}

fn difference_cells(comparison: &Comparison) -> (String, String) {
    let delta = escaped(difference::interval(comparison).trim_end());
    (delta, significant(comparison.adjusted_p_value))
}

/// Budgets, what stars and intervals mean, and what arms of the objective were warned of.
fn foot(record: &RunRecord, objective: &str) -> Vec<String> {
    let seeds: Vec<u64> = {
        let mut seeds: Vec<u64> = record.arms.iter().map(|arm| arm.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds
    };
    let mut lines = vec![
        notes::budget(record),
        format!(
            "{} seeds; [ ]: 95 % intervals over seeds; Δ: paired by seed, p of a sign-flip test, corrected by Holm over the \
             objectives of the run",
            seeds.len()
        ),
    ];
    lines.extend(notes::failures(record, Some(objective)));
    lines.extend(notes::arm_warnings(record, Some(objective)));
    let is_complete = |arm: &ArmRecord| arm.objective == objective && arm.status == ArmStatus::Complete;
    if lines.len() == 2 && record.arms.iter().any(is_complete) {
        lines.push("no warning: nothing in its configuration was found to have no effect".into());
    }
    lines
}

/// How to do it again.
fn made_with(record: &RunRecord, provenance: Option<&Provenance>) -> String {
    let Some(Provenance { version, experiment, platform, .. }) = provenance else {
        return format!(
            "\nRun `{}`; what it was made with is not kept.\n",
            shown(&record.name).replace('`', "'")
        );
    };
    let quoted = |set: &String| format!("--set '{}'", set.replace('\'', "'\\''"));
    let words: Vec<String> = [format!("host run {}", experiment.file)]
        .into_iter()
        .chain(experiment.set.iter().map(quoted))
        .collect();
    let command = shown(&words.join(" "));
    format!(
        "\npstar {}, {}: `{}`, experiment sha256 {}.\n",
        escaped(version),
        escaped(platform),
        command.replace('`', "'"),
        experiment.sha256.get(..16).unwrap_or(&experiment.sha256)
    )
}
