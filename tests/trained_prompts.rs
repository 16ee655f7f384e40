//! `training.prompts`: arms train on some of the prompts that they are measured on.

use crate::support::{PROMPTED_TASK, experiment, experiments, registry, run, texts};
use pstar_lab::experiment::{ExperimentFile, Problem, check};
use pstar_lab::kappa::kappa;
use pstar_lab::run::prepare;
use pstar_record::RunRecord;

/// Arms on a task of these prompts, and perhaps of weights.
fn text(task: &str, objectives: &str, training: &str, evaluation: &str) -> String {
    let task = PROMPTED_TASK.replace(r#"prompts: List(["1=", "2=", "3=", "5="])"#, task);
    assert_ne!(task, PROMPTED_TASK);
    format!(
        r#"(name: "trained", {task}
            policies: {{"it": (plugin: "ngram", config: (order: 3), start: CopyBase)}},
            objectives: {{{objectives}}},
            training: ({training}, steps: 3, optimizer: Adam(learning_rate: 0.1)),
            evaluation: ({evaluation}k: [1], optima: false), seeds: [1, 2])"#
    )
}

const ALL: &str =
    r#""reinforce": (plugin: "reinforce"), "forward-kl": (plugin: "forward-kl"), "rloo": (plugin: "rloo")"#;
/// The task's order is what numbers prompts, and numbers choose random numbers: of the larger task they are the first.
const FOUR: &str = r#"prompts: List(["5=", "2=", "1=", "3="])"#;
const TWO: &str = r#"prompts: List(["5=", "2="])"#;
const SOME: &str = r#"prompts: ["2=", "5="], "#;

/// Asserts that arms of the first run end where those of the second do, and measure the same there.
fn assert_same_arms(first: &RunRecord, second: &RunRecord) {
    assert!(!first.arms.is_empty() && first.arms.len() == second.arms.len());
    for (a, b) in first.arms.iter().zip(&second.arms) {
        assert!(a.failure.is_none() && b.failure.is_none(), "{:?} {:?}", a.failure, b.failure);
        assert_eq!(a.parameters, b.parameters, "{}", a.objective);
        assert_eq!((a.budget, &a.first_batch), (b.budget, &b.first_batch), "{}", a.objective);
        for (a, b) in a.prompts.end.iter().zip(&b.prompts.end) {
            let [a, b] = [a, b].map(|measures| measures.get("validity_rate").unwrap());
            assert_eq!(a, b);
        }
    }
}

/// To the bit: by samples, over all outputs, over states, and with expected steps matched.
#[test]
fn arms_train_as_if_the_task_had_these_prompts_alone() {
    for (objectives, gradient, evaluation) in [
        (ALL, "gradient: Sampled(prompts: 3, group: 4)", ""),
        (
            ALL,
            "gradient: Sampled(prompts: 2, group: 4, epochs: 2, minibatches: 2, source: Buffer(age: 1))",
            "",
        ),
        (r#""forward-kl": (plugin: "forward-kl")"#, "gradient: Population", ""),
        (r#""forward-kl": (plugin: "forward-kl")"#, "gradient: Population", "enumerate_up_to: 1, "),
        (r#""rloo": (plugin: "rloo")"#, "match: Kappa, gradient: Sampled(prompts: 3, group: 4)", ""),
    ] {
        let some = run(&text(FOUR, objectives, &format!("{SOME}{gradient}"), evaluation));
        let alone = run(&text(TWO, objectives, gradient, evaluation));
        assert_same_arms(&some, &alone);
        let all = run(&text(FOUR, objectives, gradient, evaluation));
        let differ = some.arms.iter().zip(&all.arms).any(|(some, all)| some.parameters != all.parameters);
        assert!(differ, "{gradient}");
        assert_eq!(some.arms[0].prompts.end.len(), 4, "all are measured");
    }
}

/// As in a task of these weights, to the bit: shares of powers of two are the same numbers.
#[test]
fn weights_are_those_of_the_task() {
    for gradient in ["Sampled(prompts: 2, group: 4)", "Population"] {
        let objectives = r#""forward-kl": (plugin: "forward-kl")"#;
        let of =
            |task: &str, some: &str| run(&text(task, objectives, &format!("{some}gradient: {gradient}"), ""));
        let some = of(&format!("weights: [3, 1, 2, 2], {FOUR}"), SOME);
        assert_same_arms(&some, &of(&format!("weights: [3, 1], {TWO}"), ""));
    }
}

#[test]
fn all_prompts_in_any_order_are_the_default() {
    let of =
        |some: &str| run(&text(FOUR, ALL, &format!("{some}gradient: Sampled(prompts: 3, group: 4)"), ""));
    let (listed, default) = (of(r#"prompts: ["1=", "3=", "2=", "5="], "#), of(""));
    assert_same_arms(&listed, &default);
    assert!(listed.warnings.is_empty() && default.warnings.is_empty(), "{:?}", listed.warnings);
}

#[test]
fn a_run_says_so_and_has_no_optima() {
    let text = text(FOUR, ALL, &format!("{SOME}gradient: Sampled(prompts: 3, group: 4)"), "");
    assert_eq!(kappa(&experiment(&text), registry()).unwrap().prompts, 2);
    let record = run(&text.replace("optima: false", "optima: true"));
    let warnings = texts(&record.warnings);
    assert!(record.optima.is_empty());
    for words in ["arms train on 2 of 4 prompts", "no optimum can be had: what is trained on some prompts"] {
        assert!(warnings.iter().any(|warning| warning.contains(words)), "{words}: {warnings:?}");
    }
}

/// What is wrong with an experiment that trains on these prompts.
fn problems(task: &str, prompts: &str) -> (String, Vec<Problem>) {
    let text = text(task, ALL, &format!("prompts: {prompts}, gradient: Population"), "");
    let path = experiments().join("test.ron");
    let file = ExperimentFile::parse(&path, &text).unwrap();
    let Err(error) = check(file, &path, &text, registry()) else { panic!("{prompts} is no problem") };
    (text, error.problems)
}

#[test]
fn faults_are_told_where_they_stand() {
    let weighted = format!("weights: [0, 0, 1, 1], {FOUR}");
    for (task, prompts, message) in [
        (FOUR, "[]", "expected at least one prompt to train on, found none"),
        (FOUR, r#"["2=", "4="]"#, "expected prompts of `task.prompts`, found `4=`"),
        (FOUR, r#"["2=", "2="]"#, "prompt `2=` is given twice"),
        (
            &weighted,
            r#"["2=", "5="]"#,
            "expected a prompt of positive weight to train on, found weights of 0 alone",
        ),
    ] {
        let (text, problems) = problems(task, prompts);
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!((problem.message.as_str(), &text[problem.place.clone().unwrap()]), (message, prompts));
    }
    let unsolvable =
        text(r#"prompts: List(["1=", "333="])"#, ALL, r#"prompts: ["333="], gradient: Population"#, "");
    let experiment = experiment(&unsolvable);
    let Err(error) = prepare(&experiment, registry()) else { panic!("it can learn") };
    let message =
        "no prompt that is trained on has a valid output that the base reaches: there is nothing to learn";
    assert_eq!(error.problems[0].message, message);
}
