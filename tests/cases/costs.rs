//! Costs that are told before they are paid, and bounds on what may be asked.

use crate::support::{PARITY_TASK, experiment, folder, host, registry, shown};
use pstar_lab::clock::thread_seconds;
use pstar_lab::run::{Estimate, prepare};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The parity toy with an objective of every plugin that it can have, trained in this way.
fn toy(training: &str, evaluation: &str) -> String {
    format!(
        r#"(name: "toy", {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "reinforce": (plugin: "reinforce"),
                "kl-control": (plugin: "kl-control", config: (lambda: 2.0)),
                "forward-kl": (plugin: "forward-kl"),
            }},
            training: ({training}, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: ({evaluation}),
            seeds: [1, 2])"#
    )
}

fn estimate(training: &str, evaluation: &str) -> Estimate {
    let experiment = experiment(&toy(training, evaluation));
    let prepared = prepare(&experiment, registry()).unwrap_or_else(|error| panic!("{error:?}"));
    Estimate::of(&prepared, 0.0).unwrap()
}

/// Each of the four makes the estimate grow by about as much as it grows itself; half of that leaves room for what does
/// not grow and for the noise of a busy machine.
#[test]
fn an_estimate_grows_with_steps_points_batch_and_optima() {
    let batch = |group: u32| format!("gradient: Sampled(prompts: 1, group: {group})");
    let few = estimate(&format!("{}, steps: 2000", batch(64)), "every: 2000, optima: false");
    let many_steps = estimate(&format!("{}, steps: 200000", batch(64)), "every: 2000, optima: false");
    assert!(many_steps.seconds > 50.0 * few.seconds, "{few:?} {many_steps:?}");
    // Beside a step of two sequences a point of the curve with many figures is dear.
    let k: Vec<String> = (1..=256).map(|k| k.to_string()).collect();
    let points = |every: u32| {
        let evaluation = format!("every: {every}, optima: false, k: [{}]", k.join(", "));
        estimate(&format!("{}, steps: 2000", batch(2)), &evaluation)
    };
    let (few_points, many_points) = (points(2000), points(1));
    assert!(many_points.seconds > 1.5 * few_points.seconds, "{few_points:?} {many_points:?}");
    assert!(many_points.mebibytes > 2.0 * few_points.mebibytes, "{few_points:?} {many_points:?}");
    let large = estimate(&format!("{}, steps: 2000", batch(64 * 1024)), "every: 2000, optima: false");
    assert!(large.seconds > 200.0 * few.seconds, "{few:?} {large:?}");
    assert!(large.mebibytes > 20.0 * few.mebibytes, "{few:?} {large:?}");
    let short = |optima| estimate(&format!("{}, steps: 1", batch(64)), &format!("optima: {optima}"));
    assert!(short(true).seconds > 2.0 * short(false).seconds, "{:?} {:?}", short(true), short(false));
}

/// What a batch takes was measured: 4 GB for sixteen million sequences of at most five symbols.
#[test]
fn a_batch_counts_as_memory() {
    let found = estimate("gradient: Sampled(prompts: 1, group: 16000000), steps: 1", "optima: false");
    // Two arms may be trained at once, or as many as there are threads.
    let at_once = rayon_threads().min(6);
    let gigabytes = found.mebibytes * 1_048_576.0 / 1e9 / at_once as f64;
    assert!((3.0..5.0).contains(&gigabytes), "{gigabytes} GB an arm: {found:?}");
}

fn rayon_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The peak of a run, in bytes.
#[cfg(target_os = "linux")]
fn peak(arguments: &[&str], folder: &Path) -> f64 {
    let script = "\"$0\" \"$@\" >out.txt 2>err.txt & \
        while kill -0 $! 2>/dev/null; do grep VmHWM /proc/$!/status 2>/dev/null >>peak.txt; sleep 0.01; done";
    let host = crate::support::installation().join("host");
    let status =
        Command::new("sh").arg("-c").arg(script).arg(host).args(arguments).current_dir(folder).status();
    assert!(status.unwrap().success());
    let lines = fs::read_to_string(folder.join("peak.txt")).unwrap();
    let kibibytes = lines.lines().filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kibibytes.fold(0.0, f64::max) * 1024.0
}

/// The estimate of a batch that takes most of a run's memory, against the peak that the system reports.
#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_a_batch_is_what_it_takes() {
    let folder = folder();
    let training = |group: u32| format!("gradient: Sampled(prompts: 1, group: {group}), steps: 1");
    let text = toy(&training(2_000_000), "optima: false").replace("seeds: [1, 2]", "seeds: [1]");
    fs::write(folder.path().join("large.ron"), &text).unwrap();
    let large = peak(&["run", "large.ron", "--threads", "1"], folder.path());
    fs::write(folder.path().join("small.ron"), text.replace("group: 2000000", "group: 100")).unwrap();
    fs::remove_file(folder.path().join("peak.txt")).unwrap();
    let small = peak(&["run", "small.ron", "--threads", "1", "--out", "small"], folder.path());
    let output = host(folder.path(), &["run", "large.ron", "--threads", "1", "--dry-run", "--json"]);
    let estimate: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = estimate["mebibytes"].as_f64().unwrap() * 1_048_576.0;
    let taken = large - small;
    // The room that plugins were read into is used again, so that some of the batch does not show.
    assert!((0.5..3.0).contains(&(told / taken)), "told {told:e}, taken {taken:e}");
}

/// With less memory than the run needs it is refused, with the field to change and nothing written.
#[cfg(target_os = "linux")]
#[test]
fn a_run_beyond_the_memory_is_refused() {
    let folder = folder();
    let training = "gradient: Sampled(prompts: 1, group: 16000000), steps: 1";
    fs::write(folder.path().join("toy.ron"), toy(training, "optima: false")).unwrap();
    for arguments in [&["run", "toy.ron"][..], &["run", "toy.ron", "--dry-run"], &["validate", "toy.ron"]] {
        let limited = "ulimit -v 2000000; exec \"$0\" \"$@\"";
        let output = Command::new("sh")
            .args(["-c", limited])
            .arg(crate::support::installation().join("host"))
            .args(arguments)
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let text = shown(&output, folder.path());
        assert_eq!(output.status.code(), Some(2), "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in ["of memory", "1 × 16000000 sequences", "`group` of `training.gradient`"] {
            assert!(words.contains(expected), "{text}");
        }
        assert!(!folder.path().join("runs").exists());
    }
}

#[test]
fn threads_are_capped() {
    let folder = folder();
    fs::write(folder.path().join("toy.ron"), toy("gradient: Population, steps: 1", "")).unwrap();
    for threads in ["0", "1025", "1000000", "18446744073709551615"] {
        let output = host(folder.path(), &["run", "toy.ron", "--threads", threads]);
        let text = shown(&output, folder.path());
        assert!(output.status.code() == Some(2) && text.contains("--threads"), "{text}");
    }
    assert!(!folder.path().join("runs").exists());
}

/// Seconds of processor time that reading and checking an experiment takes.
fn check_seconds(text: &str) -> f64 {
    registry();
    let before = thread_seconds();
    experiment(text);
    thread_seconds() - before
}

/// Ten times as much takes about ten times as long, where pairs compared take a hundred times: twenty lies between.
#[test]
fn checks_are_linear() {
    let seeds = |n: usize| {
        let list: Vec<String> = (0..n).map(|seed| seed.to_string()).collect();
        toy("gradient: Population, steps: 1", "").replace("[1, 2]", &format!("[{}]", list.join(",")))
    };
    let objectives = |n: usize| {
        let list = (0..n).fold(String::new(), |mut list, i| {
            let config = format!("(beta: {})", 0.001 * (i + 1) as f64);
            let _ = write!(list, "\"o{i}\": (plugin: \"kl-control\", config: {config}),");
            list
        });
        toy("gradient: Population, steps: 1", "").replace("objectives: {", &format!("objectives: {{{list}"))
    };
    // A row for each of the contexts that follow a prompt of as many symbols.
    let rows = |n: usize| {
        let width = n.ilog10() as usize;
        let table = (0..n).fold(String::new(), |mut table, i| {
            let _ = write!(table, "\"{i:0width$}\": [{}0.1],", "0.1,".repeat(9));
            table
        });
        let (order, prompt) = (width + 1, "0".repeat(width));
        format!(
            r#"(name: "rows", task: (alphabet: Chars("0123456789"), horizon: 6, ending: FixedLength,
            prompts: List(["{prompt}"]),
            base: (plugin: "ngram", config: (order: {order}, table: {{{table}}})),
            verifier: (plugin: "regex", config: (pattern: "0*"))))"#
        )
    };
    let symbols = |n: usize| {
        let list = (0..n).fold(String::new(), |mut list, i| {
            let _ = write!(list, "\"<{i}>\",");
            list
        });
        let alphabet = format!("alphabet: Chars(\"ab\"), prompt_alphabet: Symbols([{list}])");
        toy("gradient: Population, steps: 1", "")
            .replace("alphabet: Chars(\"ab\")", &alphabet)
            .replace(
                "order: 2, table: {\"^\": [0.3, 0.7], \"a\": [0.75, 0.25], \"b\": [0.25, 0.75]}",
                "order: 1, table: {\"\": [0.5, 0.5]}",
            )
            .replace("config: (order: 2)", "config: (order: 1)")
    };
    for (name, some, many) in [
        ("symbols", symbols(1000), symbols(10_000)),
        ("seeds", seeds(10_000), seeds(100_000)),
        ("objectives", objectives(1000), objectives(10_000)),
        ("rows", rows(1000), rows(10_000)),
    ] {
        let (some, many) = (check_seconds(&some), check_seconds(&many));
        assert!(many < 20.0 * some, "{name}: {some} s, and {many} s for ten times as many");
    }
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_no_files() {
    let folder = folder();
    let status = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(status.success());
    let sound = toy("gradient: Population, steps: 1", "");
    let base = "config: (order: 2, table: {\"^\": [0.3, 0.7], \"a\": [0.75, 0.25], \"b\": [0.25, 0.75]})";
    assert!(sound.contains(base));
    for (file, kind) in
        [("pipe", "a pipe"), ("/dev/zero", "a device"), ("/dev/null", "a device"), (".", "a directory")]
    {
        let corpus = sound.replace(base, &format!("config: (order: 2, corpus: \"{file}\")"));
        fs::write(folder.path().join("corpus.ron"), corpus).unwrap();
        let prompts = sound.replace("horizon: 5,", &format!("horizon: 5, prompts: File(\"{file}\"),"));
        fs::write(folder.path().join("prompts.ron"), prompts).unwrap();
        for arguments in [["validate", file], ["validate", "corpus.ron"], ["validate", "prompts.ron"]] {
            let output = host(folder.path(), &arguments);
            let text = shown(&output, folder.path());
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
            let expected = format!("it is {kind}, expected a regular file");
            assert!(words.contains(&expected), "{arguments:?}: {text}");
        }
    }
}

/// A line of two million symbols is read, a corpus beyond the limit is refused by its size alone.
#[test]
fn huge_corpora_are_read_or_refused() {
    let folder = folder();
    let sound = toy("gradient: Population, steps: 1", "").replace(
        "config: (order: 2, table: {\"^\": [0.3, 0.7], \"a\": [0.75, 0.25], \"b\": [0.25, 0.75]})",
        "config: (order: 2, corpus: \"corpus.txt\", add_k: 1.0)",
    );
    fs::write(folder.path().join("toy.ron"), sound).unwrap();
    fs::write(folder.path().join("corpus.txt"), "ab".repeat(1_000_000)).unwrap();
    let output = host(folder.path(), &["validate", "toy.ron"]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    // A file with a hole takes no room.
    fs::File::create(folder.path().join("corpus.txt")).unwrap().set_len(1 << 30).unwrap();
    let output = host(folder.path(), &["validate", "toy.ron"]);
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("1073741824 bytes"), "{text}");
}

/// One prompt that is too much spares the others: the bound on states holds for the whole preparation, not for each of
/// a hundred prompts, and a layer is left as soon as it is passed.
#[test]
fn preparation_ends_where_it_is_known_to_be_in_vain() {
    let folder = folder();
    let prompts: Vec<String> = (10..99).map(|target| format!("\"{target}=\"")).collect();
    let text = format!(
        r#"(name: "vain", task: (alphabet: Chars("0123456789+-*"), prompt_alphabet: Chars("="), horizon: 20, ending: EndSymbol,
            prompts: List([{}]),
            base: (plugin: "ngram", config: (order: 1, table: {{"": [{}]}})),
            verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt))),
            policies: {{"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)}},
            objectives: {{"forward-kl": (plugin: "forward-kl", config: (partition: Exact))}},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
            exact: (max_states: 20000), seeds: [1])"#,
        prompts.join(", "),
        ["0.05"; 12].join(", ") + ", 0.2, 0.2"
    );
    fs::write(folder.path().join("vain.ron"), text).unwrap();
    let output = host(folder.path(), &["validate", "vain.ron"]);
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(2), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("more than 20000 states"), "{text}");
}
