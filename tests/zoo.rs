//! The named objectives and their blocks against a second evaluator (`reference/objectives`), which shares no code.

use crate::support::{PARITY_TASK, experiment, registry};
use pstar_lab::probe::ObjectiveInput;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Case {
    name: String,
    plugin: String,
    config: String,
    #[serde(default)]
    preset: Option<String>,
    #[serde(default, rename = "override")]
    over: Option<String>,
    #[serde(default)]
    batch: Option<ObjectiveInput>,
    #[serde(default)]
    steps: Vec<ObjectiveInput>,
    /// Of the batch, or of every step.
    coefficients: serde_json::Value,
}

/// What is not fixed by a definition: a task's horizon, k, and which tokens a seed draws.
const CHOICES: &[&str] = &["dr-grpo", "pkpo", "max-at-k", "pass-at-k", "clip-cov"];

/// Whether coefficients are those expected: sums and products of a few exponentials, a deviation and a root among them,
/// from two libraries of mathematics.
fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>], name: &str) {
    let scale = expected.iter().flatten().fold(1.0, |scale: f64, c| scale.max(c.abs()));
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-10 * scale, "{name}: {found}, not {expected}");
        }
    }
}

#[test]
fn every_preset_and_every_block_equals_a_second_evaluator() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/objectives/golden.json")).unwrap();
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let (mut asked, mut presets) = (0, BTreeSet::new());
    for case in &cases {
        let ask = |plugin: &str, config: &str| {
            let name = format!("{} as {plugin} {config}", case.name);
            let mut objective = registry().objective(plugin).unwrap().create(config, &task).unwrap();
            let expected: Vec<Vec<Vec<f64>>> = match &case.batch {
                Some(_) => vec![serde_json::from_value(case.coefficients.clone()).unwrap()],
                None => serde_json::from_value(case.coefficients.clone()).unwrap(),
            };
            for (batch, expected) in case.batch.iter().chain(&case.steps).zip(&expected) {
                let answer = batch.ask(&mut objective).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_close(&answer.coefficients, expected, &name);
            }
        };
        if case.plugin != "policy-gradient" {
            continue;
        }
        ask(&case.plugin, &case.config);
        asked += 1;
        if let Some(preset) = case.preset.as_deref().filter(|preset| !CHOICES.contains(preset)) {
            ask(preset, case.over.as_deref().unwrap_or("()"));
            presets.insert(preset);
        }
    }
    assert!(asked >= 600 && presets.len() >= 40, "{asked} cases, {} presets", presets.len());
}
