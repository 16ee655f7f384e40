//! What a run's directory says of what made it, and that it can be run again wherever it is copied.

use crate::support::{copy_folder, folder, host, installation, libraries, library, shown};
use pstar_core::files::sha256;
use pstar_loader::Registry;
use serde_json::Value;
use std::path::Path;
use std::{env, fs};

/// An experiment whose base is estimated from a file, and whose prompts are one.
fn experiment(corpus: &str) -> String {
    format!(
        r#"(
        name: "files",
        task: (
            alphabet: Chars("1+"), prompt_alphabet: Chars("2="), horizon: 3, ending: EndSymbol,
            prompts: File("prompts.txt"),
            base: (plugin: "ngram", config: (order: 2, corpus: "{corpus}", add_k: 1.0)),
            verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt)),
        ),
        policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: CopyBase)}},
        objectives: {{"reinforce": (plugin: "reinforce")}},
        training: (gradient: Sampled(prompts: 1, group: 4), steps: 2, optimizer: Sgd(learning_rate: 0.1)),
        seeds: [1],
    )"#
    )
}

const CORPUS: &str = "{\"prompt\": \"2=\", \"response\": \"1+1\"}\n";

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn all_that_determines_a_run_is_hashed() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("files.ron", &experiment("corpus.jsonl"));
    write("corpus.jsonl", CORPUS);
    write("prompts.txt", "2=\n1=\n");
    let output = host(folder.path(), &["run", "files.ron", "--set", "seeds=[3]"]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    let provenance = json(&folder.path().join("runs/files/provenance.json"));
    let of_file = |path: &Path| sha256(&fs::read(path).unwrap());
    assert_eq!(provenance["host"]["sha256"], of_file(&installation().join("host")));
    assert_eq!(provenance["experiment"]["file"], "files.ron");
    let as_run = experiment("corpus.jsonl").replace("seeds: [1]", "seeds: [3]");
    assert_eq!(provenance["experiment"]["sha256"], sha256(as_run.as_bytes()));
    assert_eq!(provenance["experiment"]["set"], serde_json::json!(["seeds=[3]"]));
    let plugins = provenance["plugins"].as_array().unwrap();
    assert_eq!(plugins.len(), libraries().len());
    for plugin in plugins {
        assert_eq!(plugin["sha256"], of_file(&installation().join(plugin["file"].as_str().unwrap())));
    }
    let expected = serde_json::json!([
        {"used_by": "prompts", "path": "prompts.txt", "bytes": 6, "sha256": sha256(b"2=\n1=\n")},
        {"used_by": "base model `ngram`", "path": "corpus.jsonl", "bytes": CORPUS.len(), "sha256": sha256(CORPUS.as_bytes())},
    ]);
    assert_eq!(provenance["files"], expected);
}

/// What stands in the place of a plugin later is not what was loaded.
#[test]
fn a_plugin_that_is_replaced_later_is_not_mistaken_for_the_one_that_was_loaded() {
    let folder = folder();
    let plugin = folder.path().join(format!("regex{}", env::consts::DLL_SUFFIX));
    fs::copy(library("regex"), &plugin).unwrap();
    let registry = Registry::load(std::slice::from_ref(&plugin)).unwrap();
    let other = folder.path().join("other");
    fs::copy(library("alpha"), &other).unwrap();
    fs::rename(&other, &plugin).unwrap();
    assert_eq!(registry.plugins[0].sha256, sha256(&fs::read(library("regex")).unwrap()));
}

/// A run's directory alone, somewhere else, where nothing of the experiment's folder is: the same figures, also where
/// paths lead above that folder.
#[test]
fn a_copied_run_directory_runs_again() {
    for corpus in ["corpus.jsonl", "data/corpus.jsonl", "../shared/corpus.jsonl"] {
        let (here, there) = (folder(), folder());
        let start = here.path().join("experiments");
        fs::create_dir(&start).unwrap();
        fs::write(start.join("files.ron"), experiment(corpus)).unwrap();
        fs::write(start.join("prompts.txt"), "2=\n1=\n").unwrap();
        let file = start.join(corpus);
        fs::create_dir_all(start.join("data")).unwrap();
        fs::create_dir_all(here.path().join("shared")).unwrap();
        fs::write(&file, CORPUS).unwrap();
        let output = host(here.path(), &["run", "experiments/files.ron", "--out", "first"]);
        assert!(output.status.success(), "{corpus}: {}", shown(&output, here.path()));
        copy_folder(&here.path().join("first"), &there.path().join("copy"));
        // What becomes of the original does not matter.
        fs::write(&file, "{\"response\": \"+\"}\n").unwrap();
        let output = host(there.path(), &["run", "copy/experiment.ron", "--out", "second"]);
        assert!(output.status.success(), "{corpus}: {}", shown(&output, there.path()));
        for name in ["summary.json", "curves.csv", "experiment.ron"] {
            let first = fs::read_to_string(here.path().join("first").join(name)).unwrap();
            assert_eq!(
                first,
                fs::read_to_string(there.path().join("second").join(name)).unwrap(),
                "{corpus} {name}"
            );
            assert!(!first.contains(here.path().to_str().unwrap()), "{name} names a folder of this machine");
        }
    }
}

/// A plugin that is not the one that the experiment pins is told before anything runs, where the pin stands.
#[test]
fn plugins_can_be_pinned() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("files.ron", &experiment("corpus.jsonl").replacen('(', "(\n        plugins: {},", 1));
    write("corpus.jsonl", CORPUS);
    write("prompts.txt", "2=\n1=\n");
    let file = |plugin: &str| library(plugin).file_name().unwrap().to_str().unwrap().to_string();
    let hash = |plugin: &str| sha256(&fs::read(library(plugin)).unwrap());
    let validate = |pins: &str| {
        let output = host(folder.path(), &["validate", "files.ron", "--set", &format!("plugins={pins}")]);
        (output.status.code(), shown(&output, folder.path()))
    };
    // By a component, which a base and a policy are, or by the file.
    let (ngram, arithmetic) = (hash("ngram"), hash("arithmetic").to_uppercase());
    let by_file = file("arithmetic");
    let pins = format!("{{\"ngram\": \"sha256:{ngram}\", \"{by_file}\": \"sha256:{arithmetic}\"}}");
    let (code, text) = validate(&pins);
    assert_eq!(code, Some(0), "{text}");
    // What `host plugins` prints is what is pinned.
    let output = host(folder.path(), &["plugins", "ngram"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("sha256:{ngram}")));
    let other = "0".repeat(64);
    let (code, text) = validate(&format!("{{\"ngram\": \"sha256:{other}\"}}"));
    let words = text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert_eq!(code, Some(2), "{text}");
    assert!(words.contains(&format!("expected sha256:{other}, found sha256:{ngram} in")), "{text}");
    assert!(words.contains(&file("ngram")), "{text}");
    let (code, text) = validate("{\"ngram\": \"sha256:0\"}");
    assert!(code == Some(2) && text.contains("64 hexadecimal digits"), "{text}");
    let (code, text) = validate(&format!("{{\"ngrams\": \"sha256:{other}\"}}"));
    assert!(code == Some(3) && text.contains("did you mean `ngram`"), "{text}");
}
