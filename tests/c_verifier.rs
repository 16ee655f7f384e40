//! The example of a verifier in C through the whole program. What breaks its contract is tested in `crates/loader`.

use crate::support::{answer, command, folder, host, installation, root, shown};
use std::env::consts::DLL_SUFFIX;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Compiles the example, by the linker that Rust needs.
fn build(folder: &Path) {
    let source = root().join("examples/c-verifier/longest_run.c");
    let output = Command::new("cc")
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(folder.join(format!("longest_run{DLL_SUFFIX}")))
        .arg(source)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_example_in_c_is_run_beside_plugins_in_rust() {
    let folder = folder();
    build(folder.path());
    fs::copy(root().join("examples/c-verifier/experiment.ron"), folder.path().join("experiment.ron"))
        .unwrap();
    let arguments = ["run", "experiment.ron", "--json", "--plugin-dir", ".", "--set", "training.steps=5"];
    let output = host(folder.path(), &arguments);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // All responses of 1 to 6 symbols, a with .5, b with .3 and the end with .2 before the horizon, that have no three alike
    // in a row.
    let mut expected = 0.0;
    for length in 1..=6_u32 {
        for bits in 0..1_u32 << length {
            let symbols: Vec<u32> = (0..length).map(|i| bits >> i & 1).collect();
            if symbols.windows(3).all(|three| three.iter().any(|&symbol| symbol != three[0])) {
                let end = if length < 6 { 0.2 } else { 1.0 };
                expected +=
                    symbols.iter().map(|&symbol| if symbol == 0 { 0.5 } else { 0.3 }).product::<f64>() * end;
            }
        }
    }
    let found = summary["references"]["base"]["validity_rate"].as_f64().unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
    let provenance = fs::read_to_string(folder.path().join("runs/longest-run/provenance.json")).unwrap();
    assert!(provenance.contains("\"C 1\""), "{provenance}");
}

/// What it says of a response, of one that it cannot tell, and of a configuration.
#[test]
fn the_example_in_c_is_asked() {
    let folder = folder();
    build(folder.path());
    let ask = |config: &str| {
        let arguments =
            ["probe", "verifier", "--plugin", "longest-run", "--config", config, "--plugin-dir", "."];
        let input = "{\"prompt\": \"\", \"response\": \"aab\"}\n{\"prompt\": \"\", \"response\": \"aaa\"}\n\
                     {\"prompt\": \"\", \"response\": \"é\"}\n";
        let output = answer(command(installation(), &arguments).current_dir(folder.path()), input.as_bytes());
        shown(&output, folder.path())
    };
    let text = ask("( longest : 2 )");
    for expected in ["{\"valid\":true", "{\"valid\":false", "\"no_verdict\":\"the response is not ASCII\""] {
        assert!(text.replace(": ", ":").contains(expected), "{text}");
    }
    for config in ["(longest: 0)", "(longest: 2) // and more", "()", "(longest: \"2\")"] {
        let text = ask(config);
        assert!(text.contains("exit code 2") && text.contains("expected `(longest: N)`"), "{text}");
    }
}
