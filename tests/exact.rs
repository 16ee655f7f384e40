//! Exact values against a script that lists every output in decimals of hundreds of digits and shares no code with
//! the crates.

use crate::support::{experiment, registry};
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
