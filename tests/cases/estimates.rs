//! Groups of one, seeds that change nothing, and a verifier that contradicts itself.

use crate::support::{command, folder, host, installation, shown, test_library};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

fn case(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases").join(name)
}

/// `host probe objective` on a batch.
fn probe(batch: &Path, objective: &str, config: &str) -> Output {
    command(installation(), &["probe", "objective", "--plugin", objective, "--config", config])
        .stdin(fs::File::open(batch).unwrap())
        .output()
        .unwrap()
}

/// In one line.
fn line(output: &Output) -> String {
    let text = shown(output, Path::new("/nowhere"));
    text.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

const GROUPS: &str = "gradient: Sampled(prompts: 1, group: 1), steps: 1, optimizer: Sgd(learning_rate: 0.1)";

/// `host validate` of an objective that trains on groups of one.
fn validate(objective: &str, config: &str) -> Output {
    let folder = folder();
    let text = format!(
        r#"(name: "one", task: (alphabet: Chars("ab"), horizon: 2, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 1, table: {{"": [0.5, 0.5]}})),
            verifier: (plugin: "regex", config: (pattern: "a*"))),
            policies: {{"p": (plugin: "ngram", config: (order: 1), start: FitBase)}},
            objectives: {{"it": (plugin: "{objective}", config: {config})}},
            training: ({GROUPS}), seeds: [1])"#
    );
    fs::write(folder.path().join("one.ron"), text).unwrap();
    host(folder.path(), &["validate", "one.ron"])
}

/// A group of one has no other samples, and of one sample a v / Z is the policy: `run` and `probe` refuse both alike,
/// and give no advice that the objective does not take.
#[test]
fn groups_of_one_are_refused_by_probe_as_by_run() {
    let baseline = "`baseline: LeaveOneOut` needs groups of at least 2 samples, found a group of 1";
    let mean = "`baseline: GroupMean` needs groups of at least 2 samples, found a group of 1";
    let group_z = "`partition: Group` needs groups of at least 2 samples, found a group of 1";
    let none = Some("set `baseline: None`");
    let running = Some("set `partition: Running`");
    let cases = [
        ("o_group_of_one.json", "reinforce", "()", baseline, none),
        ("o_group_of_one.json", "reinforce", "(baseline: GroupMean)", mean, none),
        ("o_group_z_of_one.json", "kl-control", "(beta: 1.0)", baseline, none),
        ("o_group_z_of_one.json", "kl-control", "(beta: 1.0, baseline: GroupMean)", mean, none),
        ("o_group_z_of_one.json", "forward-kl", "(partition: Group)", group_z, running),
        (
            "o_group_z_of_one.json",
            "forward-kl",
            "(partition: Running, baseline: LeaveOneOut)",
            baseline,
            none,
        ),
        (
            "o_group_z_of_one.json",
            "alpha",
            "(alpha: 0.5, partition: Group, baseline: None)",
            group_z,
            running,
        ),
        (
            "o_group_z_of_one.json",
            "alpha",
            "(alpha: 0.5, as_released: true)",
            "needs groups of at least 2 samples, found a group of 1",
            None,
        ),
    ];
    for (batch, objective, config, words, advice) in cases {
        for output in [probe(&case(batch), objective, config), validate(objective, config)] {
            let line = line(&output);
            assert_eq!(output.status.code(), Some(2), "{objective} {config}: {line}");
            assert!(output.stdout.is_empty(), "{line}");
            assert!(line.contains(words), "{objective} {config}: {line}");
            for known in ["set `baseline: None`", "set `partition: Running`"] {
                assert_eq!(line.contains(known), advice == Some(known), "{objective} {config}: {line}");
            }
        }
    }
}

/// With the advice taken the same batches have an answer: the coefficients are those of the definitions.
#[test]
fn groups_of_one_without_what_needs_more_have_their_coefficients() {
    // c = v.
    let output = probe(&case("o_group_of_one.json"), "reinforce", "(baseline: None)");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["coefficients"], serde_json::json!([[1.0], [0.0]]));
    // c = p*/q − 1, Z = a v / q of the one sample of each prompt: 0, 0 and, where nothing was valid, −1.
    let output = probe(&case("o_group_z_of_one.json"), "forward-kl", "(partition: Running)");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (row, expected) in [0.0, 0.0, -1.0].into_iter().enumerate() {
        let found = answer["coefficients"][row][0].as_f64().unwrap();
        // exp and log of numbers of size 5 round by some 1e-15.
        assert!((found - expected).abs() < 1e-14, "{row}: {found}");
    }
}

fn run(name: &str, changes: &[&str]) -> (String, Value) {
    let folder = folder();
    let file = case(name);
    let changes = changes.iter().flat_map(|change| ["--set", change]);
    let arguments: Vec<&str> =
        ["run", file.to_str().unwrap(), "--out", "out"].into_iter().chain(changes).collect();
    let output = host(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", line(&output));
    let summary = fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    (line(&output), serde_json::from_str(&summary).unwrap())
}

/// Exact gradients and one start: the seven seeds are one arm, and nothing tells how much seeds would differ.
#[test]
fn seeds_that_change_nothing_are_said_and_have_no_intervals() {
    let (line, summary) = run("seeds_without_effect.ron", &[]);
    assert!(line.contains("warning: the seeds change nothing: under all 7 of them every policy"), "{line}");
    assert!(line.contains("Δ to a") && !line.contains('['), "{line}");
    let comparisons = summary["comparisons"].as_array().unwrap();
    assert!(!comparisons.is_empty());
    for comparison in comparisons {
        assert!(comparison["low"].is_null() && comparison["high"].is_null(), "{comparison}");
    }
}

/// Seeds that decide the start, or the samples, are no such seeds.
#[test]
fn seeds_that_change_something_are_not() {
    let random = r#"policies={"p": (plugin: "ngram", config: (order: 1), start: Random)}"#;
    let sampled =
        "training=(gradient: Sampled(prompts: 1, group: 8), steps: 5, optimizer: Sgd(learning_rate: 0.1))";
    for change in [&["training.optimizer=Sgd(learning_rate: 0.1)", random][..], &[sampled]] {
        let (line, summary) = run("seeds_without_effect.ron", change);
        assert!(!line.contains("the seeds change nothing"), "{line}");
        let comparisons = summary["comparisons"].as_array().unwrap();
        assert!(comparisons.iter().any(|comparison| comparison["low"].is_number()), "{line}");
    }
}

/// (()) is valid read symbol by symbol, and nested too deeply by `accepts`.
#[test]
fn a_verifier_that_contradicts_itself_is_refused() {
    let folder = folder();
    let plugin = test_library("inconsistent");
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::copy(&plugin, folder.path().join("plugins").join(plugin.file_name().unwrap())).unwrap();
    for command in ["validate", "run"] {
        let file = case("inc12.ron");
        let output = host(folder.path(), &[command, file.to_str().unwrap(), "--plugin-dir", "plugins"]);
        let line = line(&output);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(line.contains("verifier `inconsistent` contradicts itself: the response `"), "{line}");
        assert!(
            line.contains("to the prompt `` is invalid by its `accepts` and valid by its `incremental`"),
            "{line}"
        );
        assert!(!folder.path().join("runs").exists(), "{line}");
    }
}
