//! The smaller commands, as text and as JSON.

use crate::support::{answer, command, experiments, folder, host, installation, shown, test_library};
use serde_json::Value;
use std::fs;
use std::process::Output;

/// A command with something on its standard input.
fn host_with(input: &str, arguments: &[&str]) -> Output {
    answer(&mut command(installation(), arguments), input.as_bytes())
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn exact_prints_a_table_and_json() {
    let folder = folder();
    let file = experiments().join("toy-parity.ron");
    let file = file.to_str().unwrap();
    insta::assert_snapshot!(shown(
        &host(folder.path(), &["exact", file, "--set", "task.horizon=4"]),
        folder.path()
    ));
    let output = host(folder.path(), &["exact", file, "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let prompt = &json["prompts"][0];
    assert_eq!((&prompt["outputs"], &prompt["method"]), (&Value::from("32"), &Value::from("enumeration")));
    assert!((prompt["base"]["validity_rate"].as_f64().unwrap() - 0.55).abs() < 1e-15);
    assert!(prompt["policies"]["bigram"]["kl_to_filtered"] == "inf");
}

#[test]
fn a_space_that_nobody_can_enumerate_is_walked_by_its_states() {
    let folder = folder();
    let file = experiments().join("toy-parity.ron");
    let exact = |more: &[&str]| {
        let arguments = ["exact", file.to_str().unwrap(), "--set", "task.horizon=40"];
        host(folder.path(), &[&arguments[..], more].concat())
    };
    let json: Value = serde_json::from_slice(&exact(&["--json"]).stdout).unwrap();
    let prompt = &json["prompts"][0];
    assert_eq!(prompt["method"], "dynamic-programming");
    assert_eq!(
        (&prompt["outputs"], &prompt["valid_outputs"]),
        (&"1099511627776".into(), &"549755813888".into())
    );
    // Parity and last symbol make a chain of four states, walked here by hand: E_t, O_t by last symbol a and b.
    let mut chain = [[0.0, 0.7], [0.3, 0.0]];
    for _ in 1..40 {
        let [[even_a, even_b], [odd_a, odd_b]] = chain;
        chain = [
            [0.75 * odd_a + 0.25 * odd_b, 0.25 * even_a + 0.75 * even_b],
            [0.75 * even_a + 0.25 * even_b, 0.25 * odd_a + 0.75 * odd_b],
        ];
    }
    let rate = prompt["base"]["validity_rate"].as_f64().unwrap();
    assert!((rate - chain[0][0] - chain[0][1]).abs() < 1e-13, "{rate}");
    assert_eq!(prompt["policies"]["bigram"]["tv_to_filtered"], Value::Null);

    for (more, expected) in [
        (
            &["--method", "enumeration"][..],
            "there are more than 2000000 outputs (`evaluation.enumerate_up_to`)",
        ),
        (&["--set", "exact=(max_states: 3)"], "has more than 3 states"),
    ] {
        let output = exact(more);
        assert_eq!(output.status.code(), Some(2));
        // Lines are broken to the width of the terminal.
        let words = shown(&output, folder.path()).replace('│', " ");
        let text = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_sweep_replaces_the_tilts() {
    let folder = folder();
    let file = experiments().join("toy-palindrome.ron");
    let file = file.to_str().unwrap();
    let output = host(folder.path(), &["exact", file, "--sweep", "lambda=1,10,50", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tilted = json["prompts"][0]["tilted"].as_array().unwrap();
    // The column mu of the reproduction table.
    for (tilted, (lambda, mu)) in tilted.iter().zip([(1.0, 0.3403), (10.0, 0.9998), (50.0, 1.0)]) {
        assert!((tilted["lambda"].as_f64().unwrap() - lambda).abs() < 1e-12);
        assert!((tilted["mu"].as_f64().unwrap() - mu).abs() < 5e-5);
    }
    for sweep in ["gamma=1", "lambda=1,x", "lambda=0", "lambda"] {
        assert_eq!(host(folder.path(), &["exact", file, "--sweep", sweep]).status.code(), Some(2), "{sweep}");
    }
}

#[test]
fn validate_says_what_a_run_would_train() {
    let folder = folder();
    let file = experiments().join("compare.ron");
    let output = host(folder.path(), &["validate", file.to_str().unwrap(), "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["valid"], &json["arms"]), (&Value::from(true), &Value::from(160)));
    fs::copy(&file, folder.path().join("compare.ron")).unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let corpus = "data/expressions.jsonl";
    fs::copy(experiments().join(corpus), folder.path().join(corpus)).unwrap();
    // A prompt that cannot be solved in five symbols over digits and signs is named.
    let output = host(
        folder.path(),
        &["validate", "compare.ron", "--set", "task.prompts=List([\"4=\", \"99999999=\"])"],
    );
    insta::assert_snapshot!(shown(&output, folder.path()));
}

/// Counts are exact; time and memory are only required to be there.
#[test]
fn a_dry_run_counts_and_leaves_nothing() {
    let folder = folder();
    let file = experiments().join("compare.ron");
    let set = ["--set", "training.steps=3", "--set", "seeds=[1, 2]", "--set", "evaluation.every=3"];
    let arguments = [&["run", file.to_str().unwrap(), "--dry-run", "--json"][..], &set].concat();
    let json: Value = serde_json::from_slice(&host(folder.path(), &arguments).stdout).unwrap();
    assert_eq!(json["arms"], 32);
    assert_eq!(json["sequences"], 32 * 3 * 256);
    assert_eq!(json["optimizer_steps"], 32 * 3);
    let text = host(folder.path(), &arguments[..3]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let (verifier, run) = text.split_once('\n').unwrap();
    // Eight prompts, 1 + 13 + … + 13^5 outputs each.
    assert!(verifier.starts_with("100 verifier calls took "), "{text}");
    assert!(verifier.contains("; all 3217872 outputs would take "), "{text}");
    assert!(
        run.starts_with("160 arms, 16384000 sequences and 64000 optimizer steps in all; about "),
        "{text}"
    );
    assert_eq!((&json["verifier"]["calls"], &json["verifier"]["outputs"]), (&100.into(), &3_217_872.into()));
    assert!(json["seconds"].as_f64().unwrap() > 0.0 && json["mebibytes"].as_f64().unwrap() > 0.0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_listing_of_plugins() {
    let folder = folder();
    insta::assert_snapshot!(shown(&host(folder.path(), &["plugins"]), folder.path()));
}

/// What a component lists is what it reads: an unknown field is answered with the fields that there are.
#[test]
fn listed_fields_are_the_fields_that_are_read() {
    let folder = folder();
    let output = host(folder.path(), &["plugins", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    for component in json["components"].as_array().unwrap() {
        for key in ["kind", "name", "doc", "version", "interface", "file", "config"] {
            assert!(!component[key].is_null(), "{component}");
        }
        let (kind, name) = (component["kind"].as_str().unwrap(), component["name"].as_str().unwrap());
        let Some(probe) = [("verifier", "verifier"), ("base model", "model"), ("objective", "objective")]
            .into_iter()
            .find_map(|(known, probe)| (known == kind).then_some(probe))
        else {
            continue;
        };
        let input = r#"{"step": 0, "sequences": []}"#;
        let input = if probe == "objective" { input } else { r#"{"response": "a"}"# };
        let output = host_with(input, &["probe", probe, "--plugin", name, "--config", "(no_such_field: 1)"]);
        let text = String::from_utf8_lossy(&output.stderr).replace(['\n', '│'], " ");
        assert_eq!(output.status.code(), Some(2), "{text}");
        for field in component["config"].as_array().unwrap() {
            let field = format!("`{}`", field["name"].as_str().unwrap());
            assert!(text.contains(&field), "{name} lists {field}: {text}");
        }
        let named = text.matches('`').count() / 2;
        assert!(named > component["config"].as_array().unwrap().len(), "{text}");
    }
}

#[test]
fn probes_answer_line_by_line() {
    let config = ["--config", "(target: FromPrompt)"];
    let questions =
        "{\"prompt\": \"12=\", \"response\": \"3*4\"}\n\n{\"prompt\": \"12=\", \"response\": \"3*5\"}\n";
    let output = host_with(
        questions,
        &[&["probe", "verifier", "--plugin", "arithmetic-expression"][..], &config].concat(),
    );
    let valid: Vec<Value> = lines(&output).iter().map(|answer| answer["valid"].clone()).collect();
    assert_eq!(valid, [true, false]);

    let file = experiments().join("toy-parity.ron");
    let output =
        host_with("{\"response\": \"abbab\"}\n", &["probe", "model", "--experiment", file.to_str().unwrap()]);
    let answer = &lines(&output)[0];
    let expected = [0.3f64, 0.25, 0.75, 0.25, 0.25].map(f64::ln);
    for (found, expected) in answer["token_log_probs"].as_array().unwrap().iter().zip(expected) {
        assert!((found.as_f64().unwrap() - expected).abs() < 1e-15);
    }
    assert!((answer["log_prob"].as_f64().unwrap() - expected.iter().sum::<f64>()).abs() < 1e-14);

    // An end symbol is a token like the others; a probability of zero is `-inf`.
    let table = "(order: 1, table: {\"\": [0.75, 0.0, 0.25]})";
    let output = host_with(
        "{\"response\": \"ab\", \"ended\": true}\n{\"response\": \"a\", \"ended\": false}\n",
        &["probe", "model", "--plugin", "ngram", "--config", table],
    );
    let answers = lines(&output);
    assert_eq!(answers[0]["log_prob"], "-inf");
    assert_eq!(answers[0]["token_log_probs"].as_array().unwrap().len(), 3);
    assert_eq!(answers[1]["token_log_probs"].as_array().unwrap().len(), 1);

    let batch = r#"{"step": 3, "sequences": [
        {"group": 7, "reward": 1, "log_probs": [-1.0], "base_log_probs": [-2.0]},
        {"group": 7, "reward": 0, "log_probs": [-2.0, -1.0], "base_log_probs": [-1.0, -1.0]}
    ]}"#;
    let output =
        host_with(batch, &["probe", "objective", "--plugin", "kl-control", "--config", "(beta: 0.5)"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    // r = 1 − ½·1 and 0 + ½·1; leave-one-out: 0.5 − 0.5 = 0 for both.
    assert_eq!(answer["coefficients"], serde_json::json!([[0.0], [0.0, 0.0]]));
}

#[test]
fn faulty_questions_are_located() {
    let mut all = Vec::new();
    let verifier = ["probe", "verifier", "--plugin", "regex", "--config", "(pattern: \"a*\")"];
    let objective = ["probe", "objective", "--plugin", "reinforce"];
    let short =
        r#"{"step": 0, "sequences": [{"group": 0, "reward": 1, "log_probs": [-1.0], "base_log_probs": []}]}"#;
    for (input, arguments) in [
        ("{\"response\": \"a\"}\n{\"respons\": \"a\"}\n", &verifier[..]),
        ("{\"response\": \"a\"}\nnonsense\n", &verifier),
        ("{}", &objective),
        (short, &objective),
        ("", &["probe", "verifier"]),
        ("", &["probe", "verifier", "--plugin", "regexp"]),
        ("", &["probe", "objective", "--experiment", "missing.ron"]),
    ] {
        let output = host_with(input, arguments);
        assert!(matches!(output.status.code(), Some(2 | 3)), "{arguments:?}");
        all.push(format!(
            "=== {arguments:?} < {input:?}\n{}\n",
            shown(&output, std::path::Path::new("nowhere"))
        ));
    }
    insta::assert_snapshot!(all.concat());
}

/// More lines than are held at a time.
#[test]
fn probes_stream() {
    let questions = "{\"prompt\": \"1+2=\", \"response\": \"3\"}\n".repeat(10_000);
    let output = host_with(&questions, &["probe", "verifier", "--plugin", "arithmetic-sum"]);
    assert_eq!(lines(&output).len(), 10_000);
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = folder();
    for command in ["run", "validate", "exact", "plugins", "probe", "check", "completions"] {
        let output = host(folder.path(), &[command, "--help"]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("Example") && text.contains("host "), "{text}");
    }
    let script = host(folder.path(), &["completions", "bash"]).stdout;
    assert!(String::from_utf8_lossy(&script).contains("--plugin-dir"));
}

/// What a verifier tells of answers is printed, where it tells; what is no answer ends in an error that names it.
#[test]
fn answers_are_told_and_checked() {
    let plugins = folder();
    let library = test_library("faulty");
    fs::copy(&library, plugins.path().join(library.file_name().unwrap())).unwrap();
    let probe = |plugin: &str, config: &str, input: &str| {
        let arguments = ["probe", "verifier", "--plugin", plugin, "--config", config, "--plugin-dir"];
        let mut command = command(installation(), &arguments);
        let output = answer(command.arg(plugins.path()), input.as_bytes());
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let responses = "{\"response\": \"(3+01)*2\"}\n{\"response\": \"2*(1+3)\"}\n{\"response\": \"2*\"}\n";
    let (told, _) = probe("arithmetic-expression", "(target: Value(8))", responses);
    let same = "{\"valid\":true,\"answer\":\"(1+3)*2\"}\n";
    assert_eq!(told, format!("{same}{same}{{\"valid\":false}}\n"));
    let (untold, _) = probe("regex", "(pattern: \"a*\")", "{\"response\": \"aa\"}\n");
    assert_eq!(untold, "{\"valid\":true}\n");
    for (how, expected) in [
        ("Empty", "verifier `misanswering` told an answer of 0 bytes, expected 1 to 4096"),
        ("Long", "verifier `misanswering` told an answer of 10240 bytes, expected 1 to 4096"),
        ("Panic", "cannot tell what `ab` answers"),
    ] {
        let (answers, errors) = probe("misanswering", &format!("(how: {how})"), "{\"response\": \"ab\"}\n");
        let errors = errors.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(answers.is_empty() && errors.contains(expected), "{how}: {answers}{errors}");
        assert!(errors.contains("misanswering"), "{how}: {errors}");
    }
}
