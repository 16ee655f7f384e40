//! `host exact --kappa`: κ against closed forms, and expected gradients against those that are claimed.

use crate::support::{experiment, experiments, folder, host, libraries, registry, shown, test_library};
use crate::two_prompts::{POLICY, ROWS, TASK, Vector, WEIGHTS, grpo};
use pstar_lab::experiment::{ExperimentFile, check};
use pstar_lab::kappa::kappa;
use pstar_loader::Registry;
use pstar_record::{KappaRecord, ObjectiveKappa};
use std::fs;

/// A function of the validity rate.
type Closed<'a> = &'a dyn Fn(f64) -> f64;

const SAMPLED: &str =
    "training: (gradient: Sampled(prompts: 2, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.5)),";

fn text(task: &str, objectives: &str, rest: &str) -> String {
    format!(r#"(name: "kappa", {task} {POLICY} objectives: {{{objectives}}}, {rest})"#)
}

/// The same with the objectives of the tests.
fn with_grouped(text: &str) -> KappaRecord {
    let registry = Registry::load(&[libraries(), vec![test_library("grouped")]].concat()).unwrap();
    let path = experiments().join("test.ron");
    let file = ExperimentFile::parse(&path, text).unwrap();
    let experiment = check(file, &path, text, &registry).unwrap_or_else(|error| panic!("{error:?}"));
    kappa(&experiment, &registry).unwrap()
}

fn of<'a>(record: &'a KappaRecord, name: &str) -> &'a ObjectiveKappa {
    record.objectives.iter().find(|objective| objective.objective == name).unwrap()
}

/// V of a prompt at logits.
fn validity(prompt: usize, logits: &Vector) -> f64 {
    let probs = |row: usize, token: usize| {
        let row = [logits[2 * row], logits[2 * row + 1]].map(f64::exp);
        row[token] / (row[0] + row[1])
    };
    let right = (0..8usize).filter(|bits| (!bits & 7).count_ones() % 2 == 0);
    right
        .map(|bits| {
            let tokens = [bits & 1, bits >> 1 & 1, bits >> 2];
            let rows = [if prompt == 0 { 2 } else { 1 }, tokens[0], tokens[1]];
            rows.iter().zip(tokens).map(|(&row, token)| probs(row, token)).product::<f64>()
        })
        .sum()
}

/// V and ∇V of both prompts at the policy's start, by central differences of the sixth order: what they leave out is 1e-16
/// times a seventh derivative, and rounding 1e-13.
fn validities() -> [(f64, Vector); 2] {
    const STEP: f64 = 5e-3;
    let start: Vector = std::array::from_fn(|i| ROWS[i / 2][i % 2].ln());
    [0, 1].map(|prompt| {
        let gradient = std::array::from_fn(|k| {
            let difference = |steps: f64| {
                let at = |steps: f64| {
                    let mut logits = start;
                    logits[k] += steps * STEP;
                    validity(prompt, &logits)
                };
                at(steps) - at(-steps)
            };
            (45.0 * difference(1.0) - 9.0 * difference(2.0) + difference(3.0)) / (60.0 * STEP)
        });
        (validity(prompt, &start), gradient)
    })
}

/// The cosine of Σ_x w_x a(V_x) ∇V_x and Σ_x w_x b(V_x) ∇V_x.
fn cosine(a: impl Fn(f64) -> f64, b: impl Fn(f64) -> f64) -> f64 {
    let sum = |factor: &dyn Fn(f64) -> f64| -> Vector {
        let prompts = validities();
        std::array::from_fn(|k| (0..2).map(|x| WEIGHTS[x] * factor(prompts[x].0) * prompts[x].1[k]).sum())
    };
    let (a, b) = (sum(&a), sum(&b));
    let dot = |a: &Vector, b: &Vector| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

/// κ by listing the rewards of all groups.
fn listed(group: usize, phi: &dyn Fn(bool, usize) -> f64) -> impl Fn(f64) -> f64 + use<> {
    let others: Vec<(usize, f64)> = (0..1usize << (group - 1))
        .map(|bits| bits.count_ones() as usize)
        .map(|right| (right, phi(true, right + 1) - phi(false, right)))
        .collect();
    move |v| {
        let wrong = |right: usize| i32::try_from(group - 1 - right).unwrap();
        let prob = |right: usize| v.powi(i32::try_from(right).unwrap()) * (1.0 - v).powi(wrong(right));
        others.iter().map(|&(right, difference)| prob(right) * difference).sum()
    }
}

fn assert_follows(found: &[f64], rates: &[f64], expected: impl Fn(f64) -> f64, name: &str) {
    assert_eq!(found.len(), rates.len(), "{name}");
    for (found, &rate) in found.iter().zip(rates) {
        let expected = expected(rate);
        assert!(
            (found - expected).abs() <= 1e-11 * expected.abs().max(1e-3),
            "{name} at {rate}: {found}, not {expected}"
        );
    }
}

/// c_i = (r_i − mean) / (deviation + 0.1) in groups of 4.
fn normalised(right: bool, count: usize) -> f64 {
    let mean = count as f64 / 4.0;
    (f64::from(u8::from(right)) - mean) / ((mean * (1.0 - mean)).sqrt() + 0.1)
}

/// Claims, lengths and policies, of objectives that are declared here: listed and by states.
#[test]
fn what_is_claimed_is_held_against_what_is_expected() {
    let objectives = r#"
        "reinforce": (plugin: "reinforce", config: (baseline: GroupMean)),
        "of log V": (plugin: "normalised", config: (group: 4, claim: LogValidity(order: None))),
        "of pass@3": (plugin: "normalised", config: (group: 4, claim: PassAtK(k: 3))),
        "of means": (plugin: "normalised", config: (group: 4, token_mean: true, claim: ValidityRate)),
        "of nothing": (plugin: "normalised", config: (group: 4)),
        "kl": (plugin: "kl-control", config: (lambda: 2.0)),"#;
    for limit in [1000, 2] {
        let rest = format!("{SAMPLED} evaluation: (enumerate_up_to: {limit})");
        let record = with_grouped(&text(TASK, objectives, &rest));
        assert_eq!((record.prompts, record.without_cosines.len()), (2, 0));
        let rates = &record.validity_rates;
        let own = listed(4, &normalised);
        assert_follows(&of(&record, "reinforce").kappa, rates, |_| 0.75, "reinforce");
        for name in ["of log V", "of pass@3", "of nothing"] {
            assert_follows(&of(&record, name).kappa, rates, &own, name);
        }
        // Outputs are of three tokens.
        assert_follows(&of(&record, "of means").kappa, rates, |v| own(v) / 3.0, "of means");
        let claims: [(&str, Option<&str>, Closed<'_>); 4] = [
            ("reinforce", Some("∇V"), &|_| 1.0),
            ("of log V", Some("∇log V"), &|v| 1.0 / v),
            ("of pass@3", Some("∇pass@3"), &|v| 3.0 * (1.0 - v).powi(2)),
            ("of means", Some("∇V"), &|_| 1.0),
        ];
        for (name, claim, weight) in claims {
            let found = of(&record, name);
            assert_eq!(found.claim.as_deref(), claim);
            assert_follows(&found.claimed, rates, weight, name);
            for ((ratio, kappa), weight) in found.ratio.iter().zip(&found.kappa).zip(&found.claimed) {
                assert_eq!(ratio.0, Some(kappa / weight), "{name}");
            }
            let expected = if name == "reinforce" { 1.0 } else { cosine(&own, weight) };
            let cosines: Vec<(&str, f64)> =
                found.cosines.iter().map(|of| (of.policy.as_str(), of.cosine.unwrap())).collect();
            assert_eq!(cosines.len(), 1);
            assert!((cosines[0].1 - expected).abs() < 1e-11, "{name}: {cosines:?}, not {expected}");
            assert!(name == "reinforce" || expected < 1.0 - 1e-6, "{name}: {expected}");
        }
        let nothing = of(&record, "of nothing");
        assert_eq!((&nothing.claim, nothing.claimed.len(), nothing.cosines.len()), (&None, 0, 0));
        let kl = of(&record, "kl");
        assert_eq!(kl.claim.as_deref(), Some("-∇ KL(q||p_beta), beta = 0.5"));
        assert_eq!((kl.group, kl.kappa.len(), kl.claimed.len(), kl.cosines.len()), (None, 0, 0, 0));
    }
    // Where lengths differ a mean of tokens is no function of counts, and says so.
    let ended = TASK.replace("FixedLength", "EndSymbol");
    let ended = ended
        .replace(r#""^": [0.3, 0.7]"#, r#""^": [0.3, 0.5, 0.2]"#)
        .replace(r#""a": [0.75, 0.25]"#, r#""a": [0.75, 0.15, 0.1]"#)
        .replace(r#""b": [0.25, 0.75]"#, r#""b": [0.25, 0.65, 0.1]"#);
    let only =
        r#""of means": (plugin: "normalised", config: (group: 4, token_mean: true, claim: ValidityRate)),"#;
    let record = with_grouped(&text(&ended, only, SAMPLED).replace(POLICY, ""));
    let found = of(&record, "of means");
    assert_eq!((found.because.as_slice(), found.kappa.len()), (&["token_mean: true".to_string()][..], 0));
    assert_eq!(found.claim.as_deref(), Some("∇V"));
}

/// An objective that claims one thing by its divergence and does another has no κ.
#[test]
fn a_false_divergence_gives_no_figure() {
    let objective = r#""it": (plugin: "scaled", config: (scale: 2.0, ratio: true, declares: InvalidityRate)),
        "honest": (plugin: "scaled", config: (scale: 2.0, declares: InvalidityRate)),"#;
    for rest in ["", SAMPLED] {
        let record = with_grouped(&text(TASK, objective, rest));
        assert_eq!((of(&record, "it").kappa.len(), of(&record, "it").because.len()), (0, 1));
        assert_follows(&of(&record, "honest").kappa, &record.validity_rates, |_| 2.0, "honest");
    }
}

/// Where nobody can list or walk the outputs there are κ and claims, and a line instead of cosines.
#[test]
fn cosines_that_cannot_be_had_are_named() {
    let rest = format!("{SAMPLED} evaluation: (enumerate_up_to: 2, samples: 16), exact: (max_states: 1)");
    let record = with_grouped(&text(TASK, r#""it": (plugin: "reinforce"),"#, &rest));
    assert_eq!((of(&record, "it").kappa.len(), of(&record, "it").cosines.len()), (7, 0));
    assert!(record.without_cosines.len() == 1 && record.without_cosines[0].contains("more than 2 outputs"));
}

/// The objectives that people use, in groups of 4, by closed forms.
#[test]
fn named_objectives_follow_their_closed_forms() {
    let objectives = r#"
        "rloo": (plugin: "rloo"),
        "asymre": (plugin: "asymre"),
        "maxrl": (plugin: "maxrl", config: (scale: [Mean(epsilon: 0)])),
        "maxrl, order G": (plugin: "maxrl-order-g", config: (scale: [Mean(epsilon: 0)])),
        "maclaurin": (plugin: "maclaurin"),
        "pkpo": (plugin: "pkpo", config: (signal: PassAtK(k: 3, form: Loo1))),
        "tsallis": (plugin: "tsallis"),
        "grpo's advantage": (plugin: "policy-gradient", config: (scale: [Std(epsilon: 1e-6)])),
        "down": (plugin: "rloo", config: (multiplier: -5.0)),
        "dr-grpo": (plugin: "dr-grpo"),
        "trl": (plugin: "grpo-trl", config: (scale: [Std(epsilon: 1e-6)])),
        "opo": (plugin: "opo"),
        "slime": (plugin: "grpo-slime"),
        "grpo": (plugin: "grpo"),
        "gpg": (plugin: "gpg"),
        "sum": (plugin: "grpo-tinker"),"#;
    let record = kappa(&experiment(&text(TASK, objectives, SAMPLED)), registry()).unwrap();
    let rates = &record.validity_rates;
    let order = |m: i32| move |v: f64| (1.0 - (1.0 - v).powi(m)) / v;
    let pass = |v: f64| 3.0 * (1.0 - v).powi(2);
    let grpo = listed(4, &grpo(4));
    // κ, the claim, and its weight.
    let cases: [(&str, Closed<'_>, Option<&str>, Closed<'_>); 13] = [
        ("rloo", &|_| 1.0, Some("∇V"), &|_| 1.0),
        ("asymre", &|_| 0.75, Some("∇V"), &|_| 1.0),
        ("maxrl", &order(3), Some("∇log V"), &|v| 1.0 / v),
        ("maxrl, order G", &order(4), Some("∇log V"), &|v| 1.0 / v),
        ("maclaurin", &order(4), Some("∇log V, 4 terms"), &order(4)),
        ("pkpo", &pass, Some("∇pass@3"), &pass),
        (
            "tsallis",
            &listed(4, &|right, count| {
                let rate = count as f64 / 4.0;
                if count == 0 { 0.0 } else { rate.powf(-0.75) * (f64::from(u8::from(right)) - rate) }
            }),
            Some("V^-0.75 ∇V"),
            &|v| v.powf(-0.75),
        ),
        ("grpo's advantage", &grpo, None, &|_| 1.0),
        ("down", &|_| -5.0, Some("∇V"), &|_| 1.0),
        // The sum of tokens over the horizon of 3, and means over outputs of 3 tokens.
        ("dr-grpo", &|_| 0.25, Some("∇V"), &|_| 1.0),
        ("trl", &|v| grpo(v) / 3.0, None, &|_| 1.0),
        ("slime", &|v| grpo(v) / 3.0, None, &|_| 1.0),
        ("opo", &|_| 0.25, Some("∇V"), &|_| 1.0),
    ];
    for (name, closed, claim, weight) in cases {
        let found = of(&record, name);
        assert_follows(&found.kappa, rates, closed, name);
        assert_eq!(found.claim.as_deref(), claim, "{name}");
        let Some(_) = claim else {
            assert!(found.cosines.is_empty() && found.claimed.is_empty(), "{name}");
            continue;
        };
        assert_follows(&found.claimed, rates, weight, name);
        let (found, expected) = (found.cosines[0].cosine.unwrap(), cosine(closed, weight));
        assert!((found - expected).abs() < 1e-10, "{name}: {found}, not {expected}");
    }
    for (name, parts) in [
        ("grpo", &["aggregate: SequenceMean", "penalties"][..]),
        ("gpg", &["aggregate: TokenMean", "prompt_weight"]),
        ("sum", &["aggregate: TokenSum"]),
    ] {
        assert_eq!(
            (of(&record, name).because.as_slice(), of(&record, name).kappa.len()),
            (&parts.iter().map(ToString::to_string).collect::<Vec<_>>()[..], 0)
        );
    }
}

#[test]
fn the_tables_and_json() {
    let folder = folder();
    let objectives = r#"
        "reinforce": (plugin: "reinforce"),
        "maxrl": (plugin: "maxrl"),
        "pass@2": (plugin: "pass-at-k", config: (signal: PassAtK(k: 2, form: Standardised))),
        "grpo's advantage": (plugin: "policy-gradient", config: (scale: [Std(epsilon: 1e-6)])),
        "grpo": (plugin: "grpo"),
        "kl": (plugin: "kl-control", config: (lambda: 2.0)),"#;
    fs::write(folder.path().join("kappa.ron"), text(TASK, objectives, SAMPLED)).unwrap();
    let output = host(folder.path(), &["exact", "kappa.ron", "--kappa"]);
    insta::assert_snapshot!(shown(&output, folder.path()));
    let output = host(folder.path(), &["exact", "kappa.ron", "--kappa", "--json"]);
    let record: KappaRecord = serde_json::from_slice(&output.stdout).unwrap();
    let here = kappa(&experiment(&text(TASK, objectives, SAMPLED)), registry()).unwrap();
    assert_eq!(record, here);
}
