//! Runs that are stopped from outside, and runs whose results find no place: what they have is told all the same.
#![cfg(target_os = "linux")]

use crate::support::{folder, installation};
use pstar_record::{ArmStatus, RunRecord};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Numbers of the signals that are listened for last.
const HANGUP: u32 = 1;
const TERMINATE: u32 = 15;

/// Two arms of more steps than anybody waits for, in the directory `out`, both on their way.
fn endless() -> (TempDir, Child) {
    // What a shell starts in the background ignores SIGINT, and so would this.
    let defaults = "env --default-signal=INT,HUP,TERM";
    let exec = format!("exec {defaults}");
    let told = Command::new("sh").args(["-c", &format!("{defaults} true")]).stderr(Stdio::null()).status();
    endless_after(if told.is_ok_and(|told| told.success()) { &exec } else { "exec" }, HANGUP)
}

/// The same where the shell was told something before, until the program listens for a signal.
fn endless_after(told: &str, signal: u32) -> (TempDir, Child) {
    let folder = folder();
    let text = r#"(
        name: "endless",
        task: (
            alphabet: Chars("ab"), horizon: 3, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
            verifier: (plugin: "regex", config: (pattern: "a*b")),
        ),
        policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
        objectives: {"reinforce": (plugin: "reinforce"), "forward-kl": (plugin: "forward-kl")},
        training: (gradient: Population, steps: 2000000000, optimizer: Sgd(learning_rate: 0.01)),
        evaluation: (every: 1000000000, k: [1]),
        seeds: [1],
    )"#;
    fs::write(folder.path().join("endless.ron"), text).unwrap();
    let script = format!("{told} \"$0\" run endless.ron --out out --threads 2");
    let mut child = Command::new("sh")
        .args([OsStr::new("-c"), OsStr::new(&script), installation().join("host").as_os_str()])
        .env("NO_COLOR", "1")
        .env_remove("PSTAR_PLUGIN_PATH")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let listens = || {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
        mask.and_then(|mask| u64::from_str_radix(mask, 16).ok())
            .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    };
    let begun = Instant::now();
    while !listens() {
        if begun.elapsed() > Duration::from_mins(5) {
            // It would never end.
            let _ = child.kill();
            panic!("training never begins");
        }
        sleep(Duration::from_millis(5));
    }
    (folder, child)
}

fn kill(signal: &str, child: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

fn send(signal: &str, child: Child) -> Output {
    kill(signal, &child);
    child.wait_with_output().unwrap()
}

#[test]
fn a_signal_ends_a_run_with_what_it_has() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (folder, child) = endless();
        let output = send(signal, child);
        let (table, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(code), "{signal}: {said}");
        assert!(table.contains("reinforce (1 of 1 stopped)"), "{table}");
        assert!(table.contains("no arm completed") && table.contains("written to out"), "{table}");
        assert!(said.contains("2 of 2 arms did not end"), "{said}");
        let out = folder.path().join("out");
        let record = RunRecord::read(&fs::read(out.join("summary.json")).unwrap()).unwrap();
        assert!(record.arms.iter().all(|arm| arm.status == ArmStatus::Interrupted));
        assert_eq!((record.interruptions(), record.failures()), (2, 0));
        assert!(!out.join(".running").exists());
    }
}

#[test]
fn what_finds_no_place_is_printed() {
    let (folder, child) = endless();
    // Not while the folders of its arms are being filled.
    let has_begun = |arm: &fs::DirEntry| arm.path().join("metrics.jsonl").exists();
    let begun = || {
        let arms = fs::read_dir(folder.path().join("out/arms"));
        arms.map_or(0, |arms| arms.flatten().filter(has_begun).count())
    };
    while begun() < 2 {
        sleep(Duration::from_millis(5));
    }
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    let output = send("INT", child);
    let (table, said) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(table.contains("reinforce (1 of 1 stopped)") && !table.contains("written to"), "{table}");
    assert!(said.contains("out"), "{said}");
}

#[test]
fn a_signal_that_is_ignored_from_the_start_stays_ignored() {
    let (_folder, mut child) = endless_after("trap '' HUP; exec", TERMINATE);
    kill("HUP", &child);
    sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    assert_eq!(send("TERM", child).status.code(), Some(143));
}
