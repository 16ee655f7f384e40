//! A run's directory: what stands in it is whole and of one run, whatever ends the program.

use crate::support::{command, folder, host, installation, registry, shown};
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_lab::run::{RunDirectory, StoreError};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

/// An experiment whose base is estimated from a file of `lines` lines.
fn write(folder: &Path, lines: usize, steps: u32) {
    let text = format!(
        r#"(name: "files",
            task: (
                alphabet: Chars("1+"), prompt_alphabet: Chars("2="), horizon: 3, ending: EndSymbol,
                prompts: List(["2="]),
                base: (plugin: "ngram", config: (order: 2, corpus: "corpus.jsonl", add_k: 1.0)),
                verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt)),
            ),
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: CopyBase)}},
            objectives: {{"reinforce": (plugin: "reinforce")}},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: {steps}, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (optima: false),
            seeds: [1])"#
    );
    fs::write(folder.join("files.ron"), text).unwrap();
    fs::write(folder.join("corpus.jsonl"), corpus(lines)).unwrap();
}

fn corpus(lines: usize) -> String {
    "{\"prompt\": \"2=\", \"response\": \"1+1\"}\n".repeat(lines)
}

fn read(folder: &Path) -> Experiment {
    let path = folder.join("files.ron");
    let text = fs::read_to_string(&path).unwrap();
    let file = ExperimentFile::parse(&path, &text).unwrap_or_else(|error| panic!("{error:?}"));
    check(file, &path, &text, registry()).unwrap_or_else(|error| panic!("{error:?}"))
}

fn start(folder: &Path) -> Child {
    command(installation(), &["run", "files.ron", "--out", "out"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn runs_at_once_never_share_a_directory() {
    let folder = folder();
    write(folder.path(), 100, 5);
    let started: Vec<Child> = (0..4).map(|_| start(folder.path())).collect();
    let outputs: Vec<_> = started.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let won = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!(won, 1);
    for output in outputs.iter().filter(|output| !output.status.success()) {
        let text = shown(output, folder.path());
        assert!(output.status.code() == Some(2) && text.contains("is not empty"), "{text}");
    }
    let mut names: Vec<String> = fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["curves.csv", "experiment.ron", "inputs", "provenance.json", "summary.json", "table.txt"]
    );
}

#[test]
fn a_directory_is_of_one_run_until_that_has_ended() {
    let folder = folder();
    let path = folder.path().join("out");
    let first = RunDirectory::create(&path).unwrap();
    assert!(matches!(RunDirectory::create(&path), Err(StoreError::NotEmpty { .. })));
    drop(first);
    RunDirectory::create(&path).unwrap();
}

/// Killed at moments spread over its first tenth of a second, a run leaves a whole copy of the file or none.
#[test]
fn a_killed_run_leaves_no_half_written_copy() {
    let folder = folder();
    write(folder.path(), 10_000, 1_000_000);
    for moment in 0..12 {
        let mut run = start(folder.path());
        thread::sleep(Duration::from_millis(8 * moment));
        run.kill().unwrap();
        run.wait().unwrap();
        let copy = folder.path().join("out/inputs/corpus.jsonl");
        if copy.exists() {
            assert!(fs::read_to_string(copy).unwrap() == corpus(10_000), "killed after {moment} × 8 ms");
        }
        let _ = fs::remove_dir_all(folder.path().join("out"));
    }
}

/// A limit on the size of files stands for a full disk.
#[cfg(unix)]
#[test]
fn a_copy_that_does_not_fit_is_one_error_and_no_file() {
    let folder = folder();
    write(folder.path(), 1000, 5);
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" run files.ron --out out"])
        .arg(installation().join("host"))
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert_eq!(text.matches('×').count(), 1, "{text}");
    assert!(text.contains("corpus.jsonl` cannot be written"), "{text}");
    assert_eq!(fs::read_dir(folder.path().join("out/inputs")).unwrap().count(), 0);
}

#[test]
fn a_file_that_cannot_be_read_again_is_told_as_such() {
    let folder = folder();
    write(folder.path(), 10, 5);
    let experiment = read(folder.path());
    let file = folder.path().join("corpus.jsonl");
    let directory = RunDirectory::create(&folder.path().join("out")).unwrap();
    let copy = || directory.copy_inputs(&experiment.inputs, &experiment.world.task.directory);
    fs::write(&file, corpus(11)).unwrap();
    assert!(matches!(copy(), Err(StoreError::Changed { path }) if path == file));
    fs::remove_file(&file).unwrap();
    assert!(matches!(copy(), Err(StoreError::Unreadable { path, .. }) if path == file));
    fs::write(&file, corpus(10)).unwrap();
    copy().unwrap();
    let output = host(folder.path(), &["run", "files.ron", "--out", "out"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output, folder.path()));
}
