//! Rare and certain validity, weak and strong tilts, zeros, and outputs beyond the range of numbers, through the host.
//!
//! Expected numbers are closed forms, or were worked out in 1200 digits from the definitions.

use crate::support::{experiment, folder, host, registry, run, shown};
use pstar_lab::exact::{MethodChoice, exact};
use pstar_record::ArmStatus;
use serde_json::Value;
use std::f64::consts::LN_2;
use std::fs;

const LN_10: f64 = std::f64::consts::LN_10;

/// What `host exact --json` prints of a task by dynamic programming, for each prompt.
fn walked(task: &str, policies: &str, evaluation: &str) -> Vec<Value> {
    let folder = folder();
    let text = format!(
        r#"(name: "extreme", task: ({task}), policies: {{{policies}}}, evaluation: (k: [1, 4, 1000000], {evaluation}))"#
    );
    fs::write(folder.path().join("extreme.ron"), text).unwrap();
    let arguments = ["exact", "extreme.ron", "--json", "--method", "dynamic-programming"];
    let output = host(folder.path(), &arguments);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!text.contains("NaN"), "{text}");
    let json: Value = serde_json::from_str(&text).unwrap();
    let prompts = json["prompts"].as_array().unwrap();
    for prompt in prompts.iter().filter(|prompt| !prompt["filtered"].is_null()) {
        assert_told(prompt, "");
    }
    prompts.clone()
}

/// Where p* exists nothing is absent but what does not decompose, and what a policy's valid outputs are like if it has
/// none.
fn assert_told(value: &Value, place: &str) {
    const ABSENT: [&str; 3] = ["tv_to_filtered", "js_to_filtered", "entropy_given_valid"];
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| assert_told(value, name)),
        Value::Array(list) => list.iter().for_each(|value| assert_told(value, place)),
        Value::Null => assert!(ABSENT.contains(&place), "{place} is absent"),
        _ => (),
    }
}

/// A figure, by its path, against its expected value, with a relative tolerance.
fn assert_near(record: &Value, path: &str, expected: f64, tolerance: f64) {
    let found = &record[path];
    let value = match found.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        _ => found.as_f64().unwrap_or_else(|| panic!("{path} is {found}")),
    };
    let same = value == expected || (value - expected).abs() <= tolerance * expected.abs();
    assert!(same, "{path}: {value}, not {expected}");
}

fn ngram(name: &str, row: &str) -> String {
    format!(r#""{name}": (plugin: "ngram", config: (order: 1, table: {{"": {row}}}), start: AsConfigured),"#)
}

fn coins(horizon: usize, row: &str, pattern: &str) -> String {
    format!(
        r#"alphabet: Chars("ab"), horizon: {horizon}, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 1, table: {{"": {row}}})),
            verifier: (plugin: "regex", config: (pattern: "{pattern}")),"#
    )
}

/// All outputs but b¹² are valid: A0 = 1e-12, to all of its digits.
#[test]
fn an_invalid_mass_of_1e_minus_12_keeps_its_digits() {
    let task = coins(12, "[0.9, 0.1]", "[ab]*a[ab]*");
    let found = walked(&task, &ngram("q", "[0.8, 0.2]"), "betas: [1e-4, 0.01, 0.5, 1e4]");
    let record = &found[0];
    assert_near(&record["base"], "invalidity_rate", 1e-12, 1e-13);
    assert_near(&record["base"], "log_validity_rate", -1.000_000_000_000_5e-12, 1e-13);
    assert_near(&record["filtered"], "kl_to_base", 1.000_000_000_000_5e-12, 1e-13);
    // For each β: 1 − μ, KL(p_β‖a) and KL(a‖p_β). The first is e^−10000 · 1e-12, which is zero to a float.
    let expected = [
        (0.0, 1.000_000_000_000_5e-12, 9.998_999_999_999_999e-9),
        (3.720_075_976_024_556e-56, 1.000_000_000_000_5e-12, 9.899_999_999_999_95e-11),
        (1.353_352_832_367_297e-13, 5.939_941_502_903_017e-13, 1.135_335_283_236_239e-12),
        (9.999_000_049_998_334e-13, 4.999_666_679_161_334e-21, 4.999_833_337_494_917e-21),
    ];
    for (tilted, (one_minus_mu, to_base, from_base)) in
        record["tilted"].as_array().unwrap().iter().zip(expected)
    {
        assert_near(tilted, "mu", 1.0 - one_minus_mu, 1e-15);
        assert_near(tilted, "one_minus_mu", one_minus_mu, 1e-12);
        assert_near(tilted, "kl_to_base", to_base, 1e-12);
        assert_near(tilted, "kl_from_base", from_base, 1e-12);
        assert_near(tilted, "tv_to_filtered", one_minus_mu, 1e-12);
        // −log μ = (1 − μ) + (1 − μ)²/2 + …
        assert_near(tilted, "kl_from_filtered", one_minus_mu + 0.5 * one_minus_mu.powi(2), 1e-12);
        assert_near(tilted, "kl_to_filtered", f64::INFINITY, 0.0);
    }
    let q = &record["policies"]["q"];
    assert_near(q, "kl_from_filtered", 0.440_280_168_426_765, 1e-13);
    assert_near(q, "invalidity_rate", 0.2f64.powi(12), 1e-13);
    assert_near(q, "kl_to_filtered", f64::INFINITY, 0.0);
}

/// Valid are bⁿb and bⁿa, so that Z = 10⁻ⁿ and p* = (0.1, 0.9), whatever n: 1e-30, 1e-300, and below underflow.
#[test]
fn rare_validity_is_as_exact_as_any() {
    // n, β, log μ, log(1 − μ) as its exponential, KL(p_β‖a), KL(a‖p_β).
    let rows = [
        (
            30,
            "0.0125",
            -1.804_835_100_598_727_6e-5,
            1.804_818_813_548_011e-5,
            69.076_090_886_419_52,
            10.922_465_258_529_636,
        ),
        (30, "1e4", -69.077_452_789_821_36, 1.0, 5.000_333_345_833_667e-39, 5.000_166_670_833_417e-39),
        (
            300,
            "0.00125",
            -3.667_874_584_177_687e-48,
            3.667_874_584_177_687e-48,
            690.775_527_898_213_7,
            109.224_472_101_786_3,
        ),
        (300, "0.0125", -610.775_527_898_213_7, 1.0, 4.377_091_683_670_87e-264, 5.540_622_384_393_51e-266),
        (
            400,
            "0.00125",
            -121.034_037_197_618_27,
            1.0,
            2.178_373_283_116_589e-50,
            2.726_374_572_112_566_6e-53,
        ),
        (
            400,
            "0.001",
            -5.075_958_897_549_457e-35,
            5.075_958_897_549_457e-35,
            921.034_037_197_618_3,
            78.965_962_802_381_73,
        ),
    ];
    for (n, beta, log_mu, one_minus_mu, to_base, from_base) in rows {
        let horizon = n + 1;
        let task = coins(horizon, "[0.9, 0.1]", "b*a?");
        let policies = ngram("half", "[0.5, 0.5]") + &ngram("never b", "[1.0, 0.0]");
        let evaluation = format!("betas: [{beta}, 1e-4], alphas: [0, 0.5], power_sums: [0.5]");
        let found = walked(&task, &policies, &evaluation);
        let record = &found[0];
        assert_eq!((&record["valid_outputs"], &record["valid_support"]), (&"2".into(), &"2".into()));
        let n = n as f64;
        assert_near(&record["base"], "log_validity_rate", -n * LN_10, 1e-13);
        assert_near(&record["base"], "validity_rate", (-n * LN_10).exp(), 1e-11);
        assert_near(&record["base"], "entropy_given_valid", 0.325_082_973_391_448_24, 1e-11);
        let filtered = &record["filtered"];
        assert_near(filtered, "entropy", 0.325_082_973_391_448_24, 1e-11);
        assert_near(filtered, "renyi2_entropy", -0.82f64.ln(), 1e-11);
        assert_near(filtered, "top1", 0.9, 1e-12);
        assert_near(filtered, "kl_to_base", n * LN_10, 1e-13);
        // 2 − 0.9⁴ − 0.1⁴.
        assert_near(&filtered["coverage_at"], "4", 1.3438, 1e-12);
        let tilted = &record["tilted"][0];
        assert_near(tilted, "log_mu", log_mu, 1e-11);
        assert_near(tilted, "one_minus_mu", one_minus_mu, 1e-11);
        assert_near(tilted, "kl_to_base", to_base, 1e-11);
        assert_near(tilted, "kl_from_base", from_base, 1e-11);
        // β = 1e-4: λ = 10000 is far beyond log Z.
        let tilted = &record["tilted"][1];
        assert_near(tilted, "mu", 1.0, 0.0);
        assert_near(tilted, "kl_to_base", n * LN_10, 1e-13);
        assert_near(tilted, "kl_from_base", 1e4 - n * LN_10, 1e-12);
        let half = &record["policies"]["half"];
        let kl = horizon as f64 * LN_2 - 0.325_082_973_391_448_24;
        assert_near(half, "kl_from_filtered", kl, 1e-12);
        assert_near(&half["alpha_divergence"], "0", kl, 1e-12);
        let overlap = (-0.5 * horizon as f64 * LN_2).exp() * (0.1f64.sqrt() + 0.9f64.sqrt());
        assert_near(&half["power_sums"], "0.5", overlap, 1e-11);
        assert_near(&half["alpha_divergence"], "0.5", 4.0 - 4.0 * overlap, 1e-13);
        // The policy that never gives b reaches neither: infinite where p* is first, finite for 0 < α < 1.
        let never = &record["policies"]["never b"];
        assert_near(never, "log_validity_rate", f64::NEG_INFINITY, 0.0);
        assert_near(never, "kl_from_filtered", f64::INFINITY, 0.0);
        assert_near(never, "kl_from_uniform_valid", f64::INFINITY, 0.0);
        assert_near(&never["alpha_divergence"], "0.5", 4.0, 0.0);
        assert_near(never, "kl_to_base", -(horizon as f64) * 0.9f64.ln(), 1e-12);
    }
}

/// Behind prompt y no output begins with b, so that Z = 0 there; behind x it is 0.3.
#[test]
fn a_prompt_that_cannot_be_solved_leaves_the_others_alone() {
    let task = r#"alphabet: Chars("ab"), prompt_alphabet: Chars("xy"), horizon: 40, ending: FixedLength,
        prompts: List(["x", "y"]),
        base: (plugin: "ngram", config: (order: 2, table: {
            "x": [0.7, 0.3], "y": [1.0, 0.0], "a": [0.5, 0.5], "b": [0.5, 0.5],
        })),
        verifier: (plugin: "regex", config: (pattern: "b[ab]*")),"#;
    let found =
        walked(task, &ngram("q", "[0.5, 0.5]"), "betas: [1e-4, 0.5], alphas: [0.5], power_sums: [0.5]");
    assert_near(&found[0]["base"], "validity_rate", 0.3, 1e-14);
    assert_near(&found[0]["policies"]["q"], "kl_from_filtered", LN_2, 1e-12);
    let record = &found[1];
    assert_eq!(record["filtered"], Value::Null);
    assert_eq!(record["valid_outputs"], (1u64 << 39).to_string());
    assert_eq!(record["valid_support"], "0");
    for tilted in record["tilted"].as_array().unwrap() {
        for (name, value) in
            [("mu", 0.0), ("one_minus_mu", 1.0), ("log_mu", f64::NEG_INFINITY), ("kl_to_base", 0.0)]
        {
            assert_near(tilted, name, value, 0.0);
        }
        assert_eq!(tilted["kl_from_filtered"], Value::Null);
    }
    let q = &record["policies"]["q"];
    for name in ["kl_to_filtered", "kl_from_filtered", "hellinger2_to_filtered", "kl_from_uniform_valid"] {
        assert_eq!(q[name], Value::Null, "{name}");
    }
    assert_eq!((&q["alpha_divergence"]["0.5"], &q["power_sums"]["0.5"]), (&Value::Null, &Value::Null));
    // The tilt is the base, which never begins with b as the policy does.
    assert_near(q, "kl_to_base", f64::INFINITY, 0.0);
    assert_near(&q["kl_to_tilted"], "0.5", f64::INFINITY, 0.0);
    assert_near(q, "validity_rate", 0.5, 1e-14);
}

/// Outputs that begin with b are invalid, and out of the base's reach: Z = 1 and A0 = 0.
#[test]
fn a_base_that_is_always_valid_is_all_of_its_targets() {
    let task = r#"alphabet: Chars("ab"), horizon: 40, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 2, table: {"^": [1.0, 0.0], "a": [0.4, 0.6], "b": [0.6, 0.4]})),
        verifier: (plugin: "regex", config: (pattern: "a[ab]*")),"#;
    let found = walked(task, &ngram("q", "[0.5, 0.5]"), "betas: [1e-4, 1e4], alphas: [0.5]");
    let record = &found[0];
    assert_near(&record["base"], "validity_rate", 1.0, 1e-15);
    for name in ["invalidity_rate", "log_validity_rate"] {
        assert_near(&record["base"], name, 0.0, 0.0);
    }
    assert_near(&record["filtered"], "kl_to_base", 0.0, 0.0);
    for tilted in record["tilted"].as_array().unwrap() {
        for (name, value) in [("mu", 1.0), ("one_minus_mu", 0.0), ("log_mu", 0.0)] {
            assert_near(tilted, name, value, 0.0);
        }
        for name in ["to_base", "from_base", "to_filtered", "from_filtered"] {
            assert_near(tilted, &format!("kl_{name}"), 0.0, 0.0);
        }
    }
    let q = &record["policies"]["q"];
    // a b a b … alternates with 0.6: H(a) = 39 h(0.4), and KL(a‖q) = 40 log 2 − H(a).
    let entropy = -39.0 * (0.4 * 0.4f64.ln() + 0.6 * 0.6f64.ln());
    assert_near(q, "kl_from_base", 40.0 * LN_2 - entropy, 1e-12);
    assert_near(q, "kl_from_filtered", 40.0 * LN_2 - entropy, 1e-12);
    assert_near(&q["kl_from_tilted"], "1e-4", 40.0 * LN_2 - entropy, 1e-12);
    for name in ["kl_to_base", "kl_to_filtered"] {
        assert_near(q, name, f64::INFINITY, 0.0);
    }
}

/// The base never gives c: of the 2⁴⁰ strings of a and c it reaches a⁴⁰ alone, and b⁴⁰.
#[test]
fn zeros_of_the_base_shrink_the_support_and_not_the_valid_set() {
    let task = r#"alphabet: Chars("abc"), horizon: 40, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.75, 0.25, 0.0]})),
        verifier: (plugin: "regex", config: (pattern: "[ac]*|b*")),"#;
    let found =
        walked(task, &ngram("q", "[0.25, 0.25, 0.5]"), "betas: [0.5], alphas: [0, 0.5, 1], power_sums: [-1]");
    let record = &found[0];
    assert_eq!(record["valid_outputs"], ((1u64 << 40) + 1).to_string());
    assert_eq!(record["valid_support"], "2");
    let z = 0.75f64.powi(40) + 0.25f64.powi(40);
    assert_near(&record["base"], "validity_rate", z, 1e-13);
    let q = &record["policies"]["q"];
    // A valid output counts for the policy whether or not the base reaches it.
    assert_near(q, "validity_rate", 0.75f64.powi(40) + 0.25f64.powi(40), 1e-13);
    assert_near(q, "kl_from_uniform_valid", 40.0 * 4f64.ln() - LN_2, 1e-13);
    // p*(a⁴⁰) = 1 − 3⁻⁴⁰, so that its entropy is some 45 · 3⁻⁴⁰.
    assert_near(q, "kl_from_filtered", 40.0 * 4f64.ln(), 1e-13);
    assert_near(&q["alpha_divergence"], "0", 40.0 * 4f64.ln(), 1e-13);
    let overlap = 0.25f64.powi(20) * (1.0 + 3f64.powi(-20));
    assert_near(&q["alpha_divergence"], "0.5", 4.0 * (1.0 - overlap), 1e-13);
    for (record, name) in [
        (q, "kl_to_base"),
        (q, "kl_to_filtered"),
        (&q["alpha_divergence"], "1"),
        (&q["power_sums"], "-1"),
        (&q["kl_to_tilted"], "0.5"),
    ] {
        assert_near(record, name, f64::INFINITY, 0.0);
    }
}

/// A policy that gives a⁴⁰ only, which is valid: inside the support of p*, of which it misses nearly all.
#[test]
fn zeros_of_a_policy_are_infinite_in_one_direction() {
    let task = coins(40, "[0.3, 0.7]", "(b|ab*a)*");
    let found = walked(
        &task,
        &ngram("q", "[1.0, 0.0]"),
        "betas: [1e-4, 0.5], alphas: [-0.5, 0, 0.5, 1, 1.5], power_sums: [0.5, 2]",
    );
    let record = &found[0];
    // An even number of a's: (1 + (0.7 − 0.3)⁴⁰) / 2, and p*(a⁴⁰) = 0.3⁴⁰ / Z.
    let z = 0.5 + 0.5 * 0.4f64.powi(40);
    assert_near(&record["base"], "validity_rate", z, 1e-13);
    let log_p = 40.0 * 0.3f64.ln() - z.ln();
    let q = &record["policies"]["q"];
    assert_near(q, "kl_to_filtered", -log_p, 1e-12);
    assert_near(&q["alpha_divergence"], "1", -log_p, 1e-12);
    assert_near(q, "kl_to_base", -40.0 * 0.3f64.ln(), 1e-12);
    assert_near(&q["alpha_divergence"], "0.5", 4.0 * (1.0 - (0.5 * log_p).exp()), 1e-13);
    // (1 − p*^−½) / (1.5 · −0.5).
    assert_near(&q["alpha_divergence"], "1.5", (-0.5 * log_p).exp_m1() / 0.75, 1e-12);
    assert_near(&q["power_sums"], "0.5", (0.5 * log_p).exp(), 1e-12);
    // KL(q‖p_β) = −log p*(a⁴⁰) − log μ.
    assert_near(&q["kl_to_tilted"], "1e-4", -log_p, 1e-12);
    for (record, name) in [
        (q, "kl_from_filtered"),
        (q, "kl_from_base"),
        (q, "kl_from_uniform_valid"),
        (&q["kl_from_tilted"], "1e-4"),
        (&q["alpha_divergence"], "-0.5"),
        (&q["alpha_divergence"], "0"),
        (&q["power_sums"], "2"),
    ] {
        assert_near(record, name, f64::INFINITY, 0.0);
    }
}

/// 8⁴⁰⁰ ≈ 10³⁶¹ equal outputs, of which half are valid: counts are exact, entropies finite, and only e^H overflows.
#[test]
fn more_outputs_than_floats_can_count() {
    let text = r#"(name: "many",
        task: (
            alphabet: Chars("abcdefgh"), horizon: 400, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 1, table: {"": [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125]})),
            verifier: (plugin: "regex", config: (pattern: "[a-d][a-h]*")),
        ),
        policies: {"q": (plugin: "ngram", config: (order: 1), start: FitBase)},
        objectives: {"forward-kl": (plugin: "forward-kl")},
        training: (gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 1e-6)),
        evaluation: (k: [4]), seeds: [1])"#;
    let record = run(text);
    let row = |name: &str| record.references.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let (all, valid) = (1200.0 * LN_2, 1199.0 * LN_2);
    for (name, entropy) in [("base", all), ("filtered", valid), ("uniform-valid", valid)] {
        for figure in ["entropy", "renyi2_entropy"] {
            let found = row(name).get(figure).unwrap();
            assert!((found - entropy).abs() < 1e-9, "{name}, {figure}: {found}, not {entropy}");
        }
        assert_eq!(row(name).get("effective_number"), Some(f64::INFINITY));
    }
    let kl = row("uniform-valid").get("kl_from_filtered").unwrap();
    assert!(kl.abs() < 1e-9, "p* is uniform: {kl}");
    assert_eq!(row("uniform-valid").get_in("coverage_at", "4"), Some(4.0));
    let found = exact(&experiment(text), registry(), MethodChoice::Auto).unwrap();
    // 8⁴⁰⁰ / 2 = 2¹¹⁹⁹ has 361 digits.
    assert_eq!((found.prompts[0].valid_outputs.len(), found.prompts[0].outputs.len()), (361, 362));
    assert!(found.prompts[0].outputs.starts_with("172"));
}

/// Valid are bⁿb and bⁿa again, for a policy that repeats one coin. Of p* it can only keep the mean number of a's, 0.9 in
/// n + 1; of a strong tilt, which costs nothing but log 10 there, the output bⁿb.
#[test]
fn optima_of_rare_validity_have_closed_forms() {
    for n in [30u32, 300, 400] {
        let task = coins(n as usize + 1, "[0.9, 0.1]", "b*a?");
        let text = format!(
            r#"(name: "rare", task: ({task}),
                policies: {{"coin": (plugin: "ngram", config: (order: 1), start: FitBase)}},
                objectives: {{
                    "forward-kl": (plugin: "forward-kl"),
                    "strong": (plugin: "kl-control", config: (beta: 1e-4)),
                    "weak": (plugin: "kl-control", config: (beta: 1e4)),
                }},
                evaluation: (betas: [1e-4, 1e4]))"#
        );
        let folder = folder();
        fs::write(folder.path().join("rare.ron"), text).unwrap();
        let output = host(folder.path(), &["optimum", "rare.ron", "--json"]);
        assert!(output.status.success(), "{}", shown(&output, folder.path()));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let optimum = |objective: &str| {
            let optima = json["optima"].as_array().unwrap();
            optima.iter().find(|optimum| optimum["objective"] == objective).unwrap().clone()
        };
        let n = f64::from(n);
        let a: f64 = 0.9 / (n + 1.0);
        let log_b = (-a).ln_1p();
        let kl = 0.9 * (0.9f64.ln() - a.ln() - n * log_b) + 0.1 * (0.1f64.ln() - (n + 1.0) * log_b);
        let forward = optimum("forward-kl");
        // Up to roundings of sums of size log Z.
        for name in ["value", "kl_from_filtered"] {
            assert_near(&forward, name, kl, 1e-10);
        }
        let found = forward["table"][""][0].as_f64().unwrap();
        assert!((found - a).abs() <= 1e-10 * a, "{found}, not {a}");
        let strong = optimum("strong");
        assert_near(&strong, "value", LN_10, 1e-12);
        assert_near(&strong, "validity_rate", 1.0, 1e-12);
        // −log 0.1ⁿ⁺¹.
        assert_near(&strong, "kl_to_base", (n + 1.0) * LN_10, 1e-12);
        // The base is of the class and its weak tilt next to it.
        assert!(optimum("weak")["value"].as_f64().unwrap() < 1e-12);
    }
}

/// A base that cannot give bb, policies that cannot give ab, or that can give bb; all by listing and by walking.
fn zeros(gradient: &str, limit: usize) -> String {
    format!(
        r#"(name: "zeros",
            task: (
                alphabet: Chars("ab"), horizon: 4, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 2, table: {{"^": [0.5, 0.5], "a": [0.6, 0.4], "b": [1.0, 0.0]}})),
                verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
            ),
            policies: {{
                "misses": (plugin: "ngram", start: AsConfigured,
                    config: (order: 2, table: {{"^": [0.3, 0.7], "a": [1.0, 0.0], "b": [1.0, 0.0]}})),
                "leaves": (plugin: "ngram", start: AsConfigured,
                    config: (order: 2, table: {{"^": [0.3, 0.7], "a": [0.5, 0.5], "b": [0.5, 0.5]}})),
            }},
            objectives: {{
                "forward-kl": (plugin: "forward-kl"),
                "alpha": (plugin: "alpha", config: (alpha: 0.5)),
                "strong": (plugin: "kl-control", config: (beta: 1e4)),
                "weak": (plugin: "kl-control", config: (beta: 1e-4)),
            }},
            training: (gradient: {gradient}, steps: 3, optimizer: Adam(learning_rate: 0.1), clip_norm: 1.0),
            evaluation: (k: [4], betas: [1e-4, 1e4], alphas: [0.5], enumerate_up_to: {limit}),
            seeds: [1, 2])"#
    )
}

#[test]
fn zeros_cost_what_is_infinite_and_nothing_else() {
    for gradient in ["Population", "Sampled(prompts: 1, group: 16)"] {
        let (listed, walked) = (run(&zeros(gradient, 1000)), run(&zeros(gradient, 10)));
        for (listed, walked) in listed.arms.iter().zip(&walked.arms) {
            let name = format!("{gradient} {} {}", listed.policy, listed.objective);
            // Only KL(q‖a) is infinite where the policy leaves the base's support: no gradient leads back.
            let control = ["strong", "weak"].contains(&listed.objective.as_str());
            let failed = listed.policy == "leaves" && control;
            assert_eq!(
                (listed.status == ArmStatus::Failed, walked.status == ArmStatus::Failed),
                (failed, failed),
                "{name}"
            );
            let (Some(a), Some(b)) = (&listed.last, &walked.last) else { continue };
            assert_eq!(a.get("kl_from_filtered") == Some(f64::INFINITY), listed.policy == "misses", "{name}");
            assert_eq!(a.get("kl_to_base") == Some(f64::INFINITY), listed.policy == "leaves", "{name}");
            assert!(a.get_in("alpha_divergence", "0.5").unwrap() < 4.0, "{name}");
            for ((metric, a), (_, b)) in a.flat().zip(b.flat()) {
                let (Some(a), Some(b)) = (a.value, b.value) else { continue };
                assert!(!a.is_nan() && !b.is_nan(), "{name}, {metric}");
                assert!(a == b || (a - b).abs() < 1e-9 * (1.0 + a.abs()), "{name}, {metric}: {a} and {b}");
            }
            // A logit of −∞ stays one.
            let zeros = |parameters: &[f64]| parameters.iter().filter(|x| **x == f64::NEG_INFINITY).count();
            assert_eq!(zeros(&listed.parameters), if listed.policy == "misses" { 2 } else { 0 }, "{name}");
        }
    }
}

/// An arm whose objective is infinite is told of, with exit code 4; the others are complete, and no file holds a NaN.
#[test]
fn a_policy_that_leaves_the_base_costs_its_arms() {
    for (limit, words) in
        [(1000, "KL(policy || base) is infinite"), (10, "reaches an output that the base does not")]
    {
        let folder = folder();
        fs::write(folder.path().join("zeros.ron"), zeros("Population", limit)).unwrap();
        let output = host(folder.path(), &["run", "zeros.ron", "--json"]);
        assert_eq!(output.status.code(), Some(4), "{}", shown(&output, folder.path()));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let arms = json["arms"].as_array().unwrap();
        for arm in arms {
            let failed =
                arm["policy"] == "leaves" && arm["objective"] != "forward-kl" && arm["objective"] != "alpha";
            assert_eq!(arm["status"], if failed { "failed" } else { "complete" });
            assert_eq!(
                failed,
                arm["failure"]["message"].as_str().is_some_and(|text| text.contains(words)),
                "{arm}"
            );
        }
        for file in ["summary.json", "curves.csv"] {
            let text = fs::read_to_string(folder.path().join("runs/zeros").join(file)).unwrap();
            assert!(!text.contains("NaN"), "{file}");
        }
    }
}

/// μ needs a tilt: none has a validity rate below the base's, and a base of rate 0 or 1 has no other.
#[test]
fn a_validity_rate_that_no_tilt_has_is_refused() {
    let text = |row: &str, mu: &str| {
        format!(
            r#"(name: "rate", task: ({}),
                policies: {{"q": (plugin: "ngram", config: (order: 1), start: FitBase)}},
                objectives: {{"at rate": (plugin: "kl-control", config: (mu: {mu}))}},
                training: (gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 0.1)),
                seeds: [1])"#,
            coins(40, row, "a[ab]*")
        )
    };
    for (row, mu, words) in [
        ("[0.6, 0.4]", "0.6", "must lie above the base's validity rate"),
        ("[1.0, 0.0]", "0.999", "must lie above the base's validity rate"),
        ("[0.0, 1.0]", "0.5", "no prompt has a valid output that the base reaches"),
        ("[0.6, 0.4]", "1.0", "`mu` must be in (0, 1)"),
    ] {
        let folder = folder();
        fs::write(folder.path().join("rate.ron"), text(row, mu)).unwrap();
        let output = host(folder.path(), &["run", "rate.ron"]);
        assert_eq!(output.status.code(), Some(2), "{row} {mu}");
        let words_shown = shown(&output, folder.path()).replace('│', " ");
        let shown = words_shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(words), "{row} {mu}: {shown}");
    }
}

/// Only a probability is one: NaN, infinities and what is below 0 or above 1 are refused, and a zero is not.
#[test]
fn tables_hold_probabilities_and_zeros() {
    for (row, sound) in [
        ("[1.0, 0.0]", true),
        ("[NaN, 1.0]", false),
        ("[inf, 0.0]", false),
        ("[-inf, 1.0]", false),
        ("[1.5, -0.5]", false),
        ("[0.0, 0.0]", false),
    ] {
        for policy in [false, true] {
            let (base, own) = if policy { ("[0.5, 0.5]", row) } else { (row, "[0.5, 0.5]") };
            let text = format!(
                r#"(name: "table", task: ({}), policies: {{{}}})"#,
                coins(40, base, "[ab]*"),
                ngram("q", own)
            );
            let folder = folder();
            fs::write(folder.path().join("table.ron"), text).unwrap();
            let output = host(folder.path(), &["exact", "table.ron", "--json"]);
            let shown = shown(&output, folder.path());
            assert_eq!(output.status.code(), Some(if sound { 0 } else { 2 }), "{row}: {shown}");
            assert!(sound || shown.contains("row ``"), "{row}: {shown}");
        }
    }
}
