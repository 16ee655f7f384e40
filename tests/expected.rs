//! Exact gradients of strangers' objectives, by what they declare.

use crate::support::{PROMPTED_TASK, experiments, libraries, run_with, test_library};
use pstar_lab::experiment::{ExperimentFile, check};
use pstar_lab::run::prepare;
use pstar_loader::Registry;
use pstar_record::{Method, RunRecord};

fn run(text: &str) -> RunRecord {
    run_with(test_library("grouped"), text)
}

/// Three outputs of one symbol, two of them valid, from the logits (0.2, −0.5, 0.3).
fn one_step(group: u32) -> Vec<f64> {
    let text = format!(
        r#"(name: "groups",
            task: (
                alphabet: Chars("abc"), horizon: 1, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 1, table: {{"": [0.5, 0.3, 0.2]}})),
                verifier: (plugin: "regex", config: (pattern: "a|c")),
            ),
            policies: {{"q": (plugin: "ngram", config: (order: 1, table: {{"": [0.5, 0.2, 0.3]}}), start: AsConfigured)}},
            objectives: {{"normalised": (plugin: "normalised", config: (group: {group}))}},
            training: (gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 1.0)),
            seeds: [1])"#
    );
    let record = run(&text);
    assert!(record.arms[0].failure.is_none(), "{:?}", record.arms[0].failure);
    record.arms[0].parameters.clone()
}

/// All groups of samples, one by one: the mean over them of Σ_i c_i ∇ log q(y_i) / G.
#[test]
fn the_expectation_over_groups_is_that_over_all_groups() {
    let q = [0.5, 0.2, 0.3];
    let right = [1.0, 0.0, 1.0];
    for group in [1u32, 2, 3, 5] {
        let mut expected = [0.0; 3];
        for number in 0..3usize.pow(group) {
            let samples: Vec<usize> = (0..group).map(|i| number / 3usize.pow(i) % 3).collect();
            let prob: f64 = samples.iter().map(|&y| q[y]).product();
            let mean = samples.iter().map(|&y| right[y]).sum::<f64>() / f64::from(group);
            for &y in &samples {
                let c = (right[y] - mean) / ((mean * (1.0 - mean)).sqrt() + 0.1);
                for k in 0..3 {
                    let score = f64::from(u8::from(k == y)) - q[k];
                    expected[k] += prob * c * score / f64::from(group);
                }
            }
        }
        let found = one_step(group);
        for k in 0..3 {
            let moved = found[k] - q[k].ln();
            assert!((moved - expected[k]).abs() < 1e-14, "group {group}: {moved}, not {}", expected[k]);
        }
    }
}

#[test]
fn states_and_outputs_give_the_same_expectation_over_groups() {
    let text = |limit: u32| {
        format!(
            r#"(name: "groups", {PROMPTED_TASK}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"normalised": (plugin: "normalised", config: (group: 6))}},
                training: (gradient: Population, steps: 8, optimizer: Sgd(learning_rate: 0.5)),
                evaluation: (every: 8, enumerate_up_to: {limit}),
                seeds: [1])"#
        )
    };
    let (listed, walked) = (run(&text(1000)), run(&text(10)));
    assert_eq!((listed.method, walked.method), (Method::Enumeration, Method::DynamicProgramming));
    let start = &listed.arms[0].initial.as_ref().unwrap().get("validity_rate").unwrap();
    let end = &listed.arms[0].last.as_ref().unwrap().get("validity_rate").unwrap();
    assert!(*end > 1.1 * *start, "{start} {end}");
    for (a, b) in listed.arms[0].parameters.iter().zip(&walked.arms[0].parameters) {
        assert!((a - b).abs() < 1e-10, "{a} and {b}");
    }
}

#[test]
fn coefficients_that_depend_on_more_are_refused() {
    let text = |config: &str| {
        format!(
            r#"(name: "groups", {PROMPTED_TASK}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"normalised": (plugin: "normalised", config: {config})}},
                training: (gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 0.5)),
                seeds: [1])"#
        )
    };
    let record = run(&text("(group: 3, uneven: true)"));
    let message = &record.arms[0].failure.as_ref().unwrap().message;
    assert!(message.contains("different coefficients to sequences of equal reward"), "{message}");
    for group in [0, 2049] {
        let message = refused(&text(&format!("(group: {group})")));
        assert!(
            message.contains(&format!("groups of 1 to 2048 samples, found `group: {group}`")),
            "{message}"
        );
    }
}

/// Why an experiment is refused before training.
fn refused(text: &str) -> String {
    let registry = Registry::load(&[libraries(), vec![test_library("grouped")]].concat()).unwrap();
    let path = experiments().join("test.ron");
    let file = ExperimentFile::parse(&path, text).unwrap();
    let experiment = check(file, &path, text, &registry).unwrap();
    let Err(error) = prepare(&experiment, &registry) else { panic!("accepted") };
    error.problems[0].message.clone()
}

fn scaled(config: &str, limit: u32) -> String {
    format!(
        r#"(name: "scaled", {PROMPTED_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{"scaled": (plugin: "scaled", config: {config})}},
            training: (gradient: Population, steps: 8, optimizer: Sgd(learning_rate: 0.5)),
            evaluation: (every: 8, enumerate_up_to: {limit}),
            seeds: [1])"#
    )
}

#[test]
fn the_scale_of_an_objective_is_kept_where_outputs_are_not_listed() {
    let end =
        |limit| run(&scaled("(scale: 3.0, declares: InvalidityRate)", limit)).arms[0].parameters.clone();
    for (a, b) in end(1000).iter().zip(&end(10)) {
        assert!((a - b).abs() < 1e-10, "{a} and {b}");
    }
}

#[test]
fn an_objective_that_declares_another_divergence_is_refused() {
    for declares in
        ["KlFromFiltered", "Alpha(alpha: 0.5)", "KlToTilted(beta: 0.1)", "KlToTiltedAtRate(mu: 0.9)"]
    {
        let message = refused(&scaled(&format!("(scale: 3.0, declares: {declares})"), 10));
        assert!(message.contains("are not those of the divergence that it declares"), "{message}");
    }
    // Without 1/Z there is another factor for every prompt.
    let message = refused(&scaled("(scale: 1.0, ratio: true, declares: KlFromFiltered)", 10));
    assert!(message.contains("are not those of the divergence that it declares"), "{message}");
}
