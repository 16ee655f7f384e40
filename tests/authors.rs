//! What `host new` writes: packages that build, pass their test, are loaded and run as they are.

use crate::support::{build_out_of_tree, command, folder, host, installation, root, shown, target};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Writes a package of a kind, builds and tests it, and runs its experiment with the folder of its library alone.
fn walk(kind: &str) -> (String, serde_json::Value) {
    let folder = folder();
    let name = format!("fresh-{kind}");
    let output = host(folder.path(), &["new", kind, &name]);
    let told = shown(&output, folder.path());
    assert!(output.status.success(), "{told}");
    let package = folder.path().join(&name);
    let target = target("authors");
    build_out_of_tree(&package, &target);
    test(&package, &target);
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    let library = library_name(&name);
    fs::copy(target.join("debug").join(&library), plugins.join(&library)).unwrap();
    let arguments = ["run", "experiment.ron", "--json", "--plugin-dir", plugins.to_str().unwrap()];
    let output =
        host(&package, &[&arguments[..], &["--set", "training.steps=20", "--set", "seeds=1"]].concat());
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    // The name is taken from now on.
    let again = host(folder.path(), &["new", kind, &name, "--at", "again", "--plugin-dir", "plugins"]);
    let refusal = shown(&again, folder.path());
    assert!(again.status.code() == Some(2) && refusal.contains(" already, in "), "{refusal}");
    assert!(!folder.path().join("again").exists());
    (told, serde_json::from_slice(&output.stdout).unwrap())
}

fn library_name(package: &str) -> String {
    format!("{}{}{}", env::consts::DLL_PREFIX, package.replace('-', "_"), env::consts::DLL_SUFFIX)
}

/// Runs the tests of a package, of which there is at least one, and holds its form against rustfmt.
fn test(package: &Path, target: &Path) {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(&cargo)
        .args(["test", "--offline"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let [text, said] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success() && !said.contains("warning"), "{text}{said}");
    assert!(text.contains("test result: ok.") && !text.contains("ok. 0 passed"), "{text}");
    // The style of this repository is no stranger's.
    fs::write(package.join("rustfmt.toml"), "").unwrap();
    let formed = Command::new(cargo).args(["fmt", "--check"]).current_dir(package).output().unwrap();
    assert!(formed.status.success(), "{}", String::from_utf8_lossy(&formed.stdout));
}

#[test]
fn a_new_verifier_builds_and_runs() {
    let (told, summary) = walk("verifier");
    let host = installation().join("host").canonicalize().unwrap().display().to_string();
    for next in [
        "cd fresh-verifier && cargo build --release",
        " check fresh-verifier --experiment experiment.ron --plugin-dir target/release",
        " run experiment.ron --plugin-dir target/release",
    ] {
        assert!(told.contains(next), "{told}");
    }
    assert!(!told.contains(&host), "the folder is filtered: {told}");
    // One or two a's among up to six symbols, a's with .3, b's with .5, and the end with .2 before the horizon.
    let mass = |length: i32, end: f64| {
        let n = f64::from(length);
        let (one, two) =
            (n * 0.3 * 0.5f64.powi(length - 1), n * (n - 1.0) / 2.0 * 0.09 * 0.5f64.powi(length - 2));
        (one + two) * end
    };
    let expected: f64 = (1..6).map(|length| mass(length, 0.2)).sum::<f64>() + mass(6, 1.0);
    let found = summary["references"]["base"]["validity_rate"].as_f64().unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
}

/// Four samples a group of a task that a base meets half the time: the objective moves.
#[test]
fn a_new_objective_builds_and_runs() {
    let (_, summary) = walk("objective");
    let arms = summary["arms"].as_array().unwrap();
    let own = arms.iter().find(|arm| arm["objective"] == "fresh-objective").unwrap();
    let rate = |when: &str| own[when]["validity_rate"].as_f64().unwrap();
    assert!(rate("final") > rate("initial") + 0.05, "{} and {}", rate("initial"), rate("final"));
}

#[test]
fn a_new_model_builds_and_runs() {
    let (_, summary) = walk("model");
    // Of two symbols and an end with 0.3 for a repetition and a third of the rest each: e = s = .7/3, r = .3 + .7/3, and
    // the first of three with a third. Valid: b, bb, … with the end behind it or six long, and (ab)(ab)….
    let (first, other, again) = (1.0 / 3.0, 0.7 / 3.0, 0.3 + 0.7 / 3.0);
    let run = |step: f64, length: i32| first * step.powi(length - 1) * if length < 6 { other } else { 1.0 };
    let expected: f64 = (1..=6).map(|length| run(again, length)).sum::<f64>()
        + [2, 4, 6].map(|length| run(other, length)).iter().sum::<f64>();
    let found = summary["references"]["base"]["validity_rate"].as_f64().unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
}

#[test]
fn a_new_policy_builds_and_runs() {
    let (_, summary) = walk("policy");
    let arms = summary["arms"].as_array().unwrap();
    let own =
        arms.iter().find(|arm| arm["policy"] == "fresh-policy" && arm["objective"] == "reinforce").unwrap();
    let rate = |when: &str| own[when]["validity_rate"].as_f64().unwrap();
    assert!(rate("final") > rate("initial") + 0.05, "{} and {}", rate("initial"), rate("final"));
}

/// A verifier in at most 25 lines and an objective in at most 40, tests apart, which loops over groups.
#[test]
fn the_templates_are_short() {
    let lines = |kind: &str| {
        let source = root().join("crates/host/templates").join(kind).join("lib.rs");
        let source = fs::read_to_string(source).unwrap();
        let (component, _) = source.split_once("\n#[cfg(test)]").unwrap();
        (component.lines().count(), component.contains("batch.group(g)"))
    };
    assert!(lines("verifier").0 <= 25);
    let (count, loops) = lines("objective");
    assert!(count <= 40 && loops, "{count}");
}

/// Nothing is written where something is wrong, and what is there stays.
#[test]
fn what_cannot_be_written_is_explained() {
    let folder = folder();
    let there = |name: &str| folder.path().join(name);
    fs::create_dir(there("empty")).unwrap();
    fs::write(there("file"), "mine").unwrap();
    fs::create_dir(there("no-core")).unwrap();
    let mut text = String::new();
    for arguments in [
        &["verifier", ""][..],
        &["verifier", "1st"],
        &["verifier", "Mine"],
        &["verifier", "my_own"],
        &["verifier", "a/b"],
        &["verifier", ".."],
        &["verifier", "a--b"],
        &["verifier", "fn"],
        &["verifier", "serde"],
        &["verifier", "mine\u{1b}[2J"],
        &["verifier", "regex"],
        &["objective", "mine", "--at", "empty"],
        &["objective", "mine", "--at", "file"],
        &["objective", "mine", "--at", "file/mine"],
        &["objective", "mine", "--at", "missing/mine"],
        &["model", "mine", "--core", "no-core"],
        &["model", "mine", "--core", "nowhere"],
        &["poem", "mine"],
    ] {
        let output = host(folder.path(), &[&["new"][..], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        writeln!(text, "$ host new {}\n{said}", arguments.join(" ")).unwrap();
    }
    let text = text.replace('\u{1b}', "ESC").replace(&installation().display().to_string(), "[host]");
    insta::assert_snapshot!(text.replace(env::consts::DLL_SUFFIX, ".so"));
    let mut left: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    left.sort();
    assert_eq!(left, ["empty", "file", "no-core"].map(there));
    assert_eq!(fs::read_dir(there("empty")).unwrap().count(), 0);
}

/// A name that the template uses for something else, and a folder whose name a shell would take apart.
#[test]
fn a_component_may_be_called_as_what_it_is_made_of() {
    let folder = folder();
    let output = host(folder.path(), &["new", "verifier", "verifier", "--at", "it's mine"]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    assert!(String::from_utf8_lossy(&output.stdout).contains(r"cd 'it'\''s mine' &&"));
    let package = folder.path().join("it's mine");
    build_out_of_tree(&package, &target("authors"));
    let library = target("authors").join("debug").join(library_name("verifier"));
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::copy(&library, folder.path().join("plugins").join(library_name("verifier"))).unwrap();
    let output = command(installation(), &["plugins", "verifier", "--plugin-dir", "plugins"])
        .current_dir(folder.path())
        .output();
    assert!(output.unwrap().status.success());
}
