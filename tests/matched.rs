//! Arms differ in nothing but what they are meant to differ in, and threads change nothing.

use crate::support::{PROMPTED_TASK, experiment, registry, run, run_prepared};
use pstar_lab::evaluation::GroundTruth;
use pstar_lab::rollout::{BatchKey, Recipe, Rollout};
use pstar_lab::run::{PreparedPolicy, prepare};

const POLICIES: &str = r#"policies: {
    "bigram": (plugin: "ngram", config: (order: 2), start: FitBase),
    "trigram": (plugin: "ngram", config: (order: 3), start: CopyBase),
    "drawn": (plugin: "ngram", config: (order: 2, position_dependent: true), start: Random),
},"#;

const OBJECTIVES: &str = r#"objectives: {
    "reinforce": (plugin: "reinforce"),
    "kl-control": (plugin: "kl-control", config: (lambda: 5.0)),
    "rate": (plugin: "kl-control", config: (mu: 0.9)),
    "forward-kl": (plugin: "forward-kl"),
    "running": (plugin: "forward-kl", config: (partition: Running)),
    "alpha": (plugin: "alpha", config: (alpha: 0.5)),
    "released": (plugin: "alpha", config: (alpha: 0.25, as_released: true)),
},"#;

fn comparison() -> String {
    format!(
        r#"(name: "matched", {PROMPTED_TASK} {POLICIES} {OBJECTIVES}
            training: (gradient: Sampled(prompts: 3, group: 4), steps: 30, optimizer: Adam(learning_rate: 0.05)),
            evaluation: (every: 10, k: [1, 8], betas: [0.5], alphas: [0.5], power_sums: [1.5]),
            seeds: [1, 2])"#
    )
}

/// The rollouts of a step are a function of the policy's parameters and the seed alone: at step 0 all objectives
/// see the same ones.
#[test]
fn rollouts_of_step_0_are_the_same_under_all_objectives() {
    let experiment = experiment(&comparison());
    let prepared = prepare(&experiment, registry()).unwrap();
    for PreparedPolicy { spec, start, .. } in &prepared.policies {
        let Some(start) = start else { continue };
        let draw = |seed, base_log_probs| {
            let component = registry().policy(&spec.plugin).unwrap();
            let mut policy = component.create(&spec.configuration, &experiment.world.task).unwrap();
            policy.set_parameters(start).unwrap();
            let recipe = Recipe::on_policy(&experiment.world, &prepared.facts, (3, 4), base_log_probs);
            Rollout::make(&recipe, &policy, BatchKey { seed, step: 0 }).unwrap()
        };
        // Objectives differ in whether they ask for the base's log-probabilities.
        let (with, without) = (draw(1, true), draw(1, false));
        assert_eq!(
            (&with.tokens, with.rewards(), with.prompts()),
            (&without.tokens, without.rewards(), without.prompts())
        );
        assert_ne!(with.tokens, draw(2, true).tokens);
    }
    // And training keeps to it, whatever the objective: the record holds a fingerprint of what each arm drew first.
    let record = run_prepared(&prepared);
    let mut fingerprints = Vec::new();
    for policy in ["bigram", "trigram", "drawn"] {
        for seed in [1, 2] {
            let arms: Vec<_> =
                record.arms.iter().filter(|arm| arm.policy == policy && arm.seed == seed).collect();
            assert_eq!(arms.len(), 7);
            assert!(arms[0].first_batch.is_some());
            assert!(arms.iter().all(|arm| arm.first_batch == arms[0].first_batch));
            assert!(
                arms.iter().all(|arm| arm.initial == arms[0].initial && arm.curve[0] == arms[0].curve[0])
            );
            assert!(arms.iter().all(|arm| arm.budget.sequences == 360 && arm.budget.optimizer_steps == 30));
            assert!(!fingerprints.contains(&arms[0].first_batch), "policies and seeds draw differently");
            fingerprints.push(arms[0].first_batch.clone());
        }
    }
}

/// Every figure and every parameter, to the bit.
#[test]
fn one_thread_and_two_give_the_same_bits() {
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let record = pool.install(|| run(&comparison()));
        let parameters: Vec<Vec<u64>> =
            record.arms.iter().map(|arm| arm.parameters.iter().map(|x| x.to_bits()).collect()).collect();
        assert_eq!(record.failures(), 0);
        (serde_json::to_string(&record).unwrap(), parameters)
    };
    assert_eq!(bits(1), bits(2));
}

/// An arm's results do not depend on which other arms there are.
#[test]
fn an_arm_alone_is_the_arm_among_others() {
    let all = run(&comparison());
    let alone = comparison()
        .replace(
            POLICIES,
            r#"policies: {"trigram": (plugin: "ngram", config: (order: 3), start: CopyBase)},"#,
        )
        .replace(OBJECTIVES, r#"objectives: {"alpha": (plugin: "alpha", config: (alpha: 0.5))},"#)
        .replace("seeds: [1, 2]", "seeds: [2]");
    let alone = run(&alone);
    let same = all
        .arms
        .iter()
        .find(|arm| arm.policy == "trigram" && arm.objective == "alpha" && arm.seed == 2)
        .unwrap();
    assert_eq!(alone.arms.len(), 1);
    assert_eq!(alone.arms[0].parameters, same.parameters);
    assert_eq!(alone.arms[0].curve, same.curve);
}

/// A copy of the base is the base, a fit of a class that holds it is too, and the record says what Z was used.
#[test]
fn starts_and_sources_are_as_said() {
    let text = comparison().replace(
        POLICIES,
        r#"policies: {
            "copy": (plugin: "ngram", config: (order: 3), start: CopyBase),
            "fit": (plugin: "ngram", config: (order: 3), start: FitBase),
        },"#,
    );
    let record = run(&text);
    for arm in &record.arms {
        let kl = arm.initial.as_ref().unwrap().get("kl_to_base").unwrap();
        assert!(kl.abs() < 1e-12, "{}: {kl}", arm.policy);
        let sources = arm.log_partition;
        let groups = 3 * 30;
        let expected = match arm.objective.as_str() {
            "forward-kl" | "alpha" | "rate" => (groups, 0, 0),
            "running" => (0, 0, groups),
            "released" => (0, groups, 0),
            _ => (0, 0, 0),
        };
        assert_eq!((sources.exact, sources.group, sources.running), expected, "{}", arm.objective);
    }
}

/// Samples agree with the exact distribution: 4096 draws of the base, in units of the standard error.
#[test]
fn samples_follow_the_exact_distribution() {
    let text = comparison().replace("prompts: 3, group: 4", "prompts: 4, group: 1024");
    let experiment = experiment(&text);
    let prepared = prepare(&experiment, registry()).unwrap();
    let GroundTruth::Enumerated(reference) = &prepared.truth else { panic!("a small space") };
    let spec = &experiment.plan.policies[1];
    let mut policy =
        registry().policy(&spec.plugin).unwrap().create(&spec.configuration, &experiment.world.task).unwrap();
    policy.set_parameters(prepared.policies[1].start.as_ref().unwrap()).unwrap();
    let recipe = Recipe::on_policy(&experiment.world, &prepared.facts, (4, 1024), false);
    let batch = Rollout::make(&recipe, &policy, BatchKey { seed: 9, step: 0 }).unwrap();
    for (group, &prompt) in batch.prompts().iter().enumerate() {
        let valid: f64 = batch.rewards()[group * 1024..(group + 1) * 1024].iter().sum();
        let rate = reference.prompts()[prompt as usize].split.valid.mass;
        let error = (rate * (1.0 - rate) / 1024.0).sqrt();
        assert!((valid / 1024.0 - rate).abs() < 4.0 * error, "{prompt}: {} {rate}", valid / 1024.0);
    }
}
