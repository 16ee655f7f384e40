//! Plugins that a stranger writes: packages of their own, without a word about the binary interface. The guide for
//! authors shows them in full.

use crate::support::{build_out_of_tree, folder, host, root, shown, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const PLUGINS: [&str; 4] = ["palindrome", "brackets", "mean-reward", "coins"];

/// The folder of the built libraries.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let core = root().join("crates/core").canonicalize().unwrap();
        for plugin in PLUGINS {
            let source = root().join("tests/out_of_tree").join(plugin);
            let folder = folder();
            fs::create_dir(folder.path().join("src")).unwrap();
            fs::copy(source.join("src/lib.rs"), folder.path().join("src/lib.rs")).unwrap();
            let manifest = fs::read_to_string(source.join("Cargo.toml")).unwrap();
            assert!(!manifest.contains("abi_stable"));
            let manifest = manifest.replace("../../../crates/core", &core.display().to_string());
            fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
            build_out_of_tree(folder.path(), &target("out-of-tree"));
        }
        target("out-of-tree").join("debug")
    })
}

fn run(experiment: &str) -> serde_json::Value {
    let folder = folder();
    fs::write(folder.path().join("experiment.ron"), experiment).unwrap();
    let plugins = built().to_str().unwrap();
    let output = host(folder.path(), &["run", "experiment.ron", "--json", "--plugin-dir", plugins]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_verifier_of_at_most_25_lines_loads_and_runs() {
    let source = fs::read_to_string(root().join("tests/out_of_tree/palindrome/src/lib.rs")).unwrap();
    assert!(source.lines().count() <= 25);
    let summary = run(r#"(
        name: "palindromes",
        task: (
            alphabet: Chars("ab"), horizon: 4, ending: EndSymbol,
            base: (plugin: "ngram", config: (order: 1, table: {"": [0.4, 0.4, 0.2]})),
            verifier: (plugin: "palindrome"),
        ),
        policies: {"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)},
        objectives: {"reinforce": (plugin: "reinforce")},
        training: (gradient: Sampled(prompts: 1, group: 8), steps: 3, optimizer: Sgd(learning_rate: 0.1)),
        seeds: [1],
    )"#);
    // "": .2; 2 of length 1: 2·.08; 2 of length 2: 2·.032; 4 of length 3: 4·.0128; 4 of length 4: 4·.0256.
    let rate = summary["references"]["base"]["validity_rate"].as_f64().unwrap();
    assert!((rate - (0.2 + 0.16 + 0.064 + 0.0512 + 0.1024)).abs() < 1e-12, "{rate}");
}

/// Forty brackets, each way equally likely: the 20th Catalan number of 2^40 responses are balanced.
#[test]
fn a_verifier_that_reads_symbol_by_symbol_is_walked() {
    let folder = folder();
    let experiment = r#"(
        name: "brackets",
        task: (
            alphabet: Chars("()"), horizon: 40, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
            verifier: (plugin: "brackets"),
        ),
    )"#;
    fs::write(folder.path().join("experiment.ron"), experiment).unwrap();
    let arguments = ["exact", "experiment.ron", "--json", "--plugin-dir", built().to_str().unwrap()];
    let output = host(folder.path(), &arguments);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let catalan = (1..=20u64).fold(1, |c, n| c * (4 * n - 2) / (n + 1));
    let prompt = &json["prompts"][0];
    assert_eq!(prompt["valid_outputs"], catalan.to_string());
    let rate = prompt["base"]["validity_rate"].as_f64().unwrap();
    assert!((rate / (catalan as f64 / 2f64.powi(40)) - 1.0).abs() < 1e-12, "{rate}");
}

/// Models without a finite-state view are enumerated output by output; uniform over 3 choices, "a" repeated is valid.
#[test]
fn models_and_objectives_of_strangers_train() {
    let summary = run(r#"(
        name: "coins",
        task: (
            alphabet: Chars("ab"), horizon: 3, ending: EndSymbol,
            base: (plugin: "coins", config: ()),
            verifier: (plugin: "regex", config: (pattern: "a*")),
        ),
        policies: {"coins": (plugin: "coins", config: (), start: CopyBase)},
        objectives: {
            "theirs": (plugin: "mean-reward", config: (scale: 1.0)),
            "ours": (plugin: "reinforce"),
        },
        training: (gradient: Sampled(prompts: 1, group: 16), steps: 20, optimizer: Sgd(learning_rate: 0.5)),
        seeds: [1, 2],
    )"#);
    // "": 1/3, a: 1/9, aa: 1/27, aaa (truncated): 1/27.
    let rate = summary["references"]["base"]["validity_rate"].as_f64().unwrap();
    assert!((rate - (9.0 + 3.0 + 1.0 + 1.0) / 27.0).abs() < 1e-12, "{rate}");
    let last = |arm: usize| &summary["arms"][arm]["final"];
    assert!(last(0)["validity_rate"].as_f64().unwrap() > 0.7, "{}", last(0));
    // With scale 1 the two objectives are one.
    assert_eq!((last(0), last(1)), (last(2), last(3)));
}

#[test]
fn a_base_of_another_component_cannot_be_copied() {
    let folder = folder();
    let experiment = r#"(
        name: "mixed",
        task: (
            alphabet: Chars("ab"), horizon: 3, ending: EndSymbol,
            base: (plugin: "coins", config: ()),
            verifier: (plugin: "regex", config: (pattern: "a*")),
        ),
        policies: {"bigram": (plugin: "ngram", config: (order: 2), start: CopyBase)},
        objectives: {"reinforce": (plugin: "reinforce")},
        training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.5)),
        seeds: [1],
    )"#;
    fs::write(folder.path().join("mixed.ron"), experiment).unwrap();
    let output = host(folder.path(), &["validate", "mixed.ron", "--plugin-dir", built().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let text = shown(&output, folder.path());
    let words = "`CopyBase` needs a policy of the base's component `coins`, found `ngram`";
    assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words), "{text}");
}

#[test]
fn the_guide_shows_the_plugins_as_they_are() {
    let guide = fs::read_to_string(root().join("crates/core/README.md")).unwrap();
    for plugin in PLUGINS {
        let folder = root().join("tests/out_of_tree").join(plugin);
        let source = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        assert!(guide.contains(&format!("```rust,ignore\n{source}```")), "{plugin}");
    }
    // The loop over groups is that of `host new objective`.
    let template = fs::read_to_string(root().join("crates/host/templates/objective/lib.rs")).unwrap();
    let (_, step) = template.split_once("Result<ObjectiveStep, PluginError> {\n").unwrap();
    let (body, _) = step.split_once("    }\n}").unwrap();
    for line in body.lines() {
        assert!(guide.contains(&format!("\n   {}\n", line.strip_prefix("        ").unwrap())), "{line}");
    }
}
