//! Paired differences between objectives.

use pstar_record::{ArmRecord, ArmStatus, Comparison, Measures, Shared};
use pstar_stats::{Estimate, Interval, paired_difference};

/// The 97.5 % quantile of the normal distribution.
const NORMAL_QUANTILE: f64 = 1.959_964;

/// Compares every objective with the first of `objectives`, for every policy and figure that the arms share: at each of its
/// learning rates with the first at the same rate, or at the only one that the first has.
///
/// Only seeds that both completed are paired; a figure that is infinite in one of them has no difference.
pub(crate) fn compare(policies: &[String], objectives: &[String], arms: &[ArmRecord]) -> Vec<Comparison> {
    let Some((baseline, others)) = objectives.split_first() else { return Vec::new() };
    let named = arms.iter().any(|arm| arm.learning_rate.to_bits() != arms[0].learning_rate.to_bits());
    let mut comparisons = Vec::new();
    for policy in policies {
        let first = rows(policy, baseline, arms);
        for objective in others {
            let rows = rows(policy, objective, arms);
            for row in &rows {
                let same = first.iter().find(|first| first.rate.to_bits() == row.rate.to_bits());
                let single = (first.len() == 1).then_some(&first[..]).and_then(<[Row<'_>]>::first);
                let Some(first) = same.or(single) else { continue };
                let of_seed = |seed| first.ends.iter().find(|(other, _)| *other == seed);
                let pairs: Vec<(&Measures, &Measures)> =
                    row.ends.iter().filter_map(|&(seed, last)| Some((last, of_seed(seed)?.1))).collect();
                for (metric, Estimate { value, interval }) in differences(&pairs) {
                    let shared = shared_std_error(&pairs, &metric);
                    let interval =
                        interval.map(|ends| shared.map_or(ends, |error| widened(value, ends, error)));
                    comparisons.push(Comparison {
                        policy: policy.clone(),
                        objective: objective.clone(),
                        baseline: baseline.clone(),
                        learning_rate: named.then_some(row.rate),
                        baseline_learning_rate: named.then_some(first.rate),
                        metric,
                        difference: value,
                        low: interval.map(|ends| ends.low),
                        high: interval.map(|ends| ends.high),
                        shared_std_error: shared,
                        pairs: pairs.len(),
                    });
                }
            }
        }
    }
    comparisons
}

/// The arms of a policy and objective at one learning rate.
struct Row<'a> {
    rate: f64,
    /// Seeds, and figures at the end, of those that completed.
    ends: Vec<(u64, &'a Measures)>,
}

/// The arms of a policy and objective, rate by rate.
fn rows<'a>(policy: &str, objective: &str, arms: &'a [ArmRecord]) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for arm in arms.iter().filter(|arm| arm.policy == policy && arm.objective == objective) {
        let rate = arm.learning_rate;
        let at = rows.iter().position(|row| row.rate.to_bits() == rate.to_bits()).unwrap_or_else(|| {
            rows.push(Row { rate, ends: Vec::new() });
            rows.len() - 1
        });
        let last = arm.last.as_ref().filter(|_| arm.status == ArmStatus::Complete);
        rows[at].ends.extend(last.map(|last| (arm.seed, last)));
    }
    rows
}

fn differences(pairs: &[(&Measures, &Measures)]) -> Vec<(String, Estimate)> {
    let Some((first, _)) = pairs.first() else { return Vec::new() };
    let values = |measures: &Measures| measures.flat().map(|(_, measure)| measure.value).collect();
    let ours: Vec<Vec<Option<f64>>> = pairs.iter().map(|(ours, _)| values(ours)).collect();
    let theirs: Vec<Vec<Option<f64>>> = pairs.iter().map(|(_, theirs)| values(theirs)).collect();
    // A figure of all pairs; nothing if one lacks it.
    let column = |rows: &[Vec<Option<f64>>], figure: usize| -> Option<Vec<f64>> {
        rows.iter().map(|row| *row.get(figure)?).collect()
    };
    let difference = |figure| {
        // Infinite figures have no difference.
        paired_difference(&column(&ours, figure)?, &column(&theirs, figure)?).ok()
    };
    let figures = first.flat().enumerate();
    figures.filter_map(|(figure, (name, _))| Some((name, difference(figure)?))).collect()
}

/// The standard error of the mean difference that differences between seeds do not show.
fn shared_std_error(pairs: &[(&Measures, &Measures)], metric: &str) -> Option<f64> {
    let weight = 1.0 / pairs.len() as f64;
    let mut parts = Vec::new();
    for (ours, baseline) in pairs {
        parts.extend(ours.shared(metric).map(|shared| (weight, shared)));
        parts.extend(baseline.shared(metric).map(|shared| (-weight, shared)));
    }
    (!parts.is_empty()).then(|| Shared::sum(parts.into_iter()).variance().sqrt())
}

/// A 95 % interval with an independent error of normal distribution added to it.
fn widened(mean: f64, Interval { low, high }: Interval, std_error: f64) -> Interval {
    let reach = NORMAL_QUANTILE * std_error;
    Interval { low: mean - (mean - low).hypot(reach), high: mean + (high - mean).hypot(reach) }
}
