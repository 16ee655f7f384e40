//! A run's directory: what stands in it is whole and of one run, whatever ends the program.

use crate::support::{command, folder, host, installation, registry, shown};
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_run::{DirectoryError, RunDirectory};
use std::collections::BTreeMap;
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

/// The files of a directory, but for provenance and where processes leave their signs.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_string();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files.remove("provenance.json");
    files
}

/// Of one experiment they share the work; of another none but the first has anything written.
#[test]
fn runs_at_once_share_a_directory_if_they_are_one_experiment() {
    let folder = folder();
    write(folder.path(), 100, 5);
    let started: Vec<Child> = (0..4).map(|_| start(folder.path())).collect();
    for child in started {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", shown(&output, folder.path()));
    }
    let together = contents(&folder.path().join("out"));
    let alone = host(folder.path(), &["run", "files.ron", "--out", "alone"]);
    assert!(alone.status.success());
    assert_eq!(together, contents(&folder.path().join("alone")));
    let names: Vec<&str> = together.keys().map(|name| name.rsplit('/').next().unwrap()).collect();
    let of_arm = ["metrics.jsonl", "parameters.safetensors", "prompts.json", "result.json", "spec.ron"];
    let of_run = [
        "curves.csv",
        "experiment.ron",
        "corpus.jsonl",
        "outputs.json",
        "prompts.csv",
        "report.html",
        "summary.json",
        "table.txt",
    ];
    assert_eq!(names, [&of_arm[..], &of_run].concat());
    let other = host(folder.path(), &["run", "files.ron", "--out", "out", "--set", "training.steps=6"]);
    let text = shown(&other, folder.path());
    assert_eq!(other.status.code(), Some(2), "{text}");
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("differs in `training.steps` (`5` there, `6` here)"), "{said}");
    assert_eq!(contents(&folder.path().join("out")), together);
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
    let directory = RunDirectory::at(&folder.path().join("out"));
    let copy = || directory.copy_inputs(&experiment.inputs, &experiment.world.task.directory);
    fs::write(&file, corpus(11)).unwrap();
    assert!(matches!(copy(), Err(DirectoryError::Changed { path }) if path == file));
    fs::remove_file(&file).unwrap();
    assert!(matches!(copy(), Err(DirectoryError::Unreadable { path, .. }) if path == file));
    fs::write(&file, corpus(10)).unwrap();
    copy().unwrap();
    // A directory with files of no run is nobody's.
    let output = host(folder.path(), &["run", "files.ron", "--out", "out"]);
    let text = shown(&output, folder.path());
    assert!(output.status.code() == Some(2) && text.contains("holds files that are of no run"), "{text}");
}
