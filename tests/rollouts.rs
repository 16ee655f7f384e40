//! Where rollouts come from, and what is drawn again.

use crate::support::{experiment, registry};
use pstar_core::objective::Source;
use pstar_lab::evaluation::GroundTruth;
use pstar_lab::experiment::{ExperimentFile, check};
use pstar_lab::plan::{Gradient, Sampling};
use pstar_lab::rollout::{BatchKey, Recipe, Rollout};
use pstar_lab::run::{Prepared, prepare};
use pstar_loader::{ModelHandle, PolicyHandle};
use std::path::Path;

fn text(gradient: &str, evaluation: &str) -> String {
    format!(
        r#"(
        name: "rollouts",
        task: (
            alphabet: Chars("ab"), horizon: 4, ending: EndSymbol, prompts: List(["", "b", "ab"]),
            base: (plugin: "ngram", config: (order: 2, table: {{
                "^": [0.4, 0.4, 0.2], "a": [0.3, 0.5, 0.2], "b": [0.5, 0.2, 0.3],
            }})),
            verifier: (plugin: "regex", config: (pattern: "(b|ab*a)+")),
        ),
        policies: {{"bigram": (plugin: "ngram", config: (order: 2, table: {{
            "^": [0.1, 0.8, 0.1], "a": [0.6, 0.2, 0.2], "b": [0.2, 0.2, 0.6],
        }}), start: AsConfigured)}},
        objectives: {{"reinforce": (plugin: "reinforce")}},
        training: (gradient: {gradient}, steps: 1, optimizer: Sgd(learning_rate: 0.1)),
        evaluation: ({evaluation}optima: false),
        seeds: [1],
    )"#
    )
}

fn sampling(prepared: &Prepared<'_>) -> Sampling {
    let Gradient::Sampled(sampling) = prepared.training.gradient else { panic!("samples") };
    sampling
}

fn policy(prepared: &Prepared<'_>) -> PolicyHandle {
    let spec = &prepared.experiment.plan.policies[0];
    registry()
        .policy(&spec.plugin)
        .unwrap()
        .create(&spec.configuration, &prepared.experiment.world.task)
        .unwrap()
}

fn make(recipe: &Recipe<'_>, policy: &PolicyHandle, step: u32) -> Rollout {
    Rollout::make(recipe, policy, BatchKey { seed: 3, step }).unwrap()
}

/// Behaviour is the base, token by token; objectives are told where sequences come from.
#[test]
fn samples_of_the_base_are_scored_by_the_base() {
    let experiment = experiment(&text("Sampled(prompts: 3, group: 64, source: Base)", ""));
    let prepared = prepare(&experiment, registry()).unwrap();
    let (recipe, policy) = (prepared.recipe(sampling(&prepared), true), policy(&prepared));
    let rollout = make(&recipe, &policy, 0);
    let mut scores = vec![0.0; rollout.behaviour_log_probs().len()];
    experiment.world.base.score(&rollout.sequences(&experiment.world).unwrap(), &mut scores).unwrap();
    assert_eq!(rollout.behaviour_log_probs(), scores);
    let view = rollout.view(rollout.behaviour_log_probs(), 0).unwrap();
    assert!((0..view.len()).all(|i| view.source(i) == Source::Base && view.age(i) == 0));
    assert_eq!(view.base_log_probs().unwrap().values(), scores);
    // Other numbers than the policy's samples are drawn with, and the same for every policy.
    let on_policy = Recipe::on_policy(&experiment.world, &prepared.facts, (3, 64), true);
    assert_ne!(make(&on_policy, &policy, 0).tokens, rollout.tokens);
    let mut moved = self::policy(&prepared);
    moved.set_parameters(&[0.0; 9]).unwrap();
    assert_eq!(make(&recipe, &moved, 0).tokens, rollout.tokens);
}

/// All valid, with log p* = log a − log Z in all, and as frequent as p* says: within five standard errors.
#[test]
fn samples_of_the_filtered_model_are_exact() {
    for limit in ["", "enumerate_up_to: 5, "] {
        let experiment = experiment(&text("Sampled(prompts: 3, group: 4096, source: Filtered)", limit));
        let prepared = prepare(&experiment, registry()).unwrap();
        assert_eq!(matches!(prepared.truth, GroundTruth::Enumerated(_)), limit.is_empty());
        let rollout = make(&prepared.recipe(sampling(&prepared), true), &policy(&prepared), 2);
        assert!(rollout.rewards().iter().all(|reward| *reward == 1.0));
        let view = rollout.view(rollout.behaviour_log_probs(), 0).unwrap();
        for g in 0..view.groups() {
            let log_z = view.facts(g).log_partition.unwrap();
            let (rows, count) = (view.group(g), view.group(g).len() as f64);
            let (mut found, mut mass) = (0.0, 0.0);
            for i in rows {
                let (log_p, log_a) = (view.behaviour_log_prob(i), view.base_log_prob(i).unwrap());
                assert!((log_p - (log_a - log_z)).abs() < 1e-12, "{log_p} {}", log_a - log_z);
                assert_eq!(view.source(i), Source::Filtered);
                // "b" alone, one of the valid outputs.
                if rollout.tokens.view().row(i) == [1, 2] {
                    found += 1.0;
                    mass = log_p.exp();
                }
            }
            let error = (mass * (1.0 - mass) / count).sqrt();
            assert!(mass > 0.1 && (found / count - mass).abs() < 5.0 * error, "{} {mass}", found / count);
        }
    }
}

/// Groups that tell right from wrong are left alone; the others are drawn again until they do, or the limit is reached;
/// all of it is paid for.
#[test]
fn groups_without_a_signal_are_drawn_again() {
    let experiment = experiment(&text("Sampled(prompts: 30, group: 3)", ""));
    let prepared = prepare(&experiment, registry()).unwrap();
    let policy = policy(&prepared);
    let of = |redraw| {
        let sampling = Sampling { redraw, ..Sampling::on_policy(30, 3) };
        make(&prepared.recipe(sampling, false), &policy, 0)
    };
    let alike = |rollout: &Rollout| {
        let rewards = rollout.rewards();
        let no_signal =
            |rows: &std::ops::Range<usize>| rewards[rows.clone()].windows(2).all(|p| p[0] == p[1]);
        rollout.groups().filter(no_signal).count()
    };
    let rollouts = [0, 1, 2, 40].map(of);
    let counts = rollouts.each_ref().map(alike);
    assert!(counts[0] > 5 && counts[1] < counts[0] && counts[2] <= counts[1] && counts[3] == 0, "{counts:?}");
    let drawn = rollouts.each_ref().map(|rollout| rollout.budget().sequences);
    assert_eq!(drawn[..3], [90, 90 + 3 * counts[0] as u64, 90 + 3 * (counts[0] + counts[1]) as u64]);
    assert!(rollouts.iter().all(|rollout| rollout.budget().verifier_calls == rollout.budget().sequences));
    let [first, .., last] = &rollouts;
    for rows in first.groups() {
        let signal = first.rewards()[rows.clone()].windows(2).any(|pair| pair[0] != pair[1]);
        let same = |row| last.tokens.view().row(row) == first.tokens.view().row(row);
        assert!(!signal || rows.clone().all(same), "a group with a signal was drawn again");
    }
    // Log-probabilities stay with their sequences.
    let mut scores = vec![0.0; last.behaviour_log_probs().len()];
    policy.score(&last.sequences(&experiment.world).unwrap(), &mut scores).unwrap();
    assert_eq!(scores, last.behaviour_log_probs());
}

#[test]
fn what_cannot_be_sampled_so_is_refused() {
    let fault = |text: &str, gradient: &str| {
        let path = Path::new("x.ron");
        let file = ExperimentFile::parse(path, text).unwrap();
        let checked = check(file, path, text, registry());
        let error = checked.and_then(|experiment| prepare(&experiment, registry()).map(drop)).unwrap_err();
        assert_eq!(&error.text[error.problems[0].place.clone().unwrap()], gradient);
        error.problems[0].message.clone()
    };
    for (options, words) in [
        ("minibatches: 2", "`2` does not divide `prompts: 3`"),
        ("minibatches: 0", "`minibatches` must be at least 1, found `0`"),
        ("epochs: 0", "`epochs` must be in 1 to 255, found `0`"),
        ("epochs: 256", "`epochs` must be in 1 to 255, found `256`"),
        ("source: Filtered, redraw: (limit: 2)", "`redraw` with `source: Filtered` draws in vain"),
        ("source: Buffer(age: 0)", "found `age: 0`"),
        ("source: Buffer(age: 4294967295)", "found `age: 4294967295`"),
    ] {
        let gradient = format!("Sampled(prompts: 3, group: 2, {options})");
        let message = fault(&text(&gradient, ""), &gradient);
        assert!(message.contains(words), "{message}");
    }
    // p* of a task without states cannot be sampled exactly; nor where a prompt has none.
    let gradient = "Sampled(prompts: 3, group: 2, source: Filtered)";
    let limited = text(gradient, "enumerate_up_to: 5, ").replace("seeds:", "exact: (max_states: 2), seeds:");
    let message = fault(&limited, gradient);
    assert!(message.starts_with("`source: Filtered` needs exact samples of p*, but"), "{message}");
    let unsolvable = text(gradient, "").replace("order: 2", "order: 1").replace(
        r#"verifier: (plugin: "regex", config: (pattern: "(b|ab*a)+"))"#,
        r#"verifier: (plugin: "arithmetic-sum")"#,
    );
    let unsolvable = unsolvable.replace(r#"Chars("ab")"#, r#"Chars("12"), prompt_alphabet: Chars("+=")"#);
    let unsolvable = unsolvable.replace(r#"["", "b", "ab"]"#, r#"["1+1=", "1", "1+="]"#);
    let unsolvable = unsolvable.replace(r#""^": ["#, r#""": ["#);
    let unsolvable = unsolvable.replace(r#""a": [0.3, 0.5, 0.2], "b": [0.5, 0.2, 0.3],"#, "");
    let unsolvable = unsolvable.replace(r#""a": [0.6, 0.2, 0.2], "b": [0.2, 0.2, 0.6],"#, "");
    let message = fault(&unsolvable, gradient);
    assert!(message.ends_with("but the filtered model of prompt `1` does not exist"), "{message}");
}

/// Calculations of one and two digits, right where they give 3: which are equal is worked out here by sorting operands, and the
/// coefficients from the formula.
#[test]
fn clusters_are_calculations_and_not_spellings() {
    let text = r#"(
        name: "clusters",
        task: (
            alphabet: Chars("0123+"), horizon: 3, ending: EndSymbol,
            base: (plugin: "ngram", config: (order: 1, table: {"": [0.15, 0.15, 0.15, 0.15, 0.2, 0.2]})),
            verifier: (plugin: "arithmetic-expression", config: (target: Value(3))),
        ),
        policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
        objectives: {"reinforce": (plugin: "reinforce")},
        training: (gradient: Sampled(prompts: 4, group: 256), steps: 1, optimizer: Sgd(learning_rate: 0.1)),
        seeds: [1],
    )"#;
    let experiment = experiment(text);
    let prepared = prepare(&experiment, registry()).unwrap();
    let mut recipe = prepared.recipe(sampling(&prepared), false);
    recipe.outcomes = true;
    let policy = experiment.plan.policies[0].clone();
    let policy = registry().policy(&policy.plugin).unwrap();
    let table = r#"(order: 1, table: {"": [0.15, 0.15, 0.15, 0.15, 0.2, 0.2]})"#;
    let rollout = make(&recipe, &policy.create(table, &experiment.world.task).unwrap(), 0);
    let alphabet = &experiment.world.task.alphabet;
    let responses: Vec<String> = rollout.tokens.view().rows().map(|row| alphabet.decode(row)).collect();
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<u32>().unwrap())
    };
    // Operands in their order, or else the response as it is.
    let answers: Vec<Result<Vec<u32>, &str>> = responses
        .iter()
        .map(|response| {
            let operands: Option<Vec<u32>> = response.split('+').map(number).collect();
            let mut operands = operands.ok_or(response.as_str())?;
            operands.sort_unstable();
            Ok(operands)
        })
        .collect();
    let view = rollout.view(rollout.behaviour_log_probs(), 0).unwrap();
    let (mut spellings, mut right_clusters) = (0, std::collections::BTreeSet::new());
    let tokens = view.log_probs().values().len() as f64;
    let mut expected = Vec::new();
    for g in 0..view.groups() {
        let rows = view.group(g);
        let right = rows.clone().filter(|&i| view.reward(i) > 0.0).count() as f64;
        let n = rows.len() as f64;
        let mean = right / n;
        // Unbiased: (right (1 - mean)² + wrong mean²) / (n - 1).
        let deviation = ((right * (1.0 - mean).powi(2) + (n - right) * mean.powi(2)) / (n - 1.0)).sqrt();
        for i in rows.clone() {
            let equal: Vec<usize> = rows.clone().filter(|&j| answers[j] == answers[i]).collect();
            for j in rows.clone() {
                let told = view.outcome(i).unwrap() == view.outcome(j).unwrap();
                assert_eq!(told, equal.contains(&j), "`{}` and `{}`", responses[i], responses[j]);
            }
            spellings += usize::from(equal.iter().any(|&j| responses[j] != responses[i]));
            let centred = (view.reward(i) - mean) / (deviation + 1e-6);
            let share = if view.reward(i) > 0.0 { 1.0 / equal.len() as f64 } else { 1.0 };
            if view.reward(i) > 0.0 {
                right_clusters.insert(answers[i].clone().unwrap());
            }
            let of_token = centred * share * view.len() as f64 / tokens;
            expected.extend(std::iter::repeat_n(of_token, view.log_probs().row(i).len()));
        }
    }
    assert_eq!(right_clusters.into_iter().collect::<Vec<_>>(), [vec![0, 3], vec![1, 2], vec![3]]);
    assert!(spellings > 50, "{spellings}");
    let unique = registry().objective("uniqueness-aware").unwrap();
    let mut unique = unique.create("()", &experiment.world.task).unwrap();
    let found = unique.step(&view).unwrap().coefficients;
    assert_eq!(found.len(), expected.len());
    // Coefficients are below 10, and as many roundings as there are samples in a group go into one.
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
    }
    // Others have other clusters by their tokens alone: the first of each is told by its place.
    let by_place = (0..view.len()).filter(|&i| view.outcome(i).unwrap() == i as u64).count();
    let distinct: std::collections::BTreeSet<_> = (0..view.len()).map(|i| (i / 256, &responses[i])).collect();
    assert!(by_place < distinct.len(), "{by_place} clusters of {} responses", distinct.len());
}
