//! The tables of a run in every form: the same numbers, and names that are text whatever they hold.

use crate::support::{PARITY_TASK, folder, host, shown};
use pstar_record::RunRecord;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Names that mean something in each of the forms.
const HOSTILE: [&str; 3] = ["a|b, `c`", "\"x\"\\input{y} 50%", "</td><script>&@all"];

/// A run with seven seeds, of which all forms say something.
fn run() -> (TempDir, RunRecord) {
    let folder = folder();
    let names =
        HOSTILE.map(|name| format!("{name:?}: (plugin: \"reinforce\")").replace("reinforce", "PLUGIN"));
    let objectives = names.join(", ").replacen("PLUGIN", "reinforce", 1).replacen("PLUGIN", "forward-kl", 1);
    let objectives = objectives.replacen("PLUGIN\")", "alpha\", config: (alpha: 0.5))", 1);
    let text = format!(
        r#"(name: "forms", {PARITY_TASK}
            policies: {{
                "bigram": (plugin: "ngram", config: (order: 2), start: FitBase),
                "unigram": (plugin: "ngram", config: (order: 1), start: Random),
            }},
            objectives: {{ {objectives} }},
            training: (gradient: Sampled(prompts: 1, group: 8), steps: 4, optimizer: Adam(learning_rate: 0.1)),
            evaluation: (every: 2, k: [1, 4], optima: false),
            seeds: 7)"#
    );
    fs::write(folder.path().join("forms.ron"), text).unwrap();
    let output = host(folder.path(), &["run", "forms.ron", "--out", "run"]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    let record = RunRecord::read(&fs::read(folder.path().join("run/summary.json")).unwrap()).unwrap();
    (folder, record)
}

fn show(folder: &Path, arguments: &[&str]) -> String {
    let output = host(folder, &[&["show", "run"], arguments].concat());
    assert!(output.status.success(), "{}", shown(&output, folder));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_form_holds_the_numbers_of_the_record() {
    let (folder, record) = run();
    let at = folder.path();
    let columns = ["--columns", "validity_rate,pass@4,kl_from_filtered,pass@4"];
    // All digits of the usual columns too, those that the text leaves out of its differences among them.
    let usual: Value = serde_json::from_str(&show(at, &["--format", "json"])).unwrap();
    let of_kind = |row: &&Value| row["kind"] == "difference";
    let differences: Vec<&Value> = usual["rows"].as_array().unwrap().iter().filter(of_kind).collect();
    assert!(!differences.is_empty());
    assert!(differences.iter().all(|row| row["figures"]["entropy"]["value"].is_number()));

    let rows: Value =
        serde_json::from_str(&show(at, &[&["--format", "json"], &columns[..]].concat())).unwrap();
    let rows = rows["rows"].as_array().unwrap();
    let csv = show(at, &[&["--format", "csv"], &columns[..]].concat());
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    let header = csv.headers().unwrap().clone();
    let lines: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), rows.len());
    let mut seen = 0;
    for (row, line) in rows.iter().zip(&lines) {
        let field = |name: &str| &line[header.iter().position(|known| known == name).unwrap()];
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
        assert_eq!((row["kind"].as_str().unwrap(), name), (field("kind"), field("name")));
        for metric in ["validity_rate", "pass@4", "kl_from_filtered"] {
            let found = &row["figures"][metric];
            for (key, part) in [("value", ""), ("low", "_low"), ("high", "_high"), ("p_value", "_p_value")] {
                let text = field(&format!("{metric}{part}"));
                match found.get(key).and_then(Value::as_f64) {
                    Some(x) => assert_eq!(text.parse::<f64>().unwrap().to_bits(), x.to_bits()),
                    None => assert!(text.is_empty() || text == "inf", "{metric}{part}: {text}"),
                }
            }
            if row["kind"] == "objective" {
                let policy = row["policy"].as_str().unwrap();
                let ends = record.arms_of(policy, name).map(|arm| arm.last.as_ref().unwrap().named(metric));
                let ends: Vec<f64> = ends.map(Option::unwrap).collect();
                let mean = ends.iter().sum::<f64>() / ends.len() as f64;
                if mean.is_finite() {
                    assert!(
                        (found["value"].as_f64().unwrap() - mean).abs() <= 1e-15 * mean.abs(),
                        "{metric}"
                    );
                }
                seen += 1;
            }
            if row["kind"] == "difference" && found.get("value").is_some() {
                let known = record.comparisons.iter().find(|c| {
                    c.policy == row["policy"].as_str().unwrap() && c.objective == name && c.metric == metric
                });
                let known = known.unwrap();
                assert_eq!(found["value"].as_f64(), Some(known.difference));
                assert_eq!(found.get("p_value").and_then(Value::as_f64), known.adjusted_p_value);
            }
        }
    }
    assert_eq!(seen, 2 * 3 * 3);
}

#[test]
fn names_are_text_in_every_form() {
    let (folder, _) = run();
    let at = folder.path();
    let markdown = show(at, &["--format", "markdown"]);
    assert!(!markdown.contains("<script>") && !markdown.contains("@all"), "{markdown}");
    // A row has as many bars as the header, those of names left out.
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let tables: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    for block in markdown.split("\n\n").filter(|block| block.starts_with('|')) {
        let mut lines = block.lines().map(bars);
        let first = lines.next().unwrap();
        assert!(lines.all(|count| count == first), "{block}");
    }
    assert!(tables.len() > 10);
    let latex = show(at, &["--format", "latex"]);
    let rows = latex.lines().filter(|line| !line.starts_with('%'));
    let rows: Vec<&str> = rows.collect();
    assert!(rows.iter().any(|line| line.contains(r"\textbackslash{}input\{y\} 50\%")), "{latex}");
    assert!(rows.iter().all(|line| !line.contains(r"\input{")), "{latex}");
    let begun = rows.iter().filter(|line| line.starts_with(r"\begin{tabular}")).count();
    assert_eq!(begun, rows.iter().filter(|line| **line == r"\end{tabular}").count());
    let text = show(at, &[]);
    assert!(text.contains("verdict") && text.contains("bigram: "), "{text}");
}

#[test]
fn a_choice_shows_what_was_chosen() {
    let (folder, _) = run();
    let at = folder.path();
    let text = show(at, &["--policy", "unigram", "--columns", "pass@4,entropy", "--intervals"]);
    assert!(!text.contains("bigram · 7"), "{text}");
    let header = text.lines().find(|line| line.starts_with("unigram · 7 seeds")).unwrap();
    assert!(header.split_whitespace().collect::<Vec<_>>().ends_with(&["verdict", "pass@4", "entropy"]));
    let row = text.lines().find(|line| line.starts_with("a|b")).unwrap();
    assert_eq!(row.matches('[').count(), 2, "{row}");
    for (arguments, told) in [
        (["--columns", "pass@5"], "the run has no figure `pass@5`"),
        (["--policy", "trigram"], "the run has no policy `trigram`"),
    ] {
        let output = host(at, &["show", "run", arguments[0], arguments[1]]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{}", shown(&output, at));
    }
}
