//! `training.match: Kappa`: expected steps are as long as plain REINFORCE's, by values worked out here by brute force.

use crate::support::{PARITY_TASK, PROMPTED_TASK, experiment, registry, run, run_with, test_library, texts};
use crate::two_prompts::{POLICY, ROWS, TASK, expected, grpo, norm};
use pstar_lab::run::prepare;
use pstar_record::{ArmRecord, RunRecord};

const OBJECTIVES: &str = r#"
    "reinforce": (plugin: "reinforce"),
    "thrice": (plugin: "policy-gradient", config: (multiplier: 3.0)),
    "group mean": (plugin: "policy-gradient"),
    "rloo": (plugin: "rloo"),
    "grpo's advantage": (plugin: "policy-gradient", config: (scale: [Std(epsilon: 1e-6)])),
    "maxrl": (plugin: "maxrl"),
    "pkpo": (plugin: "pkpo", config: (signal: PassAtK(k: 3, form: Loo1))),
    "tsallis": (plugin: "tsallis"),"#;

fn text(task: &str, objectives: &str, training: &str) -> String {
    format!(
        r#"(name: "match", {task} {POLICY} objectives: {{{objectives}}},
            training: ({training}), evaluation: (every: 1, k: [1], optima: false, samples: 16), seeds: [1])"#
    )
}

fn arm<'a>(record: &'a RunRecord, objective: &'a str) -> &'a ArmRecord {
    let arm = record.arms_of("it", objective).next().unwrap();
    assert!(arm.failure.is_none(), "{objective}: {:?}", arm.failure);
    arm
}

fn signal(arm: &ArmRecord, point: usize, name: &str) -> f64 {
    let found = arm.curve[point].signals.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no {name} of {}", arm.objective)).1.unwrap()
}

/// Exact and sampled, with and without drawing again: the factor is that of all groups listed, and exact steps go where
/// the list says. Rounding of some thousand terms, relative.
#[test]
fn factors_are_those_of_all_groups_listed() {
    let reference = expected(1, 0, &|right, _| f64::from(u8::from(right)));
    let advantage = r#""it": (plugin: "policy-gradient", config: (scale: [Std(epsilon: 1e-6)], group: 3)),"#;
    let cases = [
        ("Population", 3, 0),
        ("Sampled(prompts: 2, group: 3)", 3, 0),
        ("Sampled(prompts: 2, group: 4, redraw: (limit: 1))", 4, 1),
        ("Sampled(prompts: 2, group: 3, redraw: (limit: 5))", 3, 5),
    ];
    for (gradient, group, redraw) in cases {
        let training =
            format!("gradient: {gradient}, steps: 1, optimizer: Sgd(learning_rate: 0.5), match: Kappa");
        let own = expected(group, redraw, &grpo(group));
        let factor = norm(&reference) / norm(&own);
        let text = text(TASK, advantage, &training);
        // By states, and where there are too many by listing; exact gradients are by listing anyhow.
        let listing = text.replace("seeds: [1]", "exact: (max_states: 1), seeds: [1]");
        let [record, listed] = [&text, &listing].map(|text| run(text));
        for record in [&record, &listed] {
            let found = signal(arm(record, "it"), 1, "match_factor");
            assert!((found / factor - 1.0).abs() < 1e-11, "{gradient}: {found}, not {factor}");
        }
        if gradient == "Population" {
            let start = ROWS.as_flattened().iter().map(|prob| prob.ln());
            for ((end, start), own) in arm(&record, "it").parameters.iter().zip(start).zip(own) {
                assert!((end - start - 0.5 * factor * own).abs() < 1e-12, "{end} {start} {own}");
            }
        }
    }
}

/// With one prompt all objectives of the class take the same path, listed or by states, for 40 steps of 0.5: rounding of a
/// step is 1e-15, and what it grows to in so many stays below 1e-11.
#[test]
fn one_prompt_is_one_path() {
    let task = PARITY_TASK.replace("base: (plugin", "prompts: List([\"\"]), base: (plugin");
    let training = "gradient: Population, steps: 40, optimizer: Sgd(learning_rate: 0.5), match: Kappa";
    for limit in [1000, 10] {
        let text = text(&task, OBJECTIVES, training)
            .replace("optima: false", &format!("optima: false, enumerate_up_to: {limit}"));
        let record = run(&text);
        let first = arm(&record, "reinforce");
        let moved = first.curve[40].measures.get("validity_rate").unwrap()
            - first.curve[0].measures.get("validity_rate").unwrap();
        assert!(moved > 0.04, "{moved}");
        for found in &record.arms {
            assert!(found.failure.is_none(), "{:?}", found.failure);
            for (a, b) in found.parameters.iter().zip(&first.parameters) {
                assert!((a - b).abs() < 1e-11, "{} {limit}: {a} and {b}", found.objective);
            }
        }
        // And without it they do not.
        let unmatched = run(&text.replace(", match: Kappa", ""));
        let ends: Vec<f64> = unmatched.arms.iter().map(|arm| arm.parameters[0]).collect();
        assert!((ends[0] - ends[1]).abs() > 0.01 && (ends[0] - ends[4]).abs() > 0.01, "{ends:?}");
    }
}

/// A factor that all prompts share is no difference, whatever the task and however gradients are had; and every expected step
/// is as long as REINFORCE's from where the arm stands, at the first step the same for all.
#[test]
fn common_factors_cancel_and_lengths_are_equal() {
    let policy = POLICY.replace(
        r#"config: (order: 2, table: {"a": [0.6, 0.4], "b": [0.2, 0.8], "^": [0.9, 0.1]}), start: AsConfigured"#,
        "config: (order: 2), start: FitBase",
    );
    for gradient in
        ["Population", "Sampled(prompts: 4, group: 8)", "Sampled(prompts: 3, group: 4, redraw: (limit: 2))"]
    {
        let training = format!(
            "gradient: {gradient}, steps: 10, optimizer: Sgd(learning_rate: 0.3), clip_norm: 0.2, match: Kappa"
        );
        let record = run(&text(PROMPTED_TASK, OBJECTIVES, &training).replace(POLICY, &policy));
        let (one, thrice) = (arm(&record, "group mean"), arm(&record, "thrice"));
        for (a, b) in one.parameters.iter().zip(&thrice.parameters) {
            assert!((a - b).abs() < 1e-11, "{gradient}: {a} and {b}");
        }
        for step in 1..=10 {
            let ratio = signal(one, step, "match_factor") / signal(thrice, step, "match_factor");
            assert!((ratio - 3.0).abs() < 1e-9, "{gradient}: {ratio}");
        }
        if gradient == "Population" {
            let length = signal(arm(&record, "reinforce"), 1, "gradient_norm");
            assert!(length > 0.01);
            for arm in &record.arms {
                let found = signal(arm, 1, "gradient_norm");
                assert!((found / length - 1.0).abs() < 1e-12, "{}: {found}, not {length}", arm.objective);
            }
        }
    }
}

/// What has no expected step, and where nobody has: numbers, and no step.
#[test]
fn nothing_to_match_is_a_factor_of_one() {
    let nothing = r#""it": (plugin: "policy-gradient", config: (multiplier: 0.0)),"#;
    let solved = TASK.replace("(b|ab*a)*", "(a|b)*");
    for (task, gradient) in [
        (TASK, "Population"),
        (TASK, "Sampled(prompts: 2, group: 4)"),
        (&solved, "Population"),
        (&solved, "Sampled(prompts: 2, group: 4)"),
    ] {
        let training =
            format!("gradient: {gradient}, steps: 3, optimizer: Sgd(learning_rate: 0.5), match: Kappa");
        let record = run(&text(task, nothing, &training));
        let it = arm(&record, "it");
        for (end, prob) in it.parameters.iter().zip(ROWS.as_flattened()) {
            assert!((end - prob.ln()).abs() < 1e-12, "{gradient}: {end}, not {}", prob.ln());
        }
        for step in 1..=3 {
            assert_eq!(signal(it, step, "match_factor"), 1.0);
        }
    }
    // A prompt that is always solved beside one that is not adds nothing.
    let record = run(&text(
        &solved,
        OBJECTIVES,
        "gradient: Sampled(prompts: 2, group: 4), steps: 3, optimizer: Sgd(learning_rate: 0.5), match: Kappa",
    ));
    assert!(record.arms.iter().all(|arm| arm.failure.is_none()));
    assert!(record.arms.iter().all(|arm| arm.parameters.iter().all(|x| x.is_finite())));
}

/// An objective that climbs down goes on doing so, at the common speed.
#[test]
fn the_sign_stays() {
    let objectives = r#""up": (plugin: "rloo"), "down": (plugin: "rloo", config: (multiplier: -5.0)),"#;
    let training = "gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 0.5), match: Kappa";
    let record = run(&text(TASK, objectives, training));
    let starts = ROWS.as_flattened().iter().map(|prob| prob.ln());
    for ((up, down), start) in
        arm(&record, "up").parameters.iter().zip(&arm(&record, "down").parameters).zip(starts)
    {
        assert!((up + down - 2.0 * start).abs() < 1e-12, "{up} {down} {start}");
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let training = "gradient: Sampled(prompts: 2, group: 4), steps: 5, optimizer: Sgd(), \
                        learning_rates: [0.1, 0.5], match: Kappa";
        let record = pool.install(|| run(&text(TASK, OBJECTIVES, training)));
        assert_eq!((record.failures(), record.arms.len()), (0, 16));
        serde_json::to_string(&record).unwrap()
    };
    assert_eq!(bits(1), bits(2));
}

fn refusals(text: &str) -> Vec<String> {
    let experiment = experiment(text);
    let Err(error) = prepare(&experiment, registry()) else { return Vec::new() };
    error.problems.iter().map(|problem| problem.message.clone()).collect()
}

#[test]
fn what_has_no_expected_step_of_the_kind_is_refused() {
    let with = |objectives: &str, gradient: &str| {
        let training =
            format!("gradient: {gradient}, steps: 1, optimizer: Sgd(learning_rate: 0.5), match: Kappa");
        text(TASK, objectives, &training)
    };
    let rloo = r#""it": (plugin: "rloo"),"#;
    for gradient in ["Population", "Sampled(prompts: 2, group: 4)"] {
        assert_eq!(refusals(&with(rloo, gradient)), [""; 0]);
        for (name, config) in
            [("kl-control", "(lambda: 2.0)"), ("forward-kl", "()"), ("alpha", "(alpha: 0.5)")]
        {
            let found = refusals(&with(&format!(r#""x": (plugin: "{name}", config: {config})"#), gradient));
            assert_eq!(
                found,
                [
                    "objective `x`: `training.match: Kappa` needs an expected gradient κ(V)·∇V, and its own is no multiple of ∇V"
                ]
            );
        }
    }
    for (source, said) in [
        ("source: Base", "`source: Base`"),
        ("source: Buffer(age: 1)", "`source: Buffer { age: 1 }`"),
        ("epochs: 3", "`epochs: 3`"),
        ("minibatches: 2", "`minibatches: 2`"),
    ] {
        let found = refusals(&with(rloo, &format!("Sampled(prompts: 2, group: 4, {source})")));
        assert!(found.len() == 1 && found[0].ends_with(&format!("found {said}")), "{found:?}");
    }
    let found = refusals(&with(rloo, "Sampled(prompts: 2, group: 3000)"));
    assert_eq!(
        found,
        ["objective `it`: `training.match: Kappa` needs groups of 1 to 2048 samples, found `group: 3000`"]
    );
    // Where the validity rate is an estimate there is no exact factor.
    let estimated =
        with(rloo, "Sampled(prompts: 2, group: 4)").replace("optima", "enumerate_up_to: 2, optima");
    let estimated =
        estimated.replace("),\"#;", "").replace("seeds: [1]", "exact: (max_states: 1), seeds: [1]");
    let found = refusals(&estimated);
    assert!(found.len() == 1 && found[0].starts_with("`match: Kappa` needs all outputs"), "{found:?}");
}

/// An objective that says that it follows the validity rate and does not is found out before it is matched.
#[test]
fn a_false_declaration_is_found_out() {
    let objective =
        r#""it": (plugin: "scaled", config: (scale: 2.0, ratio: true, declares: InvalidityRate)),"#;
    let training =
        "gradient: Sampled(prompts: 2, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.5), match: Kappa";
    let text = text(TASK, objective, training);
    let found = std::panic::catch_unwind(|| run_with(test_library("grouped"), &text)).unwrap_err();
    let found = found.downcast_ref::<String>().unwrap();
    assert!(found.contains("its coefficients are not those of the divergence that it declares"), "{found}");
}

#[test]
fn adam_is_told_of_once() {
    let training = "gradient: Population, steps: 1, optimizer: Adam(learning_rate: 0.1), match: Kappa";
    let record = run(&text(TASK, OBJECTIVES, training));
    let said = texts(&record.warnings);
    assert_eq!(said.iter().filter(|text| text.contains("`training.match`")).count(), 1, "{said:?}");
    let plain = run(&text(TASK, OBJECTIVES, &training.replace("Adam", "Sgd")));
    assert!(texts(&plain.warnings).iter().all(|text| !text.contains("match")));
}

/// Means over tokens have an exact gradient where all outputs are of one length, 3: that of all groups listed, over 3.
#[test]
fn equal_lengths_make_token_means_exact() {
    let start: Vec<f64> = ROWS.as_flattened().iter().map(|prob| prob.ln()).collect();
    for (name, matched) in [("grpo-trl", ""), ("grpo-slime", ", match: Kappa"), ("dapo", "")] {
        let objective =
            format!(r#""it": (plugin: "{name}", config: (scale: [Std(epsilon: 1e-6)], group: 3)),"#);
        let training = format!("gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 0.5){matched}");
        let record = run(&text(TASK, &objective, &training));
        let own = expected(3, 0, &grpo(3)).map(|x| x / 3.0);
        let reference = expected(1, 0, &|right, _| f64::from(u8::from(right)));
        let factor = if matched.is_empty() { 1.0 } else { norm(&reference) / norm(&own) };
        for ((end, start), own) in arm(&record, "it").parameters.iter().zip(&start).zip(own) {
            assert!((end - start - 0.5 * factor * own).abs() < 1e-12, "{name}: {end} {start} {own}");
        }
    }
    // Where they are not, that is what is said.
    let objective = r#""it": (plugin: "grpo-trl"), "kl": (plugin: "grpo"),"#;
    let training =
        "gradient: Sampled(prompts: 2, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.5), match: Kappa";
    let said = refusals(
        &text(PROMPTED_TASK, objective, training).replace(
            r#"config: (order: 2, table: {"a": [0.6, 0.4], "b": [0.2, 0.8], "^": [0.9, 0.1]}), start: AsConfigured"#,
            "config: (order: 2), start: FitBase",
        ),
    );
    assert_eq!(said.len(), 2);
    assert!(said[0].ends_with("no multiple of ∇V, because of `aggregate: TokenMean`"), "{said:?}");
    assert!(said[1].ends_with("because of `aggregate: SequenceMean` and `penalties`"), "{said:?}");
}
