//! What a verifier that asks elsewhere said is kept beside the arms, and not asked for again.

use crate::support::{command, folder, host, installation, shown};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A child that notes every response that it is asked about, and takes its time.
const CHILD: &str = r#"
import json, os, sys, time
sys.stdin.readline()
print('{"pstar": "verifier", "version": 1, "ready": true}', flush=True)
for line in sys.stdin:
    pairs = json.loads(line)["pairs"]
    time.sleep(float(os.environ.get("PAUSE", "0")))
    with open("asked.txt", "a") as asked:
        asked.writelines(response + "\n" for _, _, response in pairs)
    print(json.dumps({"verdicts": [[i, response.count("a") % 2 == 0] for i, _, response in pairs]}), flush=True)
"#;

/// 16,383 outputs.
const EXPERIMENT: &str = r#"(
    name: "kept",
    task: (
        alphabet: Chars("ab"), horizon: 13, ending: EndSymbol,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.45, 0.45, 0.1]})),
        verifier: (plugin: "process", config: (command: ["python3", "child.py"])),
    ),
    policies: {"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)},
    objectives: {"reinforce": (plugin: "reinforce")},
    training: (gradient: Sampled(prompts: 1, group: 64), steps: 20, optimizer: Sgd(learning_rate: 0.1)),
    evaluation: (every: 20, k: [1], optima: false),
    seeds: [1],
)"#;

fn asked(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("asked.txt")).unwrap_or_default();
    let _ = fs::remove_file(folder.join("asked.txt"));
    text.lines().count()
}

fn run(folder: &Path, arguments: &[&str]) {
    let output = host(folder, &[&["run", "kept.ron"], arguments].concat());
    assert!(output.status.success(), "{}", shown(&output, folder));
}

/// What is asked at the start and the end of a run whatever is known: components are asked twice whether they agree with
/// themselves.
const ASKED_ANYWAY: usize = 2 * 1024 + 2 * 64;

#[test]
fn verdicts_are_asked_for_once_among_runs_that_share_a_store() {
    let folder = folder();
    fs::write(folder.path().join("child.py"), CHILD).unwrap();
    fs::write(folder.path().join("kept.ron"), EXPERIMENT).unwrap();
    run(folder.path(), &["--out", "first", "--store", "store"]);
    let all = asked(folder.path());
    assert!(all >= 16_383, "{all}");
    // Another seed of the same task: all outputs are known.
    run(folder.path(), &["--out", "second", "--store", "store", "--set", "seeds=[2]"]);
    let again = asked(folder.path());
    assert!(again <= ASKED_ANYWAY, "{again} of {all}");
    // Nothing of it is in the numbers.
    run(folder.path(), &["--out", "third", "--set", "seeds=[2]"]);
    let summary = |run: &str| fs::read_to_string(folder.path().join(run).join("summary.json")).unwrap();
    assert_eq!(summary("second"), summary("third"));
    // Another verifier shares no verdict.
    asked(folder.path());
    fs::write(folder.path().join("child.py"), format!("{CHILD}\n# changed\n")).unwrap();
    run(folder.path(), &["--out", "fourth", "--store", "store", "--set", "seeds=[3]"]);
    assert!(asked(folder.path()) >= 16_383);
}

/// Killed while the outputs are verified: what was said before is not asked for again.
#[test]
fn a_killed_run_goes_on_with_the_verdicts_that_it_had() {
    let folder = folder();
    fs::write(folder.path().join("child.py"), CHILD).unwrap();
    fs::write(folder.path().join("kept.ron"), EXPERIMENT).unwrap();
    let arguments = ["run", "kept.ron", "--out", "first", "--store", "store"];
    let mut first = command(installation(), &arguments);
    let first = first.current_dir(folder.path()).env("PAUSE", "0.05");
    // Three seconds of requests: it is killed among them.
    let mut child = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let kept = || {
        let folders = fs::read_dir(folder.path().join("store/verdicts")).into_iter().flatten();
        let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap().lines().count()).sum::<usize>()
    };
    let begun = Instant::now();
    while kept() == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "no verdict was kept");
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = kept();
    asked(folder.path());
    run(folder.path(), &["--out", "first", "--store", "store"]);
    let after = asked(folder.path());
    assert!(after <= ASKED_ANYWAY + 16_383 - before, "{after} were asked after {before} were known");
}
