//! Exact values against a script that lists every output in decimals of hundreds of digits and shares no code with
//! the crates.

use crate::support::{experiment, registry};
use proptest::prelude::*;
use pstar_lab::exact::{MethodChoice, exact};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Figures whose relative size is the point, even when they are tiny.
const RELATIVE: [&str; 4] = ["invalidity_rate", "log_validity_rate", "one_minus_mu", "log_mu"];

/// 1e-12 absolute and 1e-10 relative: sums of at most a few thousand terms of size 1, and logarithms of them.
fn assert_close(found: &Value, expected: &Value, place: &str) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            let (mut a, mut b) = (keys(found), keys(expected));
            a.sort();
            b.sort();
            assert_eq!(a, b, "{place}");
            for (key, value) in found {
                assert_close(value, &expected[key], &format!("{place}.{key}"));
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}");
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert_close(found, expected, &format!("{place}[{i}]"));
            }
        }
        (Value::Number(found), Value::Number(expected)) => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            let relative = RELATIVE.iter().any(|name| place.ends_with(name));
            let absolute = if relative { 0.0 } else { 1e-12 };
            assert!(
                (found - expected).abs() <= absolute + 1e-10 * expected.abs(),
                "{place}: {found}, not {expected}"
            );
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

/// What dynamic programming cannot give is null, and the method says what it is.
fn without_distances(mut expected: Value) -> Value {
    for prompt in expected["prompts"].as_array_mut().unwrap() {
        prompt["method"] = "dynamic-programming".into();
        for policy in prompt["policies"].as_object_mut().unwrap().values_mut() {
            policy["tv_to_filtered"] = Value::Null;
            policy["js_to_filtered"] = Value::Null;
        }
    }
    expected
}

fn compare_all(method: MethodChoice, expect: impl Fn(Value) -> Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/exact");
    let mut cases = 0;
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|extension| extension == "ron")) {
        let record = exact(&experiment(&fs::read_to_string(path).unwrap()), registry(), method)
            .unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        let expected = fs::read_to_string(path.with_extension("json")).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy();
        let expected = expect(serde_json::from_str(&expected).unwrap());
        assert_close(&serde_json::to_value(&record).unwrap(), &expected, &name);
        cases += 1;
    }
    assert!(cases >= 40, "{cases}");
}

#[test]
fn enumeration_equals_brute_force() {
    compare_all(MethodChoice::Auto, |expected| expected);
}

#[test]
fn dynamic_programming_equals_brute_force() {
    compare_all(MethodChoice::DynamicProgramming, without_distances);
}

/// A pattern over a and b, and c, which small alphabets lack.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["a", "b", "c", "[ab]", "[^a]", "."]).prop_map(String::from);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let unary = (inner.clone(), prop::sample::select(vec!["*", "+", "?", "{2}"]));
        prop_oneof![
            unary.prop_map(|(inner, how)| format!("({inner}){how}")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner, 2..4).prop_map(|parts| format!("({})", parts.join("|"))),
        ]
    })
}

/// A small task of any shape.
#[derive(Clone, Debug)]
struct Task {
    symbols: usize,
    horizon: usize,
    ends: bool,
    truncated_is_invalid: bool,
    prompts: Vec<&'static str>,
    pattern: String,
    /// Of base and policy.
    orders: [usize; 2],
    /// Whether base and policy have a table for every position.
    by_position: [bool; 2],
    /// What rows are made of, again and again; zeros among them.
    weights: Vec<u8>,
}

fn task() -> impl Strategy<Value = Task> {
    let prompts = prop::sample::subsequence(vec!["", "x", "y", "xy", "yx"], 1..4);
    let space = (2usize..4, 1usize..5, any::<bool>(), any::<bool>());
    let orders = [1usize..4, 1..4];
    let weights = prop::collection::vec(prop_oneof![1 => Just(0u8), 3 => 1u8..20], 7..60);
    (space, prompts, pattern(), orders, any::<[bool; 2]>(), weights).prop_map(
        |((symbols, horizon, ends, truncated_is_invalid), prompts, pattern, orders, by_position, weights)| {
            Task {
                symbols,
                horizon,
                ends,
                truncated_is_invalid,
                prompts,
                pattern,
                orders,
                by_position,
                weights,
            }
        },
    )
}

/// Ordinary orders, and next to 0 and 1, where divergences are limits of vanishing differences.
const ALPHAS: &str = "[-0.5, 0, 0.25, 0.5, 1, 1.5, 1e-3, 1e-6, 1e-9, 1e-12, 1e-15, -1e-9, 0.999, 0.999999, 0.999999999, \
                      0.999999999999, 0.999999999999999, 1.000000001]";

/// All contexts of an order, whether or not they occur.
fn contexts(symbols: usize, order: usize) -> Vec<String> {
    let letters: Vec<char> = "abc".chars().take(symbols).chain("xy^".chars()).collect();
    let mut contexts = vec![String::new()];
    for _ in 1..order {
        contexts =
            contexts.iter().flat_map(|known| letters.iter().map(move |c| format!("{known}{c}"))).collect();
    }
    contexts
}

impl Task {
    fn table(&self, order: usize, weights: &mut impl Iterator<Item = u8>) -> String {
        let choices = self.symbols + usize::from(self.ends);
        let rows = contexts(self.symbols, order).into_iter().map(|context| {
            let mut row: Vec<f64> = weights.take(choices).map(f64::from).collect();
            if row.iter().all(|&weight| weight == 0.0) {
                row.fill(1.0);
            }
            let total: f64 = row.iter().sum();
            format!("{context:?}: {:?}", row.iter().map(|weight| weight / total).collect::<Vec<_>>())
        });
        format!("{{{}}}", rows.collect::<Vec<_>>().join(", "))
    }

    fn text(&self) -> String {
        let mut weights = self.weights.iter().copied().cycle();
        let mut models = (0..2).map(|role| {
            let order = self.orders[role];
            if self.by_position[role] {
                let tables: Vec<String> =
                    (0..self.horizon).map(|_| self.table(order, &mut weights)).collect();
                format!("(order: {order}, tables: [{}])", tables.join(", "))
            } else {
                format!("(order: {order}, table: {})", self.table(order, &mut weights))
            }
        });
        let (base, policy) = (models.next().unwrap(), models.next().unwrap());
        format!(
            r#"(name: "any",
                task: (
                    alphabet: Chars("{}"), prompt_alphabet: Chars("xy"), horizon: {}, ending: {},
                    truncated_is_invalid: {}, prompts: List({:?}),
                    base: (plugin: "ngram", config: {base}),
                    verifier: (plugin: "regex", config: (pattern: "{}")),
                ),
                policies: {{"q": (plugin: "ngram", config: {policy}, start: AsConfigured)}},
                evaluation: (k: [1, 7, 1000], betas: [0.5, 2], powers: [0, 1e-12, 0.5, 1, 4],
                    alphas: {ALPHAS}, power_sums: [-1, 0.5, 2]))"#,
            &"abc"[..self.symbols],
            self.horizon,
            if self.ends { "EndSymbol" } else { "FixedLength" },
            self.truncated_is_invalid && self.ends,
            self.prompts,
            self.pattern,
        )
    }
}

/// 1e-12 of the sum of absolute terms: of sums of probabilities that is 1, of their products with logarithms at most
/// some tens, and negative powers and e^H have the size of the sum itself.
fn assert_same(listed: &Value, walked: &Value, place: &str) {
    match (listed, walked) {
        (Value::Object(listed), Value::Object(walked)) => {
            assert_eq!(listed.len(), walked.len(), "{place}");
            for (key, value) in listed {
                assert_same(value, &walked[key], &format!("{place}.{key}"));
            }
        }
        (Value::Array(listed), Value::Array(walked)) => {
            for (listed, walked) in listed.iter().zip(walked) {
                assert_same(listed, walked, place);
            }
        }
        (Value::Number(listed), Value::Number(walked)) => {
            let (listed, walked) = (listed.as_f64().unwrap(), walked.as_f64().unwrap());
            let terms = if place.contains("alpha") { 16.0 / 3.0 } else { 1.0 } * (1.0 + listed.abs());
            assert!((listed - walked).abs() <= 1e-12 * terms, "{place}: {listed} and {walked}");
        }
        _ => {
            let undecomposable = place.ends_with("tv_to_filtered") || place.ends_with("js_to_filtered");
            assert!(
                listed == walked || place.ends_with("method") || (undecomposable && walked.is_null()),
                "{place}: {listed} and {walked}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dynamic_programming_equals_enumeration(task in task()) {
        let experiment = experiment(&task.text());
        let [listed, walked] = [MethodChoice::Enumeration, MethodChoice::DynamicProgramming].map(|method| {
            let record = exact(&experiment, registry(), method).unwrap_or_else(|error| panic!("{error:?}"));
            serde_json::to_value(&record).unwrap()
        });
        assert_same(&listed, &walked, "");
    }
}
