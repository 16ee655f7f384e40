//! Runs that are killed, disturbed and damaged: what they give in the end is what they would have given at once.
#![cfg(target_os = "linux")]

use crate::run_directory::contents;
use crate::support::{command, copy_folder, folder, installation, library, shown, test_library};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Steps of an arm that takes some tenths of a second.
const STEPS: u32 = 400;

/// Two objectives and two seeds: four arms.
const OBJECTIVES: &str = r#""reinforce": (plugin: "reinforce"),
    "forward-kl": (plugin: "forward-kl", config: (partition: Running)),"#;

fn experiment(name: &str, objectives: &str, steps: u32) -> String {
    format!(
        r#"(
            name: "{name}",
            task: (
                alphabet: Chars("ab"), horizon: 6, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 1, table: {{"": [0.5, 0.5]}})),
                verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
            ),
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{{objectives}}},
            training: (gradient: Sampled(prompts: 1, group: 16), steps: {steps}, optimizer: Adam(learning_rate: 0.01)),
            evaluation: (every: {}, k: [1], optima: true),
            seeds: [1, 2],
        )"#,
        steps.div_ceil(5)
    )
}

/// A folder with the experiment in `run.ron`, as `host run run.ron --out out` is to be told in it.
fn place(steps: u32) -> TempDir {
    let folder = folder();
    fs::write(folder.path().join("run.ron"), experiment("run", OBJECTIVES, steps)).unwrap();
    folder
}

const RUN: [&str; 6] = ["run", "run.ron", "--out", "out", "--threads", "2"];

fn start(folder: &Path, more: &[&str]) -> Child {
    command(installation(), &[&RUN, more].concat())
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn run(folder: &Path, more: &[&str]) -> Output {
    start(folder, more).wait_with_output().unwrap()
}

/// What a run that nobody disturbs writes, and how long it takes.
fn undisturbed(folder: &Path, more: &[&str]) -> (BTreeMap<String, Vec<u8>>, Duration) {
    let begun = Instant::now();
    let output = run(folder, more);
    assert!(output.status.success(), "{}", shown(&output, folder));
    let length = begun.elapsed();
    let files = contents(&folder.join("out"));
    fs::remove_dir_all(folder.join("out")).unwrap();
    (files, length)
}

/// That a directory holds these files, byte by byte.
fn assert_same(found: &Path, expected: &BTreeMap<String, Vec<u8>>, after: &str) {
    let found = contents(found);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(expected), "{after}");
    for (name, bytes) in &found {
        assert!(bytes == &expected[name], "{after}: {name} differs");
    }
}

/// Numbers that are the same in every run of the tests: Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

/// Whether the process ends before the moment.
fn ends_before(child: &mut Child, moment: Instant) -> bool {
    while Instant::now() < moment {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        sleep(Duration::from_millis(1));
    }
    false
}

/// Whether every thread of a process is stopped, or it has ended.
fn all_stopped(child: &Child) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{}/task", child.id())) else { return true };
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state stands behind the name, which is in brackets.
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        state.is_none_or(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
    })
}

/// The power goes: of what the processes were doing nothing but the files is left, as they stand.
fn cut_power(mut child: Child, folder: &Path) {
    send("STOP", &child);
    // A signal is sent before it is obeyed: until every thread has, files come and go under the copy.
    let end = Instant::now() + Duration::from_secs(10);
    while !all_stopped(&child) && Instant::now() < end {
        sleep(Duration::from_millis(1));
    }
    let (out, copy) = (folder.join("out"), folder.join("copy"));
    if out.exists() {
        copy_folder(&out, &copy);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = fs::remove_dir_all(&out);
    if copy.exists() {
        fs::rename(copy, out).unwrap();
    }
}

#[test]
fn twenty_kills_cost_no_bit() {
    let folder = place(STEPS);
    let (expected, length) = undisturbed(folder.path(), &[]);
    let (out, length) = (folder.path().join("out"), u64::try_from(length.as_millis()).unwrap());
    let mut random = Random(0x5eed);
    let mut kills = 0;
    while kills < 20 {
        let more = if random.below(4) == 0 { ["--checkpoint", "0"] } else { ["--checkpoint", "1"] };
        let mut child = start(folder.path(), &more);
        let moment = Instant::now() + Duration::from_millis(random.below(length));
        if ends_before(&mut child, moment) {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", shown(&output, folder.path()));
            assert_same(&out, &expected, &format!("after {kills} kills"));
            fs::remove_dir_all(&out).unwrap();
            continue;
        }
        kills += 1;
        match random.below(3) {
            0 => {
                send("KILL", &child);
                child.wait().unwrap();
            }
            1 => {
                send("TERM", &child);
                let output = child.wait_with_output().unwrap();
                // By the signal before there is anything to keep; and one that comes at the very end has nothing to end.
                assert!(
                    matches!(output.status.code(), None | Some(143 | 0)),
                    "{}",
                    shown(&output, folder.path())
                );
            }
            _ => cut_power(child, folder.path()),
        }
    }
    let output = run(folder.path(), &[]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    assert_same(&out, &expected, "at the end");
}

/// Eight pairs of processes that are started at once with one directory.
#[test]
fn of_two_starts_at_once_none_is_mixed_with_the_other() {
    let folder = place(40);
    let (ours, _) = undisturbed(folder.path(), &[]);
    let other = ["--set", "training.steps=50"];
    let (theirs, _) = undisturbed(folder.path(), &other);
    let out = folder.path().join("out");
    for pair in 0..8 {
        let second: &[&str] = if pair % 2 == 0 { &[] } else { &other };
        let children = [start(folder.path(), &[]), start(folder.path(), second)];
        let outputs = children.map(|child| child.wait_with_output().unwrap());
        let codes = outputs.each_ref().map(|output| output.status.code());
        let said = outputs.each_ref().map(|output| shown(output, folder.path())).join("\n");
        let expected = match (pair % 2, codes) {
            (0, [Some(0), Some(0)]) | (1, [Some(0), Some(2)]) => &ours,
            (1, [Some(2), Some(0)]) => &theirs,
            _ => panic!("pair {pair}: {said}"),
        };
        assert_same(&out, expected, &format!("pair {pair}: {said}"));
        if pair % 2 == 1 {
            let provenance = fs::read_to_string(out.join("provenance.json")).unwrap();
            assert!(!provenance.contains("arms_found"), "the refused one is a part of the run: {provenance}");
        }
        fs::remove_dir_all(&out).unwrap();
    }
}

/// Workers that end at once find the run complete: none of them stumbles over what another clears away.
#[test]
fn workers_that_end_at_once_are_not_in_each_others_way() {
    let folder = place(5);
    let (expected, _) = undisturbed(folder.path(), &[]);
    let out = folder.path().join("out");
    for round in 0..6 {
        assert!(run(folder.path(), &["--prepare"]).status.success());
        let worker = |_| {
            let mut worker = command(installation(), &["worker", "out", "--threads", "1"]);
            worker.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let workers: Vec<Child> = (0..6).map(worker).collect();
        for worker in workers {
            let output = worker.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {}", shown(&output, folder.path()));
        }
        // The command that made the directory finds nothing left to do.
        let last = run(folder.path(), &[]);
        assert!(shown(&last, folder.path()).contains("nothing is left to do"), "round {round}");
        assert_same(&out, &expected, &format!("round {round}"));
        fs::remove_dir_all(&out).unwrap();
    }
}

fn arms(out: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(out.join("arms")).unwrap();
    let mut arms: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    arms.sort();
    arms
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// What befalls the first of two arms, and what is said of it; or the run's directory, of which nothing need be said.
type Damage = (&'static str, fn(&Path, &Path), &'static str);

const DAMAGES: [Damage; 23] = [
    (
        "another version",
        |a, _| edit(&a.join("result.json"), "\"version\": 1", "\"version\": 9"),
        "of version 9, expected 1",
    ),
    ("a short result", |a, _| cut(&a.join("result.json")), "its result cannot be read"),
    ("an empty result", |a, _| fs::write(a.join("result.json"), "").unwrap(), "its result cannot be read"),
    (
        "a folder for a result",
        |a, _| {
            fs::remove_file(a.join("result.json")).unwrap();
            fs::create_dir(a.join("result.json")).unwrap();
        },
        "its `result.json` cannot be read",
    ),
    (
        "a changed figure",
        |a, _| edit(&a.join("result.json"), "\"entropy\": ", "\"entropy\": 1"),
        "is not what was written",
    ),
    ("a flipped bit of the result", |a, _| flip(&a.join("result.json")), "result"),
    ("changed metrics", |a, _| flip(&a.join("metrics.jsonl")), "its `metrics.jsonl` is not what was written"),
    ("no metrics", |a, _| fs::remove_file(a.join("metrics.jsonl")).unwrap(), "its `metrics.jsonl` is not"),
    (
        "changed parameters",
        |a, _| flip(&a.join("parameters.safetensors")),
        "its `parameters.safetensors` is not",
    ),
    (
        "no parameters",
        |a, _| fs::remove_file(a.join("parameters.safetensors")).unwrap(),
        "its `parameters.safetensors` is not",
    ),
    (
        "the result of another arm",
        |a, b| {
            for name in ["result.json", "metrics.jsonl", "parameters.safetensors", "prompts.json"] {
                fs::copy(b.join(name), a.join(name)).unwrap();
            }
        },
        "its result is of the arm",
    ),
    (
        "a checkpoint that is none",
        |a, _| {
            fs::remove_file(a.join("result.json")).unwrap();
            fs::write(a.join("checkpoint"), [0xff, 0, 0xfe]).unwrap();
        },
        "its checkpoint is no text: it starts again",
    ),
    (
        "a claim that is none",
        |a, _| {
            fs::remove_file(a.join("result.json")).unwrap();
            fs::write(a.join("claim.7"), "mine").unwrap();
        },
        "",
    ),
    (
        "a claim and a checkpoint beside a result",
        |a, _| {
            fs::write(a.join("claim.1"), "mine").unwrap();
            fs::write(a.join("checkpoint"), "").unwrap();
            fs::write(a.join(".0123456789abcdef.abcdef.tmp"), "half").unwrap();
        },
        "",
    ),
    ("no arm's folder", |a, _| fs::remove_dir_all(a).unwrap(), ""),
    ("no arms", |a, _| fs::remove_dir_all(a.parent().unwrap()).unwrap(), ""),
    ("no provenance", |a, _| fs::remove_file(a.join("../../provenance.json")).unwrap(), ""),
    ("a short provenance", |a, _| cut(&a.join("../../provenance.json")), ""),
    ("no curves", |a, _| fs::remove_file(a.join("../../curves.csv")).unwrap(), ""),
    ("no figures of prompts", |a, _| fs::remove_file(a.join("../../prompts.csv")).unwrap(), ""),
    ("no outputs", |a, _| fs::remove_file(a.join("../../outputs.json")).unwrap(), ""),
    (
        "an arm's short figures of prompts",
        |a, _| cut(&a.join("prompts.json")),
        "its `prompts.json` is not what was written: it is run again",
    ),
    (
        "an arm without its figures of prompts",
        |a, _| fs::remove_file(a.join("prompts.json")).unwrap(),
        "its `prompts.json` is not what was written: it is run again",
    ),
];

/// Whatever is damaged is worked out anew, with a word, and nothing else is.
#[test]
fn what_is_damaged_is_run_again() {
    let folder = place(40);
    assert!(run(folder.path(), &[]).status.success());
    let (out, whole) = (folder.path().join("out"), folder.path().join("whole"));
    copy_folder(&out, &whole);
    let expected = contents(&whole);
    for (name, damage, word) in DAMAGES {
        let found = arms(&out);
        damage(&found[0], &found[1]);
        let changed: BTreeSet<PathBuf> = arms_changed(&found, || {
            let output = run(folder.path(), &[]);
            let said = shown(&output, folder.path());
            assert!(output.status.success(), "{name}: {said}");
            assert!(said.contains(word), "{name}: {said}");
            assert_eq!(
                said.contains("it is run again") || said.contains("it starts again"),
                !word.is_empty(),
                "{name}: {said}"
            );
            assert_same(&out, &expected, &format!("{name}: {said}"));
        });
        assert!(name == "no arms" || changed.iter().all(|arm| *arm == found[0]), "{name}: {changed:?}");
        fs::remove_dir_all(&out).unwrap();
        copy_folder(&whole, &out);
    }
    // Of the run's own files, with every arm's result there.
    let first_byte = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[0] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    // A digit that is another one would be a record still: it is the arms' results that are sealed.
    for damage in [cut, first_byte, |path: &Path| fs::write(path, "").unwrap()] {
        damage(&out.join("summary.json"));
        let output = run(folder.path(), &[]);
        assert!(output.status.success(), "{}", shown(&output, folder.path()));
        assert_same(&out, &expected, "summary.json");
    }
}

/// The arms whose results are written anew meanwhile.
fn arms_changed(arms: &[PathBuf], work: impl FnOnce()) -> BTreeSet<PathBuf> {
    // The number of a file that is gone is used again, so that the time of the last change is part of it.
    let identity = |arm: &PathBuf| {
        let file = fs::metadata(arm.join("result.json")).ok()?;
        Some((file.ino(), file.ctime(), file.ctime_nsec()))
    };
    let before: Vec<_> = arms.iter().map(identity).collect();
    work();
    arms.iter()
        .zip(before)
        .filter(|(arm, before)| identity(arm) != *before)
        .map(|(arm, _)| arm.clone())
        .collect()
}

/// A run whose arms have all ended, one of them in failure, is not one of which nothing is left to do.
#[test]
fn what_failed_is_tried_again() {
    let folder = folder();
    let plugin = test_library("faulty");
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::copy(&plugin, folder.path().join("plugins").join(plugin.file_name().unwrap())).unwrap();
    let panics = r#""panics": (plugin: "misbehaving", config: (step: 2, how: Panic)),"#;
    let text = experiment("run", &format!("{OBJECTIVES} {panics}"), 40);
    fs::write(folder.path().join("run.ron"), text).unwrap();
    let first = run(folder.path(), &["--plugin-dir", "plugins"]);
    assert_eq!(first.status.code(), Some(4), "{}", shown(&first, folder.path()));
    let (out, expected) = (folder.path().join("out"), contents(&folder.path().join("out")));
    let known = arms(&out);
    let changed = arms_changed(&known, || {
        let second = run(folder.path(), &["--plugin-dir", "plugins"]);
        let said = shown(&second, folder.path());
        assert!(second.status.code() == Some(4) && said.contains("4 of 6 arms are done already"), "{said}");
    });
    assert_eq!(changed.len(), 2);
    assert_same(&out, &expected, "once more");
}

/// Files that are of no run stay where they are, and do not keep an arm from being run.
#[test]
fn foreign_files_beside_a_result_are_left_alone() {
    let folder = place(40);
    assert!(run(folder.path(), &[]).status.success());
    let out = folder.path().join("out");
    let note = arms(&out)[0].join("note.txt");
    fs::write(&note, "mine").unwrap();
    fs::remove_file(arms(&out)[0].join("result.json")).unwrap();
    fs::remove_file(out.join("summary.json")).unwrap();
    assert!(run(folder.path(), &[]).status.success());
    assert_eq!(fs::read_to_string(note).unwrap(), "mine");
    assert!(arms(&out)[0].join("result.json").exists());
}

/// The checkpoints of arms that are on their way, by folder.
fn checkpoints(folder: &Path, more: &[&str]) -> Vec<PathBuf> {
    let mut child = start(folder, &[&["--checkpoint", "0"], more].concat());
    let out = folder.join("out");
    let begun = Instant::now();
    let found = || -> Vec<PathBuf> {
        let arms = fs::read_dir(out.join("arms")).into_iter().flatten().flatten();
        arms.map(|arm| arm.path().join("checkpoint")).filter(|path| path.exists()).collect()
    };
    while found().len() < 2 {
        assert!(begun.elapsed() < Duration::from_mins(1), "no checkpoints");
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    found()
}

/// A state of another arm fits this one in all but what it is: it is not taken.
#[test]
fn the_checkpoint_of_another_is_not_taken() {
    let folder = place(STEPS);
    let (expected, _) = undisturbed(folder.path(), &[]);
    let out = folder.path().join("out");
    let of_other = checkpoints(folder.path(), &["--set", "training.optimizer=Sgd(learning_rate: 0.01)"]);
    let sgd = fs::read(&of_other[0]).unwrap();
    fs::remove_dir_all(&out).unwrap();
    let of_arms = checkpoints(folder.path(), &[]);
    fs::copy(&of_arms[0], &of_arms[1]).unwrap();
    fs::write(&of_arms[0], sgd).unwrap();
    let output = run(folder.path(), &[]);
    let said = shown(&output, folder.path());
    assert_eq!(said.matches("its checkpoint is of the arm").count(), 2, "{said}");
    assert_same(&out, &expected, &said);
}

/// A limit on the size of files stands for a full disk: what does not fit is told, and the same command ends it later.
#[test]
fn a_full_disk_costs_no_table() {
    let folder = place(40);
    let every = ["--set", "evaluation.every=1"];
    let (short, _) = undisturbed(folder.path(), &[]);
    let (long, _) = undisturbed(folder.path(), &every);
    // In blocks of 512 bytes: not even the experiment fits, and nothing is begun; all but the summary does; the curves of
    // arms do not.
    let none: &[&str] = &[];
    for (blocks, more, expected, table) in
        [(1, none, &short, false), (14, none, &short, true), (20, &every, &long, true)]
    {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(installation().join("host"))
            .args([&RUN, more].concat())
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .env_remove("PSTAR_PLUGIN_PATH")
            .output()
            .unwrap();
        assert_told(&output, folder.path(), table);
        let output = run(folder.path(), more);
        assert!(output.status.success(), "{}", shown(&output, folder.path()));
        assert_same(&folder.path().join("out"), expected, "once there is room");
        fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

/// That a run told that files could not be written, and its table all the same.
fn assert_told(output: &Output, folder: &Path, table: bool) {
    let said = shown(output, folder);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("cannot be written"), "{said}");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(out.contains("forward-kl") && out.contains("every arm: "), table, "{said}");
}

/// Where arms can be written nowhere they are trained all the same; the same command keeps them once they can.
#[test]
fn a_store_that_cannot_be_written_costs_no_table() {
    let folder = place(40);
    let (expected, _) = undisturbed(folder.path(), &[]);
    let out = folder.path().join("out");
    assert!(run(folder.path(), &["--prepare"]).status.success());
    fs::remove_dir_all(out.join("arms")).unwrap();
    fs::write(out.join("arms"), "").unwrap();
    assert_told(&run(folder.path(), &[]), folder.path(), true);
    fs::remove_file(out.join("arms")).unwrap();
    let output = run(folder.path(), &[]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    assert_same(&out, &expected, "once it can be written");
}

#[test]
fn a_directory_that_is_removed_in_mid_run_costs_no_table_and_does_not_come_back_in_part() {
    let folder = place(STEPS);
    let (expected, _) = undisturbed(folder.path(), &[]);
    let out = folder.path().join("out");
    let child = start(folder.path(), &[]);
    let begun = Instant::now();
    while fs::read_dir(out.join("arms")).map_or(0, Iterator::count) < 2 {
        assert!(begun.elapsed() < Duration::from_mins(1), "no arms");
        sleep(Duration::from_millis(1));
    }
    while fs::remove_dir_all(&out).is_err() {}
    assert_told(&child.wait_with_output().unwrap(), folder.path(), true);
    assert!(!out.exists());
    let output = run(folder.path(), &[]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    assert_same(&out, &expected, "once more");
}

/// Of two experiments that share a store, the second runs what the first one has not; and so does the same one with a plugin
/// that was built anew.
#[test]
fn what_is_known_is_not_run_again() {
    let folder = folder();
    let installed = folder.path().join("host");
    copy_folder(installation(), &installed);
    let write = |name: &str, objectives: &str| {
        fs::write(folder.path().join(format!("{name}.ron")), experiment(name, objectives, 40)).unwrap();
    };
    write("first", OBJECTIVES);
    write("second", &format!("{OBJECTIVES} \"kl\": (plugin: \"kl-control\", config: (lambda: 2.0)),"));
    let run = |name: &str| {
        let file = format!("{name}.ron");
        let words = ["run", &file, "--out", name, "--store", "store", "--threads", "2"];
        let output = command(&installed, &words).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", shown(&output, folder.path()));
        shown(&output, folder.path())
    };
    run("first");
    let store = folder.path().join("store");
    let known = arms(&store);
    assert_eq!(known.len(), 4);
    let changed = arms_changed(&known, || assert!(run("second").contains("4 of 6 arms are done already")));
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(arms(&store).len(), 6);
    // Whatever is behind the end of a library leaves it what it is, but for its hash.
    let name = library("forward_kl").file_name().unwrap().to_owned();
    let mut bytes = fs::read(installed.join(&name)).unwrap();
    bytes.extend(b"anew");
    fs::remove_file(installed.join(&name)).unwrap();
    fs::write(installed.join(&name), bytes).unwrap();
    let known = arms(&store);
    let changed = arms_changed(&known, || assert!(run("second").contains("4 of 6 arms are done already")));
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(arms(&store).len(), 8);
}
