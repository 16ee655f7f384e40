//! Broken files: the exit code, what is said, and that nothing is left behind.

use crate::support::{folder, host, shown};
use std::fs;

/// A sound experiment that the cases below break in one place.
const SOUND: &str = r#"(
    name: "sound",
    task: (
        alphabet: Chars("ab"),
        horizon: 3,
        ending: EndSymbol,
        prompts: List([""]),
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.4, 0.4, 0.2]})),
        verifier: (plugin: "regex", config: (pattern: "a*")),
    ),
    policies: {
        "unigram": (plugin: "ngram", config: (order: 1), start: FitBase),
    },
    objectives: {
        "kl": (plugin: "kl-control", config: (lambda: 2.0)),
    },
    training: (gradient: Sampled(prompts: 1, group: 4), steps: 2, optimizer: Sgd(learning_rate: 0.1)),
    evaluation: (every: 1, k: [1]),
    seeds: [1, 2],
)
"#;

/// Name, what is replaced, by what, and the exit code.
const CASES: &[(&str, &str, &str, i32)] = &[
    ("syntax", "horizon: 3,", "horizon: 3", 2),
    ("unknown field", "steps: 2,", "stepz: 2,", 2),
    ("duplicate field", "horizon: 3,", "horizon: 3, horizon: 4,", 2),
    (
        "duplicate policy",
        "policies: {",
        "policies: { \"unigram\": (plugin: \"ngram\", config: (order: 2), start: Random),",
        2,
    ),
    ("wrong type", "horizon: 3", "horizon: \"three\"", 2),
    ("unknown variant", "FitBase", "FitBasis", 2),
    ("misspelt plugin", "\"kl-control\"", "\"kl-contrl\"", 3),
    ("empty alphabet", "Chars(\"ab\")", "Chars(\"\")", 2),
    ("foreign symbol in a prompt", "List([\"\"])", "List([\"abc\"])", 2),
    ("horizon of zero", "horizon: 3", "horizon: 0", 2),
    ("repeated seed", "[1, 2]", "[1, 1]", 2),
    ("no seeds", "[1, 2]", "[]", 2),
    ("row that does not sum to one", "[0.4, 0.4, 0.2]", "[0.4, 0.4, 0.3]", 2),
    ("unknown field of a plugin", "(lambda: 2.0)", "(lamda: 2.0)", 2),
    ("value out of range of a plugin", "(lambda: 2.0)", "(lambda: -2.0)", 2),
    ("bad pattern", "\"a*\"", "\"(a*\"", 2),
    ("group of one", "group: 4", "group: 1", 2),
    ("rate not above the base's", "(lambda: 2.0)", "(mu: 0.1)", 2),
    ("missing corpus", "table: {\"\": [0.4, 0.4, 0.2]}", "corpus: \"nowhere.txt\"", 2),
    ("copy of another shape", "(order: 1), start: FitBase", "(order: 2), start: CopyBase", 2),
    ("ambiguous symbols", "Chars(\"ab\")", "Symbols([\"a\", \"ab\", \"b\"])", 2),
    ("repeated symbol", "Chars(\"ab\")", "Chars(\"aba\")", 2),
    ("missing row", "(order: 1, table: {\"\":", "(order: 2, table: {\"^\":", 2),
    ("no probability", "[0.4, 0.4, 0.2]", "[0.8, -0.1, 0.3]", 2),
    ("not a number", "[0.4, 0.4, 0.2]", "[0.4, NaN, 0.2]", 2),
    (
        "context twice in a table",
        "{\"\": [0.4, 0.4, 0.2]}",
        "{\"\": [0.4, 0.4, 0.2], \"\": [0.4, 0.4, 0.2]}",
        2,
    ),
    ("foreign symbol in a corpus", "table: {\"\": [0.4, 0.4, 0.2]}", "corpus: \"foreign.txt\"", 2),
    ("malformed line of a corpus", "table: {\"\": [0.4, 0.4, 0.2]}", "corpus: \"malformed.jsonl\"", 2),
    ("empty corpus", "table: {\"\": [0.4, 0.4, 0.2]}", "corpus: \"empty.txt\"", 2),
    ("alpha out of range", "\"kl-control\", config: (lambda: 2.0)", "\"alpha\", config: (alpha: 1.5)", 2),
    ("beta of zero", "(lambda: 2.0)", "(beta: 0.0)", 2),
    ("two strengths", "(lambda: 2.0)", "(lambda: 2.0, mu: 0.9)", 2),
    (
        "exact gradient of what has none",
        "\"kl-control\", config: (lambda: 2.0)),\n    },\n    training: (gradient: Sampled(prompts: 1, group: 4)",
        "\"alpha\", config: (alpha: 0.5, as_released: true)),\n    },\n    training: (gradient: Population",
        2,
    ),
    (
        "exact gradient of too large a space",
        "Sampled(prompts: 1, group: 4), steps: 2, optimizer: Sgd(learning_rate: 0.1)),\n    evaluation: (",
        "Population, steps: 2, optimizer: Sgd(learning_rate: 0.1)),\n    exact: (max_states: 1),\n    evaluation: (enumerate_up_to: 5, ",
        2,
    ),
    (
        "exact Z of too large a space",
        "(lambda: 2.0)),\n    },\n    training: (gradient: Sampled(prompts: 1, group: 4), steps: 2, optimizer: Sgd(learning_rate: 0.1)),\n    evaluation: (",
        "(mu: 0.9)),\n    },\n    training: (gradient: Sampled(prompts: 1, group: 4), steps: 2, optimizer: Sgd(learning_rate: 0.1)),\n    exact: (max_states: 1),\n    evaluation: (enumerate_up_to: 5, ",
        2,
    ),
    ("a name that is a path", "name: \"sound\"", "name: \"../sound\"", 2),
    ("a number twice", "k: [1]", "k: [1, 1]", 2),
    (
        "smoothing of a table",
        "(order: 1, table: {\"\": [0.4, 0.4, 0.2]})",
        "(order: 1, add_k: 1.0, table: {\"\": [0.4, 0.4, 0.2]})",
        2,
    ),
    ("several problems in one part", "horizon: 3,\n", "horizon: 0, weights: [1.0, 2.0],\n", 2),
];

#[test]
fn broken_files_are_explained() {
    let folder = folder();
    fs::write(folder.path().join("foreign.txt"), "ab\nabc\n").unwrap();
    fs::write(folder.path().join("malformed.jsonl"), "{\"response\": \"a\"}\n{\"response\": a}\n").unwrap();
    fs::write(folder.path().join("empty.txt"), "").unwrap();
    let mut all = Vec::new();
    for (name, from, to, code) in CASES {
        assert!(SOUND.contains(from), "{name}");
        fs::write(folder.path().join("broken.ron"), SOUND.replacen(from, to, 1)).unwrap();
        let output = host(folder.path(), &["run", "broken.ron"]);
        let shown = shown(&output, folder.path());
        assert_eq!(output.status.code(), Some(*code), "{name}: {shown}");
        assert!(!folder.path().join("runs").exists(), "{name} leaves something behind");
        all.push(format!("=== {name}\n{shown}\n"));
    }
    insta::assert_snapshot!(all.concat());
}

#[test]
fn output_directories_that_cannot_be_used_are_explained() {
    let folder = folder();
    fs::write(folder.path().join("sound.ron"), SOUND).unwrap();
    fs::create_dir(folder.path().join("full")).unwrap();
    fs::write(folder.path().join("full/kept.txt"), "kept").unwrap();
    fs::write(folder.path().join("file"), "no folder").unwrap();
    let mut all = Vec::new();
    for out in ["full", "file", "file/below"] {
        let output = host(folder.path(), &["run", "sound.ron", "--out", out]);
        assert_eq!(output.status.code(), Some(2), "{out}");
        all.push(format!("=== {out}\n{}\n", shown(&output, folder.path())));
    }
    assert_eq!(fs::read_to_string(folder.path().join("full/kept.txt")).unwrap(), "kept");
    assert_eq!(fs::read_dir(folder.path().join("full")).unwrap().count(), 1);
    insta::assert_snapshot!(all.concat());
}

#[test]
fn overrides_that_cannot_be_made_are_explained() {
    let folder = folder();
    fs::write(folder.path().join("sound.ron"), SOUND).unwrap();
    let mut all = Vec::new();
    for set in ["horizon", "task.horizn.x=4", "task.horizon=(", "task.horizon=0", "training.stepz=3"] {
        let output = host(folder.path(), &["run", "sound.ron", "--set", set]);
        assert_eq!(output.status.code(), Some(2), "{set}");
        all.push(format!("=== --set {set}\n{}\n", shown(&output, folder.path())));
    }
    assert!(!folder.path().join("runs").exists());
    insta::assert_snapshot!(all.concat());
}

/// One faulty value in every part of the file: all are told at once.
#[test]
fn all_semantic_problems_are_told_together() {
    let folder = folder();
    let text = SOUND
        .replace("\"a*\"", "\"(a*\"")
        .replace("config: (order: 1), start", "config: (order: 0), start")
        .replace("(lambda: 2.0)", "(lambda: -2.0)")
        .replace("learning_rate: 0.1", "learning_rate: 0.0")
        .replace("k: [1]", "k: [0]")
        .replace("[1, 2]", "[1, 1]");
    fs::write(folder.path().join("broken.ron"), text).unwrap();
    let output = host(folder.path(), &["run", "broken.ron"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(shown(&output, folder.path()));
}

#[test]
fn the_sound_file_is_sound() {
    let folder = folder();
    fs::write(folder.path().join("sound.ron"), SOUND).unwrap();
    let output = host(folder.path(), &["run", "sound.ron"]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
}

#[test]
fn files_that_are_none_and_faulty_arguments_are_explained() {
    let folder = folder();
    let mut all = Vec::new();
    for arguments in [
        &["run", "missing.ron"][..],
        &["run", "."],
        &["run"],
        &["rum"],
        &["run", "x.ron", "--threads", "many"],
    ] {
        let output = host(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        all.push(format!("=== {arguments:?}\n{}\n", shown(&output, folder.path())));
    }
    insta::assert_snapshot!(all.concat());
}
