//! Estimates against exact values.

use crate::support::{PROMPTED_TASK, library, run, run_with};
use pstar_lab::evaluation::Method;
use pstar_lab::run::RunRecord;

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
fn recurrent(enumerate_up_to: u64) -> RunRecord {
    let text = format!(
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
                every: 3, k: [1, 16, 100000], betas: [0.5], alphas: [0.25, 0.5],
                enumerate_up_to: {enumerate_up_to}, samples: 20000,
            ),
            seeds: [1])"#
    );
    run_with(library("rnn"), &text)
}

#[test]
fn samples_of_the_filtered_model_measure_policies_without_states() {
    let (exact, sampled) = (recurrent(1000), recurrent(10));
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
        // More samples than there are could all be wrong.
        if name == "pass@100000" {
            assert_eq!(measure.value, None);
            continue;
        }
        let (estimate, error) = (measure.value.unwrap(), measure.std_error.unwrap());
        assert!(error > 0.0 && error < 0.02 * truth.abs().max(1.0), "{name}: {error}");
        assert!((estimate - truth).abs() < 5.0 * error, "{name}: {estimate} ± {error}, not {truth}");
        compared.push(name);
    }
    for name in
        ["kl_from_filtered", "js_to_filtered", "coverage@100000", "alpha_divergence@0.25", "kl_to_tilted@0.5"]
    {
        assert!(compared.iter().any(|known| known == name), "{name} is missing");
    }
    let said =
        sampled.warnings.iter().any(|warning| warning.contains("`gru`") && warning.contains("20000 samples"));
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

/// Beyond the number of samples coverage still grows with k, up to the number of valid outputs.
#[test]
fn coverage_beyond_the_samples_goes_on_growing() {
    let record = run_with(
        library("rnn"),
        r#"(name: "many",
            task: (
                alphabet: Chars("abcd"), horizon: 40, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 1, table: {"": [0.25, 0.25, 0.25, 0.25]})),
                verifier: (plugin: "regex", config: (pattern: "[ab].*")),
            ),
            policies: {"gru": (plugin: "rnn", config: (hidden: 4), start: Random)},
            objectives: {"reinforce": (plugin: "reinforce")},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (every: 1, k: [64, 65, 1000, 1000000], samples: 64, optima: false),
            seeds: [1])"#,
    );
    let last = record.arms[0].last.as_ref().unwrap();
    let rate = last.get("validity_rate").unwrap();
    for (key, k) in [("64", 64.0), ("65", 65.0), ("1000", 1e3), ("1000000", 1e6)] {
        // No output of 40 symbols among 2^79 is met twice.
        let coverage = last.get_in("coverage_at", key).unwrap();
        assert!((coverage / (k * rate) - 1.0).abs() < 1e-6, "coverage@{key} is {coverage}, validity {rate}");
    }
}
