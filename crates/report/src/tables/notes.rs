//! What stands beneath the tables of a run.

use super::distinct;
use crate::number::significant;
use crate::optimum_table::optimum_notes;
use crate::rates;
use pstar_compare::{LEVEL, rule};
use pstar_core::shown;
use pstar_record::{ArmRecord, ArmStatus, Comparison, Failure, Measures, RunRecord, StarRecord, Warning};

/// Fewest paired seeds that have an interval where they differ.
const FEWEST_PAIRS: usize = 5;

/// What stands beneath the tables.
pub(super) fn notes(record: &RunRecord) -> Vec<String> {
    let mut notes = vec![budget(record)];
    notes.extend(rates::notes(record));
    let estimated = |measures: &Measures| measures.flat().any(|(_, measure)| measure.std_error.is_some());
    if record.arms.iter().filter_map(|arm| arm.initial.as_ref()).any(estimated) {
        notes.push(
            "±: standard error of the estimate from samples; how much seeds differ is not in it".to_string(),
        );
    }
    if record.arms.iter().any(|arm| arm.log_partition.exact > 0) {
        notes.push("° was handed the exact Z: an oracle that real training does not have".to_string());
    }
    if !record.optima.is_empty() {
        notes.push(
            "optimum: the best policy of the class under the objective, whatever arms reach".to_string(),
        );
        notes.extend(optimum_notes(&record.optima).into_iter().map(String::from));
    }
    notes.extend(of_verdicts(record));
    let pairs = record.comparisons.iter().map(|comparison| comparison.pairs).max().unwrap_or(0);
    if record.comparisons.iter().any(|comparison| comparison.low.is_some()) {
        let shared = record.comparisons.iter().any(|comparison| comparison.shared_std_error.is_some());
        notes.push(format!(
            "Δ: mean difference over paired seeds [95 % interval{}]",
            if shared { ", the error of the samples of p* that all arms share included" } else { "" }
        ));
    } else if pairs >= FEWEST_PAIRS {
        notes.push(
            "Δ: mean difference over paired seeds, which differ in nothing that would give an interval"
                .into(),
        );
    } else if pairs > 1 {
        notes.push("Δ: mean difference over paired seeds; an interval takes five of them".to_string());
    }
    notes.extend(of_stars(&record.comparisons));
    notes.extend(failures(record, None));
    notes.extend(arm_warnings(record, None));
    notes.extend(record.warnings.iter().map(|warning| format!("warning: {warning}")));
    notes
}

/// What verdicts are read from.
fn of_verdicts(record: &RunRecord) -> Vec<String> {
    let told = || record.verdicts.iter().filter(|verdict| verdict.rows.iter().any(|row| row.word.is_some()));
    let Some(verdict) = told().next() else { return Vec::new() };
    let mut notes = vec![format!("verdict: {}", rule(verdict))];
    let spreads = || told().flat_map(|verdict| &verdict.rows).filter_map(|row| row.coverage);
    if spreads().any(|coverage| coverage.low.is_some()) {
        notes.push("[ ]: 95 % interval of the mean over seeds".into());
    } else if told().flat_map(|verdict| &verdict.rows).any(|row| (1..FEWEST_PAIRS).contains(&row.seeds)) {
        notes.push("verdicts read means alone: an interval takes five seeds".into());
    }
    notes
}

/// What a star means, and why there are none where there cannot be any.
pub(crate) fn of_stars(comparisons: &[Comparison]) -> Vec<String> {
    let has = |star: StarRecord| comparisons.iter().any(|c| c.star == Some(star));
    let mut notes = Vec::new();
    if has(StarRecord::Earned) {
        notes.push(format!(
            "*: p ≤ {LEVEL} by a sign-flip test over the pairs, corrected by Holm over the objectives of a column"
        ));
    }
    let beyond = comparisons.iter().filter(|c| c.star == Some(StarRecord::OutOfReach) && c.pairs > 1);
    if let Some(far) = beyond.max_by_key(|c| c.pairs_needed) {
        let (pairs, needed) = (far.pairs, far.pairs_needed.unwrap_or_default());
        notes.push(format!(
            "no star can be earned by {pairs} pairs, whatever their differences: p cannot go below {}, and this many \
             objectives take {needed} pairs to reach {LEVEL}",
            significant(Some(least_p_value(pairs)))
        ));
    }
    notes
}

/// The least p-value of a sign-flip test: 2/2^n.
fn least_p_value(pairs: usize) -> f64 {
    (2.0 / 2f64.powi(i32::try_from(pairs).unwrap_or(i32::MAX))).min(1.0)
}

/// Where and why arms failed; of all objectives where none is named.
pub(crate) fn failures(record: &RunRecord, objective: Option<&str>) -> Vec<String> {
    let with_rates = rates::are_shown(record);
    let own = record.arms.iter().filter(|arm| objective.is_none_or(|name| arm.objective == name));
    let failed = own.filter_map(|arm| {
        let Failure { step, message } = arm.failure.as_ref()?;
        let (policy, objective, seed) = (shown(&arm.policy), shown(&arm.objective), arm.seed);
        let rate = if with_rates { rates::suffix(arm.learning_rate) } else { String::new() };
        Some(format!("failed: {policy} · {objective}{rate} · seed {seed} at step {step}: {message}"))
    });
    failed.collect()
}

/// The warnings of arms, once a policy, objective and learning rate, with the number of seeds that they came up with; of all
/// objectives where none is named.
pub(crate) fn arm_warnings(record: &RunRecord, objective: Option<&str>) -> Vec<String> {
    let with_rates = rates::are_shown(record);
    let of_row = |first: &ArmRecord, arm: &ArmRecord| {
        first.policy == arm.policy
            && first.objective == arm.objective
            && first.learning_rate.to_bits() == arm.learning_rate.to_bits()
    };
    let mut told: Vec<(&ArmRecord, &Warning)> = Vec::new();
    for arm in record.arms.iter().filter(|arm| objective.is_none_or(|name| arm.objective == name)) {
        for warning in arm.warnings.iter() {
            let known =
                |(first, known): &(&ArmRecord, &Warning)| of_row(first, arm) && known.is_like(warning);
            if !told.iter().any(known) {
                told.push((arm, warning));
            }
        }
    }
    let line = |(arm, warning): (&ArmRecord, &Warning)| {
        let arms = || record.arms.iter().filter(|other| of_row(arm, other));
        let warned = arms().filter(|arm| arm.warnings.iter().any(|other| other.is_like(warning))).count();
        let times = match arms().count() {
            1 => String::new(),
            all => format!(" ({warned} of {all} seeds, figures of seed {})", arm.seed),
        };
        let rate = if with_rates { rates::suffix(arm.learning_rate) } else { String::new() };
        format!("warning: {} · {}{rate}{times}: {warning}", shown(&arm.policy), shown(&arm.objective))
    };
    told.into_iter().map(line).collect()
}

/// What every arm spent; the number of tokens may differ, since policies decide where they end.
pub(crate) fn budget(record: &RunRecord) -> String {
    let complete = record.arms.iter().filter(|arm| arm.status == ArmStatus::Complete);
    let spent = distinct(
        complete.map(|arm| (arm.budget.sequences, arm.budget.verifier_calls, arm.budget.optimizer_steps)),
    );
    let tokens =
        || record.arms.iter().filter(|arm| arm.status == ArmStatus::Complete).map(|arm| arm.budget.tokens);
    let (fewest, most) = (tokens().min().unwrap_or(0), tokens().max().unwrap_or(0));
    let words = |&(sequences, calls, steps): &(u64, u64, u64)| {
        format!("{sequences} sequences, {calls} verifier calls, {steps} optimizer steps")
    };
    let every =
        if record.failures() + record.interruptions() == 0 { "every arm" } else { "every complete arm" };
    match &spent[..] {
        [] => "no arm completed".into(),
        [(0, 0, steps)] => {
            format!("{every}: {steps} optimizer steps with exact gradients, nothing sampled")
        }
        [one] if fewest == most => format!("{every}: {}, {most} tokens", words(one)),
        [one] => format!("{every}: {}; {fewest} to {most} tokens", words(one)),
        several => {
            format!("warning: budgets differ: {}", several.iter().map(words).collect::<Vec<_>>().join("; "))
        }
    }
}
