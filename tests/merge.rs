//! Runs that are put together before they have ended, whose failed arms are tried again, and that have many arms.

use crate::support::{command, folder, host, installation};
use pstar_core::files::sha256;
use pstar_record::RunRecord;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// Arms of two objectives.
fn experiment(seeds: usize) -> String {
    format!(
        r#"(
    name: "merged",
    task: (
        alphabet: Chars("ab"), horizon: 3, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {{"": [0.5, 0.5]}})),
        verifier: (plugin: "regex", config: (pattern: "a*b")),
    ),
    policies: {{"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)}},
    objectives: {{"reinforce": (plugin: "reinforce"), "forward-kl": (plugin: "forward-kl", config: (partition: Running))}},
    training: (gradient: Sampled(prompts: 1, group: 4), steps: 3, optimizer: Sgd(learning_rate: 0.01)),
    evaluation: (every: 1, k: [1]),
    seeds: {seeds},
)"#
    )
}

/// A run's directory of two arms an objective that `host run` made, and one where nothing was trained.
fn two_runs(at: &Path) -> Vec<PathBuf> {
    fs::write(at.join("it.ron"), experiment(2)).unwrap();
    let alone = host(at, &["run", "it.ron", "--out", "alone"]);
    assert!(alone.status.success(), "{}", said(&alone));
    let prepared = host(at, &["run", "it.ron", "--out", "out", "--prepare"]);
    assert!(prepared.status.success(), "{}", said(&prepared));
    let mut arms: Vec<_> =
        fs::read_dir(at.join("alone/arms")).unwrap().map(|arm| arm.unwrap().path()).collect();
    arms.sort();
    assert_eq!(arms.len(), 4);
    arms
}

fn take(at: &Path, arms: &[PathBuf]) {
    for arm in arms {
        let to = at.join("out/arms").join(arm.file_name().unwrap());
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(arm).unwrap().flatten() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn worker(at: &Path, more: &[&str]) -> Output {
    let arguments = [&["worker", "out", "--linger", "1"], more].concat();
    command(installation(), &arguments).current_dir(at).output().unwrap()
}

const WRITTEN: [&str; 6] =
    ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "table.txt", "report.html"];

/// Both runs have the same files.
fn assert_same(at: &Path) {
    for name in WRITTEN {
        let read =
            |run: &str| fs::read(at.join(run).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (own, alone) = (read("out"), read("alone"));
        // The page tells of the parts that a run was made in.
        assert!(own == alone || name == "report.html" && !own.is_empty(), "{name}");
    }
    for gone in ["partial", "summary", "blocks", "workers"] {
        assert!(!at.join("out").join(gone).exists(), "{gone}");
    }
}

#[test]
fn what_is_there_is_put_together_at_any_time() {
    let folder = folder();
    let at = folder.path();
    let arms = two_runs(at);
    for count in [0, 2] {
        take(at, &arms[..count]);
        let merged = host(at, &["merge", "out"]);
        let text = said(&merged);
        assert!(merged.status.success(), "{text}");
        assert!(text.contains(&format!("partial: {} of 4 arms are missing", 4 - count)), "{text}");
        assert!(text.contains("written to out/partial"), "{text}");
        assert!(!at.join("out/summary.json").exists());
        let record = fs::read(at.join("out/partial/summary.json")).unwrap();
        let record = RunRecord::read(&record).unwrap();
        assert!(!record.complete && record.missing.arms.len() == 4 - count, "{text}");
        let shown = host(at, &["show", "out/partial"]);
        assert!(shown.status.success(), "{}", said(&shown));
        let table = String::from_utf8(shown.stdout).unwrap();
        assert!(String::from_utf8_lossy(&merged.stdout).starts_with(table.trim_end()), "{table}{text}");
        let page = fs::read_to_string(at.join("out/partial/report.html")).unwrap();
        assert!(!page.contains("it is missing"), "the page misses a file");
    }
    take(at, &arms);
    let merged = host(at, &["merge", "out"]);
    assert!(merged.status.success(), "{}", said(&merged));
    assert!(!said(&merged).contains("partial"), "{}", said(&merged));
    assert_same(at);
    // Once more is no more.
    assert!(host(at, &["merge", "out"]).status.success());
    assert_same(at);
    let nothing = host(at, &["merge", "nowhere"]);
    assert!(!nothing.status.success() && said(&nothing).contains("holds no run"), "{}", said(&nothing));
}

/// Makes a result one of an arm that failed, as whoever trains writes it.
fn fail(arm: &Path) {
    let path = arm.join("result.json");
    let text = fs::read_to_string(&path).unwrap();
    let seal = |text: &str| {
        let start = text.find("\"sha256\": \"").unwrap() + 11;
        start..start + 64
    };
    let mut text = text.replacen(
        "\"status\": \"complete\"",
        "\"status\": \"failed\", \"failure\": {\"step\": 0, \"message\": \"out of luck\"}",
        1,
    );
    text.replace_range(seal(&text), &"0".repeat(64));
    let own = sha256(text.as_bytes());
    text.replace_range(seal(&text), &own);
    fs::write(path, text).unwrap();
}

#[test]
fn what_failed_is_tried_again_where_that_is_asked_for() {
    let folder = folder();
    let at = folder.path();
    let arms = two_runs(at);
    let again = || {
        take(at, &arms);
        fail(&at.join("out/arms").join(arms[1].file_name().unwrap()));
        // Three owners died over it.
        let claim = r#"{"owner": {"id": "dead", "machine": "m", "process": 1, "beat": 10.0}, "deaths": 3, "released": true}"#;
        fs::write(at.join("out/arms").join(arms[1].file_name().unwrap()).join("claim.3"), claim).unwrap();
        let left = worker(at, &[]);
        assert_eq!(left.status.code(), Some(4), "{}", said(&left));
        assert!(said(&left).contains("3 of 4 arms are done, 1 failed, 0 are left"), "{}", said(&left));
        let table = fs::read_to_string(at.join("out/table.txt")).unwrap();
        assert!(table.contains("out of luck"), "{table}");
    };
    again();
    let status = host(at, &["status", "out"]);
    assert!(said(&status).contains("out of luck"), "{}", said(&status));
    let tried = worker(at, &["--retry-failed"]);
    assert!(tried.status.success(), "{}", said(&tried));
    assert!(said(&tried).contains("4 of 4 arms are done, 0 failed"), "{}", said(&tried));
    assert_same(at);
    // Nothing failed: nothing is done.
    assert!(worker(at, &["--retry-failed"]).status.success());
    assert_same(at);

    again();
    let submitted = host(at, &["submit", "out", "--slurm"]);
    assert!(said(&submitted).contains("nothing is left to do"), "{}", said(&submitted));
    let submitted = host(at, &["submit", "out", "--slurm", "--retry-failed"]);
    assert!(
        said(&submitted).contains("1 arms are left") || said(&submitted).contains("1 arm is left"),
        "{}",
        said(&submitted)
    );
    assert!(worker(at, &[]).status.success());
    fs::remove_dir_all(at.join("out/slurm")).unwrap();
    assert_same(at);
}

/// A worker looks at results alone; whoever puts the record together looks at all files.
#[test]
fn a_file_that_is_damaged_beside_its_result_is_made_again() {
    let folder = folder();
    let at = folder.path();
    let arms = two_runs(at);
    take(at, &arms);
    let metrics = at.join("out/arms").join(arms[2].file_name().unwrap()).join("metrics.jsonl");
    let text = fs::read(&metrics).unwrap();
    fs::write(&metrics, &text[..text.len() / 2]).unwrap();
    let merged = host(at, &["merge", "out"]);
    assert!(said(&merged).contains("partial: 1 of 4 arms are missing"), "{}", said(&merged));
    let output = worker(at, &[]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("`metrics.jsonl` is not what was written: it is run again"), "{text}");
    assert_same(at);
}

/// The arms that select learning rates are read by every worker.
#[test]
fn a_damaged_arm_that_selects_is_made_again() {
    let folder = folder();
    let at = folder.path();
    let text = experiment(2).replace(
        "optimizer: Sgd(learning_rate: 0.01)",
        "optimizer: Sgd(learning_rate: 0.01), learning_rates: [0.01, 0.1], select_on: (seeds: [7], metric: \"validity_rate\", best: Highest)",
    );
    fs::write(at.join("it.ron"), text).unwrap();
    let alone = host(at, &["run", "it.ron", "--out", "alone"]);
    assert!(alone.status.success(), "{}", said(&alone));
    assert!(host(at, &["run", "it.ron", "--out", "out", "--prepare"]).status.success());
    let arms: Vec<_> = fs::read_dir(at.join("alone/arms")).unwrap().map(|arm| arm.unwrap().path()).collect();
    take(at, &arms);
    // Those that select among them.
    for arm in &arms {
        let metrics = at.join("out/arms").join(arm.file_name().unwrap()).join("metrics.jsonl");
        let text = fs::read(&metrics).unwrap();
        fs::write(&metrics, &text[..text.len() / 2]).unwrap();
    }
    let output = worker(at, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_same(at);
}

/// More than two blocks of arms, by three workers of which one is killed.
#[test]
fn many_arms_by_several_workers_are_those_of_a_run() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("it.ron"), experiment(1100)).unwrap();
    let alone = host(at, &["run", "it.ron", "--out", "alone"]);
    assert!(alone.status.success(), "{}", said(&alone));
    assert!(host(at, &["run", "it.ron", "--out", "out", "--prepare"]).status.success());
    let start = || {
        let arguments = ["worker", "out", "--threads", "1", "--linger", "20"];
        let mut command = command(installation(), &arguments);
        command.current_dir(at).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut first = start();
    let others = [start(), start()];
    while fs::read_dir(at.join("out/arms")).map_or(0, Iterator::count) < 300 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    for worker in others {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("2200 of 2200 arms are done"), "{}", said(&output));
    }
    assert_same(at);
}
