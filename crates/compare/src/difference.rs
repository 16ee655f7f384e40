//! Paired differences between objectives.

use crate::interval::{column, shared_std_error, with_shared};
use crate::rows::{Row, rates_differ, rows};
use crate::stars;
use pstar_record::{ArmRecord, Comparison, Measures};
use pstar_stats::{Estimate, SignFlip, mean_interval, sign_flip_test};
use rayon::prelude::*;
use std::collections::HashMap;

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
            for Figure { metric, estimate, shared, differences } in figures(&row, first) {
                let Estimate { value, interval } = estimate;
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
                    pairs: differences.len(),
                    p_value: None,
                    adjusted_p_value: None,
                    star: None,
                    pairs_needed: None,
                };
                found.push((comparison, if shared.is_some() { Vec::new() } else { differences }));
            }
        }
    }
    found
}

/// The difference of one figure.
pub(crate) struct Figure {
    /// Its name.
    pub(crate) metric: String,
    /// The mean with its interval, the shared error included.
    pub(crate) estimate: Estimate,
    /// The standard error that all pairs share; absent where they share none.
    pub(crate) shared: Option<f64>,
    /// One a pair.
    pub(crate) differences: Vec<f64>,
}

/// The differences of every figure that all pairs of seeds have, where they are finite.
pub(crate) fn figures(ours: &Row<'_>, theirs: &Row<'_>) -> Vec<Figure> {
    let of_seed: HashMap<u64, &Measures> = theirs.ends.iter().rev().copied().collect();
    let pairs: Vec<(&Measures, &Measures)> =
        ours.ends.iter().filter_map(|&(seed, last)| Some((last, *of_seed.get(&seed)?))).collect();
    let Some((first, _)) = pairs.first() else { return Vec::new() };
    // Two runs may have other figures, or the same in another order.
    let same = pairs.iter().all(|(a, b)| first.has_names_of(a) && first.has_names_of(b));
    let (left, right) = if same {
        let all = |side: fn(&(&Measures, &Measures)) -> Vec<Option<f64>>| pairs.iter().map(side).collect();
        (all(|(ours, _)| values(ours)), all(|(_, theirs)| values(theirs)))
    } else {
        let by_name = |measures: &Measures| first.names().map(|name| measures.named(&name)).collect();
        let left: Vec<Vec<Option<f64>>> = pairs.iter().map(|(ours, _)| by_name(ours)).collect();
        (left, pairs.iter().map(|(_, theirs)| by_name(theirs)).collect())
    };
    let of_figure = |(figure, metric): (usize, String)| {
        let (left, right) = (column(&left, figure)?, column(&right, figure)?);
        let differences: Vec<f64> = left.iter().zip(right).map(|(ours, theirs)| ours - theirs).collect();
        // Infinite figures have no difference.
        let estimate = mean_interval(&differences).ok()?;
        let signed = pairs.iter().flat_map(|(ours, theirs)| [(1.0, *ours), (-1.0, *theirs)]);
        let shared = shared_std_error(signed, pairs.len(), &metric);
        Some(Figure { metric, estimate: with_shared(estimate, shared), shared, differences })
    };
    first.names().enumerate().filter_map(of_figure).collect()
}

fn values(measures: &Measures) -> Vec<Option<f64>> {
    measures.flat().map(|(_, measure)| measure.value).collect()
}
