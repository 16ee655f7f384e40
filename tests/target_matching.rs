//! Objectives that match a target: what they keep, what they take from other groups, and what they refuse.

use crate::support::{PARITY_TASK, experiment, registry};
use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row, Source};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{ErrorKind, PluginError};
use pstar_loader::ObjectiveHandle;

fn create(name: &str, config: &str) -> Result<ObjectiveHandle, PluginError> {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    registry().objective(name).unwrap().create(config, &task)
}

fn objective(name: &str, config: &str) -> ObjectiveHandle {
    create(name, config).unwrap_or_else(|error| panic!("{name} {config}: {error:?}"))
}

fn moment(step: u32) -> Moment {
    Moment::new(step.into(), StreamKey::new(0, Purpose::Objective, step))
}

/// A group of a prompt, a sequence a reward; what they hold follows from `shift`.
fn push_group(buffer: &mut ObjectiveBuffer, prompt: u32, rewards: &[f64], shift: f64) {
    buffer.push_group(prompt, PromptFacts::new(0.3f64.ln(), 0.7f64.ln()));
    for (i, &reward) in rewards.iter().enumerate() {
        let logs = |scale: f64| -> Vec<f64> {
            (0..=i % 3).map(|t| -scale * (0.3 + 0.4 * i as f64 + 0.2 * t as f64 + shift)).collect()
        };
        let (q, b, a) = (logs(1.0), logs(1.1), logs(0.8));
        buffer.push(Row::new(reward, &q).behaviour_log_probs(&b).base_log_probs(&a));
    }
}

fn group(prompt: u32, rewards: &[f64], shift: f64) -> ObjectiveBuffer {
    let mut buffer = ObjectiveBuffer::default();
    push_group(&mut buffer, prompt, rewards, shift);
    buffer
}

fn step(
    objective: &mut ObjectiveHandle,
    buffer: &ObjectiveBuffer,
    number: u32,
) -> Result<Vec<f64>, PluginError> {
    let batch = buffer.view(moment(number))?;
    objective.observe(&batch)?;
    Ok(objective.step(&batch)?.coefficients.to_vec())
}

const STATEFUL: [(&str, &str); 7] = [
    ("trajectory-balance", "(beta: 0.3)"),
    ("flow-rl", "()"),
    ("f-divergence", "(divergence: JensenShannon, partition: Running)"),
    ("f-divergence", "(divergence: ChiSquared, target: Tilted(0.5), partition: Offline)"),
    ("alpha", "(alpha: 0.5, partition: Offline)"),
    ("f-divergence", "(divergence: ForwardKl, partition: Learned)"),
    ("flow-rl", "(prompt_weight: Curve(batches: 2))"),
];

#[test]
fn a_state_that_was_saved_goes_on_with_the_same_bits() {
    let batches = [
        group(3, &[1.0, 0.0, 0.0], 0.0),
        group(5, &[0.0, 1.0, 1.0], 0.3),
        group(3, &[0.0, 1.0, 1.0, 0.0], 0.1),
        group(5, &[0.0, 0.0], 0.2),
    ];
    for (name, config) in STATEFUL {
        let whole = {
            let mut objective = objective(name, config);
            objective.prepare(&[PromptFacts::default(); 6]).unwrap();
            (0..).zip(&batches).map(|(i, batch)| step(&mut objective, batch, i).unwrap()).collect::<Vec<_>>()
        };
        let mut first = objective(name, config);
        first.prepare(&[PromptFacts::default(); 6]).unwrap();
        for (i, batch) in (0..).zip(&batches[..2]) {
            step(&mut first, batch, i).unwrap();
        }
        let mut second = objective(name, config);
        second.prepare(&[PromptFacts::default(); 6]).unwrap();
        second.restore(&first.save().unwrap()).unwrap();
        for i in [2, 3] {
            let found = step(&mut second, &batches[i as usize], i).unwrap();
            assert_eq!(found, whole[i as usize], "{name} {config}");
        }
        // It learns: what it says of the third batch is not what it says of it first.
        let afresh = step(&mut objective(name, config), &batches[2], 0).unwrap();
        assert_ne!(afresh, whole[2], "{name} {config}");
    }
}

/// One group of three: log q − log a of −(0.3 … ) by hand, log Z steps by −0.1 · 2 · mean δ.
#[test]
fn a_learned_partition_descends_the_mean_residual_of_its_prompt() {
    let mut objective = objective("trajectory-balance", "(beta: 0.5, step_size: 0.25)");
    let row = |log_q: f64, log_a: f64, reward: f64| (log_q, log_a, reward);
    let rows = [row(-1.0, -2.0, 1.0), row(-1.5, -1.0, 0.0), row(-0.5, -0.75, 0.0)];
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, PromptFacts::default());
    for (log_q, log_a, reward) in rows {
        buffer.push(Row::new(reward, &[log_q]).base_log_probs(&[log_a]));
    }
    // δ = 1 − 2, −0.5, 0.25 with log Z = 0: their mean is −5/12, and log Z becomes 0.25 · 2 · 5/12.
    let first = step(&mut objective, &buffer, 0).unwrap();
    assert_eq!(first, [2.0, 1.0, -0.5]);
    let second = step(&mut objective, &buffer, 1).unwrap();
    for (found, before) in second.iter().zip(first) {
        assert!((found - (before - 2.0 * 0.25 * 2.0 * 5.0 / 12.0)).abs() < 1e-15, "{found}");
    }
}

/// A run tells of its prompts, and log Z starts at 0 whatever is known of Z; a probe does not, and its log Z is the one to use.
#[test]
fn a_learned_partition_is_given_in_probes_alone() {
    let given = group(0, &[1.0, 0.0], 0.0);
    let mut without = given.clone();
    without.log_partition = vec![f64::NAN];
    for (name, config) in [("trajectory-balance", "(beta: 0.5)"), ("flow-rl", "(importance_weight: false)")] {
        let coefficients = |batch: &ObjectiveBuffer, is_run: bool| {
            let mut objective = objective(name, config);
            if is_run {
                objective.prepare(&[PromptFacts::new(0.3f64.ln(), 0.7f64.ln())]).unwrap();
            }
            step(&mut objective, batch, 0).unwrap()
        };
        let from_zero = coefficients(&without, false);
        assert_eq!(coefficients(&given, true), from_zero, "{name}");
        // The first sequence has one token.
        let moved = coefficients(&given, false)[0] - from_zero[0];
        assert!((moved + 2.0 * 0.3f64.ln()).abs() < 1e-14, "{name}: {moved}");
    }
}

/// Rewards tilted by e^{1/β} = 3, a = b: a e^{v/β}/b is 3 and 1, their mean 2 is cut to 1, and α = ½ takes roots.
#[test]
fn the_released_normaliser_is_at_most_one() {
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, PromptFacts::default());
    for reward in [1.0, 0.0] {
        buffer.push(Row::new(reward, &[-1.5]).base_log_probs(&[-1.5]));
    }
    let config = |alpha: &str| format!("(alpha: {alpha}, target: Tilted({:?}))", 1.0 / 3f64.ln());
    for (alpha, expected) in [("0.5", 3f64.sqrt() - 1.0), ("0.0", 2.0), ("1.0", 3f64.ln())] {
        let found = step(&mut objective("alpha-dpg", &config(alpha)), &buffer, 0).unwrap();
        for (found, expected) in found.into_iter().zip([expected, -expected]) {
            assert!((found - expected).abs() < 1e-14, "{alpha}: {found}, not {expected}");
        }
    }
}

const BY_GROUP: [(&str, &str); 15] = [
    ("f-divergence", "(divergence: ForwardKl)"),
    ("f-divergence", "(divergence: ReverseKl, target: Tilted(0.2), partition: Group)"),
    ("f-divergence", "(divergence: TotalVariation, partition: Group, baseline: GroupMean)"),
    ("alpha", "(alpha: 0.3, target: Tilted(0.5), clip: 2.0)"),
    ("alpha-dpg", "(alpha: 0.25, target: Tilted(0.5))"),
    ("alpha-dpg", "(alpha: 0.25, partition: Exact, divisor: 8.0)"),
    ("trajectory-balance", "(beta: 0.3)"),
    ("trajectory-balance", "(beta: 0.3, partition: LeaveOneOut)"),
    ("trajectory-balance", "(beta: 0.3, partition: LogMeanExp(0.5))"),
    ("vargrad", "(beta: 0.3)"),
    ("a-star-po", "()"),
    ("flow-rl", "()"),
    ("group-target", "()"),
    ("mara", "(beta: 0.3)"),
    ("imitation", "(weight: Exponential(0.5), normalise: Group)"),
];

#[test]
fn other_groups_change_nothing() {
    let groups = [(2, [1.0, 0.0, 0.0, 1.0], 0.0), (4, [0.0; 4], 0.2), (9, [1.0; 4], 0.4)];
    for (name, config) in BY_GROUP {
        let mut together = ObjectiveBuffer::default();
        let mut alone = Vec::new();
        for (prompt, rewards, shift) in groups {
            push_group(&mut together, prompt, &rewards, shift);
            alone.extend(step(&mut objective(name, config), &group(prompt, &rewards, shift), 0).unwrap());
        }
        // Weights of 1/N round differently.
        for (found, alone) in step(&mut objective(name, config), &together, 0).unwrap().iter().zip(&alone) {
            assert!(
                (found - alone).abs() <= 1e-13 * alone.abs().max(1.0),
                "{name} {config}: {found}, not {alone}"
            );
        }
    }
}

/// On-policy, and where the base is the policy: nothing tells the samples of a group that is all right or all wrong apart.
#[test]
fn groups_without_variance_give_zeros() {
    for (name, config) in [
        ("f-divergence", "(divergence: JensenShannon, partition: Group)"),
        ("f-divergence", "(divergence: ChiSquared, partition: Group, baseline: GroupMean)"),
        ("alpha-dpg", "(alpha: 0.5)"),
        ("vargrad", "(beta: 0.3)"),
        ("trajectory-balance", "(beta: 0.3, partition: LogMeanExp(0.3))"),
        ("group-target", "()"),
        ("flow-rl", "()"),
        ("flow-rl", "(scale: [Std(epsilon: 0.0), Mean(epsilon: 0.0), RootMean(epsilon: 0.0)])"),
    ] {
        for reward in [0.0, 1.0] {
            let mut buffer = ObjectiveBuffer::default();
            buffer.push_group(0, PromptFacts::default());
            for log_prob in [-0.5, -1.5, -2.5] {
                buffer.push(Row::new(reward, &[log_prob]).base_log_probs(&[log_prob]));
            }
            let found = step(&mut objective(name, config), &buffer, 0).unwrap();
            // log mean e^{v/β} rounds.
            assert!(found.iter().all(|c| c.abs() < 1e-14), "{name} {config}: {found:?}");
        }
    }
}

#[test]
fn configurations_that_do_not_fit_are_refused_by_their_field() {
    for (name, config, field, words) in [
        (
            "f-divergence",
            "(divergence: ReverseKl)",
            "divergence",
            "`divergence: ReverseKl` to the filtered model is infinite",
        ),
        ("f-divergence", "(divergence: ReverseChiSquared)", "divergence", "is infinite for every policy"),
        (
            "f-divergence",
            "(divergence: ForwardKl, target: Tilted(0.0))",
            "target",
            "must be a positive number, found `0`",
        ),
        ("f-divergence", "(divergence: Kl)", "", "unknown choice `Kl`"),
        ("f-divergence", "(divergence: ForwardKl, target: Tilted)", "", "Tilted"),
        ("alpha", "(alpha: 1.0, target: Tilted(0.5))", "alpha", "must be in [0, 1), found `1`"),
        ("alpha-dpg", "(alpha: 1.0)", "alpha", "must be in [0, 1), found `1`"),
        ("alpha-dpg", "(alpha: 0.5, divisor: 0.0)", "divisor", "must be a positive number, found `0`"),
        ("alpha-dpg", "(alpha: 0.5, partition: Running)", "", "Running"),
        ("trajectory-balance", "(beta: -1.0)", "beta", "must be a positive number, found `-1`"),
        ("trajectory-balance", "(beta: 1.0, factor: 0.0)", "factor", "must be a positive number, found `0`"),
        ("trajectory-balance", "(beta: 1.0, step_size: -0.5)", "step_size", "at least 0, found `-0.5`"),
        ("trajectory-balance", "(beta: 1.0, partition: LogMeanExp(0))", "partition", "found `0`"),
        ("vargrad", "(beta: 1.0, partition: Learned)", "partition", "found another choice"),
        ("a-star-po", "(beta2: 0.0)", "beta2", "must be a positive number, found `0`"),
        ("flow-rl", "(reward_scale: NaN)", "reward_scale", "found `NaN`"),
        ("flow-rl", "(scale: [Std(epsilon: -1.0)])", "scale", "`epsilon` must be a number of at least 0"),
        ("rehearsal", "(alpha: 1.0, divergence: Alpha)", "alpha", "must be in (0, 1), found `1`"),
        ("rehearsal", "(divergence: Alpha, clamp: 10.0)", "clamp", "has no k3"),
        ("rehearsal", "(aggregate: SequenceSum(divisor: 0.0))", "", "`divisor` must be a positive number"),
        (
            "rehearsal",
            "(aggregate: SequenceSum(divisor: Shortest))",
            "",
            "`Longest` or `Horizon`, found `Shortest`",
        ),
        ("group-target", "(eta: inf)", "eta", "must be a positive number, found `inf`"),
        ("mara", "(beta: 0.0)", "beta", "must be a positive number, found `0`"),
        ("imitation", "(weight: Exponential(-0.5))", "weight", "must be a positive number, found `-0.5`"),
        ("imitation", "(weight: Exponential(0.001))", "weight", "beyond the range of numbers"),
        ("distillation", "(low: -1.0)", "low", "at least 0, found `-1`"),
        (
            "distillation",
            "(penalties: [(estimator: K2, coefficient: 1.0, to: Base, clamp: 0.0)])",
            "",
            "`clamp`",
        ),
        ("distillation", "(teacher: Policy)", "", "Policy"),
        ("flow-rl", "(whiten: (ddof: 0, floor: 1e-8))", "whiten", "`flow-rl` has one a sequence"),
    ] {
        let error = create(name, config).err().unwrap_or_else(|| panic!("{name} {config} is taken"));
        assert_eq!(error.field.as_deref().unwrap_or_default(), field, "{name} {config}: {error:?}");
        // What is found while the text is read has its place in it.
        assert!(error.field.is_some() || error.position.is_some(), "{name} {config}: {error:?}");
        assert!(error.message.contains(words), "{name} {config}: {}", error.message);
    }
}

#[test]
fn batches_that_do_not_fit_are_refused_with_what_would() {
    let lone = group(0, &[1.0], 0.0);
    for (name, config, field) in [
        ("f-divergence", "(divergence: ForwardKl)", "baseline"),
        ("f-divergence", "(divergence: ForwardKl, partition: Group, baseline: None)", "partition"),
        ("trajectory-balance", "(beta: 1.0, partition: GroupMean)", ""),
        ("trajectory-balance", "(beta: 1.0, partition: LogMeanExp(1.0))", ""),
        ("flow-rl", "(lone: Refuse)", "lone"),
        ("group-target", "()", ""),
        ("alpha-dpg", "(alpha: 0.5)", ""),
        ("a-star-po", "()", ""),
        ("mara", "(beta: 1.0, anchor: Exact)", "anchor"),
    ] {
        let error = step(&mut objective(name, config), &lone, 0).unwrap_err();
        let named = error.field.as_deref().unwrap_or_default();
        assert_eq!((error.kind, named), (ErrorKind::Config, field), "{name}: {error:?}");
        assert!(error.hint.is_some(), "{name}: {error:?}");
    }
    let mut unknown = ObjectiveBuffer::default();
    unknown.push_group(0, PromptFacts::default());
    (0..2).for_each(|_| unknown.push(Row::new(1.0, &[-1.0]).base_log_probs(&[-1.0])));
    for (name, config) in [
        ("f-divergence", "(divergence: ForwardKl, partition: Exact)"),
        ("alpha-dpg", "(alpha: 0.5, partition: Exact)"),
    ] {
        let error = step(&mut objective(name, config), &unknown, 0).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("partition"), "{error:?}");
    }
    // Without the base's log-probabilities the column is named.
    let mut without = ObjectiveBuffer::default();
    without.push_group(0, PromptFacts::default());
    (0..2).for_each(|_| without.push(Row::new(1.0, &[-1.0])));
    for (name, config) in
        BY_GROUP.into_iter().filter(|(name, _)| !["imitation", "group-target"].contains(name))
    {
        let error = step(&mut objective(name, config), &without, 0).unwrap_err();
        assert!(error.message.contains("no base log-probabilities"), "{name} {config}: {error:?}");
    }
}

/// A log-probability of −∞ is no coefficient that is none: it is refused, or p is 0 there.
#[test]
fn impossible_sequences_are_named_or_weigh_nothing() {
    let with = |reward: f64, log_a: f64| {
        let mut buffer = group(0, &[1.0, 0.0], 0.0);
        buffer.push(Row::new(reward, &[-1.0]).base_log_probs(&[log_a]));
        buffer
    };
    for (name, config) in [
        ("f-divergence", "(divergence: ReverseKl, target: Tilted(0.5))"),
        ("f-divergence", "(divergence: ReverseChiSquared, target: Tilted(0.5))"),
        ("trajectory-balance", "(beta: 1.0)"),
        ("flow-rl", "()"),
        ("distillation", "()"),
    ] {
        let error = step(&mut objective(name, config), &with(0.0, f64::NEG_INFINITY), 4).unwrap_err();
        let words = "the base cannot produce sequence 2 of step 4";
        assert!(error.message.contains(words), "{name} {config}: {error:?}");
        assert!(error.hint.is_some(), "{name} {config}");
    }
    let rehearsed = step(&mut objective("rehearsal", "()"), &with(1.0, f64::NEG_INFINITY), 0).unwrap_err();
    assert!(rehearsed.message.contains("cannot produce sequence 2"), "{rehearsed:?}");
    for divergence in ["ForwardKl", "JensenShannon", "TotalVariation", "ChiSquared", "Hellinger"] {
        for target in ["Filtered", "Tilted(0.5)"] {
            let config = format!("(divergence: {divergence}, target: {target}, partition: Group)");
            let right =
                step(&mut objective("f-divergence", &config), &with(1.0, f64::NEG_INFINITY), 0).unwrap();
            let wrong =
                step(&mut objective("f-divergence", &config), &with(0.0, f64::NEG_INFINITY), 0).unwrap();
            assert_eq!(right, wrong, "{config}");
        }
    }
}

/// A sequence whose log-probabilities are far from each other: differences of logarithms, never ratios of underflowed numbers.
#[test]
fn long_sequences_neither_overflow_nor_vanish() {
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, PromptFacts::new(-3000.0, 0.0));
    for (i, reward) in [1.0, 1.0, 0.0].into_iter().enumerate() {
        let log_prob = -2000.0 - i as f64;
        buffer.push(Row::new(reward, &[log_prob, log_prob]).base_log_probs(&[log_prob - 0.5, log_prob]));
    }
    for (name, config) in BY_GROUP {
        if config.contains("Exact") || config == "(divergence: ForwardKl)" || name == "alpha" {
            continue;
        }
        let found = step(&mut objective(name, config), &buffer, 0).unwrap();
        assert!(found.iter().any(|c| *c != 0.0), "{name} {config}: {found:?}");
    }
}

/// An objective says what may sample, and a run that samples otherwise is refused before it begins.
#[test]
fn what_may_sample_is_declared_and_held_to() {
    let sources = |name, config| objective(name, config).declaration().unwrap().sources;
    assert_eq!(sources("imitation", "()"), [Source::Base, Source::Filtered]);
    assert_eq!(sources("imitation", "(source: Policy)"), [Source::Policy]);
    assert_eq!(sources("imitation", "(weight: Exponential(1.0))"), [Source::Base]);
    assert_eq!(sources("rehearsal", "()"), [Source::Base, Source::Filtered]);
    assert!(sources("trajectory-balance", "(beta: 1.0)").is_empty());
    let text = |source: &str| {
        format!(
            r#"(name: "imitation", {PARITY_TASK}
                policies: {{"q": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"rft": (plugin: "imitation")}},
                training: (gradient: Sampled(prompts: 1, group: 4, source: {source}), steps: 2,
                           optimizer: Sgd(learning_rate: 0.1)),
                seeds: [1])"#
        )
    };
    for source in ["Base", "Filtered"] {
        let record = crate::support::run(&text(source));
        assert!(record.arms[0].failure.is_none(), "{:?}", record.arms[0].failure);
    }
    let refused = experiment(&text("Policy"));
    let error = pstar_lab::run::prepare(&refused, registry()).err().unwrap();
    let shown = format!("{error:?}");
    assert!(
        shown.contains(
            "it learns from samples of the base or the filtered model, and `training` samples from the policy"
        ),
        "{shown}"
    );
}

/// Where outputs are too many to list, the exact gradient is that of the divergence that an objective declares: the host holds the
/// objective's coefficients against it first, and both ways lead to the same place.
#[test]
fn declared_divergences_are_those_of_the_coefficients() {
    let train = |objective: &str, enumerate_up_to: u32| {
        let text = format!(
            r#"(name: "declared", {PARITY_TASK}
                policies: {{"q": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"o": {objective}}},
                training: (gradient: Population, steps: 3, optimizer: Sgd(learning_rate: 0.05)),
                evaluation: (enumerate_up_to: {enumerate_up_to}),
                seeds: [1])"#
        );
        let record = crate::support::run(&text);
        assert!(record.arms[0].failure.is_none(), "{objective}: {:?}", record.arms[0].failure);
        record.arms[0].parameters.clone()
    };
    for objective in [
        r#"(plugin: "f-divergence", config: (divergence: ForwardKl))"#,
        r#"(plugin: "f-divergence", config: (divergence: Hellinger, partition: Running))"#,
        r#"(plugin: "f-divergence", config: (divergence: ReverseKl, target: Tilted(0.5)))"#,
        r#"(plugin: "trajectory-balance", config: (beta: 0.5, factor: 1.0))"#,
        r#"(plugin: "vargrad", config: (beta: 0.5, factor: 1.0))"#,
        r#"(plugin: "imitation", config: (weight: Exponential(1.0), source: Policy))"#,
    ] {
        let (listed, walked) = (train(objective, 100), train(objective, 0));
        for (listed, walked) in listed.iter().zip(&walked) {
            assert!((listed - walked).abs() < 1e-12, "{objective}: {walked}, not {listed}");
        }
    }
}

/// Where each leads, by exact gradients: a policy that can be every distribution ends where its objective says.
#[test]
fn they_end_where_they_say() {
    let text = r#"(name: "ends",
        task: (
            alphabet: Chars("abcd"), horizon: 1, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 1, table: {"": [0.4, 0.1, 0.3, 0.2]})),
            verifier: (plugin: "regex", config: (pattern: "a|b")),
        ),
        policies: {"q": (plugin: "ngram", config: (order: 1), start: CopyBase)},
        objectives: {
            "js": (plugin: "f-divergence", config: (divergence: JensenShannon, target: Tilted(0.5))),
            "chi2": (plugin: "f-divergence", config: (divergence: ChiSquared, target: Tilted(0.5))),
            "tb": (plugin: "trajectory-balance", config: (beta: 0.5, factor: 1.0)),
            "mara": (plugin: "mara", config: (beta: 0.5, anchor: Exact)),
        },
        training: (gradient: Population, steps: 4000, optimizer: Sgd(learning_rate: 0.5)),
        evaluation: (every: 4000),
        seeds: [1])"#;
    let normalised = |weights: [f64; 4]| weights.map(|weight| weight / weights.iter().sum::<f64>());
    let e = 2f64.exp();
    let tilted = normalised([0.4 * e, 0.1 * e, 0.3, 0.2]);
    let uniform = normalised([0.4 * e, 0.4 * e, 0.3, 0.2]);
    let record = crate::support::run(text);
    assert_eq!(record.arms.len(), 4);
    for arm in &record.arms {
        assert!(arm.failure.is_none(), "{:?}", arm.failure);
        let logits: [f64; 4] = arm.parameters.clone().try_into().unwrap();
        let found = normalised(logits.map(f64::exp));
        let expected = if arm.objective == "mara" { uniform } else { tilted };
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{}: {found}, not {expected}", arm.objective);
        }
    }
}

/// The base's likeliest right answer, which `mara` may ask for: all 32 strings by hand, by the table of outputs, and by states.
#[test]
fn the_likeliest_right_answer_is_found_by_both_methods() {
    let mut greatest = 0.0f64;
    for number in 0..32u32 {
        let is_a = |t: u32| number >> t & 1 == 1;
        let first = if is_a(0) { 0.3 } else { 0.7 };
        let prob: f64 = (1..5).map(|t| if is_a(t) == is_a(t - 1) { 0.75 } else { 0.25 }).product();
        if number.count_ones() % 2 == 0 {
            greatest = greatest.max(first * prob);
        }
    }
    for enumerate_up_to in [100, 0] {
        let text = format!(
            r#"(name: "top", {PARITY_TASK}
                policies: {{"q": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"mara": (plugin: "mara", config: (beta: 0.5, anchor: Exact))}},
                training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
                evaluation: (enumerate_up_to: {enumerate_up_to}),
                seeds: [1])"#
        );
        let experiment = experiment(&text);
        let prepared = pstar_lab::run::prepare(&experiment, registry()).unwrap();
        let found = prepared.facts[0].log_top_valid.unwrap();
        assert!((found - greatest.ln()).abs() < 1e-12, "{enumerate_up_to}: {found}, not {}", greatest.ln());
        let record = crate::support::run_prepared(&prepared);
        assert!(record.arms[0].failure.is_none(), "{:?}", record.arms[0].failure);
        // It is marked as handed an oracle.
        assert!(record.arms[0].log_partition.exact > 0, "{enumerate_up_to}");
    }
}
