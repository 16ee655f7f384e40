//! What is underlined and quoted, and what reaches standard output.

use crate::support::{answer, command, folder, host, installation, test_library};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A sound experiment that the tests change in one place.
const SOUND: &str = r#"(
    name: "sound",
    task: (
        alphabet: Chars("ab"),
        horizon: 3,
        ending: EndSymbol,
        prompts: List([""]),
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.4, 0.4, 0.2]})),
        verifier: (plugin: "regex", config: (pattern: "a*")),
    ),
    policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
    objectives: {"kl": (plugin: "kl-control", config: (lambda: 2.0))},
    training: (gradient: Sampled(prompts: 1, group: 4), steps: 2, optimizer: Sgd(learning_rate: 0.1)),
    seeds: [1, 2],
)
"#;

fn case(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    folder.join(name).to_string_lossy().into_owned()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is wrong with the sound experiment where `from` is replaced by `to`.
fn problem(from: &str, to: &str) -> Value {
    let folder = folder();
    assert!(SOUND.contains(from), "{from}");
    fs::write(folder.path().join("broken.ron"), SOUND.replacen(from, to, 1)).unwrap();
    let output = host(folder.path(), &["validate", "broken.ron", "--json"]);
    assert_eq!(output.status.code(), Some(2), "{to}: {}", out(&output));
    assert_eq!(err(&output), "");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["valid"], false);
    answer["problems"][0].clone()
}

/// The host with something on its standard input.
fn ask(input: &[u8], arguments: &[&str]) -> Output {
    answer(&mut command(installation(), arguments), input)
}

const VERIFIER: [&str; 6] = ["probe", "verifier", "--plugin", "regex", "--config", "(pattern: \"a*\")"];

#[test]
fn complaints_after_the_first_check_are_underlined() {
    let folder = folder();
    for (arguments, underlined, line) in [
        (&["validate", &case("no-valid.ron")][..], "       ───────", "verifier: (plugin: \"regex\""),
        (&["exact", &case("toolarge.ron"), "--method", "enumeration"], " ──\n", "horizon: 40"),
    ] {
        let output = host(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        let text = err(&output);
        assert!(text.contains(underlined) && text.contains(line), "{text}");
    }
    for (from, to, underlined) in [
        ("seeds: [1, 2]", "seeds: []", "[]"),
        ("(order: 1), start: FitBase", "(order: 2), start: CopyBase", "CopyBase"),
        ("(lambda: 2.0)", "(mu: 0.01)", "0.01"),
        ("group: 4", "group: 1", "(lambda: 2.0)"),
    ] {
        let problem = problem(from, to);
        assert_eq!(problem["place"]["text"], underlined, "{problem}");
    }
}

/// The patterns are of the first and of the second kind; `(a|b){20}` behind an `a` has 2^21 states.
#[test]
fn patterns_without_states_are_told_apart() {
    let folder = folder();
    let told = |pattern: &str| {
        let set = format!("task.verifier.config.pattern={pattern}");
        let output = host(folder.path(), &["exact", &case("regex_states.ron"), "--set", &set]);
        assert_eq!(output.status.code(), Some(2), "{}", out(&output));
        err(&output).replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let large = told("\"(a|b)*a(a|b){20}\"");
    assert!(large.contains("needs too many states"), "{large}");
    let boundary = told(r#""\\bab*""#);
    assert!(boundary.contains("word boundary") && boundary.contains(r"(?-u:\b)"), "{boundary}");
    // The advice helps: a word boundary of ASCII, behind which a response of 40 symbols has one a and 39 b.
    let output = host(
        folder.path(),
        &[
            "exact",
            &case("regex_states.ron"),
            "--set",
            r#"task.verifier.config.pattern="(?-u:\\b)ab*""#,
            "--json",
        ],
    );
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["prompts"][0]["valid_outputs"], "1");
}

#[test]
fn numbers_are_told_as_they_were_written() {
    for (from, to, message, underlined) in [
        ("horizon: 3", "horizon: -1", "expected a whole number of at least 0, found `-1`", "-1"),
        ("horizon: 3", "horizon: 3.0", "expected a whole number, found `3.0`", "3.0"),
        ("horizon: 3", "horizon: 3e0", "expected a whole number, found `3e0`", "3e0"),
        ("steps: 2", "steps: -7", "expected a whole number of at least 0, found `-7`", "-7"),
        (
            "[1, 2]",
            "[1, 18446744073709551616]",
            "expected a whole number of at most 18446744073709551615, found `18446744073709551616`",
            "18446744073709551616",
        ),
        (
            "(order: 1, table",
            "(order: -1, table",
            "base model `ngram`: expected a whole number of at least 0, found `-1`",
            "-1",
        ),
        (
            "(order: 1, table",
            "(order: 1.5, table",
            "base model `ngram`: expected a whole number, found `1.5`",
            "1.5",
        ),
    ] {
        let problem = problem(from, to);
        assert_eq!((&problem["message"], &problem["place"]["text"]), (&message.into(), &underlined.into()));
    }
}

#[test]
fn values_for_choices_and_other_files_are_explained() {
    let verifier = "(plugin: \"regex\", config: (pattern: \"a*\"))";
    let wrong = "(plugin: \"arithmetic-expression\", config: (target: 7))";
    let problem_of = |from, to| {
        let problem = problem(from, to);
        (problem["message"].as_str().unwrap().to_string(), problem["hint"].as_str().unwrap_or("").to_string())
    };
    let (message, hint) = problem_of(verifier, wrong);
    assert_eq!(message, "verifier `arithmetic-expression`: expected a choice by its name, found `7`");
    assert!(hint.starts_with("did you mean `Value(7)`?"), "{hint}");
    let (_, hint) = problem_of("Chars(\"ab\")", "\"ab\"");
    assert!(hint.starts_with("did you mean `Chars(\"ab\")`?"), "{hint}");
    let nested = format!("List({}", "[".repeat(300));
    for to in ["hello", "[1, 2]", "", "List([1", &nested] {
        let from = if to.starts_with("List") { "List([\"\"])" } else { SOUND };
        let (message, hint) = problem_of(from, to);
        for word in ["ExperimentFile", "struct", "ron::", "Options", "RON", "identifier"] {
            assert!(!message.contains(word) && !hint.contains(word), "{message} {hint}");
        }
    }
}

#[test]
fn the_field_at_fault_is_underlined() {
    let alphabet = "alphabet: Chars(\"ab\")";
    let place = |to: &str| problem(alphabet, to)["place"]["text"].as_str().unwrap().to_string();
    assert_eq!(place("alphabet: Chars(\"ab\"), prompt_alphabet: Chars(\"cc\")"), "Chars(\"cc\")");
    assert_eq!(place("alphabet: Chars(\"ab\"), prompt_alphabet: Symbols([\"\"])"), "Symbols([\"\"])");
    assert_eq!(place("alphabet: Chars(\"aa\"), prompt_alphabet: Chars(\"c\")"), "Chars(\"aa\")");
}

/// P(`^$`) = P(^ | start) P($ | ^) P(end | $), by the table.
#[test]
fn a_caret_and_a_dollar_can_be_symbols() {
    let folder = folder();
    let text = r#"(name: "caret", task: (alphabet: Chars("^$a"), horizon: 3, ending: EndSymbol,
        base: (plugin: "ngram", config: (order: 2, table: {
            "^": [0.5, 0.2, 0.2, 0.1], "\\^": [0.25, 0.5, 0.25, 0.0], "$": [0.1, 0.1, 0.0, 0.8], "a": [0.0, 0.0, 0.0, 1.0]})),
        verifier: (plugin: "regex", config: (pattern: "\\^\\$"))),
        policies: {"copy": (plugin: "ngram", config: (order: 2), start: CopyBase)},
        objectives: {"forward-kl": (plugin: "forward-kl")})"#;
    fs::write(folder.path().join("caret.ron"), text).unwrap();
    let output = host(folder.path(), &["exact", "caret.ron", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", err(&output)));
    let rate = json["prompts"][0]["base"]["validity_rate"].as_f64().unwrap();
    assert!((rate - 0.5 * 0.5 * 0.8).abs() < 1e-15, "{rate}");
    // The rows that are written carry the names that are read.
    let output = host(folder.path(), &["optimum", "caret.ron", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", err(&output)));
    let table = json["optima"][0]["table"].as_object().unwrap();
    assert!(table.contains_key("^") && table.contains_key("\\^"), "{table:?}");
    // A probe makes its alphabet of the characters met.
    let output = ask(
        b"{\"response\": \"^$\"}\n",
        &["probe", "verifier", "--plugin", "regex", "--config", r#"(pattern: "\\^\\$")"#],
    );
    assert_eq!(out(&output), "{\"valid\":true}\n");
}

#[test]
fn a_byte_order_mark_is_skipped_everywhere() {
    let folder = folder();
    let mark = "\u{feff}";
    let write =
        |name: &str, text: &str| fs::write(folder.path().join(name), format!("{mark}{text}")).unwrap();
    write("prompts.txt", "a\nb\n");
    write("corpus.txt", "ab\nb\n");
    write("corpus.jsonl", "{\"response\": \"ab\"}\n");
    for corpus in ["corpus.txt", "corpus.jsonl"] {
        let text = SOUND
            .replace("List([\"\"])", "File(\"prompts.txt\")")
            .replace("table: {\"\": [0.4, 0.4, 0.2]}", &format!("corpus: \"{corpus}\", add_k: 1.0"));
        write("marked.ron", &text);
        let output = host(folder.path(), &["validate", "marked.ron", "--set", "training.steps=3"]);
        assert!(output.status.success(), "{}", err(&output));
    }
    // Places count without the mark.
    write("faulty.ron", "(name: 3)");
    assert!(err(&host(folder.path(), &["validate", "faulty.ron"])).contains("[faulty.ron:1:8]"));
    let line = format!("{mark}{{\"response\": \"a\"}}\n");
    assert_eq!(out(&ask(line.repeat(2).as_bytes(), &VERIFIER)), "{\"valid\":true}\n".repeat(2));
    let batch = format!("{mark}{{\"step\": 0, \"sequences\": []}}");
    assert!(ask(batch.as_bytes(), &["probe", "objective", "--plugin", "reinforce"]).status.success());
}

/// Rewards 1 and 0 less the mean of the others, 0 and 1.
#[test]
fn infinities_are_read_as_they_are_written() {
    let input = fs::read(case("o_minus_inf.json")).unwrap();
    let output = ask(&input, &["probe", "objective", "--plugin", "reinforce"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", err(&output)));
    assert_eq!(json["coefficients"], serde_json::json!([[1.0], [-1.0]]));
    let output = ask(&input, &["probe", "objective", "--plugin", "forward-kl"]);
    assert!(!err(&output).contains("line "), "{}", err(&output));
}

#[test]
fn faulty_lines_are_counted_with_blank_ones() {
    let output = ask(b"{\"response\": \"a\"}\n\n\n{\"response\": \"b\"}\n{\"respons\": 1}\n", &VERIFIER);
    assert_eq!(out(&output), "{\"valid\":true}\n{\"valid\":false}\n");
    assert!(err(&output).contains("line 5: unknown field"), "{}", err(&output));
    let output = ask(b"\n{\"response\": \"a\xff\"}\n", &VERIFIER);
    assert!(output.status.code() == Some(2) && err(&output).contains("line 2: "), "{}", err(&output));
}

#[test]
fn a_bad_file_is_told_as_json() {
    let folder = folder();
    fs::write(folder.path().join("bad.ron"), SOUND.replace("\"kl-control\"", "\"kl-contrl\"")).unwrap();
    let output = host(folder.path(), &["validate", "bad.ron", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problem = &json["problems"][0];
    assert_eq!((&json["valid"], &problem["kind"]), (&false.into(), &"missing-plugin".into()));
    let place = serde_json::json!(
        {"line": 12, "column": 33, "end_line": 12, "end_column": 44, "text": "\"kl-contrl\""}
    );
    assert_eq!(problem["place"], place);
    for (arguments, kind, code) in [
        (&["validate", "missing.ron", "--json"][..], "usage", 2),
        (&["validate", "bad.ron", "--json", "--plugin-dir", "nowhere"], "plugin", 3),
        (&["validate", "bad.ron", "--json", "--set", "seeds"], "usage", 2),
    ] {
        let output = host(folder.path(), arguments);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&json["problems"][0]["kind"], output.status.code()), (&kind.into(), Some(code)));
        assert_eq!(json["problems"][0]["place"], Value::Null);
    }
}

#[test]
fn what_a_plugin_prints_is_no_result() {
    let folder = folder();
    let plugin = test_library("faulty");
    fs::copy(&plugin, folder.path().join(plugin.file_name().unwrap())).unwrap();
    let verifier = "(plugin: \"regex\", config: (pattern: \"a*\"))";
    let text = SOUND.replace(verifier, "(plugin: \"printing\")");
    fs::write(folder.path().join("printing.ron"), text).unwrap();
    for arguments in [
        &["exact", "printing.ron", "--json"][..],
        &["validate", "printing.ron", "--json"],
        &["run", "printing.ron", "--json"],
    ] {
        let output = host(folder.path(), &[arguments, &["--plugin-dir", "."]].concat());
        assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{}", out(&output));
        assert!(err(&output).contains("asked about `aa`"), "{}", err(&output));
    }
    let output = ask(
        b"{\"response\": \"ab\"}\n",
        &["probe", "verifier", "--plugin", "printing", "--plugin-dir", folder.path().to_str().unwrap()],
    );
    assert_eq!(out(&output), "{\"valid\":true}\n");
}

/// What is printed where, and by which commands, with standard output full or closed.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_an_error() {
    let sound = case("toolarge.ron");
    let commands = [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["plugins"],
        &["completions", "bash"],
        &["exact", &sound],
        &["validate", &sound, "--json"],
        &["validate", "missing.ron", "--json"],
    ];
    for arguments in commands {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command(installation(), arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{arguments:?} > /dev/full");
        assert!(err(&output).contains("standard output cannot be written"), "{}", err(&output));
        let output = Command::new("sh")
            .args(["-c", "exec \"$@\" >&-", "sh"])
            .arg(installation().join("host"))
            .args(arguments)
            .env_remove("PSTAR_PLUGIN_PATH")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(5), "{arguments:?} >&-");
        assert!(err(&output).contains("standard output is closed"), "{}", err(&output));
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut child = command(installation(), &VERIFIER)
        .stdin(Stdio::piped())
        .stdout(full)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"response\": \"a\"}\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn a_probe_ends_when_its_reader_has_gone() {
    let mut child = command(installation(), &VERIFIER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // As `yes` does: writes until nobody reads any more.
    let writer = std::thread::spawn(move || {
        let lines = "{\"response\": \"a\"}\n".repeat(1000);
        while stdin.write_all(lines.as_bytes()).is_ok() {}
    });
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "{\"valid\":true}\n");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_mins(1) {
            child.kill().unwrap();
            panic!("the probe goes on");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    writer.join().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

/// Every place where a text from outside is quoted, with a long one and with one that a terminal would obey.
#[test]
fn quotes_are_short_and_harmless() {
    let folder = folder();
    let check = |what: &str, output: &Output| {
        let text = format!("{}{}", out(output), err(output));
        assert_ne!(output.status.code(), None, "{what}");
        assert!(text.len() < 6000, "{what}: {} bytes", text.len());
        let obeyed = text.chars().find(|&c| pstar_core::is_obeyed(c) && c != '\n');
        assert_eq!(obeyed, None, "{what}: {text:?}");
    };
    let long = "x".repeat(200_000);
    for text in [long.as_str(), "x\u{1b}[2J\u{7}\u{9b}31m\u{202e}y", "x\\u{1b}[2J\\r\\n\\u{9b}y"] {
        for (from, to) in [
            ("\"sound\"", format!("\"{text}/\"")),
            ("plugin: \"ngram\"", format!("plugin: \"{text}\"")),
            ("\"kl-control\"", format!("\"{text}\"")),
            ("pattern: \"a*\"", format!("pattern: \"(a{text}\"")),
            ("List([\"\"])", format!("List([\"{text}\"])")),
            ("List([\"\"])", format!("File(\"{text}\")")),
            ("{\"\": [0.4", format!("{{\"{text}\": [0.4")),
            ("Chars(\"ab\")", format!("Symbols([\"{text}\", \"{text}\"])")),
            ("Chars(\"ab\")", format!("Chars(\"{text}\")")),
            (
                "{\"unigram\"",
                format!("{{\"{text}\": (plugin: \"ngram\", config: (order: 0), start: FitBase), \"unigram\""),
            ),
            ("\"kl\":", format!("\"{text}\": (plugin: \"kl-control\", config: (lambda: -1.0)), \"{text}\":")),
            ("(lambda: 2.0)", format!("({text}: 2.0)")),
            ("FitBase", text.to_string()),
            ("horizon: 3", format!("horizon: {text}")),
            ("seeds", text.to_string()),
            ("(\n", format!("/* {text} */ (\n x")),
        ] {
            fs::write(folder.path().join("broken.ron"), SOUND.replacen(from, &to, 1)).unwrap();
            check(from, &host(folder.path(), &["validate", "broken.ron"]));
        }
        check("json", &host(folder.path(), &["validate", "broken.ron", "--json"]));
        let text = &text[..text.len().min(50_000)];
        check("file", &host(folder.path(), &["validate", text]));
        check("set", &host(folder.path(), &["validate", "broken.ron", "--set", text]));
        check("option", &host(folder.path(), &["validate", "broken.ron", text]));
        check("probe", &ask(format!("{{\"response\": \"{text}\", \"x\": 1}}").as_bytes(), &VERIFIER));
        check("probe", &ask(format!("{{\"{}\": 1}}", text.replace('\u{1b}', "")).as_bytes(), &VERIFIER));
        let batch = format!("{{\"step\": \"{}\"}}", text.replace(['\u{1b}', '\u{7}'], ""));
        check("batch", &ask(batch.as_bytes(), &["probe", "objective", "--plugin", "reinforce"]));
        check("plugin", &ask(b"", &["probe", "verifier", "--plugin", text]));
    }
}

/// Names and prompts in tables: escapes of RON that a terminal would obey.
#[test]
fn tables_obey_no_name() {
    let folder = folder();
    let text = SOUND
        .replace("Chars(\"ab\")", "Chars(\"ab\"), prompt_alphabet: Chars(\"\\u{1b}[2J\")")
        .replace("List([\"\"])", "List([\"\\u{1b}[2J\"])")
        .replace("\"unigram\"", "\"\\u{1b}[31m\\npolicy\"")
        .replace("\"kl\"", "\"\\u{7}objective\"");
    fs::write(folder.path().join("names.ron"), text).unwrap();
    for command in ["validate", "exact", "optimum", "run"] {
        let output = host(folder.path(), &[command, "names.ron"]);
        let text = format!("{}{}", out(&output), err(&output));
        assert!(output.status.success(), "{command}: {text}");
        assert!(!text.contains(|c: char| pstar_core::is_obeyed(c) && c != '\n'), "{command}: {text:?}");
    }
}

/// The file has a hundred megabytes, all of them zero, and takes no room on most file systems.
#[test]
fn huge_files_are_refused_before_they_are_read() {
    let folder = folder();
    let huge = |name: &str| File::create(folder.path().join(name)).unwrap().set_len(100_000_000).unwrap();
    huge("huge.ron");
    let output = host(folder.path(), &["validate", "huge.ron"]);
    assert!(output.status.code() == Some(2) && err(&output).contains("at most"), "{}", err(&output));
    huge("huge.txt");
    fs::write(folder.path().join("prompts.ron"), SOUND.replace("List([\"\"])", "File(\"huge.txt\")"))
        .unwrap();
    let output = host(folder.path(), &["validate", "prompts.ron"]);
    assert!(output.status.code() == Some(2) && err(&output).contains("at most"), "{}", err(&output));
    assert_eq!(fs::read_dir(Path::new(folder.path())).unwrap().count(), 3);
}
