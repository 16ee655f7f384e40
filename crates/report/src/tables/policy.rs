//! The rows of a policy: its start, its objectives, the best of its class.

use super::targets::cell;
use super::{Cell, Column, distinct, is_estimated};
use crate::number::mean_figure;
use crate::optimum_table::{figures, mark};
use crate::rates;
use pstar_compare::{sentence_with, spread, starts, with_interval};
use pstar_core::shown;
use pstar_record::{ArmRecord, ArmStatus, Measures, RunRecord, Spread, Verdict, VerdictRow, Word};

/// Marks objectives that were handed the exact Z.
const ORACLE: &str = " °";

/// The row beneath an objective.
const OPTIMUM: &str = "  optimum";

/// Digits of half an interval.
const DIGITS: i32 = 2;

/// A row of a policy.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// What it is.
    pub kind: RowKind,
    /// The objective; empty at the start.
    pub objective: String,
    /// The learning rate, where rows say theirs.
    pub learning_rate: Option<f64>,
    /// What it is called, with its marks.
    pub title: String,
    /// Number of seeds that the figures are means over.
    pub seeds: usize,
    /// The verdict.
    pub word: Option<Word>,
    /// One a column.
    pub cells: Vec<Cell>,
}

/// What a row of a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Before the first step.
    Start,
    /// Trained.
    Objective,
    /// The best of the class.
    Optimum,
}

/// Number of seeds, and whether figures are estimates.
pub(super) fn title(record: &RunRecord, policy: &str) -> String {
    let seeds = distinct(record.arms.iter().map(|arm| &arm.seed)).len();
    let estimated = if is_estimated(record, policy) { " · estimated" } else { "" };
    format!("{seeds} seed{}{estimated}", if seeds == 1 { "" } else { "s" })
}

pub(super) fn sentence(record: &RunRecord, policy: &str) -> Option<String> {
    verdict(record, policy).map(|verdict| sentence_with(verdict, &shown))
}

fn verdict<'a>(record: &'a RunRecord, policy: &str) -> Option<&'a Verdict> {
    record.verdicts.iter().find(|verdict| verdict.policy == policy)
}

pub(super) fn rows(record: &RunRecord, policy: &str, columns: &[Column], intervals: bool) -> Vec<PolicyRow> {
    let mut rows = Vec::new();
    let starts = starts(policy, &record.arms);
    if !starts.is_empty() {
        let cells = columns.iter().map(|column| mean_cell(&starts, &column.metric, false)).collect();
        rows.push(PolicyRow {
            kind: RowKind::Start,
            objective: String::new(),
            learning_rate: None,
            title: "(start)".into(),
            seeds: starts.len(),
            word: None,
            cells,
        });
    }
    let judged = verdict(record, policy);
    // What the verdict reads has its interval beside it.
    let read = |metric: &str| {
        intervals || judged.is_some_and(|verdict| metric == verdict.metric || metric == "validity_rate")
    };
    let with_rates = rates::are_shown(record);
    for objective in distinct(record.arms.iter().map(|arm| &arm.objective)) {
        for arms in rates::rows(record, policy, objective) {
            let last: Vec<&Measures> = arms.iter().filter_map(|arm| arm.last.as_ref()).collect();
            let complete = arms.iter().all(|arm| arm.status == ArmStatus::Complete);
            let cell = |column: &Column| mean_cell(&last, &column.metric, complete && read(&column.metric));
            let rate = arms[0].learning_rate;
            let row = judged.and_then(|verdict| verdict_row(verdict, objective, rate));
            let suffix = if with_rates { rates::suffix(rate) } else { String::new() };
            rows.push(PolicyRow {
                kind: RowKind::Objective,
                objective: objective.clone(),
                learning_rate: with_rates.then_some(rate).filter(|rate| !rate.is_nan()),
                title: objective_title(objective, &suffix, &arms),
                seeds: last.len(),
                word: row.and_then(|row| row.word),
                cells: columns.iter().map(cell).collect(),
            });
        }
        let optimum = record.optima.iter().find(|o| o.policy == *policy && o.objective == *objective);
        rows.extend(optimum.map(|optimum| {
            let mut cells: Vec<Cell> =
                columns.iter().map(|column| cell(&optimum.measures, &column.metric)).collect();
            let texts = figures(optimum, cells.iter().map(|cell| cell.text.clone()));
            cells.iter_mut().zip(texts).for_each(|(cell, text)| cell.text = text);
            PolicyRow {
                kind: RowKind::Optimum,
                objective: objective.clone(),
                learning_rate: None,
                title: format!("{OPTIMUM}{}", mark(optimum)),
                seeds: 0,
                word: None,
                cells,
            }
        }));
    }
    rows
}

fn verdict_row<'a>(verdict: &'a Verdict, objective: &str, rate: f64) -> Option<&'a VerdictRow> {
    let is_same = |row: &&VerdictRow| {
        row.objective == objective && row.learning_rate.is_none_or(|own| own.to_bits() == rate.to_bits())
    };
    verdict.rows.iter().find(is_same)
}

/// A mean over rows of which each is a seed's, with its interval where that is wanted and there is one.
fn mean_cell(rows: &[&Measures], metric: &str, with_ends: bool) -> Cell {
    let found = Measures::mean_over_seeds(rows, metric).unwrap_or_default();
    let plain = || mean_figure(rows, metric);
    let own = spread(rows, metric);
    let (low, high) = own.map_or((None, None), |Spread { low, high, .. }| (low, high));
    let text = match own {
        Some(own) if with_ends && own.low.is_some() => with_interval(&own, DIGITS),
        _ => plain(),
    };
    Cell { text, value: found.value, low, high, std_error: found.std_error, p_value: None }
}

fn objective_title(objective: &str, rate: &str, arms: &[&ArmRecord]) -> String {
    let oracle = if arms.iter().any(|arm| arm.log_partition.exact > 0) { ORACLE } else { "" };
    let told = |status: ArmStatus, word: &str| {
        let count = arms.iter().filter(|arm| arm.status == status).count();
        (count > 0).then(|| format!("{count} of {} {word}", arms.len()))
    };
    let ends = [told(ArmStatus::Failed, "failed"), told(ArmStatus::Interrupted, "stopped")];
    let ends: Vec<String> = ends.into_iter().flatten().collect();
    let ends = if ends.is_empty() { String::new() } else { format!(" ({})", ends.join(", ")) };
    format!("{objective}{rate}{oracle}{ends}")
}
