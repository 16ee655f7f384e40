//! Paired differences between objectives.

use pstar_record::{ArmRecord, ArmStatus, Comparison, Measures, Shared};
use pstar_stats::{Difference, paired_difference};

/// The 97.5 % quantile of the normal distribution.
const NORMAL_QUANTILE: f64 = 1.959_964;

/// Compares every objective with the first of `objectives`, for every policy and figure that the arms share.
///
/// Only seeds that both completed are paired; a figure that is infinite in one of them has no difference.
pub(crate) fn compare(policies: &[String], objectives: &[String], arms: &[ArmRecord]) -> Vec<Comparison> {
    let Some((baseline, others)) = objectives.split_first() else { return Vec::new() };
    let mut comparisons = Vec::new();
    for policy in policies {
        let of = |objective: &String| -> Vec<(u64, &Measures)> {
            arms.iter()
                .filter(|arm| arm.policy == *policy && arm.objective == *objective)
                .filter(|arm| arm.status == ArmStatus::Complete)
                .filter_map(|arm| Some((arm.seed, arm.last.as_ref()?)))
                .collect()
        };
        let first = of(baseline);
        for objective in others {
            let pairs: Vec<(&Measures, &Measures)> = of(objective)
                .into_iter()
                .filter_map(|(seed, last)| Some((last, first.iter().find(|(other, _)| *other == seed)?.1)))
                .collect();
            for (metric, Difference { mean, interval }) in differences(&pairs) {
                let shared = shared_std_error(&pairs, &metric);
                let interval = interval.map(|ends| shared.map_or(ends, |error| widened(mean, ends, error)));
                comparisons.push(Comparison {
                    policy: policy.clone(),
                    objective: objective.clone(),
                    baseline: baseline.clone(),
                    metric,
                    difference: mean,
                    low: interval.map(|(low, _)| low),
                    high: interval.map(|(_, high)| high),
                    shared_std_error: shared,
                    pairs: pairs.len(),
                });
            }
        }
    }
    comparisons
}

fn differences(pairs: &[(&Measures, &Measures)]) -> Vec<(String, Difference)> {
    let Some((first, _)) = pairs.first() else { return Vec::new() };
    let names = first.flat().map(|(name, _)| name);
    let column =
        |measures: &Measures, i: usize| measures.flat().nth(i).and_then(|(_, measure)| measure.value);
    names
        .enumerate()
        .filter_map(|(i, name)| {
            let values: Option<Vec<f64>> = pairs.iter().map(|(a, _)| column(a, i)).collect();
            let baseline: Option<Vec<f64>> = pairs.iter().map(|(_, b)| column(b, i)).collect();
            Some((name, paired_difference(&values?, &baseline?)?))
        })
        .collect()
}

/// The standard error of the mean difference that resampling seeds does not see.
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
fn widened(mean: f64, (low, high): (f64, f64), std_error: f64) -> (f64, f64) {
    let reach = NORMAL_QUANTILE * std_error;
    (mean - (mean - low).hypot(reach), mean + (high - mean).hypot(reach))
}
