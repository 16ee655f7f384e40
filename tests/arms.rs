//! Arms that stop and go on, and whole sampled runs against an independent script.

use crate::support::{experiment, registry};
use pstar_core::PluginError;
use pstar_lab::experiment::Experiment;
use pstar_lab::plan::ArmKey;
use pstar_lab::probe::ObjectiveInput;
use pstar_lab::run::{ArmSpecs, NoProgress, Prepared, Progress, components, execute, prepare};
use pstar_lab::training::{Arm, ArmEvent, ArmOutcome, ArmState, Control};
use pstar_record::ArmStatus;
use serde::Deserialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// A task of two prompts, a policy and an objective, trained as is told.
fn text(objective: &str, training: &str) -> String {
    format!(
        r#"(
        name: "arms",
        task: (
            alphabet: Chars("ab"), horizon: 4, ending: EndSymbol, prompts: List(["", "b"]),
            base: (plugin: "ngram", config: (order: 2, table: {{"^": [0.4, 0.4, 0.2], "a": [0.3, 0.5, 0.2], "b": [0.5, 0.2, 0.3]}})),
            verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
        ),
        policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: CopyBase)}},
        objectives: {{"it": {objective}}},
        training: ({training}, steps: 6, optimizer: Adam(learning_rate: 0.1), clip_norm: 0.5),
        evaluation: (every: 2, k: [1, 4], optima: false, samples: 32),
        seeds: [7],
    )"#
    )
}

/// What goes through a batch in every way there is.
const KINDS: [(&str, &str); 14] = [
    (r#"(plugin: "reinforce")"#, "gradient: Sampled(prompts: 2, group: 8)"),
    (r#"(plugin: "kl-control", config: (lambda: 5.0))"#, "gradient: Population"),
    (r#"(plugin: "forward-kl", config: (partition: Running))"#, "gradient: Sampled(prompts: 2, group: 8)"),
    (
        r#"(plugin: "forward-kl", config: (partition: Running))"#,
        "gradient: Sampled(prompts: 4, group: 4, epochs: 3, minibatches: 2)",
    ),
    (
        r#"(plugin: "alpha", config: (alpha: 0.5, partition: Running, clip: 2.0))"#,
        "gradient: Sampled(prompts: 4, group: 4, source: Base)",
    ),
    (
        r#"(plugin: "alpha", config: (alpha: 0.5, partition: Group))"#,
        "gradient: Sampled(prompts: 2, group: 4, source: Filtered, epochs: 2)",
    ),
    (
        r#"(plugin: "alpha", config: (alpha: 0.5, as_released: true))"#,
        "gradient: Sampled(prompts: 2, group: 8)",
    ),
    (r#"(plugin: "ppo-clip")"#, "gradient: Sampled(prompts: 4, group: 4, epochs: 2, minibatches: 4)"),
    (r#"(plugin: "ppo-clip")"#, "gradient: Sampled(prompts: 2, group: 6, source: Buffer(age: 1))"),
    (
        r#"(plugin: "ppo-clip")"#,
        "gradient: Sampled(prompts: 2, group: 6, epochs: 2, source: Buffer(age: 4), redraw: (limit: 2))",
    ),
    (r#"(plugin: "ppo-clip")"#, "gradient: Sampled(prompts: 4, group: 2, redraw: (limit: 3))"),
    (
        r#"(plugin: "kl-control", config: (lambda: 5.0))"#,
        "gradient: Sampled(prompts: 2, group: 8, source: Base)",
    ),
    (r#"(plugin: "maxrl")"#, "gradient: Population, match: Kappa"),
    (r#"(plugin: "maxrl")"#, "gradient: Sampled(prompts: 3, group: 4, redraw: (limit: 1)), match: Kappa"),
];

fn straight(prepared: &Prepared<'_>) -> (ArmState, ArmOutcome) {
    let (mut arm, mut state) = begin(prepared);
    let outcome = arm.run(&mut state, &mut |_| Control::Continue);
    arm.save(&mut state).unwrap();
    (state, outcome)
}

fn begin<'a>(prepared: &'a Prepared<'_>) -> (Arm<'a>, ArmState) {
    let seed = prepared.experiment.plan.seeds[0];
    let mut parts =
        components(prepared, prepared.training, ArmKey { policy: 0, objective: 0, rate: 0, seed }).unwrap();
    let initial = parts.evaluator.evaluate(&parts.policy, 0).unwrap();
    Arm::begin(parts, &initial).unwrap()
}

fn resume<'a>(prepared: &'a Prepared<'_>, state: &ArmState) -> Result<Arm<'a>, PluginError> {
    let seed = prepared.experiment.plan.seeds[0];
    let parts =
        components(prepared, prepared.training, ArmKey { policy: 0, objective: 0, rate: 0, seed }).unwrap();
    Arm::resume(parts, state)
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn assert_same(found: &ArmOutcome, expected: &ArmOutcome, name: &str) {
    assert!(expected.failure.is_none(), "{name}: {:?}", expected.failure);
    assert_eq!(bits(&found.parameters), bits(&expected.parameters), "{name}");
    assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{name}");
}

/// Between any two batches an arm is saved as text and taken up by fresh components: the same bits, to the last figure.
#[test]
fn an_arm_that_stops_at_every_step_is_one_that_never_stopped() {
    for (objective, training) in KINDS {
        let name = format!("{objective} {training}");
        let experiment = experiment(&text(objective, training));
        let prepared = prepare(&experiment, registry()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let (_, expected) = straight(&prepared);
        let (arm, mut state) = begin(&prepared);
        let mut saved = arm.save(&mut state).unwrap();
        drop(arm);
        let mut outcome = None;
        for _ in 0..=6 {
            let mut state = ArmState::read(&saved).unwrap();
            let mut arm = resume(&prepared, &state).unwrap();
            assert_eq!(arm.save(&mut state).unwrap(), saved);
            let stop = |event: ArmEvent<'_>| {
                if matches!(event, ArmEvent::Step { .. }) { Control::Stop } else { Control::Continue }
            };
            outcome = Some(arm.run(&mut state, &mut { stop }));
            saved = arm.save(&mut state).unwrap();
        }
        assert_same(&outcome.unwrap(), &expected, &name);
        // And it is what the run itself does.
        let record = execute(&prepared, &NoProgress);
        assert_eq!(bits(&record.arms[0].parameters), bits(&expected.parameters), "{name}");
    }
}

/// Every kind trains on something else than the others, so that no option is without effect.
#[test]
fn every_kind_of_batch_is_another_one() {
    let ends = KINDS.map(|(objective, training)| {
        let experiment = experiment(&text(objective, training));
        let prepared = prepare(&experiment, registry()).unwrap();
        bits(&straight(&prepared).1.parameters)
    });
    for (i, a) in ends.iter().enumerate() {
        for (j, b) in ends.iter().enumerate().skip(i + 1) {
            assert_ne!(a, b, "{:?} {:?}", KINDS[i], KINDS[j]);
        }
    }
}

#[test]
fn a_state_of_another_arm_is_refused() {
    let of = |order: u32, optimizer: &str| -> Experiment {
        let text = text(KINDS[2].0, KINDS[2].1).replace(
            "config: (order: 2), start: CopyBase",
            &format!("config: (order: {order}), start: Random"),
        );
        experiment(&text.replace("Adam(learning_rate: 0.1)", optimizer))
    };
    let (own, larger) = (of(2, "Adam(learning_rate: 0.1)"), of(3, "Adam(learning_rate: 0.1)"));
    let plain = of(2, "Sgd(learning_rate: 0.1)");
    let [own, larger, plain] =
        [&own, &larger, &plain].map(|experiment| prepare(experiment, registry()).unwrap());
    let (state, _) = straight(&own);
    let message = |prepared: &Prepared<'_>, state: &ArmState| resume(prepared, state).err().unwrap().message;
    assert_eq!(message(&larger, &state), "a state of 9 parameters, expected 27 of policy `ngram`");
    let (of_plain, _) = straight(&plain);
    assert_eq!(message(&own, &of_plain), "a state of another optimizer");
    assert!(
        ArmState::read("{}").unwrap_err().message.starts_with("the saved state of the arm cannot be read")
    );
    assert!(ArmState::read("").is_err());
    let mut late = state;
    late.step = 7;
    assert_eq!(message(&own, &late), "a state of step 7, expected at most 6");
}

#[derive(Deserialize)]
struct Case {
    name: String,
    objective: String,
    config: String,
    batch: ObjectiveInput,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    coefficients: Vec<Vec<f64>>,
    diagnostics: Diagnostics,
}

#[derive(Deserialize)]
struct Diagnostics {
    clipped_fraction: f64,
}

/// A coefficient is a product of three or four factors, one of them an exponential: 1e-13 of itself.
#[test]
fn ppo_clip_has_the_coefficients_of_an_independent_script() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/ppo_clip.json")).unwrap();
    assert!(cases.len() > 100);
    let experiment = experiment(&text(KINDS[7].0, KINDS[7].1));
    for Case { name, objective, config, batch, expected } in cases {
        let component = registry().objective(&objective).unwrap();
        let mut objective = component.create(&config, &experiment.world.task).unwrap();
        let answer = batch.ask(&mut objective).unwrap();
        let rows = answer.coefficients.iter().zip(&expected.coefficients);
        assert_eq!(answer.coefficients.len(), expected.coefficients.len(), "{name}");
        for (found, expected) in rows {
            assert_eq!(found.len(), expected.len(), "{name}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() <= 1e-13 * expected.abs(),
                    "{name}: {found}, not {expected}"
                );
            }
        }
        let clipped = answer.diagnostics["clipped_fraction"].as_f64().unwrap();
        assert!((clipped - expected.diagnostics.clipped_fraction).abs() < 1e-15, "{name}: {clipped}");
    }
}

#[derive(Deserialize)]
struct Runs {
    minibatch_purpose: u8,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    seed: u64,
    experiment: String,
    start: Vec<f64>,
    steps: Vec<Batch>,
}

#[derive(Deserialize)]
struct Batch {
    updates: Vec<Update>,
}

#[derive(Deserialize)]
struct Update {
    clipped_fraction: f64,
    parameters: Vec<f64>,
}

/// Thirty runs of PPO, with passes, parts of batches and clips, batch by batch. The script works in the same order of
/// magnitude of operations; a step multiplies errors by a few at most.
#[test]
fn sampled_runs_are_those_of_an_independent_script() {
    let Runs { minibatch_purpose, runs } =
        serde_json::from_str(include_str!("reference/ppo_runs.json")).unwrap();
    assert_eq!(minibatch_purpose, pstar_core::rng::Purpose::Minibatch as u8);
    assert!(runs.len() >= 30);
    let close = |found: &[f64], expected: &[f64]| {
        found.len() == expected.len()
            && found.iter().zip(expected).all(|(x, y)| (x - y).abs() <= 1e-9 * y.abs().max(1.0))
    };
    for Run { name, seed, experiment: text, start, steps } in runs {
        let experiment = experiment(&text);
        let prepared = prepare(&experiment, registry()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(experiment.plan.seeds, [seed]);
        let (mut arm, mut state) = begin(&prepared);
        assert!(close(&state.parameters, &start), "{name}");
        for (number, batch) in steps.iter().enumerate() {
            arm.advance(&mut state).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let expected = &batch.updates.last().unwrap().parameters;
            assert!(
                close(&state.parameters, expected),
                "{name} {number}: {:?}, not {expected:?}",
                state.parameters
            );
        }
        let updates: Vec<&Update> = steps.iter().flat_map(|batch| &batch.updates).collect();
        assert_eq!(state.budget.optimizer_steps, updates.len() as u64, "{name}");
        let clipped =
            updates.iter().map(|update| update.clipped_fraction).sum::<f64>() / updates.len() as f64;
        let outcome = arm.run(&mut state, &mut |_| Control::Continue);
        let found = outcome.diagnostics.iter().find(|(name, _)| *name == "clipped_fraction");
        assert!((found.unwrap().1.unwrap() - clipped).abs() < 1e-12, "{name}");
    }
}

/// Told to stop, a run keeps what it has: arms end behind their present batch, the others do not begin.
#[test]
fn a_run_that_is_stopped_keeps_what_it_has() {
    struct StopAfter(AtomicU64);
    impl Progress for StopAfter {
        fn phase(&self, _: &str) {}
        fn begin(&self, _: u64, _: u64) {}
        fn step(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        fn arm_ended(&self, _: &str) {}
        fn end(&self) {}
        fn stopped(&self) -> bool {
            self.0.load(Ordering::SeqCst) >= 9
        }
    }
    let text = text(KINDS[0].0, KINDS[0].1).replace("seeds: [7]", "seeds: [7, 8, 9]");
    let experiment = experiment(&text);
    let prepared = prepare(&experiment, registry()).unwrap();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let stopped = alone.install(|| execute(&prepared, &StopAfter(AtomicU64::new(0))));
    let whole = execute(&prepared, &NoProgress);
    let [first, second, third] = &stopped.arms[..] else { panic!("three arms") };
    assert_eq!(format!("{first:?}"), format!("{:?}", whole.arms[0]));
    assert_eq!((second.status, third.status), (ArmStatus::Interrupted, ArmStatus::Interrupted));
    assert_eq!(second.curve, whole.arms[1].curve[..2]);
    assert_eq!((second.budget.optimizer_steps, second.last.is_none()), (3, true));
    assert_eq!((third.curve.len(), third.budget.sequences), (0, 0));
}

/// An arm's name changes with whatever determines it, and with nothing else.
#[test]
fn an_arm_is_named_by_what_determines_it() {
    let own = text(KINDS[0].0, KINDS[0].1);
    let id = |text: &str, seed| {
        let arm = ArmKey { policy: 0, objective: 0, rate: 0, seed };
        ArmSpecs::new(&experiment(text), registry()).of(arm).id()
    };
    let name = id(&own, 7);
    assert!(name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    // Names, other arms, where optima are looked for.
    for (from, to) in [
        (r#"name: "arms""#, r#"name: "other""#),
        (r#"{"bigram": "#, r#"{"renamed": "#),
        ("seeds: [7]", "seeds: [1, 2, 3]"),
        ("optima: false, ", ""),
        (r#"{"it": (plugin: "reinforce")}"#, r#"{"x": (plugin: "reinforce"), "y": (plugin: "ppo-clip")}"#),
    ] {
        assert!(own.contains(from), "{from}");
        assert_eq!(id(&own.replace(from, to), 7), name, "{to}");
    }
    let mut others = vec![name, id(&own, 8)];
    for (from, to) in [
        ("steps: 6", "steps: 7"),
        ("group: 8", "group: 9"),
        ("every: 2", "every: 3"),
        ("clip_norm: 0.5", "clip_norm: 0.25"),
        ("learning_rate: 0.1", "learning_rate: 0.2"),
        ("[0.4, 0.4, 0.2]", "[0.4, 0.3, 0.3]"),
        (r#"["", "b"]"#, r#"["", "a"]"#),
        ("(b|ab*a)*", "(b|ab*a)+"),
        ("order: 2), start", "order: 1), start"),
        ("start: CopyBase", "start: FitBase"),
        (r#"(plugin: "reinforce")"#, r#"(plugin: "reinforce", config: (baseline: None))"#),
        ("horizon: 4", "horizon: 5"),
        ("k: [1, 4]", "k: [1, 8]"),
    ] {
        assert!(own.contains(from), "{from}");
        others.push(id(&own.replace(from, to), 7));
    }
    let distinct: std::collections::BTreeSet<&String> = others.iter().collect();
    assert_eq!(distinct.len(), others.len());
}
