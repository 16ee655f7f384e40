//! Exact values against a script that lists every output in decimals of hundreds of digits and shares no code with
//! the crates.

use crate::support::{experiment, registry};
use pstar_lab::exact::exact;
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

#[test]
fn exact_values_equal_brute_force() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/exact");
    let mut cases = 0;
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|extension| extension == "ron")) {
        let record = exact(&experiment(&fs::read_to_string(path).unwrap()), registry())
            .unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        let expected =
            serde_json::from_str(&fs::read_to_string(path.with_extension("json")).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy();
        assert_close(&serde_json::to_value(&record).unwrap(), &expected, &name);
        cases += 1;
    }
    assert!(cases >= 40, "{cases}");
}
