//! `host optimum` against the reproduction tables of the toys, and the optima beside the arms of a run.

use crate::support::{PARITY_TASK, PROMPTED_TASK, experiment, experiments, folder, host, registry, run};
use pstar_lab::optimum::{Search, optimum};
use serde_json::Value;
use std::fs;

fn optima(file: &str, more: &[&str]) -> Vec<Value> {
    let folder = folder();
    let file = experiments().join(file);
    let arguments = ["optimum", file.to_str().unwrap(), "--json"];
    let output = host(folder.path(), &[&arguments[..], more].concat());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    json["optima"].as_array().unwrap().clone()
}

#[test]
fn toy_palindrome_heads_where_the_table_says() {
    let found = optima("toy-palindrome.ron", &[]);
    let expected = [
        ("kl-control λ=1", [0.2097, 4.316, 0.160, 1.594]),
        ("kl-control λ=5", [0.9853, 0.262, 0.952, 3.327]),
        ("forward-kl", [0.5317, 2.628, 0.505, 1.176]),
        ("alpha 0.25", [0.8060, 1.256, 0.792, 1.445]),
    ];
    for (objective, figures) in expected {
        let optimum = found.iter().find(|optimum| optimum["objective"] == objective).unwrap();
        for (name, figure) in ["validity_rate", "entropy", "top1", "kl_from_filtered"].iter().zip(figures) {
            let value = optimum[*name].as_f64().unwrap();
            // Half a unit of the last digit shown, and the table's own rounding.
            assert!((value - figure).abs() < 6e-4, "{objective} {name}: {value}, not {figure}");
        }
        assert!(optimum["residual"].as_f64().unwrap() < 1e-9 && optimum["value"].as_f64().unwrap() > 0.0);
        let table = optimum["table"].as_object().unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), ["a", "b", "^"]);
        for row in table.values() {
            let total: f64 = row.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).sum();
            assert!((total - 1.0).abs() < 1e-12);
        }
    }
}

/// Fifty symbols: no output is ever listed.
#[test]
fn long_outputs_have_optima_too() {
    let found = optima("toy-parity.ron", &["--set", "task.horizon=50"]);
    let forward = found.iter().find(|optimum| optimum["objective"] == "forward-kl").unwrap();
    let (value, kl) = (forward["value"].as_f64().unwrap(), forward["kl_from_filtered"].as_f64().unwrap());
    assert!((value - kl).abs() < 1e-10, "{value} {kl}");
    // A base that does not know parity cannot do better than halve the distance that filtering costs.
    assert!(value > 0.0 && value < 2f64.ln() + 1e-9, "{value}");
}

/// Without sampling noise arms end at the optimum of their class, and none is beyond it.
#[test]
fn arms_end_at_the_optimum_beside_them() {
    let record = run(&format!(
        r#"(name: "beside", {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{
                "reinforce": (plugin: "reinforce"),
                "control": (plugin: "kl-control", config: (lambda: 2.0)),
                "forward": (plugin: "forward-kl"),
                "alpha": (plugin: "alpha", config: (alpha: 0.25)),
            }},
            training: (gradient: Population, steps: 3000, optimizer: Adam(learning_rate: 0.02)),
            evaluation: (every: 3000, betas: [0.5], alphas: [0.25]),
            seeds: [1])"#
    ));
    let names: Vec<&str> = record.optima.iter().map(|optimum| optimum.objective.as_str()).collect();
    assert_eq!(names, ["reinforce", "control", "forward", "alpha"]);
    // Invalidity fades with the steps that are still to come; the others settle.
    let minimised = [
        ("invalidity_rate", 1e-3),
        ("kl_to_tilted@0.5", 1e-9),
        ("kl_from_filtered", 1e-9),
        ("alpha_divergence@0.25", 1e-9),
    ];
    for ((optimum, arm), (metric, rest)) in record.optima.iter().zip(&record.arms).zip(minimised) {
        let last = arm.last.as_ref().unwrap();
        let reached = last.flat().find(|(name, _)| name == metric).unwrap().1.value.unwrap();
        assert!(
            reached >= optimum.value.unwrap() - 1e-12,
            "{metric}: {reached} beats {}",
            optimum.value.unwrap()
        );
        assert!(
            reached < optimum.value.unwrap() + rest,
            "{metric}: {reached}, not {}",
            optimum.value.unwrap()
        );
    }
}

#[test]
fn optima_can_be_left_out() {
    let text = |more: &str| {
        format!(
            r#"(name: "left", {PARITY_TASK}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
                objectives: {{"reinforce": (plugin: "reinforce")}},
                training: (gradient: Population, steps: 1, optimizer: Sgd(learning_rate: 0.1)),
                evaluation: ({more}), seeds: [1])"#
        )
    };
    assert_eq!(run(&text("")).optima.len(), 1);
    assert!(run(&text("optima: false")).optima.is_empty());
}

/// Outputs of at most three symbols and their log-probabilities under a bigram of the rows ^, a, b, …; with an end where
/// rows have one choice more than there are symbols.
fn outputs(rows: &[Vec<f64>]) -> Vec<(Vec<usize>, f64)> {
    let symbols = rows.len() - 1;
    let mut open = vec![(Vec::new(), 0.0)];
    let mut closed = Vec::new();
    for _ in 0..3 {
        let mut next = Vec::new();
        for (tokens, log_prob) in open {
            let row = &rows[tokens.last().map_or(0, |token| token + 1)];
            for (token, prob) in row.iter().enumerate() {
                let longer = ([&tokens[..], &[token]].concat(), log_prob + prob.ln());
                if token == symbols { closed.push(longer) } else { next.push(longer) }
            }
        }
        open = next;
    }
    closed.extend(open);
    closed
}

/// All points of a simplex whose coordinates are multiples of 1/`parts`.
fn simplex(choices: usize, parts: usize) -> Vec<Vec<f64>> {
    let mut points = vec![(Vec::new(), parts)];
    for _ in 1..choices {
        points = points
            .into_iter()
            .flat_map(|(point, left): (Vec<usize>, usize)| {
                (0..=left).map(move |i| ([&point[..], &[i]].concat(), left - i))
            })
            .collect();
    }
    let share = |i: usize| i as f64 / parts as f64;
    points.into_iter().map(|(point, left)| point.into_iter().chain([left]).map(share).collect()).collect()
}

/// A unigram policy, and a bigram base that never says some pairs: what may have probability is a choice between sets of
/// symbols. Valid is what starts with a.
#[test]
fn zeros_of_the_base_leave_the_best_symbols() {
    let bases = [
        vec![vec![0.5, 0.5], vec![0.5, 0.5], vec![0.0, 1.0]],
        vec![vec![0.2, 0.8], vec![0.9, 0.1], vec![0.0, 1.0]],
        vec![
            vec![0.4, 0.3, 0.3, 0.0],
            vec![0.4, 0.3, 0.0, 0.3],
            vec![0.0, 0.4, 0.3, 0.3],
            vec![0.3, 0.0, 0.4, 0.3],
        ],
        vec![
            vec![0.2, 0.4, 0.3, 0.1],
            vec![0.2, 0.0, 0.5, 0.3],
            vec![0.4, 0.4, 0.2, 0.0],
            vec![0.3, 0.3, 0.1, 0.3],
        ],
    ];
    for rows in bases {
        let symbols = &"abc"[..rows.len() - 1];
        let ending = if rows[0].len() == rows.len() { "EndSymbol" } else { "FixedLength" };
        let contexts = ["^", "a", "b", "c"].iter().zip(&rows);
        let table: Vec<String> = contexts.map(|(context, row)| format!("\"{context}\": {row:?}")).collect();
        for beta in [1.0, 0.1, 0.01] {
            let experiment = experiment(&format!(
                r#"(name: "zeros",
                    task: (
                        alphabet: Chars("{symbols}"), horizon: 3, ending: {ending},
                        base: (plugin: "ngram", config: (order: 2, table: {{{}}})),
                        verifier: (plugin: "regex", config: (pattern: "a.*")),
                    ),
                    policies: {{"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)}},
                    objectives: {{"control": (plugin: "kl-control", config: (beta: {beta:?}))}})"#,
                table.join(", ")
            ));
            let found = &optimum(&experiment, registry(), &Search::thorough, false).unwrap().optima[0];
            let outputs = outputs(&rows);
            let weight = |tokens: &[usize]| if tokens[0] == 0 { 1.0 / beta } else { 0.0 };
            let total: f64 =
                outputs.iter().map(|(tokens, log_a)| (log_a + weight(tokens) - 1.0 / beta).exp()).sum();
            let log_total = total.ln() + 1.0 / beta;
            let kl = |q: &Vec<f64>| -> f64 {
                let of_output = |(tokens, log_a): &(Vec<usize>, f64)| {
                    let log_q: f64 = tokens.iter().map(|&token| q[token].ln()).sum();
                    if log_q == f64::NEG_INFINITY {
                        0.0
                    } else {
                        log_q.exp() * (log_q - log_a - weight(tokens) + log_total)
                    }
                };
                outputs.iter().map(of_output).sum()
            };
            let best = simplex(rows[0].len(), 24).iter().map(kl).fold(f64::INFINITY, f64::min);
            assert!(best.is_finite());
            assert!(
                found.value.unwrap() <= best + 1e-9,
                "{symbols} beta {beta}: {} is worse than {best}",
                found.value.unwrap()
            );
            // The value is that of the table that is shown.
            let (_, row) = &found.table[0];
            assert!((kl(row) - found.value.unwrap()).abs() < 1e-9, "{} {}", kl(row), found.value.unwrap());
        }
    }
}

/// Base and verifier meet at the first symbol, a: the class by position holds p_\[β\] itself, although at the second
/// position a policy that may begin with anything must not go on with anything.
#[test]
fn zeros_that_are_out_of_reach_cost_nothing() {
    let experiment = experiment(
        r#"(name: "reach",
            task: (
                alphabet: Chars("abc"), horizon: 2, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 2, tables: [
                    {"^": [1.0, 0.0, 0.0]}, {"a": [0.4, 0.3, 0.3], "b": [0.0, 0.5, 0.5], "c": [0.5, 0.0, 0.5]},
                ])),
                verifier: (plugin: "regex", config: (pattern: ".a")),
            ),
            policies: {
                "random": (plugin: "ngram", config: (order: 1, position_dependent: true), start: Random),
                "fit": (plugin: "ngram", config: (order: 1, position_dependent: true), start: FitBase),
            },
            objectives: {"control": (plugin: "kl-control", config: (lambda: 2.0))})"#,
    );
    for optimum in optimum(&experiment, registry(), &Search::thorough, false).unwrap().optima {
        assert!(optimum.value.unwrap() < 1e-12, "{}: {}", optimum.policy, optimum.value.unwrap());
    }
}

/// Means are over the prompts that can be solved, values as well as figures.
#[test]
fn a_value_is_a_mean_over_the_prompts_that_can_be_solved() {
    let task = PROMPTED_TASK.replace(r#""1=", "2=", "3=", "5=""#, r#""1=", "3=", "555=""#);
    let experiment = experiment(&format!(
        r#"(name: "solved", {task}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{"reinforce": (plugin: "reinforce"), "forward": (plugin: "forward-kl"),
                         "alpha": (plugin: "alpha", config: (alpha: 0.5)),
                         "control": (plugin: "kl-control", config: (beta: 0.5))}},
            evaluation: (alphas: [0.5], betas: [0.5]))"#
    ));
    let found = optimum(&experiment, registry(), &Search::thorough, false).unwrap().optima;
    let metrics = ["invalidity_rate", "kl_from_filtered", "alpha_divergence@0.5", "kl_to_tilted@0.5"];
    for (optimum, metric) in found.iter().zip(metrics) {
        let figure = optimum.measures.flat().find(|(name, _)| name == metric).unwrap().1.value.unwrap();
        assert!(
            (figure - optimum.value.unwrap()).abs() < 1e-9,
            "{metric}: {figure} and {}",
            optimum.value.unwrap()
        );
    }
}

/// One valid output of 20,000 symbols: its clipped potential is found without a step down for every symbol.
#[test]
fn long_outputs_of_a_clipped_objective_are_listed() {
    let experiment = experiment(
        r#"(name: "deep",
            task: (
                alphabet: Chars("ab"), horizon: 20000, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
                verifier: (plugin: "regex", config: (pattern: "a*")),
            ),
            policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
            objectives: {"clipped": (plugin: "alpha", config: (alpha: 0.5, clip: 5.0))})"#,
    );
    let found = &optimum(&experiment, registry(), &Search::thorough, false).unwrap().optima[0];
    assert!((found.measures.get("validity_rate").unwrap() - 1.0).abs() < 1e-9);
}

/// After b or c the base never says a, so that what begins with them never becomes valid, whatever the verifier hopes:
/// 2^35 ways that must not be walked.
#[test]
fn dead_ends_of_the_base_are_not_walked() {
    let experiment = experiment(
        r#"(name: "dead ends",
            task: (
                alphabet: Chars("abc"), horizon: 36, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 2, table: {
                    "^": [0.5, 0.25, 0.25], "a": [1.0, 0.0, 0.0], "b": [0.0, 0.5, 0.5], "c": [0.0, 0.5, 0.5],
                })),
                verifier: (plugin: "regex", config: (pattern: "[abc]*a")),
            ),
            policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
            objectives: {"clipped": (plugin: "alpha", config: (alpha: 0.5, clip: 5.0))})"#,
    );
    let found = &optimum(&experiment, registry(), &Search::thorough, false).unwrap().optima[0];
    // p* is one output, which the class holds.
    assert!(found.measures.get("kl_from_filtered").unwrap() < 1e-9);
}

/// A file of tests/reference/optimum.
fn reference(name: &str) -> Value {
    let path = experiments().join("../tests/reference/optimum").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The thorough search with a short proof.
fn quick(transitions: usize) -> Option<Search> {
    Some(Search { boxes: 300, ..Search::thorough(transitions)? })
}

/// How much worse a value is than a reference, relative to its size; both may be near 0.
fn excess(value: f64, reference: f64) -> f64 {
    (value - reference) / reference.abs().max(1e-3)
}

/// Tasks chosen for being hard: a search that only polishes misses nine of the twenty, by up to a factor.
#[test]
fn hard_tasks_have_the_optima_that_long_searches_found() {
    for task in reference("hard.json")["tasks"].as_array().unwrap() {
        let id = task["id"].as_str().unwrap();
        let experiment = experiment(task["experiment"].as_str().unwrap());
        let found = optimum(&experiment, registry(), &quick, false).unwrap().optima;
        let found =
            found.iter().find(|optimum| optimum.objective == task["objective"].as_str().unwrap()).unwrap();
        let (value, expected) = (found.value.unwrap(), task["value"].as_f64().unwrap());
        assert!(excess(value, expected) < 1e-6, "{id}: {value}, not {expected}");
        if let Some(bound) = task["lower_bound"].as_f64() {
            assert!(value > bound - 1e-9, "{id}: {value} below what is proved, {bound}");
        }
        assert!(
            found.lower_bound.is_none_or(|bound| bound <= expected + 1e-9),
            "{id}: {:?}",
            found.lower_bound
        );
        for (figure, name) in [("validity_rate", "validity"), ("entropy", "entropy"), ("top1", "top1")] {
            let (figure, expected) = (found.measures.get(figure).unwrap(), task[name].as_f64().unwrap());
            assert!((figure - expected).abs() < 1e-5, "{id}: {name} {figure}, not {expected}");
        }
    }
}

/// Random tasks, with prompts, weights, zeros of the base, position-dependent models, μ: no value is beaten by another
/// search with other means, and no bound is above what that found.
#[test]
fn another_search_finds_nothing_better() {
    let mut proved = 0;
    for task in reference("fuzz.json")["tasks"].as_array().unwrap() {
        let name = task["name"].as_str().unwrap();
        let experiment = experiment(task["experiment"].as_str().unwrap());
        for found in optimum(&experiment, registry(), &quick, false).unwrap().optima {
            let expected = task["values"][&found.objective].as_f64().unwrap();
            let (value, objective) = (found.value.unwrap(), &found.objective);
            assert!(excess(value, expected) < 1e-6, "{name} {objective}: {value}, not {expected}");
            if let Some(bound) = found.lower_bound {
                assert!(bound <= expected + 1e-9, "{name} {objective}: bound {bound} above {expected}");
            }
            proved += usize::from(found.is_proved());
        }
    }
    assert!(proved > 100, "{proved}");
}

/// All rows of the paper's toys are proved, those with a clip too.
#[test]
fn the_toys_are_proved() {
    for file in
        ["misspecification-palindrome.ron", "misspecification-parity.ron", "coverage.ron", "beta-mu.ron"]
    {
        for optimum in optima(&format!("paper/{file}"), &[]) {
            let (value, bound) =
                (optimum["value"].as_f64().unwrap(), optimum["lower_bound"].as_f64().unwrap());
            assert!(value - bound <= 1e-3 * value.abs() + 1e-12, "{file}: {optimum}");
        }
    }
}

#[test]
fn without_boxes_nothing_is_proved_but_closed_forms() {
    for optimum in optima("toy-parity.ron", &["--boxes", "0"]) {
        assert_eq!(optimum["lower_bound"].is_null(), optimum["objective"] != "forward-kl", "{optimum}");
    }
}

/// Where nothing is valid there is no p*, and it is said.
#[test]
fn without_valid_outputs_optima_are_null_and_why_is_told() {
    let experiment = experiment(
        r#"(name: "n", task: (alphabet: Chars("ab"), horizon: 2, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
                verifier: (plugin: "regex", config: (pattern: "c"))),
            policies: {"q": (plugin: "ngram", config: (order: 1), start: FitBase)},
            objectives: {"f": (plugin: "forward-kl"), "a": (plugin: "alpha", config: (alpha: 0.5)),
                         "k": (plugin: "kl-control", config: (beta: 0.5)), "r": (plugin: "reinforce")})"#,
    );
    let record = optimum(&experiment, registry(), &quick, true).unwrap();
    assert_eq!(record.optima.len(), 4);
    for optimum in record.optima {
        assert!(optimum.value.is_none() && optimum.why.is_some_and(|why| why.contains("no valid output")));
        assert!(optimum.measures.get("validity_rate").is_none() && optimum.table.is_empty());
    }
}

/// A reward maximiser has many optima: only its validity is shown, and with `--flow` the one that the start selects.
#[test]
fn the_flow_selects_one_of_many() {
    let found = optima("paper/kl-control-selects.ron", &["--flow"]);
    let reinforce = found.iter().find(|optimum| optimum["objective"] == "reinforce").unwrap();
    assert_eq!(reinforce["degenerate"], true);
    assert!(reinforce["entropy"].is_null() && reinforce["validity_rate"] == 1.0);
    // From uniform rows no valid output is preferred: the flow ends uniform on all sixteen.
    let flow = &reinforce["flow"];
    assert_eq!(flow["settled"], true);
    assert!((flow["entropy"].as_f64().unwrap() - 16f64.ln()).abs() < 1e-6, "{flow}");
    for other in found.iter().filter(|optimum| optimum["objective"] != "reinforce") {
        assert!(other["flow"].is_null() && other["degenerate"] == false);
    }
}

#[test]
fn a_class_too_large_for_any_search_says_how_large() {
    let experiment = experiment(
        r#"(name: "large",
            task: (
                alphabet: Chars("abcdefgh"), horizon: 40000, ending: FixedLength,
                base: (plugin: "ngram", config: (order: 2, add_k: 1.0, corpus: "CORPUS")),
                verifier: (plugin: "regex", config: (pattern: "([a-h]{3})*")),
            ),
            policies: {"q": (plugin: "ngram", config: (order: 2), start: FitBase)},
            objectives: {"a": (plugin: "alpha", config: (alpha: 0.5))})"#
            .replace("add_k: 1.0, corpus: \"CORPUS\"", &format!("table: {{{}}}", uniform_rows("abcdefgh")))
            .as_str(),
    );
    let effort = |transitions: usize| Search::thorough(transitions * 10);
    let error = optimum(&experiment, registry(), &effort, false).unwrap_err();
    let message = &error.problems[0].message;
    assert!(message.contains("parameters") && message.contains("transitions"), "{message}");
    assert!(error.problems[0].hint.as_ref().is_some_and(|hint| hint.contains("shorter horizon")));
}

fn uniform_rows(symbols: &str) -> String {
    let row = vec![1.0 / symbols.len() as f64; symbols.len()];
    let contexts = std::iter::once('^').chain(symbols.chars());
    contexts.map(|context| format!("\"{context}\": {row:?}")).collect::<Vec<_>>().join(", ")
}

/// Where a single output is valid all that are always right are one policy: its figures are told.
#[test]
fn a_reward_maximiser_of_a_single_answer_is_no_one_of_many() {
    let text = r#"(
        name: "one",
        task: (
            alphabet: Chars("ab"), horizon: 3, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 2, table: {"^": [0.5, 0.5], "a": [0.5, 0.5], "b": [0.5, 0.5]})),
            verifier: (plugin: "regex", config: (pattern: "PATTERN")),
        ),
        policies: {"bigram": (plugin: "ngram", config: (order: 2), start: CopyBase)},
        objectives: {"reinforce": (plugin: "reinforce")},
    )"#;
    // A bigram can say abb for certain, not aab; of two answers it may choose.
    for (pattern, alone, validity) in [("abb", true, 1.0), ("aab", false, 0.25), ("abb|bbb", false, 1.0)] {
        let folder = folder();
        fs::write(folder.path().join("one.ron"), text.replace("PATTERN", pattern)).unwrap();
        let output = host(folder.path(), &["optimum", "one.ron", "--json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let row = &found["optima"][0];
        assert_eq!(row["degenerate"], !alone, "{pattern}");
        assert_eq!(row["entropy"].as_f64().map(|entropy| entropy < 1e-12), alone.then_some(true), "{row}");
        assert!((row["validity_rate"].as_f64().unwrap() - validity).abs() < 1e-6, "{pattern}: {row}");
    }
}
