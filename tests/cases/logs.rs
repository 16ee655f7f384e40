//! Indeterminate forms, and what lives in logarithms.
//!
//! Expected numbers are closed forms, or sums over all outputs in decimals of 120 digits.

use super::case;
use crate::support::{experiment, folder, host, registry, run, shown};
use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_lab::exact::{MethodChoice, exact};
use pstar_record::{ArmRecord, ArmStatus, RunRecord};
use serde_json::Value;
use std::f64::consts::LN_2;
use std::fs;

const BOTH: &[MethodChoice] = &[MethodChoice::Enumeration, MethodChoice::DynamicProgramming];
const WALKED: &[MethodChoice] = &[MethodChoice::DynamicProgramming];

/// A file, the methods that can, and for each figure by its path its value with a relative tolerance.
type Case = (&'static str, &'static [MethodChoice], &'static [(&'static str, f64, f64)]);

/// 1e-13 of sums of few terms, 1e-12 of coverage by dynamic programming, and 1e-13 of logarithms that add up 1100 terms.
const EXACT: &[Case] = &[
    (
        "js.ron",
        &[MethodChoice::Enumeration],
        &[
            ("/policies/q/js_to_filtered", 0.526_076_165_211_386_3, 1e-13),
            ("/policies/r/js_to_filtered", LN_2, 1e-15),
        ],
    ),
    (
        "tiny_alpha.ron",
        BOTH,
        &[
            ("/policies/q/alpha_divergence/0.0", 1.488_924_241_207_191_3, 1e-13),
            ("/policies/q/alpha_divergence/1e-3", 1.488_992_451_874_859_9, 1e-13),
            ("/policies/q/alpha_divergence/1e-6", 1.488_924_308_325_111_3, 1e-13),
            ("/policies/q/alpha_divergence/1e-9", 1.488_924_241_274_308_2, 1e-13),
            ("/policies/q/alpha_divergence/1e-12", 1.488_924_241_207_258_5, 1e-13),
            ("/policies/q/alpha_divergence/1e-15", 1.488_924_241_207_191_5, 1e-13),
            ("/policies/q/alpha_divergence/0.999", 700.411_941_947_812_9, 1e-13),
            ("/policies/q/alpha_divergence/0.999999999999", 700_015_485_547.063_7, 1e-13),
        ],
    ),
    (
        "covnull.ron",
        WALKED,
        &[
            ("/base/coverage_at/1", 1.0, 1e-12),
            ("/base/coverage_at/16", 15.975_041_535_203_724, 1e-12),
            ("/base/coverage_at/1000", 955.483_528_166_022_9, 1e-12),
            ("/base/coverage_at/1000000", 493_701.107_808_877_2, 1e-12),
            ("/policies/q/coverage_at/1", 1.0, 1e-12),
            ("/policies/q/coverage_at/16", 15.999_999_998_380_066, 1e-12),
            ("/policies/q/coverage_at/1000", 999.999_993_257_020_8, 1e-12),
            ("/policies/q/coverage_at/1000000", 999_993.250_553_365_6, 1e-12),
        ],
    ),
    (
        "effective_number.ron",
        WALKED,
        &[
            ("/base/entropy", 1100.0 * LN_2, 1e-13),
            ("/base/log_effective_number", 1100.0 * LN_2, 1e-13),
            ("/base/log_top1", -1100.0 * LN_2, 1e-13),
            ("/filtered/log_top1", -1100.0 * LN_2, 1e-13),
            ("/base/effective_number", f64::INFINITY, 0.0),
            ("/base/top1", 0.0, 0.0),
            ("/base/coverage_at/1000000000000", 1e12, 1e-12),
        ],
    ),
];

#[test]
fn exact_values() {
    for (name, methods, figures) in EXACT {
        let experiment = experiment(&case(name));
        for &method in *methods {
            let record = exact(&experiment, registry(), method).unwrap_or_else(|error| panic!("{error:?}"));
            let json = serde_json::to_value(&record).unwrap();
            for (path, expected, tolerance) in *figures {
                let found = number(&json["prompts"][0], path);
                let same = found == *expected || (found - expected).abs() <= tolerance * expected.abs();
                assert!(same, "{name} {method:?} {path}: {found}, not {expected}");
            }
        }
    }
}

fn number(record: &Value, path: &str) -> f64 {
    match record.pointer(path) {
        Some(Value::String(text)) if text == "inf" => f64::INFINITY,
        Some(Value::String(text)) if text == "-inf" => f64::NEG_INFINITY,
        found => found.and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is {found:?}")),
    }
}

/// 2^1100 and its inverse, which no number holds.
#[test]
fn tables_show_what_no_number_holds() {
    let folder = folder();
    fs::write(folder.path().join("case.ron"), case("effective_number.ron")).unwrap();
    let output = host(folder.path(), &["exact", "case.ron"]);
    let text = shown(&output, folder.path());
    for words in ["about 1.36e331 outputs", "1.358e331", "7.362e-332"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("inf"), "{text}");
}

fn arm<'a>(record: &'a RunRecord, objective: &str) -> &'a ArmRecord {
    record.arms.iter().find(|arm| arm.objective == objective).unwrap()
}

fn last(arm: &ArmRecord, metric: &str) -> f64 {
    let last = arm.last.as_ref().unwrap_or_else(|| panic!("{}: {:?}", arm.objective, arm.failure));
    last.get(metric).unwrap()
}

/// What no base can say has p* = 0, however right it is, and were Z estimated as 0: it counts as wrong.
#[test]
fn right_but_not_of_the_base_is_wrong() {
    // log p* is −∞, or with the second sequence ½·0.25/0.5 = Z, p*/q = 0.25 / Z / 0.5 = 2.
    let absent = f64::NEG_INFINITY;
    let quarter = 0.25f64.ln();
    for (objective, config, none, one) in [
        ("forward-kl", "(partition: Group)", [-1.0, -1.0], [-1.0, 1.0]),
        ("forward-kl", "(partition: Running)", [-1.0, -1.0], [-1.0, 1.0]),
        ("forward-kl", "(partition: Group, baseline: LeaveOneOut)", [0.0, 0.0], [-2.0, 2.0]),
        ("forward-kl", "(partition: Group, baseline: None)", [0.0, 0.0], [0.0, 2.0]),
        ("alpha", "(alpha: 0.0, partition: Group, baseline: None)", [-1.0, -1.0], [-1.0, 1.0]),
        ("alpha", "(alpha: 0.0, partition: Running, clip: 10.0)", [0.0, 0.0], [-2.0, 2.0]),
        ("alpha", "(alpha: 0.0, as_released: true)", [0.0, 0.0], [-2.0, 2.0]),
        ("reinforce", "()", [0.0, 0.0], [0.0, 0.0]),
    ] {
        for (log_a, expected) in [([absent, absent], none), ([absent, quarter], one)] {
            let found = coefficients(objective, config, &log_a, &[0.5f64.ln(); 2]).unwrap();
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-14, "{objective} {config}: {found}, not {expected}");
            }
        }
    }
    let error =
        coefficients("kl-control", "(lambda: 1.0)", &[quarter, absent], &[0.5f64.ln(); 2]).unwrap_err();
    assert!(error.contains("the base cannot produce sequence 1"), "{error}");
}

/// Of one group of right sequences of one token, sampled from the policy.
fn coefficients(objective: &str, config: &str, log_a: &[f64], log_q: &[f64]) -> Result<Vec<f64>, String> {
    let experiment = experiment(&case("z_zero.ron"));
    let component = registry().objective(objective).unwrap();
    let mut objective = component.create(config, &experiment.world.task).unwrap();
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, PromptFacts::default());
    for (log_q, log_a) in log_q.chunks(1).zip(log_a.chunks(1)) {
        buffer.push(Row::new(1.0, log_q).base_log_probs(log_a));
    }
    let batch = buffer.view(Moment::new(0, StreamKey::new(0, Purpose::Objective, 0))).unwrap();
    let step = objective.observe(&batch).and_then(|()| objective.step(&batch));
    step.map(|step| step.coefficients.to_vec()).map_err(|error| error.message)
}

/// An estimate of Z that is the same number in other units gives the same coefficients, however small it is.
#[test]
fn estimates_of_z_know_no_least_number() {
    let log_q = [-3.0, -4.0, -5.0];
    for config in ["(partition: Group)", "(partition: Running)"] {
        for shift in [0.0, -500.0, -800.0, -5000.0, 800.0] {
            let log_a = [-4.0, -4.5, -8.0].map(|log_a: f64| log_a + shift);
            for objective in ["forward-kl", "alpha"] {
                let config = if objective == "alpha" {
                    config.replace('(', "(alpha: 0.5, clip: 10.0, ")
                } else {
                    config.into()
                };
                let ask = |log_a: &[f64]| coefficients(objective, &config, log_a, &log_q).unwrap();
                for (found, expected) in ask(&log_a).iter().zip(ask(&[-4.0, -4.5, -8.0])) {
                    // The sums of logarithms of size 5000 are right to 1e-12.
                    assert!(
                        (found - expected).abs() < 1e-11,
                        "{objective} {config} {shift}: {found}, {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn arms_with_an_estimated_z_of_0_go_on() {
    for limit in [2_000_000, 1] {
        let text = case("z_zero.ron").replace(
            "    seeds:",
            &format!("    evaluation: (optima: false, enumerate_up_to: {limit}),\n    seeds:"),
        );
        let kl_control =
            r#""reinforce": (plugin: "reinforce"), "kl": (plugin: "kl-control", config: (lambda: 1.0)),"#;
        let record = run(&text.replace(r#""reinforce": (plugin: "reinforce"),"#, kl_control));
        for arm in &record.arms {
            let name = format!("{} {} {:?}", arm.objective, arm.seed, arm.failure);
            if arm.objective == "kl" {
                let failure = arm.failure.as_ref().unwrap_or_else(|| panic!("{name}"));
                assert!(failure.message.contains("KL(policy || base) is infinite"), "{name}");
                continue;
            }
            assert_eq!(arm.status, ArmStatus::Complete, "{name}");
            // Those that aim at p*, which is always `a`, come nearer; all answers are right.
            let (before, after) = (
                arm.initial.as_ref().unwrap().get("kl_from_filtered").unwrap(),
                last(arm, "kl_from_filtered"),
            );
            assert!(
                if arm.objective == "reinforce" { after == before } else { after < before },
                "{name}: {after}"
            );
        }
    }
}

/// Of 600 letters the base makes e^−1900 of what the policy does. After one step a running mean is the group's.
#[test]
fn long_text_trains() {
    let text = case("long_text.ron")
        .replace("words.txt", "../tests/cases/words.txt")
        .replace("steps: 3", "steps: 1")
        .replace("seeds: [1, 2],", "seeds: [1], exact: (max_states: 10),");
    let record = run(&text);
    for arm in &record.arms {
        assert_eq!(arm.status, ArmStatus::Complete, "{}: {:?}", arm.objective, arm.failure);
    }
    let parameters = |objective| &arm(&record, objective).parameters;
    assert_eq!(parameters("fkl running"), parameters("fkl group"));
    assert_eq!(parameters("fkl default"), parameters("fkl group"));
    assert!(
        arm(&record, "alpha running").warnings.is_empty(),
        "{:?}",
        arm(&record, "alpha running").warnings
    );
}

/// One step of the gradient of KL(p*‖q), p* uniform on aa, ab and bb: (2/3, −2/3) in the row of the start, (1/3, −1/3) in
/// that of a, (−1/6, 1/6) in that of b.
#[test]
fn listed_gradients_are_those_that_are_walked() {
    for (name, log_rare) in [("fklunder.ron", -200.0), ("fklsub.ron", -155.0)] {
        let log_rare = log_rare * std::f64::consts::LN_10;
        let log_q = (2.0 * log_rare + 2.0) + (log_rare + 4.0 / 3.0) - (-1f64 / 3.0).exp().ln_1p();
        let expected = -3f64.ln() - log_q / 3.0;
        let at = |limit: u64| {
            run(&case(name).replace("(every: 1,", &format!("(every: 1, enumerate_up_to: {limit},")))
        };
        let (listed, walked) = (at(2_000_000), at(0));
        for objective in ["f", "a0"] {
            for record in [&listed, &walked] {
                let found = last(arm(record, objective), "kl_from_filtered");
                assert!(
                    (found - expected).abs() < 1e-12 * expected,
                    "{name} {objective}: {found}, not {expected}"
                );
            }
        }
        for (listed, walked) in listed.arms.iter().zip(&walked.arms) {
            let (a, b) = (listed.last.as_ref().unwrap(), walked.last.as_ref().unwrap());
            for ((metric, a), (_, b)) in a.flat().zip(b.flat()) {
                let (Some(a), Some(b)) = (a.value, b.value) else { continue };
                // Sums of logarithms of q, of size KL(p*‖q).
                assert!(
                    a == b || (a - b).abs() < 1e-13 * (1.0 + a.abs().max(b.abs())),
                    "{name} {} {metric}: {a} {b}",
                    listed.objective
                );
            }
        }
    }
}

#[test]
fn huge_gradients_move_or_are_told() {
    let text = case("huge_gradient.ron");
    for limit in [2_000_000, 0] {
        let clipped =
            run(&text.replace("(every: 1,", &format!("(every: 1, optima: false, enumerate_up_to: {limit},")));
        let moved = arm(&clipped, "k");
        assert_eq!((moved.status, moved.warnings.len()), (ArmStatus::Complete, 0), "{:?}", moved.failure);
        // At β = 1e300 nothing counts but KL(q‖a).
        let before = moved.initial.as_ref().unwrap().get("kl_to_base").unwrap();
        assert!(last(moved, "kl_to_base") < before);
    }
    for (from, to, words) in [
        ("Sgd(learning_rate: 1.0), clip_norm: 0.1", "Adam(learning_rate: 0.1)", "second moment of parameter"),
        ("Sgd(learning_rate: 1.0), clip_norm: 0.1", "Sgd(learning_rate: 1e10)", "overflowed"),
    ] {
        let record = run(&text.replace(from, to).replace("(every: 1,", "(every: 1, optima: false,"));
        let failed = arm(&record, "k");
        let failure = failed.failure.as_ref().unwrap_or_else(|| panic!("{to}: {:?}", failed.warnings));
        assert!(failure.message.contains(words), "{to}: {}", failure.message);
    }
}

/// Valid is aab, of probability 1e-400 under the base: the rows of its contexts are fitted where no number holds that.
#[test]
fn a_base_is_fitted_where_it_underflows() {
    let text = |limit: u64| {
        format!(
            r#"(name: "fit", task: (alphabet: Chars("ab"), horizon: 3, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 3, table: {{"^^": [1e-200, 1.0], "^a": [1e-200, 1.0], "^b": [0.5, 0.5],
                    "aa": [0.25, 0.75], "ab": [0.5, 0.5], "ba": [0.5, 0.5], "bb": [0.5, 0.5]}})),
                verifier: (plugin: "regex", config: (pattern: "aa."))),
             policies: {{"q": (plugin: "ngram", config: (order: 3), start: FitBase)}},
             evaluation: (enumerate_up_to: {limit}))"#
        )
    };
    for limit in [2_000_000, 1] {
        let record = exact(&experiment(&text(limit)), registry(), MethodChoice::Auto).unwrap();
        let json = serde_json::to_value(&record).unwrap();
        // The policy is the base: KL(p*‖q) = −log Z.
        let found = number(&json["prompts"][0], "/policies/q/kl_from_filtered");
        assert!((found - 400.0 * std::f64::consts::LN_10).abs() < 1e-10, "{limit}: {found}");
        let given = number(&json["prompts"][0], "/policies/q/entropy_given_valid");
        let expected = -(0.25 * 0.25f64.ln() + 0.75 * 0.75f64.ln());
        assert!((given - expected).abs() < 1e-12, "{limit}: {given}");
    }
}
