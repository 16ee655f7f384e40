//! What a run's directory says of single prompts, of likely outputs, and of what is kept of the base's support.

use crate::support::{PARITY_TASK, PROMPTED_TASK, folder, host, shown};
use pstar_record::{LikelyOutputs, Measures, Method, RunData, Whose};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The probability that a distribution gives an output, from that of the base and the verdict.
type Prob = Box<dyn Fn(f64, bool) -> f64>;

/// Makes an experiment from its name and more fields of its evaluation.
type Make<'a> = &'a dyn Fn(&str, &str) -> String;

/// Runs an experiment through the program and reads its directory back.
fn run(folder: &Path, name: &str, text: &str, more: &[&str]) -> RunData {
    fs::write(folder.join(format!("{name}.ron")), text).unwrap();
    let output = host(folder, &[&["run", &format!("{name}.ron"), "--out", name], more].concat());
    assert!(output.status.success(), "{}", shown(&output, folder));
    let data = RunData::read(&folder.join(name)).unwrap();
    assert_eq!(data.faults, []);
    data
}

fn parity(name: &str, more: &str) -> String {
    format!(
        r#"(
            name: "{name}",
            {PARITY_TASK}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: CopyBase),
                        "drawn": (plugin: "ngram", config: (order: 1), start: Random)}},
            objectives: {{"reinforce": (plugin: "reinforce"), "forward-kl": (plugin: "forward-kl")}},
            training: (gradient: Sampled(prompts: 1, group: 16), steps: 30, optimizer: Adam(learning_rate: 0.1)),
            evaluation: (every: 10, betas: [0.5, 0.1], optima: false{more}),
            seeds: [1, 2],
        )"#
    )
}

/// The outputs of the parity toy with the probabilities that its table gives them, and whether each is valid.
fn parity_outputs() -> Vec<(String, f64, bool)> {
    (0u32..32)
        .map(|bits| {
            let text: String = (0..5).map(|i| if bits >> i & 1 == 1 { 'a' } else { 'b' }).collect();
            let (mut prob, mut before) = (1.0, '^');
            for symbol in text.chars() {
                prob *= match (before, symbol) {
                    ('^', 'a') => 0.3,
                    ('^', _) => 0.7,
                    (same, symbol) if same == symbol => 0.75,
                    _ => 0.25,
                };
                before = symbol;
            }
            let valid = text.matches('a').count().is_multiple_of(2);
            (text, prob, valid)
        })
        .collect()
}

fn outputs_of<'a>(data: &'a RunData, whose: &Whose) -> &'a LikelyOutputs {
    data.outputs.iter().find(|outputs| outputs.whose == *whose).unwrap()
}

/// Base, p* and tilted distributions of the toy by hand.
#[test]
fn likely_outputs_of_targets_are_those_of_their_definitions() {
    let folder = folder();
    let all = parity_outputs();
    let mass: f64 = all.iter().filter(|(.., valid)| *valid).map(|(_, prob, _)| prob).sum();
    // By enumeration, and by states.
    for (name, more) in [("listed", ""), ("walked", ", enumerate_up_to: 1")] {
        let data = run(folder.path(), name, &parity(name, more), &[]);
        let tilted = |beta: f64| {
            let total = mass * (1.0 / beta).exp() + 1.0 - mass;
            move |prob: f64, valid: bool| prob * if valid { (1.0 / beta).exp() } else { 1.0 } / total
        };
        let filtered = move |prob: f64, valid: bool| if valid { prob / mass } else { 0.0 };
        let targets: [(&str, Prob); 4] = [
            ("base", Box::new(|prob, _| prob)),
            ("filtered", Box::new(filtered)),
            ("tilted 0.5", Box::new(tilted(0.5))),
            ("tilted 0.1", Box::new(tilted(0.1))),
        ];
        for (target, prob) in targets {
            let found = outputs_of(&data, &Whose::Reference(target.into()));
            assert!(found.exact && found.outputs.len() == 10, "{target}");
            let mut expected: Vec<f64> = all.iter().map(|(_, a, valid)| prob(*a, *valid)).collect();
            expected.sort_by(|x, y| y.total_cmp(x));
            for (found, expected) in found.outputs.iter().zip(expected) {
                let (_, a, valid) = all.iter().find(|(text, ..)| *text == found.output).unwrap();
                assert_eq!(found.valid, *valid);
                assert!((found.probability - expected).abs() < 1e-13, "{target}: {found:?} {expected}");
                assert!((found.probability - prob(*a, *valid)).abs() < 1e-13, "{target}: {found:?}");
            }
        }
        // The likeliest are bbbbb and aaaaa, of which the first is valid.
        assert_eq!(outputs_of(&data, &Whose::Reference("base".into())).outputs[0].output, "bbbbb");
        let trained =
            data.outputs.iter().filter(|outputs| matches!(&outputs.whose, Whose::End { seed: 1, .. }));
        assert_eq!((trained.count(), data.outputs.len()), (4, 8));
    }
}

fn value(measures: &Measures, name: &str) -> Option<f64> {
    measures.flat().find(|(known, _)| known == name).and_then(|(_, measure)| measure.value)
}

/// That two figures are the same to within rounding, and are there in both or in none.
fn assert_near(found: Option<f64>, expected: Option<f64>, tolerance: f64, what: &str) {
    assert_eq!(found.is_some(), expected.is_some(), "{what}: {found:?} {expected:?}");
    if let Some((found, expected)) = found.zip(expected) {
        let same = found == expected || (found - expected).abs() <= tolerance * (1.0 + expected.abs());
        assert!(same, "{what}: {found} {expected}");
    }
}

/// The same run measured by enumeration and by dynamic programming, which share no code for these figures.
#[test]
fn two_methods_agree() {
    let folder = folder();
    let prompted = |name: &str, more: &str| {
        let task = PROMPTED_TASK
            .replace("../tests/data", &format!("{}/tests/data", crate::support::root().display()));
        format!(
            r#"(
                name: "{name}",
                {task}
                policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase),
                            "trigram": (plugin: "ngram", config: (order: 3), start: CopyBase)}},
                objectives: {{"reinforce": (plugin: "reinforce"), "alpha": (plugin: "alpha", config: (alpha: 0.5))}},
                training: (gradient: Sampled(prompts: 2, group: 32), steps: 40, optimizer: Adam(learning_rate: 0.1)),
                evaluation: (every: 20, betas: [0.5], optima: false{more}),
                seeds: [1, 2, 3],
            )"#
        )
    };
    let mut crossed = 0;
    let experiments: [Make<'_>; 2] = [&prompted, &parity];
    for (i, experiment) in experiments.into_iter().enumerate() {
        let listed = run(folder.path(), &format!("listed-{i}"), &experiment("x", ""), &[]);
        // The arithmetic verifier has no states for its values, so that its outputs are listed for it.
        let more = if i == 0 { ", enumerate_up_to: 100000" } else { ", enumerate_up_to: 1" };
        let walked = run(folder.path(), &format!("walked-{i}"), &experiment("x", more), &[]);
        assert_eq!(listed.record.method, Method::Enumeration);
        if i == 1 {
            assert_eq!(walked.record.method, Method::DynamicProgramming);
        }
        assert_eq!(listed.prompts.len(), walked.prompts.len());
        for (a, b) in listed.prompts.iter().zip(&walked.prompts) {
            assert_eq!((&a.whose, &a.prompt), (&b.whose, &b.prompt));
            for (name, measure) in a.measures.flat() {
                assert_near(value(&b.measures, &name), measure.value, 1e-9, &format!("{:?} {name}", a.whose));
            }
        }
        for (a, b) in listed.record.arms.iter().zip(&walked.record.arms) {
            for (a, b) in [(&a.initial, &b.initial), (&a.last, &b.last)] {
                let (a, b) = (a.as_ref().unwrap(), b.as_ref().unwrap());
                let own = ["token_entropy", "cover@", "support_"];
                let names = a.flat().filter(|(name, _)| own.iter().any(|own| name.starts_with(own)));
                let mut count = 0;
                for (name, measure) in names {
                    assert_near(value(b, &name), measure.value, 1e-9, &name);
                    count += 1;
                }
                assert_eq!(count, 1 + 11 + 3 * 11);
            }
            let (a, b) = (a.crossings.unwrap(), b.crossings.unwrap());
            crossed += usize::from(a.coverage.is_some()) + usize::from(a.pass.is_some());
            assert_near(b.coverage, a.coverage, 1e-8, "coverage");
            assert_near(b.pass, a.pass, 1e-8, "pass");
        }
        for (a, b) in listed.outputs.iter().zip(&walked.outputs) {
            assert_eq!((&a.whose, &a.prompt, a.exact, b.exact), (&b.whose, &b.prompt, true, true));
            let probs = |outputs: &LikelyOutputs| {
                outputs.outputs.iter().map(|output| output.probability).collect::<Vec<_>>()
            };
            for (x, y) in probs(a).into_iter().zip(probs(b)) {
                assert!((x - y).abs() < 1e-12, "{:?}", a.whose);
            }
        }
        let of =
            |name: &str| listed.record.policies.iter().find(|policy| policy.name == name).unwrap().clone();
        let bigram = of("bigram");
        assert_eq!(
            (bigram.represents_base, &*bigram.start),
            (i == 1, if i == 1 { "CopyBase" } else { "FitBase" })
        );
        assert!(if i == 0 { of("trigram").represents_base } else { !of("drawn").represents_base });
    }
    assert!(crossed > 10, "{crossed}");
}

/// Figures of prompts are what the means are means of, and what Cover@τ and the supports promise.
#[test]
fn figures_of_prompts_add_up() {
    let folder = folder();
    let text = format!(
        r#"(
            name: "sums",
            {}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: Random)}},
            objectives: {{"reinforce": (plugin: "reinforce")}},
            training: (gradient: Sampled(prompts: 2, group: 8), steps: 10, optimizer: Adam(learning_rate: 0.1)),
            evaluation: (every: 5, k: [1, 4, 16], betas: [0.5], optima: false),
            seeds: [3, 4],
        )"#,
        PROMPTED_TASK.replace("../tests/data", &format!("{}/tests/data", crate::support::root().display()))
    );
    let data = run(folder.path(), "sums", &text, &[]);
    assert_eq!(data.provenance.as_ref().unwrap().command, ["host", "run", "sums.ron", "--out", "sums"]);
    let mut rows: BTreeMap<String, Vec<&Measures>> = BTreeMap::new();
    for prompt in &data.prompts {
        rows.entry(format!("{:?}", prompt.whose)).or_default().push(&prompt.measures);
    }
    let end = |seed| Whose::End {
        policy: "bigram".into(),
        objective: "reinforce".into(),
        learning_rate: 0.1,
        seed,
    };
    let start = |seed| Whose::Start { policy: "bigram".into(), seed };
    let arm = |seed: u64| data.record.arms.iter().find(|arm| arm.seed == seed).unwrap();
    let base = &data.record.references[0].1;
    let mut pairs = vec![(Whose::Reference("base".into()), base)];
    for seed in [3, 4] {
        pairs.push((start(seed), arm(seed).initial.as_ref().unwrap()));
        pairs.push((end(seed), arm(seed).last.as_ref().unwrap()));
    }
    for (whose, mean) in pairs {
        let rows = &rows[&format!("{whose:?}")];
        assert_eq!(rows.len(), 4);
        for (name, _) in rows[0].flat() {
            let sum: f64 = rows.iter().map(|row| value(row, &name).unwrap()).sum();
            assert_near(value(mean, &name), Some(sum / 4.0), 1e-12, &format!("{whose:?} {name}"));
        }
        let rates: Vec<f64> = rows.iter().map(|row| row.get("validity_rate").unwrap()).collect();
        for threshold in ["0.01", "0.1", "0.5", "0.9", "0.99"] {
            let least: f64 = threshold.parse().unwrap();
            let share = rates.iter().filter(|rate| **rate >= least).count() as f64 / 4.0;
            assert_eq!(mean.get_in("cover_at", threshold), Some(share), "{threshold} {rates:?}");
        }
        for k in ["1", "4", "16"] {
            let of = |family: &str| mean.get_in(family, k).unwrap();
            let base = base.get_in("coverage_at", k).unwrap();
            assert!((of("support_kept_at") + of("support_lost_at") - base).abs() < 1e-13);
            let own = of("support_kept_at") + of("support_gained_at");
            assert!((own - of("coverage_at")).abs() < 1e-13);
        }
    }
    // Different seeds start apart, and both are told; what starts alike is told once.
    assert_eq!(rows.keys().filter(|whose| whose.starts_with("Start")).count(), 2);
    // Curves hold the entropy of a token, from 0 to the end.
    let curve = &arm(3).curve;
    assert_eq!(curve.len(), 3);
    assert!(curve.iter().all(|point| point.measures.get("token_entropy").is_some()));
    assert!(curve[1].signals.iter().any(|(name, _)| name == "groups_all_wrong"));
}

/// Where nothing can be listed and nothing has states, samples tell what they can.
#[test]
fn samples_tell_what_they_can() {
    let folder = folder();
    let text = parity("sampled", ", enumerate_up_to: 1, samples: 200, k: [1, 4]")
        .replace("seeds: [1, 2],", "seeds: [1, 2], exact: (max_states: 1),");
    let data = run(folder.path(), "sampled", &text, &[]);
    assert_eq!(data.record.method, Method::Sampling);
    let arm = &data.record.arms[0];
    assert_eq!(arm.crossings, None);
    let last = arm.last.as_ref().unwrap();
    assert!(value(last, "token_entropy").unwrap() > 0.0 && value(last, "support_kept@4").is_none());
    let base = outputs_of(&data, &Whose::Reference("base".into()));
    // Of few outputs the search needs no more than its samples have tokens.
    assert!(base.exact && base.outputs.len() == 10);
    let mut all = parity_outputs();
    all.sort_by(|(_, x, _), (_, y, _)| y.total_cmp(x));
    for (found, (_, expected, _)) in base.outputs.iter().zip(&all) {
        assert!((found.probability - expected).abs() < 1e-14);
    }
    for found in &base.outputs {
        let (_, prob, valid) = all.iter().find(|(text, ..)| *text == found.output).unwrap();
        assert!((found.probability - prob).abs() < 1e-14 && found.valid == *valid);
    }
    // The start of a copy of the base is another sample of it; its seeds do not start alike, since they are estimated.
    assert!(data.prompts.iter().any(|row| row.whose == Whose::Reference("base".into())));
    assert!(data.prompts.iter().any(|row| matches!(&row.whose, Whose::Start { seed: 2, .. })));
}

/// With few samples the search is given up, and what was met is no proof.
#[test]
fn a_search_that_is_given_up_proves_nothing() {
    let folder = folder();
    let text = parity("few", ", enumerate_up_to: 1, samples: 3, k: [1]")
        .replace("seeds: [1, 2],", "seeds: [1], exact: (max_states: 1),");
    let data = run(folder.path(), "few", &text, &[]);
    let all = parity_outputs();
    let base = outputs_of(&data, &Whose::Reference("base".into()));
    assert!(!base.exact && !base.outputs.is_empty());
    assert!(base.outputs.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
    for found in &base.outputs {
        let (_, prob, valid) = all.iter().find(|(text, ..)| *text == found.output).unwrap();
        assert!((found.probability - prob).abs() < 1e-14 && found.valid == *valid);
    }
}
