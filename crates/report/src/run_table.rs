//! The table that a run prints.

use crate::number::{figure, mean_figure};
use crate::optimum_table::{figures, mark, optimum_notes};
use crate::rates;
use crate::table::aligned;
use crate::wrap::wrapped;
use pstar_core::shown;
use pstar_record::{ArmRecord, ArmStatus, Comparison, Failure, Measures, Method, RunRecord, Warning};
use std::fmt::Write;

/// Marks objectives that were handed the exact Z.
const ORACLE: &str = " °";

/// Fewest paired seeds that have an interval where they differ.
const FEWEST_PAIRS: usize = 5;

/// The row beneath an objective.
const OPTIMUM: &str = "  optimum";

/// A column: its title, and the name of its figure as in `curves.csv`.
struct Column {
    title: String,
    metric: String,
}

/// The table of a run: the rows that policies are compared with, the policies under every objective (means over
/// seeds), and the paired differences to the first objective, in lines of at most `room` columns.
pub fn run_table(record: &RunRecord, room: Option<usize>) -> String {
    let columns = columns(record);
    let mut text = String::new();
    let unit = match record.method {
        Method::Enumeration => "exact, over all outputs",
        Method::DynamicProgramming => "exact, by dynamic programming",
        Method::Sampling => "estimated from samples",
    };
    let policies = distinct(record.arms.iter().map(|arm| &arm.policy));
    let but = if policies.iter().any(|policy| is_estimated(record, policy)) {
        ", estimated where said"
    } else {
        ""
    };
    let title = format!("{} · means over prompts, {unit}{but} · KL and entropy in nats", shown(&record.name));
    let _ = writeln!(text, "{}\n", wrapped(&title, room));
    let _ = writeln!(text, "{}", targets(record, &columns, room));
    for policy in distinct(record.arms.iter().map(|arm| &arm.policy)) {
        let _ = writeln!(text, "\n{}", policy_block(record, policy, &columns, room));
        let differences = difference_block(record, policy, &columns, room);
        if !differences.is_empty() {
            let _ = writeln!(text, "\n{differences}");
        }
    }
    let notes = notes(record);
    if !notes.is_empty() {
        let _ = writeln!(text, "\n{}", wrapped(&notes.join("\n"), room));
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

fn targets(record: &RunRecord, columns: &[Column], room: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = record
        .references
        .iter()
        .map(|(name, measures)| {
            let figures = columns.iter().map(|column| figure(measures, &column.metric));
            std::iter::once(target_title(name)).chain(figures).collect()
        })
        .collect();
    aligned(&header("target", columns), &rows, room)
}

fn target_title(name: &str) -> String {
    match name {
        "base" => "base a".into(),
        "filtered" => "p* (filtered)".into(),
        "uniform-valid" => "uniform on valid".into(),
        other => match other.split_once(' ') {
            Some(("tilted", beta)) => format!("p_[β={beta}] (tilted)"),
            Some(("power", alpha)) => format!("p_(α={alpha}) (power)"),
            _ => other.into(),
        },
    }
}

fn policy_block(record: &RunRecord, policy: &str, columns: &[Column], room: Option<usize>) -> String {
    let mut rows = Vec::new();
    let starts = initial_by_seed(record, policy);
    if !starts.is_empty() {
        let figures = columns.iter().map(|column| mean_figure(&starts, &column.metric));
        rows.push(std::iter::once("(start)".to_string()).chain(figures).collect());
    }
    let with_rates = rates::are_shown(record);
    for objective in distinct(record.arms.iter().map(|arm| &arm.objective)) {
        for arms in rates::rows(record, policy, objective) {
            let last: Vec<&Measures> = arms.iter().filter_map(|arm| arm.last.as_ref()).collect();
            let means = columns.iter().map(|column| mean_figure(&last, &column.metric));
            let rate = if with_rates { rates::suffix(arms[0].learning_rate) } else { String::new() };
            rows.push(std::iter::once(objective_title(objective, &rate, &arms)).chain(means).collect());
        }
        let optimum = record.optima.iter().find(|o| o.policy == *policy && o.objective == *objective);
        rows.extend(optimum.map(|optimum| {
            let found = columns.iter().map(|column| figure(&optimum.measures, &column.metric));
            let figures = figures(optimum, found);
            std::iter::once(format!("{OPTIMUM}{}", mark(optimum))).chain(figures).collect()
        }));
    }
    let seeds = distinct(record.arms.iter().map(|arm| &arm.seed)).len();
    let estimated = if is_estimated(record, policy) { " · estimated" } else { "" };
    aligned(
        &header(&format!("{policy} · {seeds} seed{}{estimated}", if seeds == 1 { "" } else { "s" }), columns),
        &rows,
        room,
    )
}

/// Whether a policy's figures are estimates, where the targets' are not.
fn is_estimated(record: &RunRecord, policy: &str) -> bool {
    let mut initial =
        record.arms.iter().filter(|arm| arm.policy == policy).filter_map(|arm| arm.initial.as_ref());
    let has_errors = |measures: &Measures| measures.flat().any(|(_, measure)| measure.std_error.is_some());
    record.method != Method::Sampling && initial.next().is_some_and(has_errors)
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

/// The figures before the first step, one a seed.
fn initial_by_seed<'a>(record: &'a RunRecord, policy: &str) -> Vec<&'a Measures> {
    let mut seeds = Vec::new();
    let arms = record.arms.iter().filter(|arm| arm.policy == policy);
    arms.filter_map(|arm| {
        let initial = arm.initial.as_ref().filter(|_| !seeds.contains(&arm.seed))?;
        seeds.push(arm.seed);
        Some(initial)
    })
    .collect()
}

fn difference_block(record: &RunRecord, policy: &str, columns: &[Column], room: Option<usize>) -> String {
    let of_policy: Vec<&Comparison> =
        record.comparisons.iter().filter(|c| c.policy == policy && c.pairs > 1).collect();
    let Some(first) = of_policy.first() else { return String::new() };
    let compared = |column: &&Column| !["entropy", "effective_number"].contains(&column.metric.as_str());
    let columns: Vec<&Column> = columns.iter().filter(compared).collect();
    let row = |c: &Comparison| (c.objective.clone(), c.learning_rate.map(f64::to_bits));
    let mut compared: Vec<&Comparison> = Vec::new();
    for comparison in &of_policy {
        if !compared.iter().any(|known| row(known) == row(comparison)) {
            compared.push(comparison);
        }
    }
    let rows: Vec<Vec<String>> = compared
        .into_iter()
        .map(|first| {
            let cell = |column: &&Column| {
                let found = of_policy.iter().find(|c| row(c) == row(first) && c.metric == column.metric);
                found.map_or("–".into(), |c| interval(c))
            };
            let title = format!("  {}{}", first.objective, compared_rates(first));
            std::iter::once(title).chain(columns.iter().map(cell)).collect()
        })
        .collect();
    let title = format!("  Δ to {}", first.baseline);
    let header: Vec<String> =
        std::iter::once(title).chain(columns.iter().map(|column| column.title.clone())).collect();
    aligned(&header, &rows, room)
}

/// At which learning rates two objectives are compared, where arms differ in them.
fn compared_rates(comparison: &Comparison) -> String {
    match (comparison.learning_rate, comparison.baseline_learning_rate) {
        (Some(rate), Some(other)) if rate != other => format!("{}, to {other:?}", rates::suffix(rate)),
        (rate, _) => rate.map_or(String::new(), rates::suffix),
    }
}

/// A difference with as many decimals as its interval gives two digits to.
fn interval(comparison: &Comparison) -> String {
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

fn notes(record: &RunRecord) -> Vec<String> {
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
    let with_rates = rates::are_shown(record);
    let failed = record.arms.iter().filter_map(|arm| {
        let Failure { step, message } = arm.failure.as_ref()?;
        let (policy, objective, seed) = (shown(&arm.policy), shown(&arm.objective), arm.seed);
        let rate = if with_rates { rates::suffix(arm.learning_rate) } else { String::new() };
        Some(format!("failed: {policy} · {objective}{rate} · seed {seed} at step {step}: {message}"))
    });
    notes.extend(failed);
    notes.extend(arm_warnings(record));
    notes.extend(record.warnings.iter().map(|warning| format!("warning: {warning}")));
    notes
}

/// The warnings of arms, once a policy, objective and learning rate, with the number of seeds that they came up with.
fn arm_warnings(record: &RunRecord) -> Vec<String> {
    let with_rates = rates::are_shown(record);
    let of_row = |first: &ArmRecord, arm: &ArmRecord| {
        first.policy == arm.policy
            && first.objective == arm.objective
            && first.learning_rate.to_bits() == arm.learning_rate.to_bits()
    };
    let mut told: Vec<(&ArmRecord, &Warning)> = Vec::new();
    for arm in &record.arms {
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
fn budget(record: &RunRecord) -> String {
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

fn distinct<T: PartialEq + Copy>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for item in items {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}
