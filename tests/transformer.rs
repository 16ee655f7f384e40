//! Transformers as base models and policies through the whole program: copies, threads, files that other programs read,
//! and what goes wrong.

use crate::support::{folder, installation, root, shown};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A policy that starts as the base.
const SOUND: &str = r#"(
    name: "transformer",
    task: (
        alphabet: Chars("ab"), prompt_alphabet: Chars("="), horizon: 4, ending: EndSymbol,
        prompts: List(["=", "b="]),
        base: (plugin: "transformer", config: BASE),
        verifier: (plugin: "regex", config: (pattern: "(ab)*")),
    ),
    policies: {"copy": (plugin: "transformer", config: POLICY, start: START)},
    objectives: {
        "reinforce": (plugin: "reinforce"),
        "kl": (plugin: "kl-control", config: (beta: 0.5)),
    },
    training: (gradient: Sampled(prompts: 2, group: 8), steps: 4, optimizer: Adam(learning_rate: 0.01)),
    evaluation: (every: 2, k: [1, 4], betas: [0.5]),
    seeds: [1, 2],
)
"#;

/// One of GPT-2's layout, which has no name for fewer heads of keys or a gate.
const SIZES: &str =
    "width: 8, heads: 2, norm: Layer, mlp: Gelu, positions: Learned, biases: true, tied: true";

const FIT: &str = r#"corpus: "corpus.txt", epochs: 5"#;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(folder());
        fs::write(place.path("corpus.txt"), "ab\nabab\nba\na\n\nbb\n").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn host(&self, command: &str, experiment: &str, more: &[&str]) -> Output {
        fs::write(self.path("experiment.ron"), experiment).unwrap();
        Command::new(installation().join("host"))
            .args([command, "experiment.ron"])
            .args(more)
            .current_dir(&self.0)
            .env("NO_COLOR", "1")
            .env("PSTAR_CACHE_DIR", self.path("cache"))
            .env_remove("PSTAR_PLUGIN_PATH")
            .output()
            .unwrap()
    }

    fn sound(&self, command: &str, experiment: &str, more: &[&str]) -> Output {
        let output = self.host(command, experiment, more);
        assert!(output.status.success(), "{}", shown(&output, self.0.path()));
        output
    }

    /// The exact values of an experiment's base.
    fn references(&self, base: &str) -> Value {
        let text = experiment(base, &format!("({SIZES})"), "Random");
        let output = self.sound("exact", &text, &["--json"]);
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        all["prompts"].clone()
    }
}

fn experiment(base: &str, policy: &str, start: &str) -> String {
    SOUND.replace("BASE", base).replace("POLICY", policy).replace("START", start)
}

fn fitted() -> String {
    format!("({SIZES}, {FIT})")
}

#[test]
fn a_copy_of_the_base_begins_as_the_base_and_threads_change_nothing() {
    let place = Place::new();
    let text = experiment(&fitted(), &format!("({SIZES})"), "CopyBase");
    let forgetful = experiment(&fitted(), &format!("({SIZES}, keep_activations: false)"), "CopyBase");
    place.sound("run", &text, &["--out", "one", "--threads", "1"]);
    place.sound("run", &text, &["--out", "two", "--threads", "2"]);
    place.sound("run", &forgetful, &["--out", "forgetful"]);
    let read = |name: &str, file: &str| fs::read_to_string(place.path(name).join(file)).unwrap();
    for file in ["summary.json", "curves.csv", "outputs.json", "table.txt"] {
        assert!(read("one", file) == read("two", file), "{file}");
    }
    assert!(read("one", "curves.csv") == read("forgetful", "curves.csv"), "what is kept changes nothing");
    let summary: Value = serde_json::from_str(&read("one", "summary.json")).unwrap();
    for arm in summary["arms"].as_array().unwrap() {
        assert_eq!(arm["initial"]["kl_to_base"], 0.0);
        assert!(arm["final"]["kl_to_base"].as_f64().unwrap() > 1e-6, "it does not stay a copy");
    }
}

/// What was fitted is the same model in the cache and in the folder that other programs read.
#[test]
fn what_was_fitted_is_loaded_again() {
    let place = Place::new();
    let saved = place.references(&format!("({SIZES}, {FIT}, save: \"saved\")"));
    assert!(saved[0]["base"]["entropy"].as_f64().unwrap() > 0.0, "{saved}");
    let config = fs::read_to_string(place.path("saved/config.json")).unwrap();
    assert!(config.contains(r#""model_type": "gpt2""#), "{config}");
    assert_eq!(place.references(r#"(load: "saved")"#), saved);
    let cached = fs::read_dir(place.path("cache")).unwrap().map(|entry| entry.unwrap().path());
    let cached: Vec<PathBuf> = cached.collect();
    assert_eq!(cached.len(), 1);
    let name = cached[0].file_name().unwrap().to_str().unwrap();
    assert_eq!(place.references(&format!("(load: \"cache/{name}\")")), saved);
}

/// Published layouts in an experiment of their tokens, all outputs of which are listed.
#[test]
fn models_of_transformers_are_base_models() {
    let place = Place::new();
    for name in ["gpt2", "llama", "llama-tied"] {
        let folder = root().join("plugins/transformer/tests/parity").join(name);
        let base = format!("(load: \"{}\")", folder.display());
        let text = experiment(&base, &base, "CopyBase")
            .replace(r#"Chars("ab"), prompt_alphabet: Chars("=")"#, r#"Chars("abcdefghijklmnopqrstuv")"#)
            .replace("horizon: 4", "horizon: 2")
            .replace(r#"["=", "b="]"#, r#"["", "ba"]"#);
        let output = place.sound("exact", &text, &["--json"]);
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let entropy = all["prompts"][0]["base"]["entropy"].as_f64().unwrap();
        assert!(entropy > 1.0 && entropy < 2.0 * 23f64.ln(), "{name}: {entropy}");
    }
}

/// Name, and the configuration of the base.
const BASES: &[(&str, &str)] = &[
    ("neither", "(width: 8)"),
    ("both", r#"(corpus: "corpus.txt", load: "saved")"#),
    ("no width", r#"(corpus: "corpus.txt")"#),
    ("heads that do not divide", r#"(width: 10, corpus: "corpus.txt")"#),
    ("too large", r#"(width: 1000000, corpus: "corpus.txt")"#),
    ("unknown norm", r#"(width: 8, norm: Batch, corpus: "corpus.txt")"#),
    ("a switch beside a file", r#"(load: "saved", norm: Rms)"#),
    ("another width", r#"(load: "saved", width: 9)"#),
    ("a context without a tokenizer", r#"(load: "saved", context: "a")"#),
    ("a context of a fit", r#"(width: 8, corpus: "corpus.txt", context: "a")"#),
    ("no folder", r#"(load: "nowhere")"#),
    ("a file of something else", r#"(load: "corpus.txt")"#),
    ("no config.json", r#"(load: "bare")"#),
    ("an unknown kind", r#"(load: "unknown")"#),
    ("a fit that cannot be saved", r#"(width: 8, corpus: "corpus.txt", epochs: 1, save: "corpus.txt")"#),
];

#[test]
fn bad_input_is_explained() {
    let place = Place::new();
    place.references(&format!("({SIZES}, {FIT}, save: \"saved\")"));
    fs::create_dir(place.path("bare")).unwrap();
    fs::copy(place.path("saved/model.safetensors"), place.path("bare/model.safetensors")).unwrap();
    fs::create_dir(place.path("unknown")).unwrap();
    fs::copy(place.path("saved/model.safetensors"), place.path("unknown/model.safetensors")).unwrap();
    fs::write(place.path("unknown/config.json"), r#"{"model_type": "mamba"}"#).unwrap();
    let mut all = Vec::new();
    for (name, base) in BASES {
        let output = place.host("validate", &experiment(base, &format!("({SIZES})"), "Random"), &[]);
        let shown = shown(&output, place.0.path());
        assert_eq!(output.status.code(), Some(2), "{name}: {shown}");
        all.push(format!("=== {name}\n{shown}\n"));
    }
    insta::assert_snapshot!(all.concat());
}
