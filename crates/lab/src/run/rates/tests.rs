//! Selection from records that are made by hand.

use super::*;
use crate::plan::{ObjectiveSpec, PolicySpec, Start};
use pstar_record::{ArmPrompts, Best, Budget, Failure, Means, PartitionRecord, Warnings};

/// Two policies, an objective that selects, one with a rate of its own, and another that selects.
fn plan(best: Best) -> Plan {
    let policy = |name: &str| PolicySpec {
        name: name.into(),
        plugin: String::new(),
        configuration: String::new(),
        start: Start::Random,
        start_place: 0..0,
        place: 0..0,
        files: None,
    };
    let objective = |name: &str, learning_rate| ObjectiveSpec {
        name: name.into(),
        plugin: String::new(),
        configuration: String::new(),
        place: 0..0,
        learning_rate,
    };
    Plan {
        policies: vec![policy("p"), policy("q")],
        objectives: vec![objective("a", None), objective("own", Some(0.5)), objective("b", None)],
        training: None,
        learning_rates: vec![0.2, 0.1],
        select_on: Some(SelectOn { seeds: vec![8, 9], metric: "x@2".into(), best }),
        seeds: vec![1, 2, 3],
    }
}

fn record(plan: &Plan, arm: ArmKey, status: ArmStatus, value: Option<f64>) -> ArmRecord {
    let mut last = Measures::default();
    last.push("x", 7.0);
    last.push_family("x_at", ["2".to_string()], [value]);
    ArmRecord {
        id: format!("{}-{}-{}-{}", arm.policy, arm.objective, arm.rate, arm.seed),
        policy: plan.policies[arm.policy].name.clone(),
        objective: plan.objectives[arm.objective].name.clone(),
        seed: arm.seed,
        learning_rate: plan.rate_of(arm),
        status,
        failure: (status == ArmStatus::Failed).then(|| Failure { step: 2, message: "fell".into() }),
        first_batch: None,
        budget: Budget::default(),
        log_partition: PartitionRecord::default(),
        initial: None,
        last: (status != ArmStatus::Interrupted).then_some(last),
        crossings: None,
        diagnostics: Means::default(),
        warnings: Warnings::default(),
        parameters_sha256: None,
        curve: Vec::new(),
        parameters: Vec::new(),
        prompts: ArmPrompts::default(),
    }
}

/// Records of the arms that select: `value` gives status and figure.
fn found(plan: &Plan, value: impl Fn(ArmKey) -> (ArmStatus, Option<f64>)) -> Vec<Option<ArmRecord>> {
    let record = |arm| {
        let (status, value) = value(arm);
        Some(record(plan, arm, status, value))
    };
    plan.selecting().map(record).collect()
}

fn chosen(rates: &Rates<'_>) -> Vec<Option<f64>> {
    rates
        .selection
        .iter()
        .flat_map(|selection| &selection.choices)
        .map(|choice| choice.learning_rate)
        .collect()
}

const DONE: ArmStatus = ArmStatus::Complete;

#[test]
fn each_policy_and_objective_has_the_rate_of_its_best_mean() {
    // Means of the first rate: p·a 1.5, p·b 4, q·a 9, q·b 1; of the second: 2, 3, 8, 1.
    let value = |arm: ArmKey| {
        let first = arm.seed == 8;
        let values = match (arm.policy, arm.objective, arm.rate) {
            (0, 0, 0) => [3.0, 0.0],
            (0, 0, _) => [1.0, 3.0],
            (0, _, 0) => [4.0, 4.0],
            (0, _, _) => [5.0, 1.0],
            (_, 0, 0) => [9.0, 9.0],
            (_, 0, _) => [10.0, 6.0],
            _ => [0.0, 2.0],
        };
        (DONE, Some(if first { values[0] } else { values[1] }))
    };
    let (highest, lowest) = (plan(Best::Highest), plan(Best::Lowest));
    let rates = Rates::of(&highest, &found(&highest, value));
    // Of equal means the smaller rate.
    assert_eq!(chosen(&rates), [Some(0.1), Some(0.2), Some(0.2), Some(0.1)]);
    let keys: Vec<(usize, usize, usize, u64)> =
        rates.arms().iter().map(|arm| (arm.policy, arm.objective, arm.rate, arm.seed)).collect();
    let rows = [(0, 0, 1), (0, 1, 0), (0, 2, 0), (1, 0, 0), (1, 1, 0), (1, 2, 1)];
    let expected: Vec<_> = rows
        .iter()
        .flat_map(|&(policy, objective, rate)| [1, 2, 3].map(|seed| (policy, objective, rate, seed)))
        .collect();
    assert_eq!(keys, expected);
    let rates = Rates::of(&lowest, &found(&lowest, value));
    assert_eq!(chosen(&rates), [Some(0.2), Some(0.1), Some(0.1), Some(0.1)]);
    assert_eq!(highest.arm_count(), 2 * (2 * (2 * 2 + 3) + 3));
}

#[test]
fn a_rate_with_a_failed_arm_or_without_a_figure_is_not_selected() {
    let plan = plan(Best::Highest);
    let bad = |arm: ArmKey| arm.rate == 0 && arm.seed == 9;
    for (status, value) in [(ArmStatus::Failed, Some(1e9)), (DONE, None), (DONE, Some(f64::NAN))] {
        let records = found(&plan, |arm| if bad(arm) { (status, value) } else { (DONE, Some(5.0)) });
        let rates = Rates::of(&plan, &records);
        assert_eq!(chosen(&rates), [Some(0.1); 4], "{status:?} {value:?}");
    }
    let infinite = found(&plan, |arm| (DONE, Some(if bad(arm) { f64::INFINITY } else { 5.0 })));
    assert_eq!(chosen(&Rates::of(&plan, &infinite)), [Some(0.2); 4]);
}

#[test]
fn where_all_rates_fail_only_the_others_are_trained() {
    let plan = plan(Best::Highest);
    let records = found(&plan, |arm| (if arm.objective == 0 { ArmStatus::Failed } else { DONE }, Some(1.0)));
    let rates = Rates::of(&plan, &records);
    assert_eq!(chosen(&rates), [None, Some(0.1), None, Some(0.1)]);
    assert!(!rates.are_open());
    assert!(rates.arms().iter().all(|arm| arm.objective > 0));
    assert_eq!(rates.arms().len(), 12);
    // Each failed arm is a row: not one a rate.
    let failed = rates.failed();
    assert_eq!((rates.rows().count(), failed.len()), (18, 6));
    assert_eq!(failed[0].0, ArmKey { policy: 0, objective: 0, rate: 0, seed: 1 });
    assert!(failed[0].1.contains("with a `x@2`; the first to fail: fell"), "{}", failed[0].1);
}

#[test]
fn before_all_have_ended_only_rates_that_are_known_are_trained() {
    let plan = plan(Best::Highest);
    let is_last = |arm: ArmKey| arm == ArmKey { policy: 1, objective: 2, rate: 1, seed: 9 };
    let mut records =
        found(&plan, |arm| (if is_last(arm) { ArmStatus::Interrupted } else { DONE }, Some(1.0)));
    let check = |records: &[Option<ArmRecord>]| {
        let rates = Rates::of(&plan, records);
        assert_eq!(chosen(&rates), [Some(0.1), Some(0.1), Some(0.1), None]);
        assert!(rates.are_open());
        assert_eq!((rates.arms().len(), rates.rows().count()), (15, 18));
    };
    check(&records);
    *records.last_mut().unwrap() = None;
    check(&records);
}

#[test]
fn what_was_recorded_of_these_arms_is_taken_up() {
    let plan = plan(Best::Highest);
    let rates = Rates::of(&plan, &found(&plan, |arm| (DONE, Some(1.0 / (arm.rate + 1) as f64))));
    let id = |arm: ArmKey| record(&plan, arm, DONE, None).id;
    let again = Rates::recorded(&plan, rates.selection.as_ref(), &id).unwrap();
    assert_eq!(again.arms(), rates.arms());
    assert!(Rates::recorded(&plan, None, &id).is_none());
    assert!(Rates::recorded(&plan, rates.selection.as_ref(), &|arm| id(arm) + "!").is_none());
    let without = Plan { select_on: None, ..plan.clone() };
    assert!(Rates::recorded(&without, rates.selection.as_ref(), &id).is_none());
    let all = Rates::recorded(&without, None, &id).unwrap();
    assert_eq!((all.arms(), without.selecting().count()), (without.arms().collect(), 0));
    assert_eq!(all.arms().len() as u64, without.arm_count());
}
