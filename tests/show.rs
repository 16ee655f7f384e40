//! `host show` prints what `host run` printed, from the run's directory alone; so does its `table.txt`.

use crate::support::{PARITY_TASK, folder, host, installation, shown, test_library};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// An experiment of a toy: two policies of which one starts at random, so that seeds differ, and optima.
fn toy(task: &str, training: &str, evaluation: &str) -> String {
    format!(
        r#"(name: "toy", {task}
            policies: {{
                "bigram": (plugin: "ngram", config: (order: 2), start: FitBase),
                "from \u{{1b}}[31m chance": (plugin: "ngram", config: (order: 1), start: Random),
            }},
            objectives: {{
                "reinforce": (plugin: "reinforce"),
                "kl": (plugin: "kl-control", config: (lambda: 5.0)),
                "clipped": (plugin: "alpha", config: (alpha: 0.5, clip: 1000.0)),
            }},
            training: ({training}),
            evaluation: (every: 2, k: [1, 4], betas: [0.5], alphas: [0.5], {evaluation}),
            seeds: [1, 2, 3, 4, 5])"#
    )
}

const SAMPLED: &str =
    "gradient: Sampled(prompts: 1, group: 4), steps: 3, optimizer: Adam(learning_rate: 0.1)";
const EXACT: &str = "gradient: Population, steps: 3, optimizer: Sgd(learning_rate: 0.5)";

/// The host alone, without a plugin anywhere.
fn bare_host(folder: &Path, arguments: &[&str]) -> Output {
    let bare = folder.join("bare");
    fs::create_dir_all(&bare).unwrap();
    let program = bare.join("host");
    if !program.exists() {
        let own = installation().join("host");
        fs::hard_link(&own, &program).or_else(|_| fs::copy(&own, &program).map(|_| ())).unwrap();
    }
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("PSTAR_PLUGIN_PATH", "")
        .output()
        .unwrap()
}

/// Runs an experiment, moves its directory, and compares what is shown then; gives the table.
fn shown_as_run(text: &str, arguments: &[&str], code: i32) -> String {
    let folder = folder();
    fs::write(folder.path().join("toy.ron"), text).unwrap();
    let run = host(folder.path(), &[&["run", "toy.ron", "--out", "first"], arguments].concat());
    assert_eq!(run.status.code(), Some(code), "{}", shown(&run, folder.path()));
    let printed = String::from_utf8(run.stdout).unwrap();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    fs::rename(folder.path().join("first"), folder.path().join("elsewhere/moved")).unwrap();
    for path in ["elsewhere/moved", "elsewhere/moved/summary.json"] {
        let again = bare_host(folder.path(), &["show", path]);
        assert_eq!(again.status.code(), Some(0), "{}", shown(&again, folder.path()));
        assert!(again.stderr.is_empty());
        let table = String::from_utf8(again.stdout).unwrap();
        assert_eq!(format!("{table}\nwritten to first; open first/report.html\n"), printed);
    }
    let table = fs::read_to_string(folder.path().join("elsewhere/moved/table.txt")).unwrap();
    assert_eq!(format!("{table}\nwritten to first; open first/report.html\n"), printed);
    let json = bare_host(folder.path(), &["show", "elsewhere/moved", "--json"]);
    assert_eq!(json.stdout, fs::read(folder.path().join("elsewhere/moved/summary.json")).unwrap());
    table
}

#[test]
fn a_run_by_enumeration_with_optima_and_warnings() {
    let table = shown_as_run(&toy(PARITY_TASK, SAMPLED, ""), &[], 0);
    for words in ["exact, over all outputs", "optimum", "warning: bigram · clipped (", "Δ to reinforce", "["]
    {
        assert!(table.contains(words), "{words}: {table}");
    }
}

#[test]
fn a_run_by_dynamic_programming() {
    // A clip has no exact gradient there.
    let text = toy(PARITY_TASK, EXACT, "enumerate_up_to: 0").replace(", clip: 1000.0", "");
    let table = shown_as_run(&text, &[], 0);
    assert!(table.contains("by dynamic programming"), "{table}");
    assert!(table.contains("warning: the seeds change nothing"), "{table}");
}

/// The errors that all arms share are in the record: without them other standard errors would be shown.
#[test]
fn a_run_by_sampling() {
    let evaluation = "enumerate_up_to: 0, samples: 200), exact: (max_states: 1";
    let text = toy(PARITY_TASK, SAMPLED, evaluation).replace(
        r#"(plugin: "alpha", config: (alpha: 0.5, clip: 1000.0))"#,
        r#"(plugin: "forward-kl", config: (partition: Group))"#,
    );
    let table = shown_as_run(&text, &[], 0);
    for words in
        ["estimated from samples", "±", "that all arms share included", "warning: there are more than"]
    {
        assert!(table.contains(words), "{words}: {table}");
    }
}

#[test]
fn a_run_with_failed_arms() {
    let faulty = folder();
    let plugin = test_library("faulty");
    fs::copy(&plugin, faulty.path().join(plugin.file_name().unwrap())).unwrap();
    let text = toy(PARITY_TASK, SAMPLED, "")
        .replace(r#"(plugin: "reinforce")"#, r#"(plugin: "misbehaving", config: (step: 2, how: Panic))"#);
    let table = shown_as_run(&text, &["--plugin-dir", faulty.path().to_str().unwrap()], 4);
    assert!(table.contains("(5 of 5 failed)") && table.contains("failed: bigram"), "{table}");
}

/// What is no record of a run is refused with one error; what older ones lack is survived, and newer ones are read as
/// far as they are understood.
#[test]
fn what_is_no_record_of_a_run_is_refused() {
    let folder = folder();
    let (at, summary) = (folder.path(), folder.path().join("run/summary.json"));
    fs::write(at.join("toy.ron"), toy(PARITY_TASK, SAMPLED, "optima: false")).unwrap();
    assert!(host(at, &["run", "toy.ron", "--out", "run"]).status.success());
    fs::create_dir(at.join("empty")).unwrap();
    let whole = fs::read_to_string(&summary).unwrap();
    let said = |path: &str, content: &[u8], code: i32| {
        fs::write(&summary, content).unwrap();
        let output = host(at, &["show", path]);
        let text = shown(&output, at).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert_eq!(output.stdout.is_empty(), code != 0, "{text}");
        text
    };
    let refused = |path: &str, content: &str, words: &str| {
        let text = said(path, content.as_bytes(), 2);
        assert!(text.contains(words), "{words}: {text}");
    };
    refused("nowhere", &whole, "`nowhere` cannot be read");
    refused("empty", &whole, "`empty` holds no `summary.json`");
    refused("toy.ron", &whole, "`toy.ron` is no JSON");
    refused("run", "", "is cut short");
    refused("run", "{}", "is no record of a run: missing field");
    refused("run", "[1, 2]", "is no record of a run");
    refused("run", &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "is no record of a run");
    refused(
        "run",
        &format!("{{\"version\": 2, \"future\": {whole}}}"),
        "is of version 2, expected at most 1",
    );
    refused("run", &whole.replace("\"seed\": 1", "\"seed\": -1"), "is no record of a run");
    assert!(said("run", b"{\"name\": \"\xff\"}", 2).contains("is no JSON"));
    for end in (0..whole.trim_end().len()).step_by(997) {
        said("run", &whole.as_bytes()[..end], 2);
    }
    let table = |content: &str| said("run", content.as_bytes(), 0);
    let all = table(&whole);
    let newer = whole.replacen("\"version\": 1", "\"version\": 2, \"future\": {\"x\": [1]}", 1);
    assert!(table(&newer).contains("the record is of version 2, newer than 1"));
    // An older record: no version, no typed warnings, which are then told seed by seed.
    let mut older: serde_json::Value = serde_json::from_str(&whole).unwrap();
    older.as_object_mut().unwrap().remove("version");
    for arm in older["arms"].as_array_mut().unwrap() {
        let warnings = arm["warnings"].as_array_mut().unwrap();
        for warning in warnings {
            *warning = warning["message"].take();
        }
    }
    let older = table(&older.to_string());
    assert!(older.contains("its clip never acted") && older[..400] == all[..400], "{older}");
    assert_eq!(table(&format!("\u{feff}{whole}")), all);
}
