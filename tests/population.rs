//! Exact gradients: against independent values, and where they lead.

use crate::support::{PARITY_TASK, PROMPTED_TASK, experiment, experiments, registry, run};
use pstar_lab::evaluation::GroundTruth;
use pstar_lab::training::{OutputBatch, PopulationScores};
use pstar_record::{Method, RunRecord};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;

#[derive(Deserialize)]
struct Gradients {
    contexts: Vec<String>,
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    name: String,
    objective: String,
    config: String,
    policy: BTreeMap<String, Vec<f64>>,
    gradient: Vec<f64>,
}

/// Gradients of E[v] − β KL(q‖a), −KL(p*‖q), −D_α(q‖p*) and E[v] in the logits of a bigram on the parity toy, from
/// enumeration and central differences in 60-digit decimals.
#[test]
fn gradients_equal_independent_values() {
    let reference: Gradients = serde_json::from_str(include_str!("reference/gradient.json")).unwrap();
    for point in &reference.points {
        let table: Vec<String> =
            point.policy.iter().map(|(key, row)| format!("\"{key}\": {row:?}")).collect();
        let experiment = experiment(&format!(
            r#"(name: "gradient", {PARITY_TASK}
                policies: {{"q": (plugin: "ngram", config: (order: 2, table: {{{}}}), start: AsConfigured)}})"#,
            table.join(", ")
        ));
        let GroundTruth::Enumerated(values) = GroundTruth::new(&experiment.world).unwrap() else {
            panic!("a small space")
        };
        let outputs = OutputBatch::new(&experiment.world, &values).unwrap();
        let spec = &experiment.plan.policies[0];
        let component = registry().policy(&spec.plugin).unwrap();
        let policy = component.create(&spec.configuration, &experiment.world.task).unwrap();
        let component = registry().objective(&point.objective).unwrap();
        let mut objective = component.create(&point.config, &experiment.world.task).unwrap();
        let mut scores = PopulationScores::default();
        outputs.score(&policy, &mut scores).unwrap();
        let answer = objective.step(&outputs.view(&scores, (1, 0)).unwrap()).unwrap();
        let mut gradient = vec![0.0; policy.parameter_count().unwrap()];
        let weighted = outputs.weighted(&scores, &answer.coefficients).unwrap();
        policy.gradient(&weighted, &mut gradient).unwrap();
        // Rows of the plugin: the contexts a, b and ^, in token order.
        for (i, context) in reference.contexts.iter().enumerate() {
            let row = ["a", "b", "^"].iter().position(|known| known == context).unwrap();
            for (found, expected) in gradient[2 * row..2 * row + 2].iter().zip(&point.gradient[2 * i..]) {
                assert!((found - expected).abs() < 1e-13, "{}: {found}, not {expected}", point.name);
            }
        }
    }
    assert!(reference.points.len() >= 12);
}

/// validity, H(q), top-1, exp H, KL(p*‖q) of the best optimum of the class, to the digits tabulated.
type Row = (&'static str, [&'static str; 5]);

const PALINDROME: [Row; 7] = [
    ("kl-control λ=0.5", [".1792", "4.509", ".127", "90.8", "1.725"]),
    ("kl-control λ=1", [".2097", "4.316", ".160", "74.9", "1.594"]),
    ("kl-control λ=2", [".3689", "3.424", ".333", "30.7", "1.261"]),
    ("kl-control λ=3", [".7318", "1.603", ".718", "4.97", "1.299"]),
    ("kl-control λ=5", [".9853", ".262", ".952", "1.30", "3.327"]),
    ("forward-kl", [".5317", "2.628", ".505", "13.9", "1.176"]),
    ("alpha 0.25", [".8060", "1.256", ".792", "3.51", "1.445"]),
];

const PARITY: [Row; 7] = [
    ("kl-control λ=0.5", [".5668", "2.782", ".255", "16.1", ".573"]),
    ("kl-control λ=1", [".5895", "2.665", ".300", "14.4", ".556"]),
    ("kl-control λ=2", [".6630", "2.270", ".437", "9.68", ".576"]),
    ("kl-control λ=3", [".7693", "1.671", ".620", "5.32", ".747"]),
    ("kl-control λ=5", [".9253", ".669", ".872", "1.95", "1.559"]),
    ("forward-kl", [".6108", "2.575", ".338", "13.1", ".549"]),
    ("alpha 0.25", [".6441", "2.392", ".400", "10.9", ".559"]),
];

/// Within 1e-3 (of exp H, which multiplies an error of H, 1e-3 relative) and half a unit of the last digit.
fn assert_lands(record: &RunRecord, table: &[Row]) {
    for (objective, row) in table {
        let arm = record.arms_of("bigram", objective).next().unwrap();
        let last = arm.last.as_ref().unwrap();
        let names = ["validity_rate", "entropy", "top1", "effective_number", "kl_from_filtered"];
        for (name, text) in names.iter().zip(row) {
            let (found, expected) = (last.get(name).unwrap(), text.parse::<f64>().unwrap());
            let decimals = i32::try_from(text.split('.').nth(1).unwrap().len()).unwrap();
            let scale = if *name == "effective_number" { expected } else { 1.0 };
            let tolerance = 1e-3 * scale + 0.5 * 0.1f64.powi(decimals);
            assert!((found - expected).abs() <= tolerance, "{objective}, {name}: {found}, not {expected}");
        }
    }
}

#[test]
fn training_lands_on_the_optima_of_the_palindrome_toy() {
    assert_lands(&run(&fs::read_to_string(experiments().join("toy-palindrome.ron")).unwrap()), &PALINDROME);
}

#[test]
fn training_lands_on_the_optima_of_the_parity_toy() {
    assert_lands(&run(&fs::read_to_string(experiments().join("toy-parity.ron")).unwrap()), &PARITY);
}

/// Listing all outputs, and walking the states as where nobody can list them: the same steps.
#[test]
fn states_and_outputs_give_the_same_gradients() {
    let text = |enumerate_up_to: u64, ending: &str| {
        format!(
            r#"(name: "both", {PROMPTED_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase),
                        "by position": (plugin: "ngram", config: (order: 2, position_dependent: true), start: Random)}},
            objectives: {{"reinforce": (plugin: "reinforce"),
                         "kl": (plugin: "kl-control", config: (lambda: 3.0)),
                         "at rate": (plugin: "kl-control", config: (mu: 0.9)),
                         "forward-kl": (plugin: "forward-kl"),
                         "alpha": (plugin: "alpha", config: (alpha: 0.5))}},
            training: (gradient: Population, steps: 8, optimizer: Sgd(learning_rate: 0.5)),
            evaluation: (every: 4, k: [1, 16], enumerate_up_to: {enumerate_up_to}, betas: [0.2], alphas: [0.5]),
            seeds: [1])"#
        )
        .replace("EndSymbol", ending)
    };
    for ending in ["EndSymbol", "FixedLength"] {
        // With a fixed length some prompts cannot be solved, and a validity rate asks for one that can.
        let text = |limit| match ending {
            "FixedLength" => text(limit, ending).replace("mu: 0.9", "beta: 2.0"),
            _ => text(limit, ending),
        };
        let (listed, walked) = (run(&text(1000)), run(&text(10)));
        assert_eq!((listed.method, walked.method), (Method::Enumeration, Method::DynamicProgramming));
        assert_eq!(listed.arms.len(), 10);
        for (listed, walked) in listed.arms.iter().zip(&walked.arms) {
            let name = format!("{ending} {} {}", listed.policy, listed.objective);
            assert!(listed.failure.is_none() && walked.failure.is_none(), "{name}: {:?}", walked.failure);
            assert_eq!(listed.log_partition, walked.log_partition, "{name}");
            for (a, b) in listed.parameters.iter().zip(&walked.parameters) {
                assert!((a - b).abs() < 1e-10, "{name}: {a} and {b}");
            }
            let figures = listed.last.as_ref().unwrap().flat();
            for ((metric, a), (_, b)) in figures.zip(walked.last.as_ref().unwrap().flat()) {
                if let (Some(a), Some(b)) = (a.value.filter(|a| a.is_finite()), b.value) {
                    assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{name}, {metric}: {a} and {b}");
                }
            }
        }
    }
}

/// A prompt of weight 0 counts for nothing, listed or walked, and its optimum is a number.
#[test]
fn prompts_without_weight_change_no_gradient() {
    let text = |limit: u64| {
        let task =
            PROMPTED_TASK.replace("base: (plugin", "weights: [0.5, 0.0, 0.5, 0.0],\n    base: (plugin");
        format!(
            r#"(name: "weights", {task}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"kl": (plugin: "kl-control", config: (lambda: 3.0)), "forward-kl": (plugin: "forward-kl")}},
                training: (gradient: Population, steps: 4, optimizer: Sgd(learning_rate: 0.5)),
                evaluation: (every: 4, enumerate_up_to: {limit}), seeds: [1])"#
        )
    };
    let (listed, walked) = (run(&text(1000)), run(&text(10)));
    for (listed, walked) in listed.arms.iter().zip(&walked.arms) {
        assert!(listed.failure.is_none() && walked.failure.is_none(), "{:?}", walked.failure);
        for (a, b) in listed.parameters.iter().zip(&walked.parameters) {
            assert!((a - b).abs() < 1e-10, "{}: {a} and {b}", listed.objective);
        }
    }
    assert!(walked.optima.iter().all(|optimum| optimum.value.unwrap().is_finite()));
}
