//! Runs that are handed to a scheduler, and how far they are.

use crate::support::{command, folder, host, installation};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

/// Four arms, two of which fail at their first step.
const EXPERIMENT: &str = r#"(
    name: "half done",
    task: (
        alphabet: Chars("ab"), horizon: 3, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
        verifier: (plugin: "regex", config: (pattern: "a*b")),
    ),
    policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
    objectives: {"reinforce": (plugin: "reinforce"), "alpha": (plugin: "alpha", config: (alpha: 0.5, partition: Group))},
    training: (gradient: Sampled(prompts: 1, group: 4), steps: 3, optimizer: Sgd(learning_rate: 0.01)),
    evaluation: (every: 1, k: [1]),
    seeds: [1, 2],
)"#;

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn status(at: &Path) -> Value {
    let output = host(at, &["status", "out", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
}

#[test]
fn a_run_is_submitted_by_what_is_left_of_it() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("half.ron"), EXPERIMENT).unwrap();
    fs::write(at.join("cluster.ron"), r#"(partition: "cpu", cpus: 2, time: 60, setup: ["module load gcc"])"#)
        .unwrap();
    let output = host(
        at,
        &["submit", "half.ron", "--slurm", "--out", "out", "--cluster", "cluster.ron", "--time", "30"],
    );
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("4 arms are left"), "{}", said(&output));
    let script = fs::read_to_string(at.join("out/slurm/submit.sh")).unwrap();
    let run = fs::canonicalize(at.join("out")).unwrap();
    // A flag comes before the file.
    for line in
        ["#SBATCH --partition=cpu", "#SBATCH --cpus-per-task=2", "#SBATCH --time=30", "module load gcc"]
    {
        assert!(script.lines().any(|found| found == line), "{line}: {script}");
    }
    let last = script.lines().last().unwrap();
    assert!(last.starts_with("exec ") && last.contains(&format!(" worker {} ", run.display())), "{last}");
    assert_eq!(status(at)["unbegun"], 4);

    // What the script starts does the work.
    let worker =
        command(installation(), &["worker", "out", "--linger", "1"]).current_dir(at).output().unwrap();
    assert!(said(&worker).contains("4 of 4 arms are done"), "{}", said(&worker));
    let told = status(at);
    assert_eq!((&told["complete"], &told["summarised"]), (&4.into(), &true.into()), "{told}");
    let output = host(at, &["submit", "out", "--slurm"]);
    assert!(said(&output).contains("nothing is left to do"), "{}", said(&output));

    // An arm that is gone, one that failed, and one that was given back.
    let mut arms: Vec<_> =
        fs::read_dir(at.join("out/arms")).unwrap().map(|arm| arm.unwrap().path()).collect();
    arms.sort();
    fs::remove_dir_all(&arms[0]).unwrap();
    fs::remove_file(arms[1].join("result.json")).unwrap();
    let path = arms[2].join("result.json");
    let failed = fs::read_to_string(&path).unwrap().replacen(
        "\"status\": \"complete\"",
        "\"status\": \"failed\", \"failure\": {\"step\": 0, \"message\": \"out of \\u001bluck\"}",
        1,
    );
    fs::write(&path, failed).unwrap();
    let told = status(at);
    let counts = ["arms", "complete", "stopped", "unbegun"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts, [4, 1, 1, 1], "{told}");
    assert_eq!(told["failed"][0]["message"], "out of \u{1b}luck");
    let text = said(&host(at, &["status", "out"]));
    assert!(text.starts_with("1 of 4 arms are done, 1 failed, 1 stopped, 1 not begun\n"), "{text}");
    assert!(text.contains("out of") && !text.contains('\u{1b}'), "{text}");
    let output = host(at, &["submit", "out", "--slurm"]);
    assert!(said(&output).contains("2 arms are left"), "{}", said(&output));
}

#[test]
fn what_cannot_be_submitted_is_explained() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("half.ron"), EXPERIMENT).unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let output = host(at, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{arguments:?}: {}", said(&output));
    };
    refused(&["submit", ".", "--slurm"], "holds no run");
    refused(&["submit", "none.ron", "--slurm"], "none.ron");
    refused(&["submit", "half.ron"], "--slurm");
    refused(&["submit", "half.ron", "--slurm", "--time", "1"], "--time");
    refused(
        &["submit", "half.ron", "--slurm", "--partition", "a\"b", "--out", "quote"],
        "Slurm cannot be told",
    );
    refused(&["submit", "half.ron", "--slurm", "--out", "100%"], "Slurm cannot be told");
    for (text, words) in [
        ("(partitoin: \"x\")", "did you mean `partition`"),
        ("(time: 1)", "`time` must be a whole number from 5, found 1"),
        ("(cpus: 0)", "`cpus` must be a whole number from 1 to 1024, found 0"),
    ] {
        fs::write(at.join("cluster.ron"), text).unwrap();
        refused(&["submit", "half.ron", "--slurm", "--cluster", "cluster.ron"], words);
    }
    refused(&["status", "."], "holds no run");
    assert!(!at.join("runs").exists(), "nothing is made where a cluster file is refused");
    let mut without_slurm =
        command(installation(), &["submit", "half.ron", "--slurm", "--now", "--out", "now"]);
    let output = without_slurm.current_dir(at).env("PATH", "").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("there is no `sbatch` here"), "{}", said(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_whose_time_is_up_gives_its_arms_back() {
    use std::process::{Command, Stdio};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    let folder = folder();
    let at = folder.path();
    fs::write(
        at.join("long.ron"),
        EXPERIMENT.replace("steps: 3", "steps: 2000000000").replace("every: 1,", "every: 1000000000,"),
    )
    .unwrap();
    assert!(host(at, &["run", "long.ron", "--out", "out", "--prepare"]).status.success());
    let mut worker = command(installation(), &["worker", "out", "--threads", "1"]);
    let mut worker = worker.current_dir(at).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while status(at)["workers"].as_array().unwrap().is_empty() {
        if begun.elapsed() > Duration::from_mins(5) {
            // It would never end.
            let _ = worker.kill();
            panic!("the worker never begins");
        }
        sleep(Duration::from_millis(50));
    }
    let told = status(at);
    assert_eq!(
        (&told["workers"][0]["arms"], &told["workers"][0]["is_dead"]),
        (&1.into(), &false.into()),
        "{told}"
    );
    let sent = Command::new("sh").args(["-c", &format!("kill -USR1 {}", worker.id())]).status();
    assert!(sent.unwrap().success());
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(85), "{}", said(&output));
    let told = status(at);
    assert_eq!((&told["stopped"], &told["unbegun"]), (&1.into(), &3.into()), "{told}");
    assert_eq!(told["workers"].as_array().unwrap().len(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_worker_leaves_that_is_killed_counts_as_stopped() {
    use std::process::Stdio;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    let folder = folder();
    let at = folder.path();
    let long = EXPERIMENT.replace("steps: 3", "steps: 2000000000").replace("every: 1,", "every: 1000000000,");
    fs::write(at.join("long.ron"), long).unwrap();
    assert!(host(at, &["run", "long.ron", "--out", "out", "--prepare"]).status.success());
    let mut worker = command(installation(), &["worker", "out", "--threads", "1"]);
    let mut worker = worker.current_dir(at).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while status(at)["workers"].as_array().unwrap().is_empty() && begun.elapsed() < Duration::from_mins(5) {
        sleep(Duration::from_millis(50));
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    let told = status(at);
    let counts = ["arms", "complete", "stopped", "unbegun"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts, [4, 0, 1, 3], "{told}");
    assert_eq!(told["workers"][0]["is_dead"], true);
    assert!(told["seconds_left"].is_null());
    let text = said(&host(at, &["status", "out"]));
    assert!(text.starts_with("0 of 4 arms are done, 1 stopped, 3 not begun\n"), "{text}");
    assert!(text.contains("nobody works on it"), "{text}");
}
