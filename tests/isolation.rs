//! Components that end their process: isolated they cost their own arm, and otherwise the run goes on isolated.
#![cfg(target_os = "linux")]

use crate::support::{PARITY_TASK, command, folder, installation, shown, test_library};
use pstar_record::{ArmStatus, RunRecord};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An experiment with one deadly objective among two others, in a folder with the deadly plugin.
fn write(deadly: &str, steps: u32) -> TempDir {
    let folder = folder();
    let plugin = test_library("deadly");
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::copy(&plugin, folder.path().join("plugins").join(plugin.file_name().unwrap())).unwrap();
    let text = text(BIGRAM, &format!(r#""it": (plugin: "deadly", config: ({deadly})),"#), steps);
    fs::write(folder.path().join("deadly.ron"), text).unwrap();
    folder
}

const BIGRAM: &str = r#""bigram": (plugin: "ngram", config: (order: 2), start: FitBase),"#;

fn text(policies: &str, objective: &str, steps: u32) -> String {
    format!(
        r#"(name: "deadly", {PARITY_TASK}
            policies: {{{policies}}},
            objectives: {{"first": (plugin: "reinforce"), {objective} "last": (plugin: "forward-kl")}},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: {steps}, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (every: 2, k: [4], optima: false),
            seeds: [1, 2])"#
    )
}

fn run(folder: &Path, more: &[&str]) -> Output {
    let arguments = [&["run", "deadly.ron", "--out", "out", "--plugin-dir", "plugins"], more].concat();
    command(installation(), &arguments).current_dir(folder).output().unwrap()
}

/// All arms but the deadly objective's are complete, and those say how they died.
fn assert_lost(folder: &Path, output: &Output, words: &[&str]) {
    let text = shown(output, folder);
    assert_eq!(output.status.code(), Some(4), "{text}");
    let record = RunRecord::read(&fs::read(folder.join("out/summary.json")).unwrap()).unwrap();
    assert_eq!(record.arms.len(), 6, "{text}");
    for arm in &record.arms {
        let expected = if arm.objective == "it" { ArmStatus::Failed } else { ArmStatus::Complete };
        assert_eq!(arm.status, expected, "{} {text}", arm.objective);
        if arm.objective == "it" {
            let message = &arm.failure.as_ref().unwrap().message;
            for word in words {
                assert!(message.contains(word), "`{word}` is not in `{message}`: {text}");
            }
        }
    }
    assert!(String::from_utf8_lossy(&output.stdout).contains("it (2 of 2 failed)"), "{text}");
}

#[test]
fn every_way_to_die_costs_its_own_arm() {
    for (deadly, words) in [
        ("at: Creation, how: Segfault", ["objective `deadly`", "while it was made", "SIGSEGV"]),
        ("at: Preparation, how: Abort", ["objective `deadly`", "SIGABRT", "last words"]),
        ("at: Step(3), how: Segfault", ["objective `deadly`", "SIGSEGV", "last words"]),
        ("at: Step(3), how: Signal", ["objective `deadly`", "SIGSEGV", "last words"]),
        ("at: Step(0), how: Abort", ["objective `deadly`", "SIGABRT", "last words"]),
        ("at: Step(3), how: Overflow", ["objective `deadly`", "SIGABRT", "overflowed its stack"]),
        ("at: Step(3), how: Exit(0)", ["objective `deadly`", "exit code 0", "last words"]),
        ("at: Drop, how: Abort", ["objective `deadly`", "SIGABRT", "last words"]),
    ] {
        let folder = write(deadly, 6);
        let output = run(folder.path(), &["--isolate", "--threads", "2"]);
        assert_lost(folder.path(), &output, &words);
    }
}

/// What only some arms have costs those alone, whenever it ends its process; what all have ends the run, with its name.
#[test]
fn a_policy_that_ends_its_process_costs_its_own_arms() {
    for (at, words) in [("Creation", "while it was made"), ("Score", "SIGSEGV"), ("Sample", "SIGSEGV")] {
        let folder = write("at: Drop, how: Abort", 6);
        let it =
            format!(r#""it": (plugin: "deadly", config: (at: {at}, how: Segfault), start: AsConfigured),"#);
        fs::write(folder.path().join("deadly.ron"), text(&format!("{BIGRAM} {it}"), "", 6)).unwrap();
        for more in [&["--isolate", "--threads", "2"][..], &["--isolate", "--threads", "1"], &[]] {
            let output = run(folder.path(), more);
            let said = shown(&output, folder.path());
            assert_eq!(output.status.code(), Some(4), "{at}: {said}");
            let record = RunRecord::read(&fs::read(folder.path().join("out/summary.json")).unwrap()).unwrap();
            assert_eq!(record.arms.len(), 8, "{at}: {said}");
            for arm in &record.arms {
                assert_eq!(arm.status == ArmStatus::Failed, arm.policy == "it", "{at}: {said}");
                let message = arm.failure.as_ref().map_or("", |failure| &failure.message);
                let told = message.contains("policy `deadly`") && message.contains(words);
                assert!(arm.policy != "it" || told, "{at}: {message}: {said}");
            }
            fs::remove_dir_all(folder.path().join("out")).unwrap();
        }
    }
}

/// What all arms need ends the run, which names it, and nothing is left behind.
#[test]
fn a_base_model_that_ends_its_process_ends_the_run() {
    for at in ["Creation", "Score"] {
        let folder = write("at: Drop, how: Abort", 6);
        let whole = fs::read_to_string(folder.path().join("deadly.ron")).unwrap();
        let start = whole.find("(plugin: \"ngram\"").unwrap();
        let end = start + whole[start..].find("))").unwrap() + 2;
        let base = format!("(plugin: \"deadly\", config: (at: {at}, how: Abort))");
        let text = format!("{}{base}{}", &whole[..start], &whole[end..]);
        fs::write(folder.path().join("deadly.ron"), text).unwrap();
        for more in [&["--isolate"][..], &[]] {
            let output = run(folder.path(), more);
            let text = shown(&output, folder.path());
            assert_eq!(output.status.code(), Some(4), "{at}: {text}");
            assert!(
                text.contains("base model `deadly` ended its process") && text.contains("SIGABRT"),
                "{at}: {text}"
            );
            assert!(!folder.path().join("out").exists(), "{at}: {text}");
        }
    }
}

#[test]
fn an_arm_that_does_nothing_or_takes_too_much_is_given_up() {
    let folder = write("at: Step(2), how: Sleep", 6);
    let output = run(folder.path(), &["--isolate", "--arm-timeout", "1"]);
    assert_lost(folder.path(), &output, &["objective `deadly`", "no step in 1 s"]);
    let folder = write("at: Step(2), how: Allocate", 6);
    let output = run(folder.path(), &["--isolate", "--memory-limit", "512"]);
    assert_lost(folder.path(), &output, &["objective `deadly`", "SIGABRT", "memory allocation"]);
}

#[test]
fn a_run_that_is_not_isolated_goes_on_isolated() {
    // Several times: two threads may end the process at once.
    for how in ["Segfault", "Signal", "Abort", "Overflow", "Exit(0)"].repeat(4) {
        let folder = write(&format!("at: Step(3), how: {how}"), 6);
        let output = run(folder.path(), &[]);
        assert_lost(folder.path(), &output, &["objective `deadly`"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("objective `deadly`") && said.contains("process of its own"), "{said}");
    }
}

/// Isolated or not, the bits are the same.
#[test]
fn isolated_arms_have_the_same_bits() {
    let folder = write("at: Step(1000), how: Abort", 6);
    let files = |out: &str| {
        ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "table.txt"]
            .map(|name| fs::read(folder.path().join(out).join(name)).unwrap())
    };
    let plain = run(folder.path(), &[]);
    assert!(plain.status.success(), "{}", shown(&plain, folder.path()));
    let expected = files("out");
    fs::rename(folder.path().join("out"), folder.path().join("plain")).unwrap();
    let isolated = run(folder.path(), &["--isolate", "--threads", "2"]);
    assert!(isolated.status.success(), "{}", shown(&isolated, folder.path()));
    assert!(files("out") == expected);
    assert_eq!(isolated.stdout, plain.stdout);
}

/// A signal ends an isolated run with its table and the line that goes on, which ends with the bits of a run that nobody
/// stopped.
#[test]
fn an_isolated_run_that_is_stopped_tells_and_goes_on() {
    let folder = write("at: Step(4000000000), how: Abort", 2000);
    let arguments = ["run", "deadly.ron", "--plugin-dir", "plugins", "--isolate", "--out"];
    let alone = command(installation(), &[&arguments[..], &["alone"]].concat())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(alone.status.success(), "{}", shown(&alone, folder.path()));
    let child = command(installation(), &[&arguments[..], &["out"]].concat())
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let arms = folder.path().join("out/arms");
    let begun = || {
        fs::read_dir(&arms).is_ok_and(|mut arms| {
            arms.any(|arm| arm.is_ok_and(|arm| arm.path().join("metrics.jsonl").exists()))
        })
    };
    let since = Instant::now();
    while !begun() {
        assert!(since.elapsed() < Duration::from_mins(1), "training never begins");
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(143), "{text}");
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("stopped)") && table.contains("written to out"), "{text}");
    assert!(text.contains("to go on: ") && text.contains("--isolate"), "{text}");
    let record = RunRecord::read(&fs::read(folder.path().join("out/summary.json")).unwrap()).unwrap();
    assert!(!record.complete && !record.missing.arms.is_empty());
    let again = run(folder.path(), &["--isolate"]);
    assert!(again.status.success(), "{}", shown(&again, folder.path()));
    for name in ["summary.json", "curves.csv", "prompts.csv", "outputs.json", "table.txt"] {
        let read = |run: &str| fs::read(folder.path().join(run).join(name)).unwrap();
        assert!(read("out") == read("alone"), "{name}");
    }
}

/// Where results find no room the table is printed all the same, with the exit code that says so.
#[test]
fn an_isolated_run_without_room_says_so() {
    let folder = write("at: Step(4000000000), how: Abort", 6);
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::write(folder.path().join("store/arms"), "in the way").unwrap();
    let output = run(folder.path(), &["--isolate", "--store", "store"]);
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("cannot be written"), "{text}");
    // What cannot be kept is in the table all the same.
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("first") && !table.contains("stopped"), "{text}");
}

/// Whatever is done with a component that ends its process: it is named.
#[test]
fn other_commands_name_what_ends_them() {
    let folder = write("at: Creation, how: Segfault", 6);
    for command_line in
        [&["validate", "deadly.ron"][..], &["optimum", "deadly.ron"], &["run", "deadly.ron", "--dry-run"]]
    {
        let output = command(installation(), &[command_line, &["--plugin-dir", "plugins"]].concat())
            .current_dir(folder.path())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = shown(&output, folder.path());
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains("objective `deadly` ended the process"), "{text}");
    }
}

/// A library whose code is damaged is named, whatever it does to the process that loads it.
#[test]
fn a_library_that_ends_its_process_is_named() {
    let folder = write("at: Step(1000), how: Abort", 2);
    let path = fs::read_dir(folder.path().join("plugins")).unwrap().next().unwrap().unwrap().path();
    let sound = fs::read(&path).unwrap();
    let mut killed = 0;
    for part in 1..40 {
        let mut bytes = sound.clone();
        let at = bytes.len() / 40 * part;
        let end = at + bytes.len() / 40;
        bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
        fs::write(&path, bytes).unwrap();
        let said = |arguments: &[&str]| {
            let output = command(installation(), arguments).current_dir(folder.path()).output().unwrap();
            (output.status.code(), shown(&output, folder.path()))
        };
        let (code, text) = said(&["plugins", "--plugin-dir", "plugins"]);
        assert!(code.is_some(), "{part}: {text}");
        if text.contains("ended the process") {
            killed += 1;
            assert!(code == Some(3) && text.contains("deadly"), "{part}: {text}");
            let (code, text) = said(&["run", "deadly.ron", "--plugin-dir", "plugins", "--out", "out"]);
            assert!(code == Some(3) && text.contains("deadly"), "{part}: {text}");
            assert!(!folder.path().join("out").exists());
        }
    }
    assert!(killed > 0, "no damage ended a process");
}
