//! Two runs side by side.

use crate::difference::figures;
use crate::rows::{Row, rows};
use crate::stars;
use pstar_record::{ArmRecord, Comparison, RunRecord};
use pstar_stats::{Estimate, SignFlip, sign_flip_test};
use rayon::prelude::*;

/// What two runs have in common, and in what they differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Between {
    /// The differences second − first of what both trained, by policy and objective in the first's order. Stars are by Holm
    /// over the objectives of a policy in one figure; the baseline is the name of the first run.
    pub comparisons: Vec<Comparison>,
    /// Policies and objectives of which no seed completed in both, or whose learning rates leave open which belong together.
    pub unpaired: Vec<(String, String)>,
    /// Those that only the first has.
    pub only_first: Vec<(String, String)>,
    /// Those that only the second has.
    pub only_second: Vec<(String, String)>,
}

/// Compares two runs: what both trained under the same names, paired by seed; at the same learning rate, or where each has
/// only one.
pub fn between(first: &RunRecord, second: &RunRecord) -> Between {
    let mut between = Between::default();
    let (theirs, ours) = (pairs(&first.arms), pairs(&second.arms));
    between.only_first = theirs.iter().filter(|pair| !ours.contains(pair)).cloned().collect();
    between.only_second = ours.iter().filter(|pair| !theirs.contains(pair)).cloned().collect();
    let shared: Vec<(String, String)> = theirs.into_iter().filter(|pair| ours.contains(pair)).collect();
    for own in shared.chunk_by(|a, b| a.0 == b.0) {
        let mut found = Vec::new();
        for (policy, objective) in own {
            let of_pair = of_pair((policy, objective), first, second);
            if of_pair.is_empty() {
                between.unpaired.push((policy.clone(), objective.clone()));
            }
            found.extend(of_pair);
        }
        let test = |(_, differences): &(Comparison, Vec<f64>)| sign_flip_test(differences).ok();
        let tests: Vec<Option<SignFlip>> = found.par_iter().map(test).collect();
        let mut comparisons: Vec<Comparison> = found.into_iter().map(|(comparison, _)| comparison).collect();
        stars::award(&mut comparisons, &tests);
        between.comparisons.extend(comparisons);
    }
    between
}

/// Policies with their objectives, policy by policy.
fn pairs(arms: &[ArmRecord]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for arm in arms {
        let is_known =
            |(policy, objective): &(String, String)| *policy == arm.policy && *objective == arm.objective;
        if !pairs.iter().any(is_known) {
            pairs.push((arm.policy.clone(), arm.objective.clone()));
        }
    }
    pairs
}

fn of_pair(
    (policy, objective): (&str, &str),
    first: &RunRecord,
    second: &RunRecord,
) -> Vec<(Comparison, Vec<f64>)> {
    let theirs = rows(policy, objective, &first.arms);
    let ours = rows(policy, objective, &second.arms);
    let single = theirs.len() == 1 && ours.len() == 1;
    let mut found = Vec::new();
    for row in &ours {
        let is_partner = |other: &&Row<'_>| single || other.rate.to_bits() == row.rate.to_bits();
        let Some(partner) = theirs.iter().find(is_partner) else { continue };
        let named = !single || partner.rate.to_bits() != row.rate.to_bits();
        for figure in figures(row, partner) {
            let Estimate { value, interval } = figure.estimate;
            let comparison = Comparison {
                policy: policy.into(),
                objective: objective.into(),
                baseline: first.name.clone(),
                learning_rate: named.then_some(row.rate),
                baseline_learning_rate: named.then_some(partner.rate),
                metric: figure.metric,
                difference: value,
                low: interval.map(|ends| ends.low),
                high: interval.map(|ends| ends.high),
                shared_std_error: figure.shared,
                pairs: figure.differences.len(),
                p_value: None,
                adjusted_p_value: None,
                star: None,
                pairs_needed: None,
            };
            found.push((comparison, if figure.shared.is_some() { Vec::new() } else { figure.differences }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_record::{ArmStatus, Failure, Measures};

    fn arm(objective: &str, rate: f64, seed: u64, x: f64) -> ArmRecord {
        let mut measures = Measures::default();
        measures.push("x", x);
        let failure = Failure { step: 0, message: String::new() };
        ArmRecord {
            policy: "p".into(),
            objective: objective.into(),
            seed,
            learning_rate: rate,
            status: ArmStatus::Complete,
            failure: None,
            last: Some(measures),
            ..ArmRecord::of_failure(String::new(), failure)
        }
    }

    fn run(arms: Vec<ArmRecord>) -> RunRecord {
        let mut record = RunRecord::read(
            br#"{"name": "r", "method": "enumeration", "arms": [], "references": {}, "warnings": []}"#,
        )
        .unwrap();
        record.arms = arms;
        record
    }

    #[test]
    fn seeds_of_both_are_paired_whatever_their_order() {
        let first = run(vec![arm("a", 0.1, 1, 10.0), arm("a", 0.1, 2, 20.0), arm("b", 0.1, 1, 0.0)]);
        let second = run(vec![
            arm("c", 0.1, 1, 0.0),
            arm("a", 0.2, 3, 0.0),
            arm("a", 0.2, 2, 21.0),
            arm("a", 0.2, 1, 13.0),
        ]);
        let found = between(&first, &second);
        assert_eq!(found.comparisons.len(), 1);
        let comparison = &found.comparisons[0];
        assert_eq!((comparison.difference, comparison.pairs), (2.0, 2));
        assert_eq!((comparison.learning_rate, comparison.baseline_learning_rate), (Some(0.2), Some(0.1)));
        assert_eq!(found.only_first, [("p".to_string(), "b".to_string())]);
        assert_eq!(found.only_second, [("p".to_string(), "c".to_string())]);
        assert!(found.unpaired.is_empty());
    }

    #[test]
    fn of_several_rates_only_equal_ones_belong_together() {
        let first = run(vec![arm("a", 0.1, 1, 1.0), arm("a", 0.2, 1, 2.0)]);
        let second = run(vec![arm("a", 0.3, 1, 1.0), arm("a", 0.2, 1, 5.0)]);
        let found = between(&first, &second);
        assert_eq!(found.comparisons.iter().map(|c| c.difference).collect::<Vec<_>>(), [3.0]);
        let none = between(&first, &run(vec![arm("a", 0.3, 1, 1.0)]));
        assert_eq!((none.comparisons.len(), none.unpaired.len()), (0, 1));
        assert_eq!(between(&first, &first).comparisons[0].difference, 0.0);
    }
}
