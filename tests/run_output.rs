//! What `host run` prints and leaves behind.

use crate::support::{PARITY_TASK, experiments, folder, host, shown, test_library};
use std::fs;
use std::path::Path;

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_parity_toy() {
    let folder = folder();
    let file = experiments().join("toy-parity.ron");
    let output = host(folder.path(), &["run", file.to_str().unwrap()]);
    insta::assert_snapshot!(shown(&output, folder.path()));
    assert_eq!(
        files(&folder.path().join("runs/toy-parity")),
        [
            "arms",
            "curves.csv",
            "experiment.ron",
            "outputs.json",
            "prompts.csv",
            "provenance.json",
            "report.html",
            "summary.json",
            "table.txt"
        ]
    );
}

/// A short comparison with sampling and paired differences; the last prompt has no valid output.
const SHORT: &str = r#"(
    name: "short",
    task: (
        alphabet: Chars("1+"), horizon: 3, ending: EndSymbol,
        prompt_alphabet: Chars("19="), prompts: List(["1=", "11=", "9="]),
        base: (plugin: "ngram", config: (order: 2, table: {
            "=": [0.5, 0.3, 0.2], "1": [0.2, 0.4, 0.4], "+": [0.25, 0.25, 0.5],
        })),
        verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt)),
    ),
    policies: {"bigram": (plugin: "ngram", config: (order: 2), start: CopyBase)},
    objectives: {
        "reinforce": (plugin: "reinforce"),
        "forward-kl": (plugin: "forward-kl"),
    },
    training: (gradient: Sampled(prompts: 2, group: 4), steps: 4, optimizer: Adam(learning_rate: 0.1)),
    evaluation: (every: 2, k: [1, 4], betas: [0.1]),
    seeds: [1, 2, 3],
)"#;

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn prompts_without_valid_outputs_are_named_and_the_rest_goes_on() {
    let folder = folder();
    write(folder.path(), "short.ron", SHORT);
    let output = host(folder.path(), &["run", "short.ron"]);
    insta::assert_snapshot!(shown(&output, folder.path()));
}

#[test]
fn a_run_can_be_repeated_from_its_resolved_experiment() {
    let folder = folder();
    write(folder.path(), "first.ron", SHORT);
    let first = host(folder.path(), &["run", "first.ron", "--out", "first"]);
    assert!(first.status.success(), "{}", shown(&first, folder.path()));
    let second =
        host(folder.path(), &["run", "first/experiment.ron", "--out", "elsewhere/second", "--threads", "1"]);
    assert!(second.status.success(), "{}", shown(&second, folder.path()));
    for name in ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "experiment.ron"] {
        let read = |run: &str| fs::read_to_string(folder.path().join(run).join(name)).unwrap();
        assert_eq!(read("first"), read("elsewhere/second"), "{name}");
    }
    // Long form, from before the first step to after the last.
    let curves = fs::read_to_string(folder.path().join("first/curves.csv")).unwrap();
    assert!(
        curves.starts_with("policy,objective,seed,step,metric,value\nbigram,reinforce,1,0,validity_rate,")
    );
    for step in [",0,", ",2,", ",4,"] {
        for metric in ["validity_rate", "entropy", "effective_number", "kl_from_filtered", "coverage@4"] {
            assert!(curves.lines().any(|line| line.contains(&format!("{step}{metric},"))), "{step} {metric}");
        }
    }
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("first/summary.json")).unwrap()).unwrap();
    assert_eq!(summary["arms"].as_array().unwrap().len(), 6);
    assert_eq!(summary["arms"][0]["status"], "complete");
    assert_eq!(summary["arms"][0]["budget"]["sequences"], 32);
    assert_eq!(summary["arms"][0]["budget"]["verifier_calls"], 32);
    assert_eq!(summary["comparisons"][0]["pairs"], 3);
}

/// Nothing that is there already is touched: the same experiment is shown again, another one gets a name of its own.
#[test]
fn a_second_run_does_not_overwrite_the_first() {
    let folder = folder();
    write(folder.path(), "short.ron", SHORT);
    let first = host(folder.path(), &["run", "short.ron"]);
    assert!(first.status.success());
    let record = fs::metadata(folder.path().join("runs/short/summary.json")).unwrap().modified().unwrap();
    let again = host(folder.path(), &["run", "short.ron"]);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), String::from_utf8(first.stdout.clone()).unwrap());
    assert!(String::from_utf8_lossy(&again.stderr).contains("this run is complete"));
    assert_eq!(files(&folder.path().join("runs")), ["short"]);
    for _ in 0..2 {
        assert!(host(folder.path(), &["run", "short.ron", "--set", "seeds=[1, 2]"]).status.success());
    }
    assert_eq!(files(&folder.path().join("runs")), ["short", "short-2"]);
    assert!(host(folder.path(), &["run", "short.ron", "--fresh"]).status.success());
    assert_eq!(files(&folder.path().join("runs")), ["short", "short-2", "short-3"]);
    let output = host(folder.path(), &["run", "short.ron", "--out", "runs/short-2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is of another experiment"));
    let anew = host(folder.path(), &["run", "short.ron", "--out", "runs/short-2", "--fresh"]);
    assert!(anew.status.success());
    let text = |run: &str| fs::read_to_string(folder.path().join(run).join("summary.json")).unwrap();
    assert_eq!(text("runs/short-2"), text("runs/short"));
    assert_eq!(
        fs::metadata(folder.path().join("runs/short/summary.json")).unwrap().modified().unwrap(),
        record
    );
}

/// A plugin that fails costs its arm, with its name in the message; the others go on.
#[test]
fn a_faulty_objective_costs_its_arm() {
    let folder = folder();
    let plugin = test_library("faulty");
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::copy(&plugin, folder.path().join("plugins").join(plugin.file_name().unwrap())).unwrap();
    let text = format!(
        r#"(name: "faulty", {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "reinforce": (plugin: "reinforce"),
                "panics": (plugin: "misbehaving", config: (step: 2, how: Panic)),
                "is not a number": (plugin: "misbehaving", config: (step: 1, how: NotANumber)),
                "is short": (plugin: "misbehaving", config: (step: 0, how: TooFew)),
            }},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: 4, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (every: 1, k: [4]),
            seeds: [1])"#
    );
    write(folder.path(), "faulty.ron", &text);
    let output = host(folder.path(), &["run", "faulty.ron", "--plugin-dir", "plugins"]);
    assert_eq!(output.status.code(), Some(4));
    insta::assert_snapshot!(shown(&output, folder.path()));
    // What came before the failure is kept.
    let curves = fs::read_to_string(folder.path().join("runs/faulty/curves.csv")).unwrap();
    assert!(curves.contains("bigram,panics,1,2,entropy,") && !curves.contains("bigram,panics,1,3,entropy,"));
}

/// The same for a policy, whatever the method: a panic, or an answer that is none.
#[test]
fn a_faulty_policy_costs_its_arms() {
    let folder = folder();
    let plugin = test_library("faulty");
    fs::copy(&plugin, folder.path().join(plugin.file_name().unwrap())).unwrap();
    let faults = [
        "SamplePanics",
        "SampleIsNoOutput",
        "SampleIsMissing",
        "ScoreIsNotANumber",
        "GradientPanics",
        "GradientIsNotANumber",
    ];
    let policies = faults.map(|fault| {
        format!(r#""{fault}": (plugin: "faulty", config: (fault: {fault}), start: AsConfigured),"#)
    });
    let text = format!(
        r#"(name: "faulty", {PARITY_TASK}
            policies: {{{} "sound": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{"reinforce": (plugin: "reinforce")}},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: 4, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (every: 1, k: [4]),
            seeds: [1])"#,
        policies.concat()
    );
    write(folder.path(), "faulty.ron", &text);
    let output = host(folder.path(), &["run", "faulty.ron", "--plugin-dir", ".", "--json"]);
    assert_eq!(output.status.code(), Some(4), "{}", shown(&output, folder.path()));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let arms = summary["arms"].as_array().unwrap();
    let line = |arm: &serde_json::Value| {
        let message = arm["failure"]["message"].as_str().unwrap_or("none");
        format!("{}: {}: {message}", arm["policy"].as_str().unwrap(), arm["status"].as_str().unwrap())
    };
    insta::assert_snapshot!(arms.iter().map(line).collect::<Vec<_>>().join("\n"));
}

/// A verifier that panics spoils the whole task: an error before anything is written.
#[test]
fn a_panicking_verifier_is_named() {
    let folder = folder();
    let plugin = test_library("faulty");
    fs::copy(&plugin, folder.path().join(plugin.file_name().unwrap())).unwrap();
    for (on, words) in
        [("11+", "`panicking` panicked: met `11+`"), ("creation", "`panicking` panicked: cannot be made")]
    {
        let text = SHORT.replace(
            "(plugin: \"arithmetic-expression\", config: (target: FromPrompt))",
            &format!("(plugin: \"panicking\", config: (on: \"{on}\"))"),
        );
        write(folder.path(), "short.ron", &text);
        let output = host(folder.path(), &["run", "short.ron", "--plugin-dir", "."]);
        assert_eq!(output.status.code(), Some(2));
        let text = shown(&output, folder.path()).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{text}");
        assert!(!folder.path().join("runs").exists());
    }
}
