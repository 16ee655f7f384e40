//! Verifiers that are processes, through the whole program: what a run says of their files, that their verdicts are as good as a
//! verifier's of this program, and that none outlives the host.

use crate::support::{answer, command, copy_folder, experiments, folder, host, installation, shown};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// The parity toy, with its verifier in Python.
fn parity(verifier: &str) -> String {
    format!(
        r#"(
    name: "parity",
    task: (
        alphabet: Chars("ab"), horizon: 5, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 2, table: {{"^": [0.3, 0.7], "a": [0.75, 0.25], "b": [0.25, 0.75]}})),
        verifier: {verifier},
    ),
    policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
    objectives: {{"reinforce": (plugin: "reinforce"), "forward-kl": (plugin: "forward-kl")}},
    training: (gradient: Sampled(prompts: 1, group: 32), steps: 4, optimizer: Adam(learning_rate: 0.05)),
    evaluation: (every: 2, k: [1, 4]),
    seeds: [1, 2],
)"#
    )
}

const PROCESS: &str = r#"(plugin: "process", config: (command: ["python3", "even.py"], files: ["pstar_verifier.py"], batch: 7, children: 2))"#;

/// A folder with the experiment and its verifier, which runs `more` besides.
fn written(verifier: &str, more: &str) -> tempfile::TempDir {
    let folder = folder();
    fs::copy(experiments().join("process/pstar_verifier.py"), folder.path().join("pstar_verifier.py"))
        .unwrap();
    fs::write(folder.path().join("it.ron"), parity(verifier)).unwrap();
    let script = format!(
        "{more}\nfrom pstar_verifier import serve\nserve(lambda prompt, response: response.count('a') % 2 == 0)\n"
    );
    fs::write(folder.path().join("even.py"), script).unwrap();
    folder
}

fn ran(folder: &Path, experiment: &str, out: &str) -> Value {
    let output = host(folder, &["run", experiment, "--out", out]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output, folder));
    serde_json::from_slice(&fs::read(folder.join(out).join("summary.json")).unwrap()).unwrap()
}

/// The figures of a run's arms, and what identifies these.
fn arms(summary: &Value) -> (Vec<&Value>, Vec<&Value>) {
    let arms = summary["arms"].as_array().unwrap().iter();
    arms.map(|arm| (&arm["final"], &arm["id"])).unzip()
}

#[test]
fn a_process_says_what_a_verifier_of_this_program_says() {
    let folder = written(PROCESS, "print('debug', flush=True)");
    fs::write(
        folder.path().join("regex.ron"),
        parity(r#"(plugin: "regex", config: (pattern: "(b|ab*a)*"))"#),
    )
    .unwrap();
    let (process, regex) =
        (ran(folder.path(), "it.ron", "process"), ran(folder.path(), "regex.ron", "regex"));
    assert_eq!(arms(&process).0, arms(&regex).0);
    assert_eq!(process["references"], regex["references"]);
}

#[test]
fn a_run_is_made_from_the_files_of_its_verifier() {
    let folder = written(PROCESS, "");
    let first = ran(folder.path(), "it.ron", "out");
    let provenance = fs::read(folder.path().join("out/provenance.json")).unwrap();
    let provenance: Value = serde_json::from_slice(&provenance).unwrap();
    let files = provenance["files"].as_array().unwrap().iter();
    let mut names: Vec<_> = files.map(|file| file["path"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["even.py", "pstar_verifier.py"]);
    // The directory is enough to run it again, wherever it is.
    let elsewhere = self::folder();
    copy_folder(&folder.path().join("out"), &elsewhere.path().join("moved"));
    let moved = ran(elsewhere.path(), "moved/experiment.ron", "again");
    assert_eq!(arms(&moved).0, arms(&first).0);
    // Another script makes other arms.
    let script = folder.path().join("even.py");
    fs::write(&script, fs::read_to_string(&script).unwrap() + "# changed\n").unwrap();
    let changed = ran(folder.path(), "it.ron", "changed");
    assert!(arms(&changed).1.iter().zip(arms(&first).1).all(|(changed, first)| **changed != *first));
}

#[test]
fn a_program_of_the_experiments_folder_is_copied_as_one() {
    let folder =
        written(r#"(plugin: "process", config: (command: ["./even.py"], files: ["pstar_verifier.py"]))"#, "");
    let script = folder.path().join("even.py");
    let text = fs::read_to_string(&script).unwrap();
    fs::write(&script, format!("#!/usr/bin/env python3\n{text}")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let first = ran(folder.path(), "it.ron", "out");
    let elsewhere = self::folder();
    copy_folder(&folder.path().join("out"), &elsewhere.path().join("moved"));
    let moved = ran(elsewhere.path(), "moved/experiment.ron", "again");
    assert_eq!(arms(&moved).0, arms(&first).0);
}

#[test]
fn what_a_process_does_wrong_is_told_where_it_is_configured() {
    for (more, found) in [
        ("raise ImportError('no module of that name')", "ImportError: no module of that name"),
        ("print('hello'); raise SystemExit", "the first line of the process is `hello`"),
    ] {
        let folder = written(PROCESS, more);
        let output = host(folder.path(), &["validate", "it.ron"]);
        let text = shown(&output, folder.path());
        let flat = text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(flat.contains(found) && flat.contains("it.ron:6:"), "{text}");
    }
}

#[test]
fn a_probe_tells_verdicts_and_why_there_are_none() {
    let folder = written(PROCESS, "");
    fs::write(
        folder.path().join("even.py"),
        "from pstar_verifier import serve\nserve(lambda p, r: {'a': 1, 'b': 0}[r])\n",
    )
    .unwrap();
    let arguments =
        ["probe", "verifier", "--plugin", "process", "--config", r#"(command: ["python3", "even.py"])"#];
    let input = "{\"response\": \"a\"}\n{\"response\": \"ab\"}\n{\"response\": \"b\"}\n";
    let output = answer(command(installation(), &arguments).current_dir(folder.path()), input.as_bytes());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "{\"valid\":true}\n{\"valid\":null,\"no_verdict\":\"KeyError: 'ab'\"}\n{\"valid\":false}\n",
        "{}",
        shown(&output, folder.path())
    );
}

#[test]
fn a_dry_run_tells_how_long_verdicts_take() {
    let folder = written(PROCESS, "");
    let script = "import time\nfrom pstar_verifier import serve\nserve(lambda prompt, response: time.sleep(0.002) is None)\n";
    fs::write(folder.path().join("even.py"), script).unwrap();
    let output = host(folder.path(), &["run", "it.ron", "--dry-run", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", shown(&output, folder.path())));
    let verifier = &told["verifier"];
    // 32 outputs; a sleep takes no processor time. Two children sleep at a time.
    assert_eq!((&verifier["calls"], &verifier["outputs"]), (&100.into(), &32.into()));
    let (seconds, all) =
        (verifier["seconds"].as_f64().unwrap(), verifier["enumeration_seconds"].as_f64().unwrap());
    assert!(seconds >= 0.1 && (all - 0.32 * seconds).abs() < 1e-12, "{verifier}");
}

/// Neither one that waits for a question nor one that is busy.
#[cfg(target_os = "linux")]
#[test]
fn no_process_outlives_a_host_that_is_killed() {
    for busy in ["", "while True: pass"] {
        let folder = written(PROCESS, "import os\nopen('number', 'w').write(str(os.getpid()) + '.')");
        if !busy.is_empty() {
            let script = fs::read_to_string(folder.path().join("even.py")).unwrap();
            let script = script.replace("response.count('a') % 2 == 0", "busy(response)");
            let script = format!("def busy(response):\n    open('asked', 'w').close()\n    {busy}\n{script}");
            fs::write(folder.path().join("even.py"), script).unwrap();
        }
        let arguments =
            ["probe", "verifier", "--plugin", "process", "--config", r#"(command: ["python3", "even.py"])"#];
        let mut probe = command(installation(), &arguments);
        let probe = probe
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut host = probe.spawn().unwrap();
        let mut input = host.stdin.take().unwrap();
        // Behind a blank line the probe answers what came.
        writeln!(input, "{{\"response\": \"a\"}}\n").unwrap();
        if busy.is_empty() {
            let mut line = String::new();
            BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "{\"valid\":false}\n");
        } else {
            assert!(soon(|| folder.path().join("asked").exists()));
        }
        let number = fs::read_to_string(folder.path().join("number")).unwrap();
        let number = number.strip_suffix('.').unwrap();
        let is_there =
            || Command::new("kill").args(["-0", number]).stderr(Stdio::null()).status().unwrap().success();
        assert!(is_there());
        host.kill().unwrap();
        host.wait().unwrap();
        assert!(soon(|| !is_there()), "busy: {busy}");
    }
}

/// Whether something comes true before a machine under load would take to do it.
#[cfg(target_os = "linux")]
fn soon(is_so: impl Fn() -> bool) -> bool {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(10) {
        if is_so() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}
