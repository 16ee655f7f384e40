//! Paired differences between objectives.

use crate::interval::{column, columns, shared_std_error, with_shared};
use crate::rows::{rates_differ, rows};
use crate::stars;
use pstar_record::{ArmRecord, Comparison, Measures};
use pstar_stats::{Estimate, SignFlip, mean_interval, sign_flip_test};
use rayon::prelude::*;

/// Compares every objective with the first of `objectives`, for every policy and figure that the arms share: at each of its
/// learning rates with the first at the same rate, or at the only one that the first has.
///
/// Only seeds that both completed are paired; a figure that is infinite in one of them has no difference. Differences of
/// figures that share an error have an interval that includes it and no test, which would take the error for a difference.
///
/// # Cost
/// A test of n pairs is O(2^(n/2)) up to 30 (2 ms), and 10^4 n beyond; threads share them.
pub fn differences(policies: &[String], objectives: &[String], arms: &[ArmRecord]) -> Vec<Comparison> {
    let Some((baseline, others)) = objectives.split_first() else { return Vec::new() };
    let of_policy = |policy: &String| {
        let mut found = of_policy(policy, baseline, others, arms);
        let test = |(_, differences): &(Comparison, Vec<f64>)| {
            sign_flip_test(differences).ok().filter(|_| !differences.is_empty())
        };
        let tests: Vec<Option<SignFlip>> = found.par_iter().map(test).collect();
        let mut comparisons: Vec<Comparison> = found.drain(..).map(|(comparison, _)| comparison).collect();
        stars::award(&mut comparisons, &tests);
        comparisons
    };
    policies.iter().flat_map(of_policy).collect()
}

/// The comparisons of one policy, and the differences that each is tested by.
fn of_policy(
    policy: &str,
    baseline: &str,
    others: &[String],
    arms: &[ArmRecord],
) -> Vec<(Comparison, Vec<f64>)> {
    let named = rates_differ(arms);
    let first = rows(policy, baseline, arms);
    let mut found = Vec::new();
    for objective in others {
        for row in rows(policy, objective, arms) {
            let same = first.iter().find(|first| first.rate.to_bits() == row.rate.to_bits());
            let single = if first.len() == 1 { first.first() } else { None };
            let Some(first) = same.or(single) else { continue };
            let of_seed = |seed| first.ends.iter().find(|(other, _)| *other == seed);
            let pairs: Vec<(&Measures, &Measures)> =
                row.ends.iter().filter_map(|&(seed, last)| Some((last, of_seed(seed)?.1))).collect();
            for (metric, differences) in figures(&pairs) {
                // Infinite figures have no difference.
                let Ok(estimate) = mean_interval(&differences) else { continue };
                let signed = pairs.iter().flat_map(|(ours, theirs)| [(1.0, *ours), (-1.0, *theirs)]);
                let shared = shared_std_error(signed, pairs.len(), &metric);
                let Estimate { value, interval } = with_shared(estimate, shared);
                let comparison = Comparison {
                    policy: policy.into(),
                    objective: objective.clone(),
                    baseline: baseline.into(),
                    learning_rate: named.then_some(row.rate),
                    baseline_learning_rate: named.then_some(first.rate),
                    metric,
                    difference: value,
                    low: interval.map(|ends| ends.low),
                    high: interval.map(|ends| ends.high),
                    shared_std_error: shared,
                    pairs: pairs.len(),
                    p_value: None,
                    adjusted_p_value: None,
                    star: None,
                    pairs_needed: None,
                };
                let tested = if shared.is_some() { Vec::new() } else { differences };
                found.push((comparison, tested));
            }
        }
    }
    found
}

/// The differences of every figure that all pairs have.
fn figures(pairs: &[(&Measures, &Measures)]) -> Vec<(String, Vec<f64>)> {
    let Some((first, _)) = pairs.first() else { return Vec::new() };
    let ours = columns(&pairs.iter().map(|(ours, _)| *ours).collect::<Vec<_>>());
    let theirs = columns(&pairs.iter().map(|(_, theirs)| *theirs).collect::<Vec<_>>());
    let of_figure = |(figure, name): (usize, String)| {
        let (ours, theirs) = (column(&ours, figure)?, column(&theirs, figure)?);
        Some((name, ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect()))
    };
    first.names().enumerate().filter_map(of_figure).collect()
}
