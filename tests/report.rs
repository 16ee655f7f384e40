//! `report.html` is written by a run and again from its directory alone; two runs are compared; an objective has its page.

use crate::support::{PARITY_TASK, folder, host, shown};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Names that mean something in HTML, SVG and Markdown.
const HOSTILE: &str = "</script><img src=x onerror=alert(1)> | `a` \u{202e}b";

fn experiment(name: &str, steps: u32) -> String {
    format!(
        r#"(name: {name:?}, {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "reinforce": (plugin: "reinforce"),
                {HOSTILE:?}: (plugin: "alpha", config: (alpha: 0.5)),
            }},
            training: (gradient: Sampled(prompts: 1, group: 8), steps: {steps}, optimizer: Adam(learning_rate: 0.1)),
            evaluation: (every: 2, k: [1, 4], optima: false),
            seeds: 7)"#
    )
}

fn run(folder: &Path, out: &str, steps: u32) {
    let file = format!("{out}.ron");
    fs::write(folder.join(&file), experiment("<b>two", steps)).unwrap();
    let output = host(folder, &["run", &file, "--out", out, "--watch", "tensorboard"]);
    assert!(output.status.success(), "{}", shown(&output, folder));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.ends_with(&format!("written to {out}; open {out}/report.html\n")), "{told}");
}

fn text(folder: &Path, arguments: &[&str]) -> String {
    let output = host(folder, arguments);
    assert!(output.status.success(), "{}", shown(&output, folder));
    String::from_utf8(output.stdout).unwrap()
}

fn two_runs() -> TempDir {
    let folder = folder();
    run(folder.path(), "first", 2);
    run(folder.path(), "second", 4);
    folder
}

/// Nothing of a name is markup, and nothing is loaded.
fn assert_harmless(page: &str) {
    assert!(!page.contains("<img") && !page.contains('\u{202e}'), "a name is markup");
    let loads = ["src=\"http", "href=\"http", "url(http", "@import"];
    assert!(loads.iter().all(|load| !page.contains(load)));
}

#[test]
fn the_report_is_that_of_the_directory() {
    let folder = two_runs();
    let at = folder.path();
    let written = fs::read(at.join("first/report.html")).unwrap();
    let page = String::from_utf8(written.clone()).unwrap();
    assert_harmless(&page);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"), "no figure");
    fs::remove_file(at.join("first/report.html")).unwrap();
    text(at, &["report", "first"]);
    assert_eq!(fs::read(at.join("first/report.html")).unwrap(), written);
    text(at, &["report", "first", "--out", "elsewhere.html"]);
    assert_eq!(fs::read(at.join("elsewhere.html")).unwrap(), written);
    // What is no page is not overwritten by one.
    for own in ["first/summary.json", "first/curves.csv", "first.ron"] {
        let before = fs::read(at.join(own)).unwrap();
        for arguments in
            [&["report", "first", "--out", own][..], &["report", "first", "second", "--out", own]]
        {
            let output = host(at, arguments);
            assert_eq!(output.status.code(), Some(2), "{}", shown(&output, at));
            assert!(String::from_utf8_lossy(&output.stderr).contains("is no report, and would be lost"));
        }
        assert_eq!(fs::read(at.join(own)).unwrap(), before);
    }
    // A run whose report is missing is not complete: running it again writes that, and trains nothing.
    fs::remove_file(at.join("first/report.html")).unwrap();
    text(at, &["run", "first.ron", "--out", "first"]);
    assert_eq!(fs::read(at.join("first/report.html")).unwrap(), written);
}

#[test]
fn damaged_files_beside_the_record_are_named() {
    let folder = two_runs();
    let at = folder.path();
    let curves = fs::read(at.join("first/curves.csv")).unwrap();
    fs::write(at.join("first/curves.csv"), &curves[..curves.len() / 2]).unwrap();
    fs::write(at.join("first/provenance.json"), "{").unwrap();
    let output = host(at, &["report", "first"]);
    assert!(output.status.success(), "{}", shown(&output, at));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("`provenance.json`"), "{told}");
    let page = fs::read_to_string(at.join("first/report.html")).unwrap();
    assert!(page.contains("provenance.json") && page.contains("<svg"));
    fs::write(at.join("first/summary.json"), "{\"name\": ").unwrap();
    let output = host(at, &["report", "first"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output, at));
    assert!(String::from_utf8_lossy(&output.stderr).contains("summary.json"));
    let output = host(at, &["report", "nowhere"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output, at));
}

#[test]
fn two_runs_are_compared() {
    let folder = two_runs();
    let at = folder.path();
    let told = text(at, &["report", "first", "second", "--out", "two.html"]);
    assert!(told.contains("`training.steps` (`2` there, `4` here)"), "{told}");
    assert!(told.contains("reinforce") && told.contains("Δ: mean difference over up to 7 seeds"), "{told}");
    let page = fs::read_to_string(at.join("two.html")).unwrap();
    assert_harmless(&page);
    assert!(page.contains("verdict before"));
    let same = text(at, &["report", "first", "first"]);
    assert!(same.contains("the experiments are the same"), "{same}");
    assert!(!same.contains('*') || same.contains("p*"), "{same}");
    let output = host(at, &["report", "first", "second", "--for-pull-request"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output, at));
}

#[test]
fn an_objective_has_its_page() {
    let folder = two_runs();
    let at = folder.path();
    text(at, &["report", "second", "--for-pull-request"]);
    let page = fs::read_to_string(at.join("second/pull-request.md")).unwrap();
    assert_harmless(&page);
    // Of the last objective, with its configuration and the first beside it.
    assert!(page.contains("(alpha: 0.5)") && page.contains("| reinforce |"), "{page}");
    assert!(page.contains("host run second.ron") && page.contains("optimizer steps"), "{page}");
    let picture = fs::read_to_string(at.join("second/pull-request.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("xmlns"), "{picture}");
    assert_harmless(&picture);
    text(at, &["report", "second", "--for-pull-request", "--objective", "reinforce", "--out", "pull"]);
    let first = fs::read_to_string(at.join("pull/pull-request.md")).unwrap();
    assert!(first.contains("| V |") && first.contains("| κ |"), "{first}");
    let output = host(at, &["report", "second", "--for-pull-request", "--objective", "grpo"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has no objective `grpo`"));
}

#[test]
fn figures_and_events_come_from_the_directory() {
    let folder = two_runs();
    let at = folder.path();
    let figure = text(at, &["show", "second", "--figure", "validity:bigram"]);
    assert!(figure.starts_with("<svg") && figure == text(at, &["show", "second", "--figure", "validity"]));
    assert_harmless(&figure);
    let output = host(at, &["show", "second", "--figure", "pie"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("validity:bigram"), "{}", shown(&output, at));

    text(at, &["show", "second", "--tensorboard", "events"]);
    let written = files(&at.join("events"));
    let watched = files(&at.join("second/tensorboard"));
    assert_eq!(written.len(), 14);
    assert_eq!(written, watched, "as `--watch tensorboard` writes them");
}

/// An objective whose arms all failed has no good word, but the reasons.
#[test]
fn a_page_about_failed_arms_says_why() {
    let folder = folder();
    let at = folder.path();
    run(at, "failing", 2);
    let path = at.join("failing/summary.json");
    let mut record: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for arm in record["arms"].as_array_mut().unwrap() {
        if arm["objective"] == "reinforce" {
            arm["status"] = "failed".into();
            arm["failure"] = json!({"step": 1, "message": "a parameter is no number"});
        }
    }
    fs::write(&path, record.to_string()).unwrap();
    text(at, &["report", "failing", "--for-pull-request", "--objective", "reinforce"]);
    let page = fs::read_to_string(at.join("failing/pull-request.md")).unwrap();
    assert!(
        page.contains("failed: bigram · reinforce · seed 1 at step 1: a parameter is no number"),
        "{page}"
    );
    assert!(!page.contains("no warning"), "{page}");
}

/// The files below a folder, with their contents.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                found.push((path.strip_prefix(folder).unwrap().to_path_buf(), content));
            }
        }
    }
    found.sort();
    found
}
