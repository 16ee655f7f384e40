//! Learning rates in the table of a run: shown where arms differ in them or one was selected.

use crate::number::significant;
use pstar_core::shown;
use pstar_record::{ArmRecord, ArmStatus, Best, Choice, Rate, RunRecord, Selection};
use std::collections::HashMap;

/// Fewest rates that have one in the middle.
const FEWEST_WITH_MIDDLE: usize = 3;

/// Whether rows say their learning rates.
pub(crate) fn are_shown(record: &RunRecord) -> bool {
    let mut rates = record.arms.iter().map(|arm| arm.learning_rate.to_bits());
    record.selection.is_some() || rates.next().is_some_and(|first| rates.any(|rate| rate != first))
}

/// The arms of a policy and objective, a row a learning rate.
pub(crate) fn rows<'a>(record: &'a RunRecord, policy: &str, objective: &str) -> Vec<Vec<&'a ArmRecord>> {
    let mut rows: Vec<Vec<&ArmRecord>> = Vec::new();
    for arm in record.arms.iter().filter(|arm| arm.policy == policy && arm.objective == objective) {
        let same = |row: &&mut Vec<&ArmRecord>| row[0].learning_rate.to_bits() == arm.learning_rate.to_bits();
        match rows.iter_mut().find(same) {
            Some(row) => row.push(arm),
            None => rows.push(vec![arm]),
        }
    }
    rows
}

/// What stands behind an objective's name; nothing where the rate is not known.
pub(crate) fn suffix(rate: f64) -> String {
    if rate.is_nan() { String::new() } else { format!(" · rate {rate:?}") }
}

/// What the rates of the rows mean.
pub(crate) fn notes(record: &RunRecord) -> Vec<String> {
    let Some(selection) = &record.selection else {
        let note = "rate: the learning rate; arms at all of them are shown, none was selected";
        return is_front(record).then(|| note.to_string()).into_iter().collect();
    };
    let Selection { seeds, metric, best, choices } = selection;
    let which = if *best == Best::Highest { "highest" } else { "lowest" };
    let count = seeds.len();
    let mut notes = vec![format!(
        "rate: the learning rate with the {which} mean {} over {count} other seed{}:",
        shown(metric),
        if count == 1 { "" } else { "s" }
    )];
    notes.extend(choices.iter().map(line));
    notes
}

/// Whether a policy and objective has rows at several rates.
fn is_front(record: &RunRecord) -> bool {
    let mut rates = HashMap::new();
    record.arms.iter().any(|arm| {
        let rate = arm.learning_rate.to_bits();
        *rates.entry((&arm.policy, &arm.objective)).or_insert(rate) != rate
    })
}

/// The means that led to a choice.
fn line(choice: &Choice) -> String {
    let means: Vec<String> = choice.rates.iter().map(mean).collect();
    let selected = match choice.learning_rate {
        Some(rate) => {
            format!("{rate:?}{}", if is_at_an_end(rate, &choice.rates) { ", an end of the list" } else { "" })
        }
        None if choice.is_open() => "not selected yet".into(),
        None => "none".into(),
    };
    format!("  {} · {}: {selected} ({})", shown(&choice.policy), shown(&choice.objective), means.join(", "))
}

fn mean(rate: &Rate) -> String {
    let ended = |status| rate.arms.iter().filter(|arm| arm.status == status).count();
    let all = rate.arms.len();
    let told = |count: usize, word: &str| {
        if count > 0 { format!(" ({count} of {all} {word})") } else { String::new() }
    };
    let (failed, open) = (ended(ArmStatus::Failed), ended(ArmStatus::Interrupted));
    let learning_rate = rate.learning_rate;
    format!(
        "{} at {learning_rate:?}{}{}",
        significant(rate.mean),
        told(failed, "failed"),
        told(open, "not ended")
    )
}

/// Whether a rate beyond those that were tried may do better.
fn is_at_an_end(rate: f64, rates: &[Rate]) -> bool {
    let below = rates.iter().any(|other| other.learning_rate < rate);
    let above = rates.iter().any(|other| other.learning_rate > rate);
    rates.len() >= FEWEST_WITH_MIDDLE && !(below && above)
}
