//! A verifier that a stranger writes: in a package of its own, without a word about the binary interface.

use crate::support::{folder, host, shown};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn a_verifier_of_at_most_25_lines_loads_and_runs() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/out_of_tree/palindrome");
    let manifest = fs::read_to_string(source.join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("abi_stable"));
    assert!(fs::read_to_string(source.join("src/lib.rs")).unwrap().lines().count() <= 25);

    let folder = folder();
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core").canonicalize().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::copy(source.join("src/lib.rs"), folder.path().join("src/lib.rs")).unwrap();
    let manifest = manifest.replace("../../../crates/core", &core.display().to_string());
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    // The versions of this workspace, which are downloaded already.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    fs::copy(lock, folder.path().join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("out-of-tree");
    let built = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--offline", "--quiet"])
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    let plugins = target.join("debug");
    let experiment = r#"(
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
    )"#;
    fs::write(folder.path().join("palindromes.ron"), experiment).unwrap();
    let arguments = ["run", "palindromes.ron", "--json", "--plugin-dir", plugins.to_str().unwrap()];
    let output = host(folder.path(), &arguments);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // "": .2; 2 of length 1: 2·.08; 2 of length 2: 2·.032; 4 of length 3: 4·.0128; 4 of length 4: 4·.0256.
    let rate = summary["references"]["base"]["validity_rate"].as_f64().unwrap();
    assert!((rate - (0.2 + 0.16 + 0.064 + 0.0512 + 0.1024)).abs() < 1e-12, "{rate}");
}
