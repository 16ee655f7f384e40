//! The width of vectors changes no bit of what n-grams, objectives and the exact engine find: runs with the widest that the
//! processor has, with AVX2 at most, and with neither.

use crate::support::{command, experiments, installation};
use pstar_core::math::VECTORS;
use std::fs;
use std::path::Path;

/// What a run tells of its numbers.
const FILES: [&str; 5] = ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "table.txt"];

/// Runs an experiment with so much of its time as a test has, and reads what it tells.
fn run(
    folder: &Path,
    experiment: &str,
    settings: &[&str],
    vectors: Option<&str>,
) -> Vec<(&'static str, String)> {
    let out = folder.join(vectors.unwrap_or("widest"));
    let file = experiments().join(experiment);
    let mut arguments = vec!["run", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    let mut command = command(installation(), &arguments);
    command.env_remove(VECTORS).envs(vectors.map(|vectors| (VECTORS, vectors)));
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    FILES.map(|name| (name, fs::read_to_string(out.join(name)).unwrap())).to_vec()
}

/// Objectives with loops of their own, on samples that the policy has moved away from.
const CLIPS: &str = r#"(
    name: "clips",
    task: (
        alphabet: Chars("ab"),
        horizon: 8,
        ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.3, 0.7]})),
        verifier: (plugin: "regex", config: (pattern: "(a|b)*ab")),
    ),
    policies: { "bigram": (plugin: "ngram", config: (order: 2), start: FitBase) },
    objectives: {
        "reinforce++": (plugin: "reinforce++"),
        "grpo-skyrl": (plugin: "grpo-skyrl"),
        "gspo": (plugin: "gspo"),
        "gmpo": (plugin: "gmpo"),
        "cispo": (plugin: "cispo"),
        "sapo": (plugin: "sapo"),
        "topr": (plugin: "topr"),
        "dppo": (plugin: "dppo", config: (clip: Divergence(divergence: Tv, low: 0.02, high: 0.02))),
        "dppo-kl": (plugin: "dppo-kl", config: (clip: Divergence(divergence: Kl, low: 0.002, high: 0.002))),
        "kl-cov": (plugin: "kl-cov"),
    },
    training: (
        gradient: Sampled(prompts: 1, group: 128, epochs: 2, minibatches: 1),
        steps: 4,
        optimizer: Adam(learning_rate: 0.1),
    ),
    evaluation: (every: 2, k: [1, 4], optima: false),
    seeds: [1],
)"#;

#[test]
fn no_width_changes_a_bit() {
    let folder = tempfile::tempdir().unwrap();
    let clips = folder.path().join("clips.ron");
    fs::write(&clips, CLIPS).unwrap();
    for (experiment, settings) in [
        ("compare.ron", &["training.steps=3", "evaluation.every=2", "seeds=[1]"][..]),
        ("grpo.ron", &["training.steps=4", "evaluation.every=2", "seeds=[1]"]),
        (clips.to_str().unwrap(), &[]),
    ] {
        let folder = folder.path().join(Path::new(experiment).file_stem().unwrap());
        fs::create_dir_all(&folder).unwrap();
        let widest = run(&folder, experiment, settings, None);
        for vectors in ["avx2", "none"] {
            for ((name, found), (_, expected)) in
                run(&folder, experiment, settings, Some(vectors)).iter().zip(&widest)
            {
                assert!(
                    found == expected,
                    "{name} of {experiment} with {vectors} is not what the widest give"
                );
            }
        }
    }
}

#[test]
fn a_width_that_there_is_not_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = experiments().join("compare.ron");
    let mut command = command(installation(), &["validate", file.to_str().unwrap()]);
    let output = command.env(VECTORS, "avx512").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("`PSTAR_VECTORS` must be `avx2` or `none`, found `avx512`"), "{told}");
}
