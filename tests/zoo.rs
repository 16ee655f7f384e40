//! The named objectives and their blocks against a second evaluator (`reference/objectives`), which shares no code.

use crate::support::{PARITY_TASK, experiment, registry};
use pstar_core::objective::{Declaration, Divergence, PartitionNeed, PopulationForm};
use pstar_lab::probe::ObjectiveInput;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;

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

fn golden() -> Vec<Case> {
    serde_json::from_str(include_str!("reference/objectives/golden.json")).unwrap()
}

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
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let mut asked = 0;
    for case in &golden() {
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
        ask(&case.plugin, &case.config);
        asked += 1;
        if let Some(preset) = &case.preset {
            ask(preset, case.over.as_deref().unwrap_or("()"));
        }
    }
    assert!(asked >= 900, "{asked} cases");
}

/// A name without a case is one whose numbers nobody has worked out a second time. A preset is asked for as it is, or with
/// no more than it requires; what is no preset is the plugin of its cases.
#[test]
fn every_objective_has_independent_cases_by_its_name() {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let (golden, older) = (golden(), older_objectives());
    let as_it_is = |case: &&Case| {
        let preset = case.preset.as_deref().unwrap_or(&case.plugin);
        case.over.is_none() || registry().objective(preset).unwrap().create("()", &task).is_err()
    };
    let presets = golden.iter().filter(as_it_is).filter_map(|case| case.preset.as_deref());
    let plugins = golden.iter().map(|case| &*case.plugin).filter(|&plugin| plugin != "policy-gradient");
    let named: BTreeSet<&str> = presets.chain(plugins).chain(older.iter().map(|name| &**name)).collect();
    let listed = registry().components().into_iter().filter(|listing| listing.kind == "objective");
    let forgotten: Vec<&str> =
        listed.map(|listing| listing.name).filter(|name| !named.contains(name)).collect();
    assert!(forgotten.is_empty(), "no case in tests/reference names {forgotten:?}");
}

/// The objectives that `reference/objectives.json` has cases of.
fn older_objectives() -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Named {
        objective: String,
    }
    let cases: Vec<Named> = serde_json::from_str(include_str!("reference/objectives.json")).unwrap();
    cases.into_iter().map(|case| case.objective).collect()
}

/// φ(v, C) of an objective in groups of `group`, asked for the groups of every number of right answers.
fn phi(objective: &str, config: &str, group: usize) -> Vec<[f64; 2]> {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let mut handle = registry().objective(objective).unwrap().create(config, &task).unwrap();
    let mut of_count = |right: usize| {
        let rows = (0..group).map(|i| {
            let reward = u8::from(i < right);
            serde_json::json!({ "group": 0, "reward": reward, "log_probs": [-1.0], "base_log_probs": [-1.0] })
        });
        let batch = serde_json::json!({ "step": 0, "sequences": rows.collect::<Vec<_>>() });
        let batch: ObjectiveInput = serde_json::from_value(batch).unwrap();
        let c = batch.ask(&mut handle).unwrap().coefficients;
        [c[group - 1][0], c[0][0]]
    };
    (0..=group).map(&mut of_count).collect()
}

/// κ(V) = E[φ(1, 1 + C)] − E[φ(0, C)], C binomial of G − 1 and V: the factor of ∇V in the expected gradient.
fn kappa(phi: &[[f64; 2]], v: f64) -> f64 {
    let others = phi.len() - 2;
    let power = |x: f64, n: usize| (0..n).fold(1.0, |power, _| power * x);
    let mut choose = 1.0;
    let mut sum = 0.0;
    for c in 0..=others {
        let prob = choose * power(v, c) * power(1.0 - v, others - c);
        sum += prob * (phi[c + 1][1] - phi[c][0]);
        choose *= (others - c) as f64 / (c + 1) as f64;
    }
    sum
}

/// A closed form of κ(V).
type Closed = Box<dyn Fn(f64) -> f64>;

/// Expected gradients are those that objectives claim, and biased by what the documents say where they are biased: closed
/// forms of κ, summed over a binomial of 7, to 1e-10 relative.
#[test]
fn expected_gradients_are_those_claimed() {
    const G: usize = 8;
    let order = |m: i32| move |v: f64| (1.0 - (1.0 - v).powi(m)) / v;
    let pass = |k: i32| move |v: f64| f64::from(k) * (1.0 - v).powi(k - 1);
    let claims: Vec<(&str, &str, Closed)> = vec![
        ("policy-gradient", "()", Box::new(|_| 7.0 / 8.0)),
        ("policy-gradient", "(baseline: None)", Box::new(|_| 1.0)),
        ("rloo", "()", Box::new(|_| 1.0)),
        ("asymre", "()", Box::new(|_| 7.0 / 8.0)),
        ("psr", "(subset: None)", Box::new(|_| 1.0)),
        ("nsr", "(subset: None)", Box::new(|_| 1.0)),
        ("w-reinforce", "()", Box::new(|_| 1.1)),
        ("maxrl", "(scale: [Mean(epsilon: 0)])", Box::new(order(7))),
        ("maxrl-order-g", "(scale: [Mean(epsilon: 0)])", Box::new(order(8))),
        ("policy-gradient", "(baseline: None, scale: [Mean(epsilon: 0)])", Box::new(order(8))),
        ("policy-gradient", "(signal: MaxLikelihood(order: 4), baseline: None)", Box::new(order(4))),
        ("maclaurin", "()", Box::new(order(4))),
        ("policy-gradient", "(signal: SubsetMaxLikelihood(order: 4), baseline: None)", Box::new(order(4))),
        ("tsallis", "(prompt_weight: Power(1.0))", Box::new(order(7))),
        ("tsallis", "(prompt_weight: Power(0.0))", Box::new(move |v| 7.0 / 8.0 + 0.0 * v)),
        ("pkpo", "()", Box::new(pass(4))),
        ("max-at-k", "()", Box::new(pass(4))),
        (
            "policy-gradient",
            "(signal: PassAtK(k: 4, form: Plain), baseline: None, multiplier: K)",
            Box::new(pass(4)),
        ),
        ("grpo-pass-at-k", "(scale: [])", Box::new(|v| (1.0 - v).powi(7))),
        (
            "policy-gradient",
            "(signal: NoiseCorrected(false_positive: 0.1, false_negative: 0.2), baseline: LeaveOneOut)",
            Box::new(|_| 1.0 / 0.7),
        ),
    ];
    for (objective, config, closed) in claims {
        let phi = phi(objective, config, G);
        for v in [1e-6, 0.01, 0.3, 0.5, 0.9, 0.99] {
            let (found, expected) = (kappa(&phi, v), closed(v));
            assert!(
                (found - expected).abs() <= 1e-10 * expected.abs().max(1e-3),
                "{objective} {config} at {v}: {found}, not {expected}"
            );
        }
    }
    // Figures of the literature's notes, to the digits that they give.
    let told = [
        (
            "policy-gradient",
            "(signal: MaxLikelihood(order: 4, baseline: LeaveOneOut), baseline: None)",
            0.01,
            2.89,
            0.005,
        ),
        ("grpo-nemo-rl", "(penalties: [])", 0.01, 1.1, 0.05),
        ("grpo-nemo-rl", "(penalties: [])", 0.3, 2.05, 0.005),
        ("grpo-nemo-rl", "(penalties: [])", 0.99, 1.1, 0.05),
        ("grpo-verl", "()", 0.01, 2.4, 0.1),
        ("grpo-verl", "()", 0.5, 1.7, 0.1),
        ("maxrl-misc", "()", 0.01, 20.4, 0.05),
        ("maxrl-misc", "()", 0.9, 2.9, 0.05),
        ("bbg", "()", 0.01, 2.53, 0.005),
        ("bbg", "()", 0.99, 0.0003, 0.00005),
    ];
    for (objective, config, v, expected, digits) in told {
        let found = kappa(&phi(objective, config, G), v);
        assert!((found - expected).abs() <= digits, "{objective} {config} at {v}: {found}, not {expected}");
    }
    // Leave-one-out over scores that depend on the sample itself is biased towards easy prompts: k κ / true.
    let config = "(signal: PassAtK(k: 4, form: Loo1), baseline: LeaveOneOut)";
    for (v, expected, digits) in
        [(0.01, 1.00, 0.005), (0.5, 1.43, 0.005), (0.9, 4.9, 0.05), (0.99, 43.0, 0.5)]
    {
        let found = 4.0 * kappa(&phi("policy-gradient", config, G), v) / pass(4)(v);
        assert!((found - expected).abs() <= digits, "at {v}: {found}, not {expected}");
    }
}

/// Groups are looked at one by one: what a group gets does not depend on the others of the batch.
#[test]
fn coefficients_of_a_group_do_not_depend_on_the_others() {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let row = |group: u32, reward: u8, q: f64, b: f64| {
        serde_json::json!({ "group": group, "reward": reward, "log_probs": [q, q / 2.0],
            "behaviour_log_probs": [b, b / 3.0], "base_log_probs": [-1.0, -1.1] })
    };
    let first = [row(0, 1, -0.5, -0.9), row(0, 0, -1.5, -1.2), row(0, 1, -0.7, -0.7), row(0, 0, -0.2, -0.6)];
    let other = [row(1, 0, -2.0, -0.1), row(1, 1, -0.3, -1.3), row(1, 0, -0.4, -0.5), row(1, 0, -1.0, -1.0)];
    let batch = |rows: &[&[serde_json::Value]]| -> ObjectiveInput {
        serde_json::from_value(serde_json::json!({ "step": 0, "sequences": rows.concat() })).unwrap()
    };
    // By sequences and groups, not by the tokens or the successes of a batch.
    let by_group =
        ["grpo", "rloo", "maxrl", "maxrl-order-g", "gspo", "gmpo", "sapo", "topr", "tsallis", "grpo-slime"];
    for name in
        by_group.into_iter().chain(["policy-gradient", "ppo-clip", "one-sided-grpo", "luspo", "grpo-roll"])
    {
        let ask = |rows: &[&[serde_json::Value]]| {
            let mut objective = registry().objective(name).unwrap().create("()", &task).unwrap();
            batch(rows).ask(&mut objective).unwrap().coefficients
        };
        let alone = [ask(&[&first]), ask(&[&other])].concat();
        assert_close(&ask(&[&first, &other]), &alone, name);
    }
}

/// What does not fit is named, with what would do.
#[test]
fn faults_name_their_field() {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let refused = [
        ("grpo", "(clip: Pppo(low: 0.1, high: 0.1))", "clip"),
        ("grpo", "(clip: Ppo(low: -0.1, high: 0.1))", "clip"),
        ("grpo", "(ratio: None)", "clip"),
        ("dppo", "(ratio: Sequence)", "clip"),
        ("gmpo", "(whiten: (ddof: 1, epsilon: 1e-8))", "whiten"),
        ("grpo", "(scale: [Std(epsilon: -1)])", "scale"),
        ("grpo", "(penalties: [(estimator: K4, coefficient: 1)])", "penalties"),
        ("rloo", "(multiplier: K)", "multiplier"),
        ("pkpo", "(signal: PassAtK(k: 0))", "signal"),
        ("tsallis", "(prompt_weight: Power(-1))", "prompt_weight"),
        ("rloo", "(signal: NoiseCorrected(false_positive: 0.6, false_negative: 0.5))", "signal"),
        ("unlikely", "(rank_penalty: (weight: 2))", "rank_penalty"),
        ("dr-grpo", "(aggregate: SequenceSum(divisor: 0))", "aggregate"),
    ];
    for (name, config, field) in refused {
        let error = registry().objective(name).unwrap().create(config, &task).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{name} {config}: {error}");
    }
    let row = |reward: u8, q: f64, b: &str| {
        let b = if b.is_empty() { serde_json::json!(q) } else { serde_json::json!(b) };
        serde_json::json!({ "group": 0, "reward": reward, "log_probs": [q], "behaviour_log_probs": [b] })
    };
    let batch = |rows: &[serde_json::Value]| -> ObjectiveInput {
        serde_json::from_value(serde_json::json!({ "step": 0, "sequences": rows })).unwrap()
    };
    let ask = |name: &str, config: &str, rows: &[serde_json::Value]| {
        let mut objective = registry().objective(name).unwrap().create(config, &task).unwrap();
        batch(rows).ask(&mut objective)
    };
    let two = [row(1, -0.5, ""), row(0, -0.7, "")];
    let told = |name: &str, config: &str, rows: &[serde_json::Value]| {
        ask(name, config, rows).unwrap_err().to_string()
    };
    assert_eq!(
        told("pkpo", "()", &two),
        "`signal: PassAtK(k: 4, form: Loo1)` needs groups of at least 4 samples, found a group of 2"
    );
    assert_eq!(
        told("rloo", "(lone: Refuse)", &two[..1]),
        "`lone: Refuse` takes groups of at least 2 samples, found a group of 1"
    );
    assert_eq!(told("grpo", "()", &two), "the batch holds no base log-probabilities");
    let impossible = [row(1, -0.5, "-inf"), row(0, -0.7, "")];
    assert_eq!(
        told("ppo-clip", "(clip: None)", &impossible),
        "the coefficient of token 0 of sequence 0 is no number: `log_probs` -0.5, `behaviour_log_probs` -inf"
    );
    // Nothing to learn from: zeros.
    for name in
        ["grpo-trl", "maxrl", "tsallis", "curverl", "gpg", "pass-at-k", "ds-grpo", "reinforce++-baseline"]
    {
        for reward in [0, 1] {
            let rows: Vec<_> = (0..6).map(|_| row(reward, -0.5, "")).collect();
            let rows: Vec<_> = rows
                .into_iter()
                .map(|mut row| {
                    row["base_log_probs"] = serde_json::json!([-0.5]);
                    row
                })
                .collect();
            let config = if name == "ds-grpo" { "(sharing: None)" } else { "()" };
            let c = ask(name, config, &rows).unwrap().coefficients;
            assert!(c.iter().flatten().all(|c| *c == 0.0), "{name} {reward}: {c:?}");
        }
    }
}

/// Configurations of the objectives that have required fields, as the page shows them.
const CONFIGURED: &[(&str, &str)] = &[
    ("kl-control", "(lambda: 10.0)"),
    ("alpha", "(alpha: 0.5)"),
    ("alpha-dpg", "(alpha: 0.25)"),
    ("f-divergence", "(divergence: JensenShannon)"),
    ("trajectory-balance", "(beta: 0.1, partition: Learned)"),
    ("vargrad", "(beta: 0.1)"),
    ("rehearsal", "(divergence: Forward, eta: 0.05)"),
    ("mara", "(beta: 0.1, anchor: Batch)"),
    ("imitation", "(weight: Reward, source: Policy)"),
];

/// A κ with three digits.
fn three_digits(kappa: f64) -> String {
    if kappa.abs() < 5e-4 {
        "0".into()
    } else if kappa.abs() < 0.9995 {
        format!("{kappa:.3}")
    } else {
        format!("{kappa:.2}")
    }
}

/// What an objective's coefficients depend on, and κ at three rates where that says all.
fn class(name: &str, config: &str) -> (&'static str, String) {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let component = registry().objective(name).unwrap();
    let of_counts = |config: &str| {
        let made = component.create(config, &task);
        made.is_ok_and(|made| {
            matches!(made.declaration().unwrap().population, Some(PopulationForm::BinaryGroup { .. }))
        })
    };
    let plain = "(aggregate: SequenceSum(divisor: 1), penalties: [])";
    let class = if of_counts(config) {
        "counts"
    } else if of_counts(plain) {
        "counts, by length"
    } else {
        return ("other", "–".into());
    };
    let phi = phi(name, if class == "counts" { config } else { plain }, 8);
    let at = [0.01, 0.5, 0.99].map(|v| three_digits(kappa(&phi, v)));
    (class, at.join(", "))
}

fn target(declaration: &Declaration, class: &str) -> String {
    match declaration.divergence {
        Some(Divergence::InvalidityRate) => "one of many".into(),
        Some(Divergence::KlFromFiltered | Divergence::Alpha { .. } | Divergence::ClippedAlpha { .. }) => {
            "p*".into()
        }
        Some(
            Divergence::KlFromPower { .. }
            | Divergence::AlphaToPower { .. }
            | Divergence::ClippedAlphaToPower { .. },
        ) => "p_α".into(),
        Some(Divergence::KlToTilted { .. } | Divergence::KlToTiltedAtRate { .. }) => "p_[β]".into(),
        _ if class.starts_with("counts") => "one of many".into(),
        _ => "see its text".into(),
    }
}

fn needs(declaration: &Declaration) -> String {
    let mut needs = Vec::new();
    if declaration.minimum_group > 1 {
        needs.push(format!("G ≥ {}", declaration.minimum_group));
    }
    if declaration.base_log_probs {
        needs.push("log a".into());
    }
    match declaration.partition {
        PartitionNeed::Exact => needs.push("Z".into()),
        PartitionNeed::Welcome => needs.push("Z or an estimate".into()),
        _ => {}
    }
    if declaration.outcomes {
        needs.push("equal answers".into());
    }
    if needs.is_empty() { "rewards".into() } else { needs.join(", ") }
}

/// The page that tells the names of papers and libraries apart.
fn page() -> String {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let mut page = String::from(include_str!("data/objectives_head.md"));
    let all = registry().components();
    let defaults = |name: &str| {
        let found = all.iter().find(|listing| listing.kind == "objective" && listing.name == name).unwrap();
        found.fields.to_vec()
    };
    let plain = defaults("policy-gradient");
    for listing in all.iter().filter(|listing| listing.kind == "objective") {
        let name = listing.name;
        let given = CONFIGURED.iter().find(|(configured, _)| *configured == name);
        let config = given.map_or("()", |(_, config)| config);
        let declaration =
            registry().objective(name).unwrap().create(config, &task).unwrap().declaration().unwrap();
        let (class, kappa) = class(name, config);
        let own = defaults(name);
        let is_preset =
            own.len() == plain.len() && own.iter().zip(&plain).all(|(own, plain)| own.name == plain.name);
        let says = if is_preset {
            let differing = own.iter().zip(&plain).filter(|(own, plain)| own.default != plain.default);
            let fields: Vec<String> = differing
                .map(|(own, _)| format!("{}: {}", own.name, own.default.as_deref().unwrap_or_default()))
                .collect();
            if fields.is_empty() { "the defaults".into() } else { format!("`{}`", fields.join(", ")) }
        } else {
            format!("`{name}` `{config}`")
        };
        let cells = [
            format!("`{name}`"),
            listing.doc.into(),
            says.replace('|', "\\|"),
            class.into(),
            kappa,
            target(&declaration, class),
            needs(&declaration),
        ];
        writeln!(page, "| {} |", cells.join(" | ")).unwrap();
    }
    page
}

/// `PSTAR_WRITE_PAGES=1 cargo test -p pstar-host page_of_objectives` writes it.
#[test]
fn the_page_of_objectives_is_true() {
    let path = crate::support::experiments().join("OBJECTIVES.md");
    if std::env::var_os("PSTAR_WRITE_PAGES").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == page(), "{} is of other objectives", path.display());
}

/// `host exact --kappa`, against the closed forms of what the experiment names.
#[test]
fn kappa_is_told_for_what_depends_on_counts() {
    let text = r#"objectives: { "rloo": (plugin: "rloo"), "maxrl": (plugin: "maxrl", config: (scale: [Mean(epsilon: 0)])),
        "pkpo": (plugin: "pkpo"), "grpo": (plugin: "grpo") },
        training: (gradient: Sampled(prompts: 1, group: 8), steps: 1, optimizer: Sgd(learning_rate: 0.1)), seeds: [1],"#;
    let experiment = experiment(&format!("(name: \"kappa\", {PARITY_TASK} {text})"));
    let record = pstar_lab::kappa::kappa(&experiment, registry()).unwrap();
    let told = |i: usize| (record.objectives[i].group, &record.objectives[i].kappa);
    for (v, [rloo, maxrl, pkpo]) in record
        .validity_rates
        .iter()
        .zip((0..record.validity_rates.len()).map(|at| [0, 1, 2].map(|i| told(i).1[at])))
    {
        let wrong = 1.0 - v;
        // Sums of eight terms.
        assert!((rloo - 1.0).abs() < 1e-12, "{v}: {rloo}");
        assert!((maxrl - (1.0 - wrong.powi(7)) / v).abs() < 1e-11, "{v}: {maxrl}");
        assert!((pkpo - 4.0 * wrong.powi(3)).abs() < 1e-12, "{v}: {pkpo}");
    }
    assert_eq!(told(0).0, Some(8));
    // Its penalty and its lengths depend on more.
    assert_eq!(told(3), (None, &Vec::new()));
}
