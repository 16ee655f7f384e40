//! `host check`: every component of this workspace keeps to its contract, and of components with one fault each the check
//! that is meant for it says so.

use crate::support::{command, experiments, folder, host, installation, registry, shown, test_library};
use pstar_check::{Target, conformance, default_task};
use pstar_core::INTERFACE_VERSION;
use pstar_core::testing::{Finding, Findings, Outcome};
use pstar_loader::Registry;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Configurations of the components that cannot be made from nothing, and of some that can; the task is that of `host check`.
const CONFIGURATIONS: &[(&str, &str, &[&str])] = &[
    ("base model", "ngram", &[r#"(order: 1, table: {"": [0.4, 0.3, 0.2, 0.1]})"#, CORPUS]),
    ("base model", "rnn", &[RNN]),
    ("base model", "transformer", &[TRANSFORMER]),
    ("policy", "ngram", &["(order: 2)", "(order: 3)"]),
    ("policy", "rnn", &["(hidden: 4)", "(hidden: 3, layers: 2, embedding: 2)"]),
    (
        "policy",
        "transformer",
        &[
            "(width: 8)",
            "(width: 16, positions: Learned)",
            "(width: 12, heads: 2, norm: Layer, mlp: Gelu, positions: Rotary(theta: 100.0), biases: true, tied: true)",
        ],
    ),
    ("verifier", "arithmetic-expression", &["(target: FromPrompt)", "(target: Value(1))"]),
    ("verifier", "arithmetic-sum", &["()"]),
    ("verifier", "permutation", &["()", r#"(end: "=")"#]),
    ("verifier", "process", &[r#"(command: ["python3", "even.py"])"#]),
    ("verifier", "regex", &[r#"(pattern: "(b|ab*a)*")"#, r#"(pattern: "\\d+([-+*]\\d+)*")"#]),
    (
        "objective",
        "alpha",
        &["(alpha: 0.5, partition: Exact)", "(alpha: 0.25, partition: Exact, clip: 10.0)"],
    ),
    ("objective", "alpha-dpg", &["(alpha: 0.25)"]),
    ("objective", "f-divergence", &["(divergence: JensenShannon, partition: Exact)"]),
    ("objective", "forward-kl", &["()", "(partition: Running)"]),
    ("objective", "kl-control", &["(lambda: 10.0)", "(beta: 0.3)", "(mu: 0.9)"]),
    ("objective", "mara", &["(beta: 0.1, anchor: Batch)"]),
    ("objective", "trajectory-balance", &["(beta: 0.1, partition: Learned)"]),
    ("objective", "vargrad", &["(beta: 0.1)"]),
];

const CORPUS: &str = r#"(order: 2, corpus: "corpus.txt", add_k: 0.5)"#;
const RNN: &str = r#"(hidden: 4, corpus: "corpus.txt", epochs: 1)"#;
const TRANSFORMER: &str = r#"(width: 8, corpus: "corpus.txt", epochs: 1)"#;

/// Valid is an even number of a's.
const EVEN_CHILD: &str = r#"
import json, sys
sys.stdin.readline()
print('{"pstar": "verifier", "version": 1, "ready": true}', flush=True)
for line in sys.stdin:
    pairs = json.loads(line)["pairs"]
    print(json.dumps({"verdicts": [[i, response.count("a") % 2 == 0] for i, _, response in pairs]}), flush=True)
"#;

fn checked(registry: &Registry, kind: &str, name: &str, configuration: &str, folder: &Path) -> Findings {
    let task = default_task(kind).in_directory(folder);
    conformance(Target { registry, kind, name, configuration, task: &task }, &mut ()).unwrap()
}

/// The names of the checks that failed.
fn failed(findings: &Findings) -> Vec<&str> {
    findings.failures().map(|(check, _)| check).collect()
}

#[test]
fn every_component_of_this_workspace_passes() {
    let folder = folder();
    fs::write(folder.path().join("corpus.txt"), "abc\nab\ncab\n\nbb\nca\n").unwrap();
    fs::write(folder.path().join("even.py"), EVEN_CHILD).unwrap();
    let mut wrong = Vec::new();
    for listing in registry().components() {
        let known =
            CONFIGURATIONS.iter().find(|(kind, name, _)| (*kind, *name) == (listing.kind, listing.name));
        for configuration in known.map_or(&["()"][..], |(.., configurations)| configurations) {
            let findings = checked(registry(), listing.kind, listing.name, configuration, folder.path());
            let what = format!("{} `{}` {configuration}", listing.kind, listing.name);
            // A configuration that is refused is a check that is not made.
            assert!(matches!(findings.0[0].outcome, Outcome::Passed { .. }), "{what}: {findings:?}");
            assert!(findings.0.len() >= 7, "{what}: {findings:?}");
            wrong.extend(findings.failures().map(|(check, failure)| format!("{what}, {check}: {failure}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks a component with every fault: the checks that are named fail, and no other.
fn faults_are_found(kind: &str, name: &str, faults: &[(&str, &[&str])]) {
    let registry = Registry::load(&[test_library("broken")]).unwrap();
    let mut wrong = Vec::new();
    for (fault, expected) in faults {
        let findings = checked(&registry, kind, name, &format!("(fault: {fault})"), Path::new("."));
        if failed(&findings) != *expected {
            let failures: Vec<_> = findings.failures().collect();
            wrong.push(format!("{fault}: expected {expected:?}, found {failures:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_of_verifiers_are_found_by_the_check_meant_for_them() {
    faults_are_found(
        "verifier",
        "broken-verifier",
        &[
            ("None", &[]),
            ("CutsCharacters", &["hostile-input"]),
            ("Overflows", &["hostile-input"]),
            ("Counts", &["same-verdicts"]),
            ("Instance", &["same-verdicts"]),
            ("IncrementalForgets", &["incremental"]),
            ("IncrementalGivesUp", &["incremental"]),
            ("EmptyAnswer", &["answers"]),
            ("CountedAnswer", &["answers"]),
            ("FewPrompts", &["prompts"]),
            ("Default", &["listed-defaults"]),
        ],
    );
}

#[test]
fn faults_of_objectives_are_found_by_the_check_meant_for_them() {
    faults_are_found(
        "objective",
        "broken-objective",
        &[
            ("None", &[]),
            ("ReadsBase", &["coefficients"]),
            ("TooFew", &["coefficients"]),
            // It goes on as another instance.
            ("Instance", &["same-coefficients", "save-restore"]),
            ("FirstGroup", &["order"]),
            ("FirstSequence", &["order"]),
            ("StandardDeviation", &["zero-variance"]),
            // Groups without variance of few tokens are met there too.
            ("OneToken", &["zero-variance", "hostile-batches"]),
            ("InfiniteRatio", &["hostile-batches"]),
            ("ManyTokens", &["hostile-batches"]),
            ("Forgets", &["save-restore"]),
            ("Rounds", &["save-restore"]),
            ("Declares", &["declared-gradient"]),
            ("Descends", &["declared-gradient"]),
            ("Default", &["listed-defaults"]),
        ],
    );
}

#[test]
fn faults_of_models_are_found_by_the_check_meant_for_them() {
    faults_are_found(
        "base model",
        "broken-model",
        &[
            ("None", &[]),
            ("LongPrompt", &["hostile-input"]),
            ("RefusesScores", &["hostile-input"]),
            ("Wavers", &["same-answers"]),
            // Samples are of probabilities that do sum to 1: other ones.
            ("Leaks", &["sums-to-one", "score-of-samples", "counter-layout"]),
            ("LooksAhead", &["sums-to-one", "causal", "score-of-samples"]),
            ("Missamples", &["score-of-samples"]),
            ("Room", &["hostile-input", "score-of-samples", "counter-layout"]),
            ("NextSample", &["counter-layout"]),
            ("OneUniform", &["counter-layout"]),
            ("States", &["states"]),
            ("Outputs", &["outputs"]),
            ("Default", &["listed-defaults"]),
        ],
    );
}

#[test]
fn faults_of_policies_are_found_by_the_check_meant_for_them() {
    faults_are_found(
        "policy",
        "broken-policy",
        &[
            ("None", &[]),
            ("Descends", &["gradient", "entropy"]),
            ("Mean", &["gradient", "additive", "entropy"]),
            ("NoNormaliser", &["gradient"]),
            ("StaleCache", &["parameters", "gradient", "entropy"]),
            ("TakesNan", &["parameters"]),
            ("Entropy", &["entropy"]),
            ("Draws", &["initial-parameters"]),
        ],
    );
}

/// The host on the plugin of broken components.
fn check_broken(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = folder();
    let plugin = test_library("broken");
    fs::copy(&plugin, folder.path().join(plugin.file_name().unwrap())).unwrap();
    let arguments: Vec<&str> = ["check"].iter().chain(arguments).copied().collect();
    let output = command(installation(), &arguments)
        .args(["--plugin-dir", "."])
        .current_dir(folder.path())
        .output()
        .unwrap();
    (output.status.code(), shown(&output, folder.path()))
}

/// Text without what changes from machine to machine and from version to version: times, the interface, lines of sources.
fn lasting(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace(INTERFACE_VERSION, "[interface]");
        if let Some((before, unit)) = line.split_once(" for each ") {
            let check = before.split_whitespace().nth(1).unwrap_or_default();
            return format!("  told     {check} [time] for each {unit}");
        }
        match line.split_once(".rs:") {
            Some((before, behind)) => {
                format!("{before}.rs:[line]{}", behind.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            None => line,
        }
    };
    text.lines().map(line).collect::<Vec<String>>().join("\n")
}

#[test]
fn verdicts_are_readable() {
    for (name, component, fault) in [
        ("verdicts", "broken-verifier", "Counts"),
        ("cut", "broken-verifier", "CutsCharacters"),
        ("incremental", "broken-verifier", "IncrementalGivesUp"),
        ("variance", "broken-objective", "StandardDeviation"),
        ("declared", "broken-objective", "Declares"),
        ("layout", "broken-model", "NextSample"),
        ("gradient", "broken-policy", "Mean"),
    ] {
        let (code, text) = check_broken(&[component, "--config", &format!("(fault: {fault})")]);
        assert_eq!(code, Some(4), "{text}");
        insta::assert_snapshot!(name, lasting(&text));
    }
}

#[test]
fn what_ends_its_process_is_a_finding() {
    for (fault, words) in [("Recurses", "the end of the process: "), ("Process", "as in the first process")] {
        let (code, text) = check_broken(&["broken-verifier", "--config", &format!("(fault: {fault})")]);
        assert_eq!(code, Some(4), "{text}");
        assert!(text.contains(words), "{text}");
        let check = if fault == "Process" { "other-process" } else { "hostile-input" };
        assert!(text.contains(&format!("FAILED   {check}")), "{text}");
        // The checks behind it are made all the same.
        assert!(text.contains("passed   same-verdicts") && text.contains("1 failed"), "{text}");
    }
}

#[test]
fn what_does_not_come_back_is_a_finding() {
    let begun = Instant::now();
    let (code, text) = check_broken(&["broken-verifier", "--config", "(fault: Hangs)", "--time-limit", "6"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("asked: the response `日本語` to the prompt"), "{text}");
    assert!(text.contains("it took more than 6 s"), "{text}");
    // Ten times what it takes on a busy machine.
    assert!(begun.elapsed() < Duration::from_mins(2));
}

#[test]
fn what_is_not_checked_is_said_and_no_success() {
    let folder = folder();
    let of = |arguments: &[&str]| {
        let output = host(folder.path(), arguments);
        (output.status.code(), shown(&output, folder.path()))
    };
    let (code, text) = of(&["check", "vargrad"]);
    assert!(code == Some(2) && text.contains("NOT CHECKED"), "{text}");
    let (code, text) = of(&["check", "vargrad", "--config", "vargrad=(beta: 0.5)"]);
    assert!(code == Some(0) && text.contains("checks passed, 0 failed\n"), "{text}");
    let (code, text) = of(&["check", "vargrade"]);
    assert!(code == Some(3) && text.contains("vargrad"), "{text}");
    let library = crate::support::library("kl-control");
    let library = installation().join(library.file_name().unwrap());
    let file = library.to_str().unwrap();
    let (code, text) = of(&["check", file]);
    assert!(code == Some(2) && text.contains("1 component was not checked"), "{text}");
    let (code, text) = of(&["check", file, "--config", "kl-control=(mu: 0.8)", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    let json = text.split("--- out\n").nth(1).unwrap().split("--- err").next().unwrap();
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(value["components"].as_array().unwrap().len(), 2);
    assert_eq!((&value["failed"], &value["not_checked"]), (&0.into(), &0.into()));
    let finding: Finding = serde_json::from_value(value["components"][0]["findings"][0].clone()).unwrap();
    assert_eq!(finding.check, "interface");
}

/// An audit in a folder, as one text.
fn audit(task: &str, arguments: &[&str]) -> String {
    let folder = folder();
    fs::write(folder.path().join("it.ron"), format!("(name: \"audit\", task: ({task}))")).unwrap();
    let arguments: Vec<&str> =
        ["check", "regex", "--experiment", "it.ron"].iter().chain(arguments).copied().collect();
    let output = host(folder.path(), &arguments);
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(0), "{text}");
    text
}

/// An even number of a's of probability 0.3 among five: (1 + (1 − 0.6)^5)/2 = 0.50512; no a at all: 0.7^5 = 0.16807. So
/// (0.50512 − 0.16807)/(1 − 0.16807) = 0.405142 of what is not all b is accepted.
const EVEN: &str = r#"alphabet: Chars("ab"), horizon: 5, ending: FixedLength,
    base: (plugin: "ngram", config: (order: 1, table: {"": [0.3, 0.7]})),
    verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*"))"#;

#[test]
fn an_audit_is_exact_where_all_have_states() {
    let reference = ["--reference", "regex", "--reference-config", r#"(pattern: "b*")"#];
    let text = audit(EVEN, &reference);
    for words in [
        "it accepts 0.505120 (exact)",
        "accepted wrongly: 0.405142 (exact) of what the reference calls invalid, such as `",
        "refused wrongly: 0.000000 (exact) of what the reference calls valid",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    // Of 40 symbols: nobody lists 2^40 outputs. (1 + 0.4^40)/2, and 0.7^40 = 6.4e-7.
    let text = audit(&EVEN.replace("horizon: 5", "horizon: 40"), &reference);
    assert!(text.contains("it accepts 0.500000 (exact)"), "{text}");
}

/// A word boundary has no states here: few outputs are listed, of many samples are drawn, whose interval holds the value.
#[test]
fn an_audit_without_states_lists_or_draws() {
    let task = EVEN.replace("(b|ab*a)*", r"\\b(b|ab*a)*");
    let text = audit(&task, &[]);
    assert!(text.contains("it accepts 0.505120 (exact)"), "{text}");
    let text = audit(&task.replace("horizon: 5", "horizon: 41"), &[]);
    let (_, behind) = text.split_once("it accepts ").unwrap();
    let numbers: Vec<f64> =
        behind.split(['(', ' ', ',']).take(12).filter_map(|word| word.parse().ok()).collect();
    let [share, _, low, high] = numbers[..4] else { panic!("{behind}") };
    // Half of them end with each symbol; at five standard errors of 4096 samples, 0.0078 each.
    assert!((share - 0.5).abs() < 0.04 && low < share && share < high && high - low < 0.04, "{behind}");
}

/// The audit of the arithmetic verifier, whose spellings are known: leading zeros and brackets are no other answer.
#[test]
fn an_audit_tells_what_changes_verdicts() {
    let folder = folder();
    let experiment = experiments().join("compare.ron");
    let output = host(
        folder.path(),
        &["check", "arithmetic-expression", "--experiment", experiment.to_str().unwrap()],
    );
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(0), "{text}");
    let line = text.lines().find(|line| line.contains(" mutations ")).unwrap();
    let (kept, lost) = line.split_once("; refused with: ").unwrap();
    assert!(kept.contains("a zero before") && kept.contains("brackets around"), "{line}");
    assert!(lost.contains("a space before") && lost.contains("its digits in full width"), "{line}");
}

/// A component is checked as an experiment has it, whatever its kind.
#[test]
fn an_experiment_gives_configurations() {
    let folder = folder();
    let experiment = experiments().join("compare.ron");
    for (arguments, expected) in [
        (&["kl-control"][..], "configuration `(lambda: 2.0)`"),
        (&["ngram", "--kind", "policy"], "configuration `(order: 2)`"),
        (&["ngram", "--kind", "base model"], "smoothing: KneserNey(discount: 0.75)"),
    ] {
        let of = ["--experiment", experiment.to_str().unwrap()];
        let output = host(folder.path(), &[&["check"], arguments, &of].concat());
        let text = shown(&output, folder.path());
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
    }
}
