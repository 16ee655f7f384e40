//! Components that tell one thing in two ways: where the two contradict each other, every command says so, with the
//! component, the prompt and the response; and rounding is no contradiction.

use crate::support::{folder, host, shown, test_library};
use std::fs;

const NGRAM: &str = r#"(plugin: "ngram", config: (order: 1, table: {"": [0.4, 0.4, 0.2]}))"#;
const REGEX: &str = r#"(plugin: "regex", config: (pattern: "[()]*"))"#;
const BIGRAM: &str = r#"(plugin: "ngram", config: (order: 2), start: FitBase)"#;

fn text(horizon: usize, base: &str, verifier: &str, policy: &str, limit: u64) -> String {
    format!(
        r#"(name: "told-twice",
            task: (alphabet: Chars("()"), horizon: {horizon}, ending: EndSymbol, prompts: List(["", "("]),
                base: {base}, verifier: {verifier}),
            policies: {{"it": {policy}}},
            objectives: {{"aim": (plugin: "reinforce")}},
            training: (gradient: Sampled(prompts: 2, group: 8), steps: 3, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (every: 3, k: [1], enumerate_up_to: {limit}, samples: 50, optima: false),
            seeds: [1])"#
    )
}

/// Exit code and words of a command on an experiment, in one line.
fn ask(text: &str, command: &str) -> (Option<i32>, String) {
    let folder = folder();
    let plugin = test_library("inconsistent");
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::copy(&plugin, folder.path().join("plugins").join(plugin.file_name().unwrap())).unwrap();
    fs::write(folder.path().join("it.ron"), text).unwrap();
    let output = host(folder.path(), &[command, "it.ron", "--plugin-dir", "plugins"]);
    let words = shown(&output, folder.path());
    let line = words.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code(), line)
}

fn refused(text: &str, commands: &[&str], words: &[&str]) {
    for command in commands {
        let (code, line) = ask(text, command);
        assert_eq!(code, Some(2), "{command}: {line}");
        for word in words {
            assert!(line.contains(word), "{command}: {word} is not in {line}");
        }
    }
}

/// Brackets of a greater depth than samples of the base reach: only samples of what the incremental view accepts, or
/// all outputs, tell.
#[test]
fn verdicts_that_contradict_the_incremental_view() {
    let words = ["verifier `inconsistent` contradicts itself: the response `", "` to the prompt `"];
    for (horizon, depth, limit) in [(6, 1, 1000), (6, 2, 1000), (40, 1, 1000), (40, 3, 1000)] {
        let verifier = format!(r#"(plugin: "inconsistent", config: (depth: {depth}))"#);
        let text = text(horizon, NGRAM, &verifier, BIGRAM, limit);
        refused(&text, &["validate", "exact", "run"], &words);
    }
    // Deeper than any output is: nothing contradicts anything.
    let verifier = r#"(plugin: "inconsistent", config: (depth: 3))"#;
    let (code, line) = ask(&text(6, NGRAM, verifier, BIGRAM, 1000), "run");
    assert_eq!(code, Some(0), "{line}");
}

#[test]
fn verdicts_that_change() {
    for how in ["Counts(2)", "Counts(300)", "Remembers", "Tires(1)"] {
        let verifier = format!(r#"(plugin: "forgetful", config: (how: {how}))"#);
        let words = ["verifier `forgetful` answers differently when it is asked again: the response `"];
        refused(&text(6, NGRAM, &verifier, BIGRAM, 1000), &["validate", "exact", "run"], &words);
    }
}

/// Verdicts that change behind all checks before the first arm end the arm that trains on them.
#[test]
fn verdicts_that_change_while_an_arm_trains() {
    // Where all verdicts are known beforehand an arm asks about some samples of its first and of its last step alone.
    for (horizon, calls) in [(6, 1700), (40, 3000)] {
        let verifier = format!(r#"(plugin: "forgetful", config: (how: Tires({calls})))"#);
        let text = text(horizon, NGRAM, &verifier, BIGRAM, 1000).replace("steps: 3", "steps: 200");
        let (code, line) = ask(&text, "run");
        assert_eq!(code, Some(4), "{line}");
        assert!(line.contains("verifier `forgetful` answers differently when it is asked again"), "{line}");
    }
}

#[test]
fn models_that_contradict_themselves() {
    let cases = [
        ("Swaps", "by its finite-state view and"),
        ("Overstates", "by `score`"),
        ("Missamples", "by its samples and"),
        ("Wavers", "by `score`, asked again,"),
        ("Drifts", "samples differently when it is asked again with the same random numbers"),
        ("Miswalks", "by `score_outputs` and"),
    ];
    for (how, words) in cases {
        let base = format!(r#"(plugin: "two-faced", config: (how: {how}))"#);
        let of_base = text(6, &base, REGEX, BIGRAM, 1000);
        refused(&of_base, &["validate", "exact"], &["base model `two-faced`", words, "to the prompt `"]);
        let policy = format!(r#"(plugin: "two-faced", config: (how: {how}), start: AsConfigured)"#);
        let of_policy = text(6, NGRAM, REGEX, &policy, 1000);
        refused(&of_policy, &["validate", "run"], &["policy `it`", words, "to the prompt `"]);
    }
}

/// Where there is nothing to train, `validate` asks all the same.
#[test]
fn validate_asks_what_an_exact_experiment_holds() {
    let base = r#"(plugin: "two-faced", config: (how: Swaps))"#;
    let whole = text(6, base, REGEX, BIGRAM, 1000);
    let task = &whole[..whole.find("policies:").unwrap()];
    refused(&format!("{task})"), &["validate"], &["base model `two-faced` contradicts itself"]);
}

#[test]
fn rounding_is_no_contradiction() {
    for how in ["Agrees", "Rounds"] {
        let base = format!(r#"(plugin: "two-faced", config: (how: {how}))"#);
        let policy = format!(r#"(plugin: "two-faced", config: (how: {how}), start: AsConfigured)"#);
        for (horizon, limit) in [(6, 1000), (40, 1000)] {
            let (code, line) = ask(&text(horizon, &base, REGEX, &policy, limit), "run");
            assert_eq!(code, Some(0), "{line}");
        }
    }
}

/// A verifier may say why it cannot read symbol by symbol; there is nothing to compare then.
#[test]
fn a_refused_view_is_no_contradiction() {
    let verifier = r#"(plugin: "regex", config: (pattern: "\\b[()]*|[()]*"))"#;
    for command in ["validate", "exact", "run"] {
        let (code, line) = ask(&text(6, NGRAM, verifier, BIGRAM, 1000), command);
        assert_eq!(code, Some(0), "{command}: {line}");
    }
}
