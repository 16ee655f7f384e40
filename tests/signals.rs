//! What single steps tell reaches curves and summary: the host's signals and the objective's diagnostics; and advice
//! fits what happened.

use crate::support::{PARITY_TASK, folder, host, library, run, run_with, shown, texts};
use pstar_record::RunRecord;
use serde_json::Value;
use std::fs;

fn text(objective: &str, training: &str) -> String {
    format!(
        r#"(name: "signals", {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{"it": {objective}}},
            training: ({training}),
            evaluation: (every: 2, k: [1], optima: false),
            seeds: [1])"#
    )
}

const CLIPPED: &str = r#"(plugin: "alpha", config: (alpha: 0.5, clip: 0.1))"#;

/// The mean of a signal over the steps before a point of the curve.
fn signal(record: &RunRecord, point: usize, name: &str) -> Option<f64> {
    record.arms[0].curve[point].signals.iter().find(|(known, _)| *known == name).and_then(|(_, mean)| mean)
}

#[test]
fn signals_and_diagnostics_reach_curves_and_summary() {
    let folder = folder();
    let training = "gradient: Sampled(prompts: 2, group: 3), steps: 4, optimizer: Sgd(learning_rate: 0.01), clip_norm: 0.001";
    fs::write(folder.path().join("it.ron"), text(CLIPPED, training)).unwrap();
    let output = host(folder.path(), &["run", "it.ron", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output, folder.path()));
    let curves = fs::read_to_string(folder.path().join("out/curves.csv")).unwrap();
    let summary = fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    for name in
        ["gradient_norm", "gradient_clipped", "groups_all_right", "groups_all_wrong", "clipped_fraction"]
    {
        let values: Vec<(u32, f64)> = curves
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>())
            .filter(|cells| cells[4] == name)
            .map(|cells| (cells[3].parse().unwrap(), cells[5].parse().unwrap()))
            .collect();
        let [(2, first), (4, second)] = values[..] else { panic!("{name}: {values:?}") };
        assert!(first >= 0.0 && (name == "gradient_norm" || first <= 1.0), "{name}: {first}");
        let whole = summary["arms"][0]["diagnostics"][name].as_f64().unwrap();
        // Two steps before each point: the mean over four is that of the two means, but for rounding.
        assert!((whole - 0.5 * (first + second)).abs() <= 1e-15 * whole.abs().max(1.0), "{name}: {whole}");
    }
    assert_eq!(summary["arms"][0]["diagnostics"]["gradient_clipped"], 1.0);
}

/// After one plain step the parameters have moved by the learning rate times the gradient.
#[test]
fn the_norm_is_that_of_the_move() {
    for gradient in ["Population", "Sampled(prompts: 1, group: 16)"] {
        let after = |steps: u32| {
            let training =
                format!("gradient: {gradient}, steps: {steps}, optimizer: Sgd(learning_rate: 0.5)");
            run(&text(r#"(plugin: "reinforce")"#, &training))
        };
        let (before, after) = (after(0), after(1));
        let moves = after.arms[0].parameters.iter().zip(&before.arms[0].parameters);
        let norm = moves.map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt() / 0.5;
        let found = signal(&after, 1, "gradient_norm").unwrap();
        // Differences of numbers of size 1.
        assert!(norm > 0.0 && (found - norm).abs() < 1e-14, "{gradient}: {found} {norm}");
        assert_eq!(before.arms[0].diagnostics.iter().count(), 0);
    }
}

/// Half of the base's outputs are valid. In groups of one, a group is all right or all wrong; in large ones it is neither.
#[test]
fn shares_of_groups_without_contrast() {
    let of = |group: u32| {
        let training = format!(
            "gradient: Sampled(prompts: 4, group: {group}), steps: 2, optimizer: Sgd(learning_rate: 1e-9)"
        );
        let record = run(&text(r#"(plugin: "reinforce", config: (baseline: None))"#, &training));
        ["groups_all_right", "groups_all_wrong"].map(|name| signal(&record, 1, name).unwrap())
    };
    let [right, wrong] = of(1);
    assert!((right + wrong - 1.0).abs() < 1e-15, "{right} {wrong}");
    assert_eq!(of(64), [0.0, 0.0]);
}

/// Where gradients are exact every output counts as its probability, and a clip that never acts is said too.
#[test]
fn clips_of_exact_gradients_are_told() {
    let population = |clip: &str| {
        let objective = format!(r#"(plugin: "alpha", config: (alpha: 0.5, clip: {clip}))"#);
        run(&text(&objective, "gradient: Population, steps: 2, optimizer: Sgd(learning_rate: 0.01)"))
    };
    let idle = population("1000.0");
    assert_eq!(signal(&idle, 1, "clipped_fraction"), Some(0.0));
    assert_eq!(texts(&idle.arms[0].warnings), ["its clip never acted: no pseudo-reward reached it"]);
    // The start is the base: p*/q is 1/A1 = 1/0.55 on valid outputs, so that √(1/A1) − 1 = 0.348 is above 0.1 on all of
    // them, which have 0.55 of the mass. The second step starts some 0.01 from there.
    let acting = population("0.1");
    let found = signal(&acting, 1, "clipped_fraction").unwrap();
    assert!((found - 0.55).abs() < 0.01, "{found}");
    assert_eq!(texts(&acting.arms[0].warnings), [""; 0]);
}

/// No learning rate makes up for a gradient of 1e59: the policy's own advice is put right by what the host knows.
#[test]
fn advice_fits_a_gradient_that_overflowed() {
    let text = text(
        r#"(plugin: "kl-control", config: (beta: 1e60))"#,
        "gradient: Sampled(prompts: 1, group: 16), steps: 3, optimizer: Sgd(learning_rate: 1.0)",
    );
    let text = text.replace(
        r#"(plugin: "ngram", config: (order: 2), start: FitBase)"#,
        r#"(plugin: "rnn", config: (hidden: 3), start: Random)"#,
    );
    let record = run_with(library("rnn"), &text);
    let failure = record.arms[0].failure.as_ref().unwrap();
    assert!(failure.message.contains("expected parameters that are finite"), "{failure:?}");
    assert!(failure.message.contains("`training.clip_norm` bounds"), "{failure:?}");
    assert!(!failure.message.contains("smaller learning rate"), "{failure:?}");
}
