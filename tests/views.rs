//! Spaces that nobody can list, and components that nobody can walk: who lacks a finite-state view, and what would
//! help. Also views that answer what is no log-probability.

use crate::support::{folder, host, shown, test_library};
use serde_json::Value;
use std::fs;
use std::process::Output;

/// An experiment over 2³¹ − 1 outputs, in which each component may be exchanged.
#[derive(Clone, Copy)]
struct Parts<'a> {
    base: &'a str,
    verifier: &'a str,
    policy: &'a str,
    objective: &'a str,
    gradient: &'a str,
}

const SOUND: Parts<'_> = Parts {
    base: r#"(plugin: "ngram", config: (order: 1, table: {"": [0.4, 0.4, 0.2]}))"#,
    verifier: r#"(plugin: "regex", config: (pattern: "a*"))"#,
    policy: r#"(plugin: "ngram", config: (order: 1), start: FitBase)"#,
    objective: r#"(plugin: "reinforce")"#,
    gradient: "Sampled(prompts: 1, group: 8)",
};

const NO_BASE: Parts<'_> = Parts { base: r#"(plugin: "even", config: (view: Absent))"#, ..SOUND };
/// A word boundary keeps a pattern from being an automaton.
const NO_VERIFIER: Parts<'_> =
    Parts { verifier: r#"(plugin: "regex", config: (pattern: "\\ba*"))"#, ..SOUND };
const NO_POLICY: Parts<'_> =
    Parts { policy: r#"(plugin: "even", config: (view: Absent), start: AsConfigured)"#, ..SOUND };

impl Parts<'_> {
    fn text(self) -> String {
        let Self { base, verifier, policy, objective, gradient } = self;
        format!(
            r#"(name: "views",
                task: (
                    alphabet: Chars("ab"), horizon: 30, ending: EndSymbol,
                    base: {base},
                    verifier: {verifier},
                ),
                policies: {{"it": {policy}}},
                objectives: {{"aim": {objective}}},
                training: (gradient: {gradient}, steps: 2, optimizer: Sgd(learning_rate: 0.1)),
                evaluation: (every: 1, k: [1, 100000], betas: [0.5], alphas: [0.5], samples: 200),
                seeds: [1])"#
        )
    }

    fn ask(self, arguments: &[&str]) -> (Output, String) {
        ask(&self.text(), arguments)
    }

    fn refused(self, arguments: &[&str], component: &str, help: &str) {
        let (output, text) = self.ask(arguments);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(&format!("{component} has no finite-state view")), "{text}");
        assert!(text.contains(help), "{text}");
    }
}

/// What a command makes of an experiment, and what it says in one line.
fn ask(text: &str, arguments: &[&str]) -> (Output, String) {
    let folder = folder();
    let plugin = test_library("faulty");
    fs::copy(&plugin, folder.path().join(plugin.file_name().unwrap())).unwrap();
    fs::write(folder.path().join("views.ron"), text).unwrap();
    let command = [&arguments[..1], &["views.ron", "--plugin-dir", "."], &arguments[1..]].concat();
    let output = host(folder.path(), &command);
    // Lines are broken to the width of the terminal.
    let words = shown(&output, folder.path()).replace('│', " ");
    (output, words.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Exact values, optima, exact gradients, and objectives that need the exact Z all name what is missing.
#[test]
fn what_needs_states_names_the_component_that_has_none() {
    let help = "help: use a smaller `horizon`";
    for (parts, component) in [
        (NO_BASE, "the base `even`"),
        (NO_VERIFIER, "the verifier `regex`"),
        (NO_POLICY, "the policy `even`"),
    ] {
        parts.refused(&["exact"], component, "`gradient: Sampled(…)` estimates");
        parts.refused(&["exact", "--method", "dynamic-programming"], component, help);
        parts.refused(&["optimum"], component, "optima need a base and a policy that are tables over states");
        Parts { gradient: "Population", ..parts }.refused(&["run"], component, "smaller");
    }
    // Of a policy no objective needs states.
    for (parts, component) in [(NO_BASE, "the base `even`"), (NO_VERIFIER, "the verifier `regex`")] {
        for objective in [
            r#"(plugin: "kl-control", config: (mu: 0.9))"#,
            r#"(plugin: "forward-kl", config: (partition: Exact))"#,
        ] {
            Parts { objective, ..parts }.refused(&["run"], component, help);
        }
    }
}

/// Sampling needs no states: the run is complete, says what its figures are, and has their standard errors.
#[test]
fn sampling_goes_on_without_states_and_says_so() {
    for (parts, component) in [
        (NO_BASE, "the base `even`"),
        (NO_VERIFIER, "the verifier `regex`"),
        (NO_POLICY, "policy `it`: the policy `even`"),
    ] {
        let (output, text) = parts.ask(&["run", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{text}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["arms"][0]["status"], "complete", "{text}");
        let warnings = summary["warnings"].as_array().unwrap();
        let said = warnings.iter().filter_map(Value::as_str).any(|warning| {
            warning.contains(&format!("{component} has no finite-state view"))
                && warning.contains("estimated from 200 samples a prompt")
        });
        assert!(said, "{text}");
        let last = &summary["arms"][0]["final"];
        assert!(last["std_errors"]["validity_rate"].as_f64().unwrap() > 0.0, "{last}");
        assert!(!last["kl_from_filtered"].is_null(), "{last}");
    }
}

/// NaN and +∞ are no log-probabilities, whoever gives them; nothing is computed from them.
#[test]
fn views_that_answer_no_log_probability_are_refused() {
    for (view, found) in [("NotANumber", "NaN"), ("Infinite", "inf")] {
        let base = format!(r#"(plugin: "even", config: (view: {view}))"#);
        let policy = format!(r#"(plugin: "even", config: (view: {view}), start: AsConfigured)"#);
        for parts in [Parts { base: &base, ..SOUND }, Parts { policy: &policy, ..SOUND }] {
            for command in ["exact", "optimum", "run"] {
                let (output, text) = parts.ask(&[command]);
                assert_eq!(output.status.code(), Some(2), "{command}: {text}");
                let words = format!("`even` gave a token log-probability of {found}");
                assert!(text.contains(&words), "{command}: {text}");
            }
        }
    }
}

/// The uniform policy gives outputs that begin with b, the base never, and so all of its own are valid: A0 = 0. Seen
/// through samples, as the policy has no states, the distances are infinite and none is absent.
#[test]
fn samples_that_leave_the_base_are_infinitely_far() {
    let base = r#"(plugin: "ngram", config: (order: 2, table: {"^": [1.0, 0.0, 0.0], "a": [0.4, 0.4, 0.2], "b": [0.4, 0.4, 0.2]}))"#;
    let verifier = r#"(plugin: "regex", config: (pattern: "a[ab]*"))"#;
    let (output, text) = Parts { base, verifier, ..NO_POLICY }.ask(&["run", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let last = &summary["arms"][0]["final"];
    for figure in [&last["kl_to_base"], &last["kl_to_filtered"], &last["kl_to_tilted"]["0.5"]] {
        assert_eq!(figure, "inf", "{last}");
    }
    for figure in ["kl_from_filtered", "tv_to_filtered", "js_to_filtered", "hellinger2_to_filtered"] {
        assert!(last[figure].as_f64().unwrap() > 0.0, "{figure}: {last}");
    }
    assert!(last["alpha_divergence"]["0.5"].as_f64().unwrap() < 4.0, "{last}");
}

/// 8⁴⁰⁰ equal outputs, of which half are valid: as many samples as were drawn are all distinct, although every
/// probability underflows. What more samples would find is not estimated, and that is said.
#[test]
fn outputs_below_underflow_are_covered_as_far_as_samples_tell() {
    let eighth = ["0.125"; 8].join(", ");
    let base = format!(r#"(plugin: "ngram", config: (order: 1, table: {{"": [{eighth}]}}))"#);
    let verifier = r#"(plugin: "regex", config: (pattern: "[a-d][a-h]*"))"#;
    let text = Parts { base: &base, verifier, ..NO_POLICY }.text();
    let text = text.replace(
        "\"ab\"), horizon: 30, ending: EndSymbol",
        "\"abcdefgh\"), horizon: 400, ending: FixedLength",
    );
    let (output, text) = ask(&text.replace("k: [1, 100000]", "k: [200, 100000]"), &["run", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let last = &summary["arms"][0]["final"];
    let covered = last["coverage_at"]["200"].as_f64().unwrap();
    let error = last["std_errors"]["coverage@200"].as_f64().unwrap();
    // The number of valid ones among 200 varies by √50.
    assert!(error < 4.0 * 50f64.sqrt() && (covered - 100.0).abs() < 5.0 * error, "{covered} ± {error}");
    assert!((covered - 200.0 * last["validity_rate"].as_f64().unwrap()).abs() < 1e-9, "{covered}");
    for family in ["coverage_at", "pass_at"] {
        assert!(last[family]["100000"].is_null(), "{last}");
    }
    assert!(last["std_errors"]["pass@100000"].is_null() && last["std_errors"]["coverage@100000"].is_null());
    let warnings = summary["warnings"].as_array().unwrap();
    let said = |warning: &Value| {
        warning
            .as_str()
            .unwrap()
            .starts_with("coverage@100000 and pass@100000 cannot be estimated from 200 samples")
    };
    assert!(warnings.iter().any(said), "{warnings:?}");
    let kl = last["kl_from_filtered"].as_f64().unwrap();
    assert!((kl - std::f64::consts::LN_2).abs() < 1e-9, "{kl}");
}
