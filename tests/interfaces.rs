//! Plugins of older and newer versions of the interface, beside those of this one, in every order.

use crate::support::{answer, build_out_of_tree, command, copy_folder, folder, library, root, shown, target};
use pstar_core::INTERFACE_VERSION;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use std::{env, fs};

/// Library files of the interfaces that were kept, of this one, and of one to come: each with a component and its version.
fn plugins() -> &'static [(PathBuf, &'static str, &'static str); 4] {
    static BUILT: OnceLock<[(PathBuf, &str, &str); 4]> = OnceLock::new();
    BUILT.get_or_init(|| {
        [
            (of_kept_interface("interface-2.0"), "even-length", "2.0.0"),
            (library("regex"), "regex", INTERFACE_VERSION),
            (of_grown_interface(), "palindrome", GROWN),
            (of_kept_interface("interface-2.1"), "shared", "2.1.0"),
        ]
    })
}

fn library_file(target: &Path, name: &str) -> PathBuf {
    let file = format!("{}{name}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    target.join("debug").join(file)
}

/// A package that was kept as it was; all have the types of the first.
fn of_kept_interface(name: &str) -> PathBuf {
    let package = folder();
    for kept in ["interface-2.0", name] {
        copy_folder(&root().join("tests/out_of_tree").join(kept), package.path());
    }
    build_out_of_tree(package.path(), &target(name));
    library_file(&target(name), "pstar_core")
}

/// The version of the grown interface.
const GROWN: &str = "2.999.0";

/// A plugin of this source that is built against this interface with one more method behind the last of every trait.
fn of_grown_interface() -> PathBuf {
    let workspace = folder();
    let at = |path: &str| workspace.path().join(path);
    copy_folder(&root().join("crates/core"), &at("core"));
    copy_folder(&root().join("tests/out_of_tree/palindrome"), &at("palindrome"));
    let change = |path: &str, change: &dyn Fn(String) -> String| {
        let text = fs::read_to_string(at(path)).unwrap();
        fs::write(at(path), change(text)).unwrap();
    };
    let version = format!("version = \"{INTERFACE_VERSION}\"");
    change("core/Cargo.toml", &|text| text.replace(&version, &format!("version = \"{GROWN}\"")));
    change("palindrome/Cargo.toml", &|text| {
        text.replace("../../../crates/core", "../core").replace("[workspace]", "")
    });
    let method = "
    fn later(&self) -> AbiResult<ROption<RString>> {
        AbiResult::ROk(ROption::RNone)
    }
}
";
    change("core/src/abi/traits.rs", &|text| {
        let grown = text.split("#[sabi_trait]").map(|declared| match declared.split_once("\n}\n") {
            Some((body, rest)) if body.contains("fn files") => format!("{body}\n{method}{rest}"),
            _ => declared.to_string(),
        });
        let grown = grown.collect::<Vec<_>>().join("#[sabi_trait]");
        assert_eq!(grown.matches("fn later").count(), 4, "{grown}");
        grown
    });
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, shared) = manifest.split_once("[workspace.package]").unwrap();
    let (shared, _) = shared.split_once("[profile.dev]").unwrap();
    let members =
        "[workspace]\nresolver = \"3\"\nmembers = [\"core\", \"palindrome\"]\n\n[workspace.package]";
    fs::write(at("Cargo.toml"), format!("{members}{shared}")).unwrap();
    build_out_of_tree(workspace.path(), &target("interface-grown"));
    library_file(&target("interface-grown"), "palindrome")
}

/// The host with nothing beside it, so that the folder alone decides the order of loading.
fn lonely_host(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let host = folder.join("host");
    if !host.exists() {
        fs::hard_link(env!("CARGO_BIN_EXE_host"), &host)
            .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_host"), &host).map(|_| ()))
            .unwrap();
    }
    answer(command(folder, arguments).current_dir(folder), input.as_bytes())
}

#[test]
fn plugins_of_four_interfaces_load_in_any_order() {
    // Every two of them in both orders, and every one of them first and last.
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1], [0, 2, 1, 3], [3, 1, 2, 0]] {
        let folder = folder();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        for (place, plugin) in order.into_iter().enumerate() {
            let name = format!("{place}{}", env::consts::DLL_SUFFIX);
            fs::copy(&plugins()[plugin].0, folder.path().join("plugins").join(name)).unwrap();
        }
        let output = lonely_host(folder.path(), &["plugins", "--json", "--plugin-dir", "plugins"], "");
        assert!(output.status.success(), "{order:?}: {}", shown(&output, folder.path()));
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        for (_, component, version) in plugins() {
            let listed = found["components"].as_array().unwrap().iter();
            let of_name: Vec<_> = listed.filter(|listed| listed["name"] == *component).collect();
            assert_eq!(of_name.len(), 1, "{order:?}: {found}");
            assert_eq!(of_name[0]["interface"], *version);
        }
        // "abb": of odd length, not (ab)*, no palindrome; "aa": even, not (ab)*, a palindrome.
        let questions = "{\"response\": \"abb\"}\n{\"response\": \"aa\"}\n";
        for (verifier, config, expected) in [
            ("even-length", "()", [false, true]),
            ("regex", "(pattern: \"(ab)*\")", [false, false]),
            ("palindrome", "()", [false, true]),
        ] {
            let arguments = ["probe", "verifier", "--plugin", verifier, "--config", config];
            let arguments = [&arguments[..], &["--plugin-dir", "plugins"]].concat();
            let output = lonely_host(folder.path(), &arguments, questions);
            let answers = String::from_utf8_lossy(&output.stdout).into_owned();
            let answers: Vec<bool> = answers.lines().map(|line| line.contains("true")).collect();
            assert_eq!(answers, expected, "{order:?} {verifier}: {}", shown(&output, folder.path()));
        }
    }
}

/// What an older plugin read it cannot tell: the record says so, and the experiment's folder is named as the way to it.
#[test]
fn a_run_with_an_older_plugin_says_what_it_does_not_know() {
    let folder = folder();
    for name in ["plugins", "data"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let put = |file: &Path| {
        fs::copy(file, folder.path().join("plugins").join(file.file_name().unwrap())).unwrap();
    };
    put(&plugins()[0].0);
    for plugin in ["ngram", "kl_control"] {
        put(&library(plugin));
    }
    fs::write(folder.path().join("data/corpus.txt"), "ab\nb\n").unwrap();
    let experiment = r#"(
        name: "old",
        task: (
            alphabet: Chars("ab"), horizon: 3, ending: EndSymbol,
            base: (plugin: "ngram", config: (order: 1, corpus: "data/corpus.txt", add_k: 1.0)),
            verifier: (plugin: "even-length"),
        ),
        policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
        objectives: {"reinforce": (plugin: "reinforce")},
        training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
        seeds: [1],
    )"#;
    fs::write(folder.path().join("old.ron"), experiment).unwrap();
    let run = |file: &str| {
        let output = lonely_host(folder.path(), &["run", file, "--plugin-dir", "plugins"], "");
        assert!(output.status.success(), "{}", shown(&output, folder.path()));
    };
    run("old.ron");
    let read = |name: &str| fs::read_to_string(folder.path().join("runs/old").join(name)).unwrap();
    let provenance: serde_json::Value = serde_json::from_str(&read("provenance.json")).unwrap();
    assert_eq!(provenance["files_untold_by"], serde_json::json!(["verifier `even-length`"]));
    assert_eq!(provenance["files"][0]["path"], "data/corpus.txt");
    assert!(read("experiment.ron").contains("directory: \"../..\""), "{}", read("experiment.ron"));
    run("runs/old/experiment.ron");
}

/// An objective of a kept interface: asked for coefficients, and trained with the columns and the entropy that it knows of.
#[test]
fn an_objective_of_a_kept_interface_trains() {
    let folder = folder();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    for file in [plugins()[3].0.clone(), library("ngram"), library("regex")] {
        fs::copy(&file, folder.path().join("plugins").join(file.file_name().unwrap())).unwrap();
    }
    // Two equal right answers, another right one, a wrong one.
    let row = |reward: u8, outcome: u8| {
        format!(r#"{{"group": 0, "reward": {reward}, "log_probs": [-1.0, -2.0], "outcome": {outcome}}}"#)
    };
    let rows = [row(1, 0), row(1, 0), row(1, 1), row(0, 2)].join(", ");
    let batch = format!(r#"{{"step": 0, "sequences": [{rows}]}}"#);
    let arguments = ["probe", "objective", "--plugin", "shared", "--plugin-dir", "plugins"];
    let output = lonely_host(folder.path(), &arguments, &batch);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", shown(&output, folder.path())));
    assert_eq!(
        answer["coefficients"],
        serde_json::json!([[0.5, 0.5], [0.5, 0.5], [1.0, 1.0], [0.0, 0.0]]),
        "{answer}"
    );
    let experiment = r#"(
        name: "kept",
        task: (
            alphabet: Chars("ab"), horizon: 3, ending: EndSymbol,
            base: (plugin: "ngram", config: (order: 1, corpus: "corpus.txt", add_k: 1.0)),
            verifier: (plugin: "regex", config: (pattern: "a*b")),
        ),
        policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
        objectives: {"shared": (plugin: "shared")},
        training: (gradient: Sampled(prompts: 1, group: 8), steps: 20, optimizer: Sgd(learning_rate: 0.3)),
        seeds: [1],
    )"#;
    fs::write(folder.path().join("corpus.txt"), "ab\nb\n").unwrap();
    fs::write(folder.path().join("kept.ron"), experiment).unwrap();
    let output = lonely_host(folder.path(), &["run", "kept.ron", "--plugin-dir", "plugins"], "");
    let text = shown(&output, folder.path());
    assert!(output.status.success() && !text.contains("failed"), "{text}");
}

/// Of a verifier that cannot tell answers, equal answers are equal responses: as of one that could and does not.
#[test]
fn a_verifier_of_a_kept_interface_means_equal_responses() {
    let folder = folder();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    for file in [plugins()[0].0.clone(), library("ngram"), library("regex"), library("policy_gradient")] {
        fs::copy(&file, folder.path().join("plugins").join(file.file_name().unwrap())).unwrap();
    }
    let curves = |verifier: &str, name: &str| {
        let experiment = format!(
            r#"(
            name: "{name}",
            task: (
                alphabet: Chars("ab"), horizon: 4, ending: EndSymbol,
                base: (plugin: "ngram", config: (order: 1, table: {{"": [0.4, 0.3, 0.3]}})),
                verifier: {verifier},
            ),
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{"unique": (plugin: "uniqueness-aware")}},
            training: (gradient: Sampled(prompts: 1, group: 16), steps: 20, optimizer: Sgd(learning_rate: 0.3)),
            seeds: [1],
        )"#
        );
        fs::write(folder.path().join("unique.ron"), experiment).unwrap();
        let arguments = ["run", "unique.ron", "--plugin-dir", "plugins", "--out", name];
        let output = lonely_host(folder.path(), &arguments, "");
        let text = shown(&output, folder.path());
        assert!(output.status.success() && !text.contains("failed"), "{text}");
        fs::read_to_string(folder.path().join(name).join("curves.csv")).unwrap()
    };
    let of_pattern = |pattern: &str, name: &str| {
        curves(&format!(r#"(plugin: "regex", config: (pattern: "{pattern}"))"#), name)
    };
    let old = curves(r#"(plugin: "even-length")"#, "old");
    // It counts the end symbol, which the longest responses lack.
    assert!(of_pattern("[ab]([ab]{2})*|[ab]{4}", "untold") == old, "no answers told");
    assert!(of_pattern("(?<answer>[ab]([ab]{2})*|[ab]{4})", "told") == old, "whole responses told");
    assert!(of_pattern("(?<answer>[ab])(([ab]{2})*|[ab]{3})", "first") != old, "first letters told");
}
