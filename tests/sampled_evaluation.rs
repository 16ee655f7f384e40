//! Estimates against exact values.

use crate::support::{PROMPTED_TASK, library, run, run_with, test_library, texts};
use pstar_record::{Measure, Method, RunRecord};

fn text(enumerate_up_to: u64) -> String {
    format!(
        r#"(name: "sampled", {PROMPTED_TASK}
            policies: {{"trigram": (plugin: "ngram", config: (order: 3), start: CopyBase)}},
            objectives: {{"reinforce": (plugin: "reinforce"), "running": (plugin: "forward-kl")}},
            training: (gradient: Sampled(prompts: 4, group: 8), steps: 5, optimizer: Sgd(learning_rate: 0.5)),
            evaluation: (every: 5, k: [1, 4, 16], enumerate_up_to: {enumerate_up_to}, samples: 20000),
            exact: (max_states: 1),
            seeds: [1])"#
    )
}

/// The same arms, evaluated both ways. The exact Z is unknown where outputs are not enumerated, so only the
/// objective without Z takes the same path.
#[test]
fn estimates_lie_within_five_standard_errors_of_the_exact_values() {
    let (exact, sampled) = (run(&text(1000)), run(&text(10)));
    assert_eq!((exact.method, sampled.method), (Method::Enumeration, Method::Sampling));
    let (exact_arm, sampled_arm) = (&exact.arms[0], &sampled.arms[0]);
    assert_eq!(exact_arm.parameters, sampled_arm.parameters);
    let mut compared = 0;
    for (name, measure) in sampled_arm.last.as_ref().unwrap().flat() {
        let truth = exact_arm.last.as_ref().unwrap().flat().find(|(known, _)| *known == name).unwrap().1;
        let (estimate, error) = (measure.value.unwrap(), measure.std_error.unwrap());
        let truth = truth.value.unwrap();
        assert!(error > 0.0 && error < 0.05 * truth.abs().max(1.0), "{name}: {error}");
        assert!((estimate - truth).abs() < 5.0 * error, "{name}: {estimate} ± {error}, not {truth}");
        compared += 1;
    }
    assert!(compared >= 12, "{compared}");
    assert!(sampled.arms[1].log_partition.running > 0 && sampled.arms[1].log_partition.exact == 0);
}

/// A recurrent policy has no states, but base and verifier have, so that p* can be sampled and Z is exact.
fn recurrent(enumerate_up_to: u64) -> String {
    format!(
        r#"(name: "recurrent",
            task: (
                alphabet: Chars("ab"), prompt_alphabet: Chars("="), horizon: 6, ending: EndSymbol,
                prompts: List(["=", "b=", "a="]),
                base: (plugin: "ngram", config: (order: 2, table: {{
                    "^": [0.5, 0.3, 0.2], "a": [0.6, 0.2, 0.2], "b": [0.2, 0.5, 0.3], "=": [0.4, 0.4, 0.2],
                }})),
                verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
            ),
            policies: {{"gru": (plugin: "rnn", config: (hidden: 4), start: Random)}},
            objectives: {{"reinforce": (plugin: "reinforce")}},
            training: (gradient: Sampled(prompts: 3, group: 8), steps: 3, optimizer: Adam(learning_rate: 0.05)),
            evaluation: (
                every: 3, k: [1, 16, 100000], betas: [0.5], alphas: [0.25, 0.5, 0.9, 0.999999],
                enumerate_up_to: {enumerate_up_to}, samples: 20000,
            ),
            seeds: [1])"#
    )
}

#[test]
fn samples_of_the_filtered_model_measure_policies_without_states() {
    let measured = |limit| run_with(library("rnn"), &recurrent(limit));
    let (exact, sampled) = (measured(1000), measured(10));
    assert_eq!((exact.method, sampled.method), (Method::Enumeration, Method::DynamicProgramming));
    let (exact_arm, sampled_arm) = (&exact.arms[0], &sampled.arms[0]);
    assert_eq!(exact_arm.parameters, sampled_arm.parameters);
    let truths = exact_arm.last.as_ref().unwrap();
    let mut compared = Vec::new();
    for (name, measure) in sampled_arm.last.as_ref().unwrap().flat() {
        let truth = truths.flat().find(|(known, _)| *known == name).unwrap().1.value.unwrap();
        if name == "kl_to_filtered" {
            assert_eq!((measure.value, truth), (Some(f64::INFINITY), f64::INFINITY));
            continue;
        }
        // More samples than there are could all be wrong, or find what is too rare to be among these.
        if ["pass@100000", "coverage@100000"].contains(&name.as_str()) {
            assert_eq!(measure, Measure::default());
            continue;
        }
        let (estimate, error) = (measure.value.unwrap(), measure.std_error.unwrap());
        assert!(error > 0.0 && error < 0.02 * truth.abs().max(1.0), "{name}: {error}");
        assert!((estimate - truth).abs() < 5.0 * error, "{name}: {estimate} ± {error}, not {truth}");
        compared.push(name);
    }
    for name in [
        "kl_from_filtered",
        "js_to_filtered",
        "coverage@16",
        "alpha_divergence@0.25",
        "alpha_divergence@0.999999",
    ] {
        assert!(compared.iter().any(|known| known == name), "{name} is missing");
    }
    let said =
        texts(&sampled.warnings).iter().any(|text| text.contains("`gru`") && text.contains("20000 samples"));
    assert!(said, "{:?}", sampled.warnings);
}

/// A prompt without valid outputs has no distances from p*, wherever it stands, and the others keep theirs.
#[test]
fn prompts_without_a_filtered_model_do_not_disturb_the_others() {
    let figures = |prompts: &str| -> Vec<(String, bool)> {
        let task = PROMPTED_TASK.replace(r#""1=", "2=", "3=", "5=""#, prompts);
        let text = format!(
            r#"(name: "unsolvable", {task}
                policies: {{"gru": (plugin: "rnn", config: (hidden: 4), start: Random)}},
                objectives: {{"reinforce": (plugin: "reinforce")}},
                training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
                evaluation: (every: 1, k: [1], betas: [0.5], alphas: [0.5], enumerate_up_to: 10, samples: 200),
                seeds: [1])"#
        );
        let record = run_with(library("rnn"), &text);
        let last = record.arms[0].last.as_ref().unwrap();
        last.flat().map(|(name, measure)| (name, measure.value.is_some())).collect()
    };
    let solvable = figures(r#""1=", "3=""#);
    assert!(solvable.contains(&("js_to_filtered".into(), true)), "{solvable:?}");
    // No five symbols of 1, 2 and + make 555.
    for prompts in [r#""1=", "555=""#, r#""555=", "1=""#] {
        assert_eq!(figures(prompts), solvable, "{prompts}");
    }
}

/// A policy that meets nothing valid, of a base that is valid half of the time: no standard error is 0, and three of them
/// cover what is known. Its probability of a³⁰ is 3⁻³⁰, so that it covers nothing and the α-divergences are
/// (1 − 0) / (α(1 − α)) to 1e-3.
#[test]
fn nothing_valid_was_met() {
    let record = run_with(
        test_library("faulty"),
        r#"(name: "nothing",
            task: (
                alphabet: Chars("ab"), horizon: 30, ending: EndSymbol,
                base: (plugin: "ngram", config: (order: 1, table: {"": [0.98, 0.01, 0.01]})),
                verifier: (plugin: "regex", config: (pattern: "a{30}")),
            ),
            policies: {"even": (plugin: "even", config: (view: Absent), start: AsConfigured)},
            objectives: {"reinforce": (plugin: "reinforce")},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (every: 1, k: [1, 16, 500], alphas: [0.25, 0.75, 0.99], samples: 500, optima: false),
            seeds: [1])"#,
    );
    let initial: Vec<(String, Measure)> = record.arms[0].initial.as_ref().unwrap().flat().collect();
    let check = |name: &str, truth: f64| {
        let measure = initial.iter().find(|(known, _)| known == name).unwrap().1;
        let (value, error) = (measure.value.unwrap(), measure.std_error.unwrap());
        assert!(
            error > 0.0 && (value - truth).abs() < 3.0 * error + 1e-3 * truth,
            "{name}: {value} ± {error}"
        );
    };
    for name in ["validity_rate", "pass@1", "pass@500", "coverage@1", "coverage@16", "coverage@500"] {
        check(name, 0.0);
    }
    // 3 in 500 outputs that were not met may be valid.
    let error = initial.iter().find(|(name, _)| name == "coverage@16").unwrap().1.std_error.unwrap();
    assert!((0.5 * 16.0 / 500.0..2.0 * 16.0 / 500.0).contains(&error), "{error}");
    for (key, alpha) in [("0.75", 0.75), ("0.99", 0.99)] {
        check(&format!("alpha_divergence@{key}"), 1.0 / (alpha * (1.0 - alpha)));
    }
}

/// The arms of both runs are the same; one is measured exactly, the other by 60 samples of p* that all its arms share.
/// The differences of the second lie within twice their intervals of those of the first, whose seeds agree so well that
/// intervals of the seeds alone do not cover them.
#[test]
fn intervals_include_the_error_of_shared_samples() {
    let change = |text: String| {
        text.replace(
            r#""reinforce")}"#,
            r#""reinforce"), "other": (plugin: "forward-kl", config: (partition: Running))}"#,
        )
        .replace("samples: 20000", "samples: 60, optima: false")
        .replace("seeds: [1]", "seeds: [1, 2, 3, 4, 5, 6]")
        .replace("start: Random", "start: AsConfigured")
        .replace("alphas: [0.25, 0.5, 0.9, 0.999999]", "alphas: [0.25]")
    };
    let (exact, sampled) = (
        run_with(library("rnn"), &change(recurrent(1000))),
        run_with(library("rnn"), &change(recurrent(10))),
    );
    let mut covered = (0, 0);
    for metric in ["kl_from_filtered", "tv_to_filtered", "hellinger2_to_filtered", "alpha_divergence@0.25"] {
        let find =
            |record: &RunRecord| record.comparisons.iter().find(|c| c.metric == metric).unwrap().clone();
        let (truth, found) = (find(&exact).difference, find(&sampled));
        let (low, high) = (found.low.unwrap(), found.high.unwrap());
        let shared = found.shared_std_error.unwrap();
        assert!(find(&exact).shared_std_error.is_none());
        assert!(shared > 0.0 && high - low > 2.0 * 1.95 * shared, "{found:?}");
        let miss = (found.difference - truth).abs();
        assert!(miss < high - low, "{metric}: {truth} {found:?}");
        // What the seeds alone would give: h² = w² + (1.96 s)².
        let half = (high - low) / 2.0;
        let alone = (half * half - (1.959_964 * shared).powi(2)).max(0.0).sqrt();
        covered.0 += u32::from(miss < alone);
        covered.1 += u32::from(miss < half);
    }
    assert!(covered.1 >= 3 && covered.0 <= covered.1, "{covered:?}");
}

/// Estimates are shown with their standard errors, in the digits that these allow, and what is exact without.
#[test]
fn the_table_shows_standard_errors() {
    let table = |record: &RunRecord| pstar_report::run_table(record, None);
    let sampled = table(&run_with(library("rnn"), &recurrent(10).replace("20000", "2000")));
    let row = |text: &str| text.lines().rfind(|line| line.starts_with("reinforce")).unwrap().to_string();
    assert_eq!(row(&sampled).matches(" ± ").count(), 6 - 1, "coverage@100000 is not estimated: {sampled}");
    assert!(sampled.contains("±: standard error of the estimate from samples"), "{sampled}");
    let exact = table(&run_with(library("rnn"), &recurrent(1000)));
    assert!(!exact.contains('±'), "{exact}");
}
