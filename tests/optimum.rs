//! `host optimum` against the reproduction tables of the toys, and the optima beside the arms of a run.

use crate::support::{PARITY_TASK, experiments, folder, host, run};
use serde_json::Value;

fn optima(file: &str, more: &[&str]) -> Vec<Value> {
    let folder = folder();
    let file = experiments().join(file);
    let arguments = ["optimum", file.to_str().unwrap(), "--json"];
    let output = host(folder.path(), &[&arguments[..], more].concat());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    json["optima"].as_array().unwrap().clone()
}

#[test]
fn toy_palindrome_heads_where_the_table_says() {
    let found = optima("toy-palindrome.ron", &[]);
    let expected = [
        ("kl-control λ=1", [0.2097, 4.316, 0.160, 1.594]),
        ("kl-control λ=5", [0.9853, 0.262, 0.952, 3.327]),
        ("forward-kl", [0.5317, 2.628, 0.505, 1.176]),
        ("alpha 0.25", [0.8060, 1.256, 0.792, 1.445]),
    ];
    for (objective, figures) in expected {
        let optimum = found.iter().find(|optimum| optimum["objective"] == objective).unwrap();
        for (name, figure) in ["validity_rate", "entropy", "top1", "kl_from_filtered"].iter().zip(figures) {
            let value = optimum[*name].as_f64().unwrap();
            // Half a unit of the last digit shown, and the table's own rounding.
            assert!((value - figure).abs() < 6e-4, "{objective} {name}: {value}, not {figure}");
        }
        assert!(optimum["residual"].as_f64().unwrap() < 1e-9 && optimum["value"].as_f64().unwrap() > 0.0);
        let table = optimum["table"].as_object().unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), ["a", "b", "^"]);
        for row in table.values() {
            let total: f64 = row.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).sum();
            assert!((total - 1.0).abs() < 1e-12);
        }
    }
}

/// Fifty symbols: no output is ever listed.
#[test]
fn long_outputs_have_optima_too() {
    let found = optima("toy-parity.ron", &["--set", "task.horizon=50"]);
    let forward = found.iter().find(|optimum| optimum["objective"] == "forward-kl").unwrap();
    let (value, kl) = (forward["value"].as_f64().unwrap(), forward["kl_from_filtered"].as_f64().unwrap());
    assert!((value - kl).abs() < 1e-10, "{value} {kl}");
    // A base that does not know parity cannot do better than halve the distance that filtering costs.
    assert!(value > 0.0 && value < 2f64.ln() + 1e-9, "{value}");
}

/// Without sampling noise arms end at the optimum of their class, and none is beyond it.
#[test]
fn arms_end_at_the_optimum_beside_them() {
    let record = run(&format!(
        r#"(name: "beside", {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "reinforce": (plugin: "reinforce"),
                "control": (plugin: "kl-control", config: (lambda: 2.0)),
                "forward": (plugin: "forward-kl"),
                "alpha": (plugin: "alpha", config: (alpha: 0.25)),
            }},
            training: (gradient: Population, steps: 3000, optimizer: Adam(learning_rate: 0.02)),
            evaluation: (every: 3000, betas: [0.5], alphas: [0.25]),
            seeds: [1])"#
    ));
    let names: Vec<&str> = record.optima.iter().map(|optimum| optimum.objective.as_str()).collect();
    assert_eq!(names, ["reinforce", "control", "forward", "alpha"]);
    // Invalidity fades with the steps that are still to come; the others settle.
    let minimised = [
        ("invalidity_rate", 1e-3),
        ("kl_to_tilted@0.5", 1e-9),
        ("kl_from_filtered", 1e-9),
        ("alpha_divergence@0.25", 1e-9),
    ];
    for ((optimum, arm), (metric, rest)) in record.optima.iter().zip(&record.arms).zip(minimised) {
        let last = arm.last.as_ref().unwrap();
        let reached = last.flat().find(|(name, _)| name == metric).unwrap().1.value.unwrap();
        assert!(reached >= optimum.value - 1e-12, "{metric}: {reached} beats {}", optimum.value);
        assert!(reached < optimum.value + rest, "{metric}: {reached}, not {}", optimum.value);
    }
}

#[test]
fn optima_can_be_left_out() {
    let text = |more: &str| {
        format!(
            r#"(name: "left", {PARITY_TASK}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"reinforce": (plugin: "reinforce")}},
                training: (gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 0.1)),
                evaluation: ({more}), seeds: [1])"#
        )
    };
    assert_eq!(run(&text("")).optima.len(), 1);
    assert!(run(&text("optima: false")).optima.is_empty());
}
