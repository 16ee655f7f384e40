//! Powers of the base as targets, through the whole program.

use crate::support::{PARITY_TASK, PROMPTED_TASK, experiment, folder, host, registry, run, shown};
use pstar_lab::exact::{MethodChoice, exact};
use pstar_lab::optimum::{Search, optimum};
use pstar_lab::run::prepare;
use pstar_record::{ClassOptimum, Measures, Method, RunRecord};
use serde_json::Value;
use std::fs;

fn figure(measures: &Measures, name: &str) -> f64 {
    let found = measures.flat().find(|(found, _)| found == name);
    found.and_then(|(_, measure)| measure.value).unwrap_or_else(|| panic!("no {name}"))
}

/// Listing all outputs, and walking the states as where nobody can list them: the same steps, figures and rows.
#[test]
fn states_and_outputs_give_the_same_gradients_to_powers() {
    let text = |enumerate_up_to: u64| {
        format!(
            r#"(name: "both", {PROMPTED_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "flat": (plugin: "f-divergence", config: (divergence: ForwardKl, target: Power(0))),
                "sharp": (plugin: "f-divergence", config: (divergence: Hellinger, target: Power(alpha: 2.5))),
                "alpha": (plugin: "alpha", config: (alpha: 0.25, target: Power(0.5), baseline: None)),
            }},
            training: (gradient: Population, steps: 8, optimizer: Sgd(learning_rate: 0.5)),
            evaluation: (every: 4, k: [1, 16], enumerate_up_to: {enumerate_up_to}, powers: [0, 0.5, 1.0, 2.5]),
            seeds: [1])"#
        )
    };
    // With a fixed length some prompts cannot be solved.
    for ending in ["EndSymbol", "FixedLength"] {
        let text = |limit| text(limit).replace("EndSymbol", ending);
        compare(&run(&text(1000)), &run(&text(10)));
    }
}

fn compare(listed: &RunRecord, walked: &RunRecord) {
    assert_eq!((listed.method, walked.method), (Method::Enumeration, Method::DynamicProgramming));
    for (listed, walked) in listed.arms.iter().zip(&walked.arms) {
        let name = &listed.objective;
        assert!(listed.failure.is_none() && walked.failure.is_none(), "{name}: {:?}", walked.failure);
        assert_eq!(listed.log_partition, walked.log_partition, "{name}");
        assert!(listed.log_partition.exact > 0 && listed.log_partition.running == 0, "{name}");
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
    let names: Vec<&str> = listed.references.iter().map(|(name, _)| name.as_str()).collect();
    let powers = ["power 0", "power 0.5", "power 1.0", "power 2.5"];
    assert_eq!(names, [&["base", "filtered"][..], &powers, &["uniform-valid"]].concat());
    for record in [listed, walked] {
        // A power of 1 is p*, one of 0 the uniform distribution, by whatever way.
        for (power, other) in [(4, 1), (2, 6)] {
            let (power, other) = (&record.references[power].1, &record.references[other].1);
            // What they keep of the base's support is told of p*, not of its powers.
            let told = |metric: &str| metric != "kl_to_base" && !metric.starts_with("support_");
            for (metric, expected) in other.flat().filter(|(metric, _)| told(metric)) {
                let expected = expected.value.unwrap();
                let found = figure(power, &metric);
                assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{metric}: {found}");
            }
        }
        for arm in &record.arms {
            let last = arm.last.as_ref().unwrap();
            for (power, other) in
                [("kl_from_power@1.0", "kl_from_filtered"), ("kl_from_power@0", "kl_from_uniform_valid")]
            {
                let (found, expected) = (figure(last, power), figure(last, other));
                assert!((found - expected).abs() < 1e-12 * (1.0 + expected), "{power}: {found}, {expected}");
            }
        }
    }
}

/// What exact training ends at is the optimum beside it, and the distance from the target that was aimed at is its value.
#[test]
fn arms_end_at_the_optima_of_their_powers() {
    let record = run(&format!(
        r#"(name: "beside", {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "p*": (plugin: "forward-kl"),
                "flat": (plugin: "f-divergence", config: (divergence: ForwardKl, target: Power(0))),
                "flatter": (plugin: "alpha", config: (alpha: 0, target: Power(0.5))),
                "sharper": (plugin: "f-divergence", config: (divergence: ForwardKl, target: Power(2))),
                "alpha": (plugin: "alpha", config: (alpha: 0.5, target: Power(2))),
                "clipped": (plugin: "alpha", config: (alpha: 0.5, clip: 3.0, target: Power(2))),
                "undeclared": (plugin: "f-divergence", config: (divergence: JensenShannon, target: Power(2))),
            }},
            training: (gradient: Population, steps: 1500, optimizer: Adam(learning_rate: 0.02)),
            evaluation: (every: 1500, k: [4], powers: [0, 0.5, 2]), seeds: [1])"#
    ));
    let words: Vec<&str> = record.optima.iter().map(|optimum| optimum.divergence.as_str()).collect();
    assert_eq!(
        words,
        [
            "KL(p*||q)",
            "KL(p_power||q), power = 0",
            "KL(p_power||q), power = 0.5",
            "KL(p_power||q), power = 2",
            "D_alpha(q||p_power), alpha = 0.5, power = 2",
            "minus the potential of the clipped pseudo-reward to p_power, alpha = 0.5, clip = 3, power = 2",
        ]
    );
    let minimised = [
        Some("kl_from_filtered"),
        Some("kl_from_power@0"),
        Some("kl_from_power@0.5"),
        Some("kl_from_power@2"),
    ];
    // Where the value is told to 1e-9, arms that settle slowly are as near as its root.
    let close = |optimum: &ClassOptimum, last: &Measures, name: &str| {
        let (found, expected) = (figure(last, name), figure(&optimum.measures, name));
        assert!((found - expected).abs() < 1e-3, "{}: {name} {found}, not {expected}", optimum.objective);
    };
    for (i, optimum) in record.optima.iter().enumerate() {
        let last = record.arms[i].last.as_ref().unwrap();
        // The clipped potential is too flat for as many steps as a test has.
        for name in ["validity_rate", "entropy", "kl_from_power@2"].into_iter().filter(|_| i < 5) {
            close(optimum, last, name);
        }
        if let Some(Some(metric)) = minimised.get(i) {
            let (own, value) = (figure(&optimum.measures, metric), optimum.value.unwrap());
            assert!((own - value).abs() < 1e-10, "{metric}: {own}, {value}");
            assert!(optimum.lower_bound.is_none_or(|bound| bound <= value + 1e-12));
            // No other optimum is nearer to this target.
            for other in &record.optima {
                assert!(figure(&other.measures, metric) >= value - 1e-9, "{} is nearer", other.objective);
            }
        }
    }
}

/// Valid are bⁿb and bⁿa: p_α gives the a a share of 0.9^α / (0.9^α + 0.1^α), and one coin can only keep the mean number
/// of them. At n = 400 all of a, a^α and Z_α are below every float.
#[test]
fn optima_of_powers_have_closed_forms() {
    for n in [30u32, 400] {
        for power in [0.0f64, 0.5, 3.0] {
            let text = format!(
                r#"(name: "rare",
                    task: (alphabet: Chars("ab"), horizon: {}, ending: FixedLength,
                        base: (plugin: "ngram", config: (order: 1, table: {{"": [0.9, 0.1]}})),
                        verifier: (plugin: "regex", config: (pattern: "b*a?"))),
                    policies: {{"coin": (plugin: "ngram", config: (order: 1), start: FitBase)}},
                    objectives: {{"o": (plugin: "f-divergence",
                        config: (divergence: ForwardKl, target: Power({power:?})))}},
                    evaluation: (powers: [{power:?}]))"#,
                n + 1
            );
            let folder = folder();
            fs::write(folder.path().join("rare.ron"), text).unwrap();
            let output = host(folder.path(), &["optimum", "rare.ron", "--json"]);
            assert!(output.status.success(), "{}", shown(&output, folder.path()));
            let json: Value = serde_json::from_slice(&output.stdout).unwrap();
            let optimum = &json["optima"][0];
            let share = 0.9f64.powf(power) / (0.9f64.powf(power) + 0.1f64.powf(power));
            let n = f64::from(n);
            let a = share / (n + 1.0);
            let log_b = (-a).ln_1p();
            let kl = share * (share.ln() - a.ln() - n * log_b)
                + (1.0 - share) * ((1.0 - share).ln() - (n + 1.0) * log_b);
            // Sums of the size of log Z_α, about 2.3 n α.
            let tolerance = 1e-13 * (1.0 + n * power);
            for found in [&optimum["value"], &optimum["kl_from_power"][format!("{power:?}")]] {
                let found = found.as_f64().unwrap();
                assert!((found - kl).abs() < 1e-11 + tolerance, "{n} {power}: {found}, not {kl}");
            }
            let found = optimum["table"][""][0].as_f64().unwrap();
            assert!((found - a).abs() <= 1e-10 * a, "{n} {power}: {found}, not {a}");
        }
    }
}

fn record(text: &str, method: MethodChoice) -> Value {
    let record = exact(&experiment(text), registry(), method).unwrap_or_else(|error| panic!("{error:?}"));
    serde_json::to_value(&record).unwrap()
}

/// A prompt that nothing solves has no powers, and one in which the base misses a valid output leaves that out of all.
#[test]
fn what_the_base_cannot_give_has_no_part_in_any_power() {
    let text = r#"(name: "zeros",
        task: (alphabet: Chars("abc"), prompt_alphabet: Chars("=0123456789"), horizon: 1, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5, 0.0]})),
            verifier: (plugin: "regex", config: (pattern: "PATTERN"))),
        policies: {"q": (plugin: "ngram", config: (order: 1, table: {"": [0.25, 0.5, 0.25]}), start: AsConfigured)},
        evaluation: (k: [1], powers: [0, 1e-12, 2, 1e6]))"#;
    for method in [MethodChoice::Enumeration, MethodChoice::DynamicProgramming] {
        let unsolved = record(&text.replace("PATTERN", "c"), method);
        let prompt = &unsolved["prompts"][0];
        assert!(prompt.get("powers").is_none() && prompt["filtered"].is_null());
        assert_eq!(prompt["policies"]["q"]["kl_to_power"]["2"], Value::Null);
        let missed = record(&text.replace("PATTERN", "a|b|c"), method);
        let prompt = &missed["prompts"][0];
        for (power, found) in [0.0, 1e-12, 2.0, 1e6].into_iter().zip(prompt["powers"].as_array().unwrap()) {
            let number = |name: &str| found[name].as_f64().unwrap();
            assert_eq!(number("power"), power);
            assert!((number("entropy") - 2f64.ln()).abs() < 1e-14, "{found}");
            let log_z = 2f64.ln() - power * 2f64.ln();
            assert!((number("log_partition") - log_z).abs() <= 1e-15 * (1.0 + log_z.abs()));
        }
        let q = &prompt["policies"]["q"];
        // ½ log ½/¼ + ½ log ½/½, and infinite as q gives a c.
        assert!((q["kl_from_power"]["2"].as_f64().unwrap() - 0.5 * 2f64.ln()).abs() < 1e-15);
        assert_eq!(q["kl_to_power"]["1e6"], "inf");
    }
}

#[test]
fn powers_that_are_none_are_refused_by_their_field() {
    let check = |powers: &str, target: &str, more: &str| {
        let folder = folder();
        let text = format!(
            r#"(name: "refused", {PARITY_TASK}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"o": (plugin: "f-divergence", config: (divergence: ForwardKl, target: {target}))}},
                training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
                evaluation: (powers: [{powers}]), seeds: [1])"#
        );
        fs::write(folder.path().join("e.ron"), text.replace("ForwardKl", more)).unwrap();
        let output = host(folder.path(), &["validate", "e.ron", "--json"]);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let problem = &json["problems"][0];
        let part = |name: &str| problem[name].as_str().unwrap_or_default().to_string();
        (output.status.code(), part("message"), part("hint"))
    };
    for power in ["-0.5", "NaN", "inf", "1e10", "-inf"] {
        let (code, message, _) = check(power, "Filtered", "ForwardKl");
        let expected = format!("`powers` must be numbers from 0 to 1e9, found `{power}`");
        assert_eq!((code, message), (Some(2), expected));
        let (code, message, hint) = check("", &format!("Power({power})"), "ForwardKl");
        assert!(
            message.contains("`alpha` of `target: Power(alpha)` must be a number from 0 to 1e9"),
            "{message}"
        );
        assert!(code == Some(2) && hint.contains("1 is `target: Filtered`"), "{hint}");
    }
    assert!(check("1, 1", "Filtered", "ForwardKl").1.contains("`powers` holds `1` twice"));
    let (code, message, hint) = check("", "Power(2)", "ReverseKl");
    assert!(message.contains("to the power-filtered target is infinite"), "{message}");
    assert!(code == Some(2) && hint.contains("Tilted"), "{hint}");
    assert_eq!(check("0, 1e-12, 1e9", "Power(1e6)", "ForwardKl").0, Some(0));
}

/// Where nothing is known exactly Z_α is estimated, and asking for the exact one is refused before anything is trained.
#[test]
fn without_states_the_normaliser_is_estimated() {
    let text = |partition: &str| {
        format!(
            r#"(name: "sampled", {PARITY_TASK}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"o": (plugin: "f-divergence",
                    config: (divergence: ForwardKl, target: Power(0.5), partition: {partition}))}},
                training: (gradient: Sampled(prompts: 1, group: 64), steps: 3, optimizer: Sgd(learning_rate: 0.1)),
                evaluation: (enumerate_up_to: 1, samples: 64, powers: [0.5]), exact: (max_states: 2), seeds: [1])"#
        )
    };
    let record = run(&text("Auto"));
    assert_eq!(record.method, Method::Sampling);
    assert!(record.arms[0].failure.is_none() && record.arms[0].log_partition.running == 3);
    let experiment = experiment(&text("Exact"));
    let error = prepare(&experiment, registry()).map(|_| ()).unwrap_err();
    assert!(error.problems[0].message.contains("it needs the exact Z"), "{error:?}");
}

/// Samples of the policy, with the exact Z_α of each prompt: more steps come nearer to the target.
#[test]
fn sampled_training_heads_for_its_power() {
    let record = run(&format!(
        r#"(name: "sampled", {PROMPTED_TASK}
            policies: {{"trigram": (plugin: "ngram", config: (order: 3), start: FitBase)}},
            objectives: {{
                "flat": (plugin: "f-divergence", config: (divergence: ForwardKl, target: Power(0), baseline: None)),
                "sharp": (plugin: "alpha", config: (alpha: 0.25, target: Power(3), partition: Exact)),
                "released": (plugin: "alpha-dpg", config: (alpha: 0.25, target: Power(0), partition: Exact)),
            }},
            training: (gradient: Sampled(prompts: 4, group: 64), steps: 60, optimizer: Adam(learning_rate: 0.05)),
            evaluation: (every: 60, k: [4], optima: false, powers: [0, 3]), seeds: [1])"#
    ));
    for (arm, metric) in record.arms.iter().zip(["kl_from_power@0", "kl_from_power@3", "kl_from_power@0"]) {
        assert!(arm.failure.is_none(), "{:?}", arm.failure);
        assert_eq!((arm.log_partition.exact, arm.log_partition.running), (240, 0), "{}", arm.objective);
        let (first, last) = (arm.initial.as_ref().unwrap(), arm.last.as_ref().unwrap());
        let (first, last) = (figure(first, metric), figure(last, metric));
        assert!(last < 0.8 * first, "{}: {metric} from {first} to {last}", arm.objective);
    }
}

#[test]
fn tables_show_powers_where_they_are_asked_for() {
    let folder = folder();
    let text = format!(r#"(name: "shown", {PARITY_TASK} evaluation: (k: [4], powers: [0.50]))"#);
    fs::write(folder.path().join("e.ron"), text).unwrap();
    let table = |more: &[&str]| {
        let output = host(folder.path(), &[&["exact", "e.ron"], more].concat());
        assert!(output.status.success(), "{}", shown(&output, folder.path()));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(table(&[]).lines().filter(|line| line.starts_with("p_(α=0.5) (power)")).count(), 1);
    let swept = table(&["--sweep", "power=0,2"]);
    let rows: Vec<&str> = swept.lines().filter(|line| line.contains("(power)")).collect();
    assert!(rows.len() == 2 && rows[0].starts_with("p_(α=0) ") && rows[1].starts_with("p_(α=2) "), "{swept}");
    for sweep in ["power=-1", "power=1e10", "power=x"] {
        let output = host(folder.path(), &["exact", "e.ron", "--sweep", sweep]);
        assert_eq!(output.status.code(), Some(2), "{sweep}");
    }
}

/// Every output of a class of one coin, by its own listing: minus the potential of the clipped pseudo-reward, or D_α.
struct Coin {
    /// p_α of each output, and its number of a's, of four symbols.
    outputs: Vec<(f64, i32)>,
}

impl Coin {
    /// Of the base with these rows, a's probability behind nothing, an a and a b; valid is what a regular expression says.
    fn new(rows: [f64; 3], valid: impl Fn(&str) -> bool, power: f64) -> Self {
        let listed = (0..16u32).map(|number| {
            let text: String = (0..4).map(|bit| if number >> bit & 1 == 0 { 'a' } else { 'b' }).collect();
            let mut row = 0;
            let mut a = 1.0;
            for symbol in text.chars() {
                a *= if symbol == 'a' { rows[row] } else { 1.0 - rows[row] };
                row = if symbol == 'a' { 1 } else { 2 };
            }
            let count = text.chars().filter(|&symbol| symbol == 'a').count();
            (if valid(&text) && a > 0.0 { a.powf(power) } else { 0.0 }, i32::try_from(count).unwrap())
        });
        let listed: Vec<(f64, i32)> = listed.collect();
        let z: f64 = listed.iter().map(|(weight, _)| weight).sum();
        Self { outputs: listed.into_iter().map(|(weight, count)| (weight / z, count)).collect() }
    }

    fn sum(&self, x: f64, term: impl Fn(f64, f64) -> f64) -> f64 {
        self.outputs.iter().map(|&(p, count)| term(p, x.powi(count) * (1.0 - x).powi(4 - count))).sum()
    }

    fn alpha(&self, order: f64, x: f64) -> f64 {
        (1.0 - self.sum(x, |p, q| p.powf(1.0 - order) * q.powf(order))) / (order * (1.0 - order))
    }

    fn clipped(&self, order: f64, clip: f64, x: f64) -> f64 {
        -self.sum(x, |p, q| {
            let least = p * (1.0 + clip).powf(-1.0 / (1.0 - order));
            if p == 0.0 {
                -q
            } else if q <= least {
                clip * q
            } else {
                clip * least + p.powf(1.0 - order) * (q.powf(order) - least.powf(order)) / order - (q - least)
            }
        })
    }
}

/// The least value over (0, 1): of a fine grid, and then by thirds around the best of it.
fn least(value: impl Fn(f64) -> f64) -> f64 {
    let best =
        (1..2000).map(|i| f64::from(i) / 2000.0).min_by(|x, y| value(*x).total_cmp(&value(*y))).unwrap();
    let (mut low, mut high) = ((best - 5e-4).max(1e-15), (best + 5e-4).min(1.0 - 1e-15));
    for _ in 0..200 {
        let third = (high - low) / 3.0;
        if value(low + third) < value(high - third) {
            high -= third;
        } else {
            low += third;
        }
    }
    value(0.5 * (low + high))
}

/// D_α and the clipped potential to powers of a base with a zero: no policy found is worse than the best of a grid, and no
/// bound is above it.
#[test]
fn optima_of_alpha_divergences_to_powers_are_those_of_a_grid() {
    for power in [0.0f64, 0.3, 4.0] {
        let text = format!(
            r#"(name: "grid",
                task: (alphabet: Chars("ab"), horizon: 4, ending: FixedLength,
                    base: (plugin: "ngram", config: (order: 2, table:
                        {{"^": [0.3, 0.7], "a": [0.0, 1.0], "b": [0.6, 0.4]}})),
                    verifier: (plugin: "regex", config: (pattern: "a.*b|bb.*"))),
                policies: {{"coin": (plugin: "ngram", config: (order: 1), start: FitBase)}},
                objectives: {{
                    "alpha": (plugin: "alpha", config: (alpha: 0.4, target: Power({power:?}))),
                    "hellinger": (plugin: "f-divergence", config: (divergence: Hellinger, target: Power({power:?}))),
                    "clipped": (plugin: "alpha", config: (alpha: 0.4, clip: 0.7, target: Power({power:?}))),
                }})"#
        );
        let effort = |transitions: usize| Search::thorough(transitions);
        let found = optimum(&experiment(&text), registry(), &effort, false).unwrap().optima;
        let valid = |text: &str| text.starts_with("bb") || (text.starts_with('a') && text.ends_with('b'));
        let coin = Coin::new([0.3, 0.0, 0.6], valid, power);
        let expected = [
            least(|x| coin.alpha(0.4, x)),
            least(|x| coin.alpha(0.5, x)),
            least(|x| coin.clipped(0.4, 0.7, x)),
        ];
        for (found, expected) in found.iter().zip(expected) {
            let (value, name) = (found.value.unwrap(), &found.objective);
            assert!((value - expected).abs() < 1e-9, "{name}, {power}: {value}, not {expected}");
            let bound = found.lower_bound.unwrap();
            assert!(
                bound <= expected + 1e-12 && bound > expected - 1e-2,
                "{name}, {power}: {bound}, {expected}"
            );
        }
    }
}
