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
