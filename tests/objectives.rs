//! Coefficients against values that a script worked out from the definitions, sharing no code with the plugins.

use crate::support::{PARITY_TASK, experiment, registry};
use pstar_core::objective::PromptFacts;
use pstar_lab::probe::ObjectiveInput;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    objective: String,
    config: String,
    #[serde(default)]
    batch: Option<ObjectiveInput>,
    #[serde(default)]
    steps: Vec<ObjectiveInput>,
    coefficients: serde_json::Value,
}

/// Coefficients are sums and products of a few exponentials: 1e-12 relative to the largest of their row leaves
/// room for the cancellation of a baseline.
fn assert_close(found: &[Vec<f64>], expected: &serde_json::Value, name: &str) {
    let expected: Vec<Vec<f64>> = serde_json::from_value(expected.clone()).unwrap();
    let scale = expected.iter().flatten().fold(1.0, |scale: f64, c| scale.max(c.abs()));
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-12 * scale, "{name}: {found}, not {expected}");
        }
    }
}

#[test]
fn coefficients_equal_independent_values() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/objectives.json")).unwrap();
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    // The variant of the α-divergence that was published goes by two names.
    let released = |case: &Case| {
        let config = case.config.replace(", as_released: true", "");
        (config != case.config).then(|| ("alpha-dpg".to_string(), config))
    };
    let named = |case: &Case| (case.objective.clone(), case.config.clone());
    assert!(cases.iter().filter_map(released).count() >= 10);
    for (case, (objective, config)) in cases
        .iter()
        .flat_map(|case| std::iter::once(named(case)).chain(released(case)).map(move |of| (case, of)))
    {
        let component = registry().objective(&objective).unwrap();
        let mut objective = component.create(&config, &task).unwrap();
        // One batch, or successive steps of an objective that keeps its state.
        let single = std::slice::from_ref(&case.coefficients);
        let (steps, expected) = match &case.batch {
            Some(batch) => (std::slice::from_ref(batch), single),
            None => (&case.steps[..], &case.coefficients.as_array().unwrap()[..]),
        };
        assert_eq!(steps.len(), expected.len());
        for (step, expected) in steps.iter().zip(expected) {
            assert_close(&step.ask(&mut objective).unwrap().coefficients, expected, &case.name);
        }
    }
    assert!(cases.len() > 100);
}

/// A validity rate above the base's is needed, and a base that is neither always nor never valid.
#[test]
fn a_rate_that_no_tilt_has_is_refused_before_training() {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let facts = |rate: f64| [PromptFacts::new(rate.ln(), (1.0 - rate).ln())];
    let component = registry().objective("kl-control").unwrap();
    let mut objective = component.create("(mu: 0.5)", &task).unwrap();
    assert!(objective.prepare(&facts(0.2)).is_ok());
    for rate in [0.5, 0.8, 0.0, 1.0] {
        assert_eq!(objective.prepare(&facts(rate)).unwrap_err().field.as_deref(), Some("mu"), "{rate}");
    }
    assert!(objective.prepare(&[PromptFacts::default()]).is_err());
}

#[test]
fn configurations_out_of_range_are_refused() {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    for (objective, config, words) in [
        ("kl-control", "()", "expected one of `beta`, `lambda` and `mu`, found none"),
        ("kl-control", "(beta: 0.1, lambda: 10.0)", "found several"),
        ("kl-control", "(beta: 0.0)", "`beta` must be a positive number, found `0`"),
        ("kl-control", "(lambda: inf)", "`lambda` must be a positive number, found `inf`"),
        ("kl-control", "(mu: 1.0)", "`mu` must be in (0, 1), found `1`"),
        ("alpha", "(alpha: 1.0)", "`alpha` must be in [0, 1), found `1`"),
        ("alpha", "(alpha: NaN)", "`alpha` must be in [0, 1), found `NaN`"),
        ("alpha", "(alpha: 0.5, clip: -1.0)", "`clip` must be a positive number, found `-1`"),
        ("alpha", "(alpha: 0.5, as_released: true, partition: Running)", "`as_released` fixes"),
        ("alpha", "(alfa: 0.5)", "alfa"),
        ("forward-kl", "(partition: Exactly)", "Exactly"),
        ("reinforce", "(baseline: 3)", ""),
    ] {
        let error = registry().objective(objective).unwrap().create(config, &task).unwrap_err();
        assert!(error.message.contains(words), "{objective} {config}: {}", error.message);
    }
}
