//! Learning rates: all of them as a front, the best of them selected on other seeds, and an objective's own.

use crate::support::{
    PARITY_TASK, command, experiment, folder, host, installation, run, shown, test_library, texts,
};
use pstar_record::{ArmStatus, RunRecord};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A toy of two objectives and two seeds.
fn toy(training: &str) -> String {
    format!(
        r#"(name: "rates", {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "reinforce": (plugin: "reinforce"),
                "kl": (plugin: "kl-control", config: (lambda: 5.0)),
            }},
            training: (gradient: Sampled(prompts: 1, group: 8), steps: 6, {training}),
            evaluation: (every: 3, k: [1, 4]),
            seeds: [1, 2])"#
    )
}

const OPTIMIZER: &str = "optimizer: Sgd(learning_rate: 0.1)";
const FRONT: &str = "optimizer: Sgd(), learning_rates: [0.1, 1.0]";
const SELECTED: &str = "optimizer: Sgd(), learning_rates: [1.0, 0.1, 4e-1], \
                        select_on: (seeds: [101, 102], metric: \"coverage@4\", best: Highest)";

fn host_runs(at: &Path, text: &str, arguments: &[&str], code: i32) -> Output {
    fs::write(at.join("rates.ron"), text).unwrap();
    let output = host(at, &[&["run", "rates.ron"], arguments].concat());
    assert_eq!(output.status.code(), Some(code), "{}", shown(&output, at));
    output
}

fn read(at: &Path, file: &str) -> String {
    fs::read_to_string(at.join(file)).unwrap()
}

fn summary(at: &Path) -> Value {
    serde_json::from_str(&read(at, "summary.json")).unwrap()
}

/// The arms of a run at one learning rate.
fn at_rate(summary: &Value, rate: f64) -> Vec<Value> {
    let arms = summary["arms"].as_array().unwrap();
    arms.iter().filter(|arm| arm["learning_rate"] == rate).cloned().collect()
}

#[test]
fn a_list_of_one_rate_is_that_rate() {
    let folder = folder();
    host_runs(folder.path(), &toy(OPTIMIZER), &["--out", "single"], 0);
    host_runs(folder.path(), &toy("optimizer: Sgd(), learning_rates: [0.1]"), &["--out", "list"], 0);
    for file in ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "table.txt"] {
        let [single, list] = ["single", "list"].map(|run| read(&folder.path().join(run), file));
        assert!(single == list, "{file}");
    }
    let spelled = toy(OPTIMIZER).replace("seeds: [1, 2]", "seeds: 2");
    host_runs(folder.path(), &spelled, &["--out", "single"], 0);
}

/// The arms of a front are those of runs at each rate alone, by their names and to the bit.
#[test]
fn a_front_is_a_row_a_rate() {
    let folder = folder();
    let output = host_runs(folder.path(), &toy(FRONT), &["--out", "front"], 0);
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
    let front = summary(&folder.path().join("front"));
    let mut curves = Vec::new();
    for rate in [0.1, 1.0] {
        let name = format!("at {rate}");
        let own = toy(OPTIMIZER).replace("0.1", &rate.to_string());
        host_runs(folder.path(), &own, &["--out", &name], 0);
        let single = summary(&folder.path().join(&name));
        assert_eq!(at_rate(&front, rate), *single["arms"].as_array().unwrap());
        assert_eq!(at_rate(&front, rate).len(), 4);
        let of_rate = |comparison: &&Value| comparison["learning_rate"] == rate;
        let mut compared: Vec<Value> =
            front["comparisons"].as_array().unwrap().iter().filter(of_rate).cloned().collect();
        for comparison in &mut compared {
            assert_eq!(comparison["baseline_learning_rate"], rate);
            let fields = comparison.as_object_mut().unwrap();
            fields.retain(|name, _| !name.ends_with("learning_rate"));
        }
        // Corrected p-values count the tests at all rates.
        let uncorrected = |comparisons: &[Value]| {
            let mut comparisons = comparisons.to_vec();
            for comparison in &mut comparisons {
                let corrected = ["adjusted_p_value", "star", "pairs_needed"];
                comparison.as_object_mut().unwrap().retain(|name, _| !corrected.contains(&name.as_str()));
            }
            comparisons
        };
        assert_eq!(uncorrected(&compared), uncorrected(single["comparisons"].as_array().unwrap()));
        assert_eq!(front["optima"], single["optima"]);
        let lines = read(&folder.path().join(&name), "curves.csv");
        curves.extend(lines.lines().skip(1).map(|line| {
            let (policy, rest) = line.split_once(",1,").or(line.split_once(",2,")).unwrap();
            let seed = &line[policy.len() + 1..=policy.len() + 1];
            format!("{policy},{seed},{rate:?},{rest}")
        }));
    }
    let text = read(&folder.path().join("front"), "curves.csv");
    let (header, lines) = text.split_once('\n').unwrap();
    assert_eq!(header, "policy,objective,seed,learning_rate,step,metric,value");
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    curves.sort_unstable();
    assert_eq!(lines, curves);
}

#[test]
fn the_best_rate_is_selected_on_other_seeds() {
    let folder = folder();
    let at = folder.path();
    let output = host_runs(at, &toy(SELECTED), &["--out", "selected", "--store", "store"], 0);
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
    let selected = summary(&at.join("selected"));
    // The same rates as a front of the seeds that select: what it found is what was selected from.
    let front = toy("optimizer: Sgd(), learning_rates: [1.0, 0.1, 4e-1]");
    let front = front.replace("seeds: [1, 2]", "seeds: [101, 102]");
    host_runs(at, &front, &["--out", "front", "--store", "store"], 0);
    let front = summary(&at.join("front"));
    let choices = selected["selection"]["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 2);
    let mut selecting = Vec::new();
    for choice in choices {
        let mut best = (f64::NEG_INFINITY, f64::NAN);
        for tried in choice["rates"].as_array().unwrap() {
            let rate = tried["learning_rate"].as_f64().unwrap();
            let arms: Vec<Value> = at_rate(&front, rate)
                .into_iter()
                .filter(|arm| arm["objective"] == choice["objective"])
                .collect();
            let values: Vec<f64> =
                arms.iter().map(|arm| arm["final"]["coverage_at"]["4"].as_f64().unwrap()).collect();
            let mean = values.iter().sum::<f64>() / 2.0;
            assert_eq!(tried["mean"], mean);
            for (arm, own) in arms.iter().zip(tried["arms"].as_array().unwrap()) {
                assert_eq!(arm["id"], own["id"]);
                selecting.push(own["id"].clone());
            }
            if mean > best.0 {
                best = (mean, rate);
            }
        }
        assert_eq!(choice["learning_rate"], best.1, "{choice}");
        let rows = at_rate(&selected, best.1);
        assert_eq!(rows.iter().filter(|arm| arm["objective"] == choice["objective"]).count(), 2);
    }
    let arms = selected["arms"].as_array().unwrap();
    assert!(arms.iter().all(|arm| !selecting.contains(&arm["id"])));
    assert_eq!((arms.len(), selecting.len()), (4, 12));
    assert_eq!(fs::read_dir(at.join("store/arms")).unwrap().count(), 16);
    // Provenance tells of both kinds of seeds.
    let seeds = |run: &str| {
        let text = read(&at.join(run), "provenance.json");
        let provenance: Value = serde_json::from_str(&text).unwrap();
        (provenance["seeds"].clone(), provenance["selecting_seeds"].clone())
    };
    assert_eq!(seeds("selected"), (json!([1, 2]), json!([101, 102])));
    assert_eq!(seeds("front"), (json!([101, 102]), Value::Null));
    // A run that is complete is shown.
    let again = host_runs(at, &toy(SELECTED), &["--out", "selected", "--store", "store"], 0);
    assert!(shown(&again, at).contains("nothing is left to do"), "{}", shown(&again, at));
}

/// Prepared by one process and run by another, and run in memory: the same record.
#[test]
fn workers_and_programs_select_as_a_run_does() {
    let folder = folder();
    let at = folder.path();
    host_runs(at, &toy(SELECTED), &["--out", "alone"], 0);
    let prepared = host_runs(at, &toy(SELECTED), &["--out", "shared", "--prepare"], 0);
    assert!(shown(&prepared, at).contains("16 of 16 arms are to be run"), "{}", shown(&prepared, at));
    let worker = host(at, &["worker", "shared"]);
    assert!(shown(&worker, at).contains("16 of 16 arms are done, 0 failed"), "{}", shown(&worker, at));
    for file in ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "table.txt"] {
        let [alone, shared] = ["alone", "shared"].map(|run| read(&at.join(run), file));
        assert!(alone == shared, "{file}");
    }
    let mut kept = RunRecord::read(read(&at.join("alone"), "summary.json").as_bytes()).unwrap();
    let mut in_memory = run(&toy(SELECTED));
    // What is kept has names.
    for record in [&mut kept, &mut in_memory] {
        record.arms.iter_mut().for_each(|arm| {
            arm.id.clear();
            (arm.curve, arm.parameters, arm.prompts) = Default::default();
        });
        let choices = record.selection.iter_mut().flat_map(|selection| &mut selection.choices);
        choices
            .flat_map(|choice| &mut choice.rates)
            .flat_map(|rate| &mut rate.arms)
            .for_each(|arm| arm.id.clear());
    }
    assert_eq!(kept, in_memory);
}

#[test]
fn a_rate_whose_arms_fail_is_not_selected() {
    // Steps of Adam's are of the size of the rate: two of them leave the numbers.
    let high = toy(&SELECTED.replace("Sgd", "Adam").replace("[1.0, 0.1, 4e-1]", "[1.7e308, 0.1]"));
    let folder = folder();
    let output = host_runs(folder.path(), &high, &["--out", "high"], 4);
    let text = shown(&output, folder.path());
    assert!(text.contains("– at 1.7e308 (2 of 2 failed)"), "{text}");
    let summary = summary(&folder.path().join("high"));
    assert_eq!(at_rate(&summary, 0.1).len(), 4);
    assert_eq!(summary["complete"], true);
}

/// Its arms fail with a word, the others go on.
#[test]
fn an_objective_without_a_rate_that_works_fails() {
    let text = toy(SELECTED).replace(
        r#"(plugin: "kl-control", config: (lambda: 5.0))"#,
        r#"(plugin: "misbehaving", config: (step: 2, how: Panic))"#,
    );
    let plugins = folder();
    let plugin = test_library("faulty");
    fs::copy(&plugin, plugins.path().join(plugin.file_name().unwrap())).unwrap();
    let folder = folder();
    let at = folder.path();
    let arguments = ["--out", "faulty", "--plugin-dir", plugins.path().to_str().unwrap()];
    let output = host_runs(at, &text, &arguments, 4);
    let words = shown(&output, at);
    for expected in [
        "kl (2 of 2 failed)",
        "no learning rate could be selected",
        "bigram · kl: none (– at 1.0 (2 of 2 failed)",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let record = RunRecord::read(read(&at.join("faulty"), "summary.json").as_bytes()).unwrap();
    let of_faulty: Vec<_> = record.arms_of("bigram", "kl").collect();
    assert!(record.complete && of_faulty.iter().all(|arm| arm.status == ArmStatus::Failed));
    assert!(of_faulty.len() == 2 && of_faulty.iter().all(|arm| arm.learning_rate.is_nan()));
    assert!(record.arms_of("bigram", "reinforce").all(|arm| arm.status == ArmStatus::Complete));
    // Rows for which no rate could be selected have failed too: nothing is left to do.
    let status = shown(&host(at, &["status", "faulty", arguments[2], arguments[3]]), at);
    assert!(status.contains("\n8 of 16 arms are done, 8 failed\n"), "{status}");
    assert_eq!(status.matches("no learning rate could be selected").count(), 2, "{status}");
    assert!(!status.contains("nobody works on it"), "{status}");
    let again = host_runs(at, &text, &arguments, 4);
    // What failed is tried again.
    assert!(shown(&again, at).contains("8 of 16 arms are done already"), "{}", shown(&again, at));
}

#[test]
fn an_objective_with_a_rate_of_its_own_is_named() {
    let own =
        |training: &str| run(&toy(training).replace("(lambda: 5.0))", "(lambda: 5.0), learning_rate: 0.5)"));
    let told = "objective `kl` has a learning rate of its own, 0.5, the others 0.1: not an equal setting";
    let record = own(OPTIMIZER);
    assert_eq!(texts(&record.warnings), [told]);
    let rates: Vec<f64> = record.arms.iter().map(|arm| arm.learning_rate).collect();
    assert_eq!(rates, [0.1, 0.1, 0.5, 0.5]);
    // Its arms are those of a run in which all objectives have the rate.
    let equal = run(&toy("optimizer: Sgd(learning_rate: 0.5)"));
    assert_eq!(record.arms[2..], equal.arms[2..]);
    let compared = &record.comparisons[0];
    assert_eq!((compared.learning_rate, compared.baseline_learning_rate), (Some(0.5), Some(0.1)));
    // In a front it has one row, in a selection nothing is selected for it.
    let front = own(FRONT);
    let rates: Vec<f64> = front.arms.iter().map(|arm| arm.learning_rate).collect();
    assert_eq!(rates, [0.1, 0.1, 1.0, 1.0, 0.5, 0.5]);
    assert!(front.comparisons.is_empty(), "no rate of the first is its own");
    let selected = own(SELECTED);
    let choices = selected.selection.unwrap().choices;
    assert_eq!(choices.iter().map(|choice| &*choice.objective).collect::<Vec<_>>(), ["reinforce"]);
    assert_eq!(selected.arms[2..], record.arms[2..]);
    // Equal rates are no unequal setting.
    let equal = run(&toy(OPTIMIZER).replace("(lambda: 5.0))", "(lambda: 5.0), learning_rate: 1e-1)"));
    assert_eq!((equal.warnings.len(), equal.comparisons[0].learning_rate), (0, None));
}

#[test]
fn a_rate_at_which_nothing_trains_is_told() {
    let warnings = |training: &str| texts(&run(&toy(training)).warnings);
    let told = "nothing is trained at the learning rate 0.7 of `training`: others are given instead of it";
    assert_eq!(warnings("optimizer: Sgd(learning_rate: 0.7), learning_rates: [0.1, 1.0]"), [told]);
    assert_eq!(warnings("optimizer: Sgd(learning_rate: 0.1), learning_rates: [0.1, 1.0]"), [""; 0]);
}

#[test]
fn a_run_counts_the_arms_that_select() {
    let folder = folder();
    let count = |training: &str| {
        let experiment = experiment(&toy(training));
        let dry = host_runs(folder.path(), &toy(training), &["--dry-run", "--json"], 0);
        let dry: Value = serde_json::from_slice(&dry.stdout).unwrap();
        assert_eq!(dry["arms"], experiment.plan.arm_count());
        assert_eq!(dry["sequences"], experiment.plan.arm_count() * 6 * 8);
        experiment.plan.arm_count()
    };
    assert_eq!([OPTIMIZER, FRONT, SELECTED].map(count), [4, 8, 16]);
}

#[test]
fn faulty_rates_are_explained() {
    let folder = folder();
    let select = |rates: &str, select_on: &str| {
        format!("optimizer: Sgd(), learning_rates: {rates}, select_on: {select_on}")
    };
    let sound = r#"(seeds: [3], metric: "entropy", best: Lowest)"#;
    let cases = [
        toy("optimizer: Sgd()"),
        toy("optimizer: Sgd(), learning_rates: []"),
        toy("optimizer: Sgd(), learning_rates: [0.1, -0.1, NaN, 0.10, 0]"),
        toy("optimizer: Sgd(learning_rate: inf), learning_rates: [0.1]"),
        toy(&select("[0.1]", sound)),
        toy(&format!("{OPTIMIZER}, select_on: {sound}")),
        toy(&select("[0.1, 0.2]", r#"(seeds: [3, 1], metric: "entropy", best: Lowest)"#)),
        toy(&select("[0.1, 0.2]", r#"(seeds: [], metric: "entropy", best: Lowest)"#)),
        toy(&select("[0.1, 0.2]", r#"(seeds: [3, 3], metric: "entropy", best: Lowest)"#)),
        toy(&select("[0.1, 0.2]", r#"(seeds: [3], metric: "entropy", best: Middle)"#)),
        toy(&select("[0.1, 0.2]", r#"(seeds: [3], metric: "coverage@5", best: Lowest)"#)),
        toy(OPTIMIZER).replace("\"reinforce\")", "\"reinforce\", learning_rate: 0.0)"),
        toy(OPTIMIZER).replace("seeds: [1, 2]", "seeds: 0"),
        toy(OPTIMIZER).replace("seeds: [1, 2]", "seeds: 18446744073709551615"),
        toy(OPTIMIZER).replace("seeds: [1, 2]", "seeds: -3"),
    ];
    let mut told = String::new();
    for text in cases {
        fs::write(folder.path().join("rates.ron"), text).unwrap();
        let output = host(folder.path(), &["validate", "rates.ron"]);
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output, folder.path()));
        told += &shown(&output, folder.path());
    }
    insta::assert_snapshot!(told);
}

/// Of fewer samples than k nothing can be selected: every row would fail.
#[test]
fn rates_are_not_selected_on_what_the_samples_cannot_tell() {
    let folder = folder();
    let sampled =
        toy(SELECTED).replace("k: [1, 4]", "k: [1, 4, 64], enumerate_up_to: 1, samples: 32, optima: false");
    let sampled = sampled.replace("seeds: [1, 2]", "exact: (max_states: 1), seeds: [1, 2]");
    for (metric, code) in [("coverage@4", 0), ("coverage@64", 2), ("pass@64", 2), ("pass@1", 0)] {
        let text = sampled.replace("coverage@4", metric);
        fs::write(folder.path().join("rates.ron"), text).unwrap();
        let output = host(folder.path(), &["validate", "rates.ron"]);
        let said = shown(&output, folder.path());
        assert_eq!(output.status.code(), Some(code), "{metric}: {said}");
        let word = format!("`{metric}` cannot be estimated from 32 samples");
        assert_eq!(said.contains(&word), code == 2, "{metric}: {said}");
    }
}

/// Stopped while rates are being selected, it says what is missing; resumed, it ends as if it had never been stopped.
#[cfg(target_os = "linux")]
#[test]
fn a_selection_that_was_stopped_goes_on() {
    let folder = folder();
    let at = folder.path();
    let text = toy(SELECTED).replace("steps: 6", "steps: 3000").replace("every: 3", "every: 1500");
    host_runs(at, &text, &["--out", "whole"], 0);
    let run = command(installation(), &["run", "rates.ron", "--out", "stopped"])
        .current_dir(at)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while fs::read_dir(at.join("stopped/arms")).map_or(0, Iterator::count) == 0 {
        sleep(Duration::from_millis(2));
    }
    let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", run.id())]).status().unwrap();
    assert!(sent.success());
    let output = run.wait_with_output().unwrap();
    let words = shown(&output, at);
    assert_eq!(output.status.code(), Some(143), "{words}");
    assert!(
        words.contains("of 16 arms did not end") && words.contains("reinforce (2 of 2 stopped)"),
        "{words}"
    );
    assert!(words.contains("not selected yet"), "{words}");
    let record = RunRecord::read(read(&at.join("stopped"), "summary.json").as_bytes()).unwrap();
    assert!(!record.complete && record.arms.iter().all(|arm| arm.learning_rate.is_nan()));
    // The rows have no names yet.
    assert_eq!(record.missing.arms.len() + 4, record.interruptions());
    host_runs(at, &text, &["--out", "stopped"], 0);
    for file in ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "table.txt"] {
        let [whole, resumed] = ["whole", "stopped"].map(|run| read(&at.join(run), file));
        assert!(whole == resumed, "{file}");
    }
}
