//! Responses that a verifier has no verdict on: counted, left out, and never taken for invalid.

use crate::support::{experiments, libraries, run_prepared};
use pstar_core::author::{Judge, Verdict};
use pstar_core::{PluginError, Verifier};
use pstar_lab::experiment::{Experiment, ExperimentError, ExperimentFile, check};
use pstar_lab::rollout::{BatchKey, Recipe, Rollout};
use pstar_lab::run::prepare;
use pstar_loader::{Plugin, Registry};
use pstar_record::{ArmStatus, Warning};
use serde::Deserialize;
use std::path::Path;

/// Strings that begin with an a; of those that hold `unknown` nobody can tell, of those that hold `between` a threshold
/// decides.
struct Hesitant(Config);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    unknown: Option<String>,
    #[serde(default)]
    between: Option<String>,
}

impl Hesitant {
    fn verdict(&self, response: &str) -> Verdict {
        let holds =
            |part: &Option<String>| part.as_ref().is_some_and(|part| response.contains(part.as_str()));
        let valid = response.starts_with('a');
        match (holds(&self.0.unknown), holds(&self.0.between)) {
            (true, _) => Verdict::Unknown("it took too long".into()),
            (false, true) => Verdict::Between { valid },
            (false, false) => Verdict::of(valid),
        }
    }
}

impl Verifier for Hesitant {
    const NAME: &'static str = "hesitant";
    const DOC: &'static str = "begins with an a";
    type Config = Config;
    const JUDGE: Option<Judge<Self>> =
        Some(|verifier, pairs| pairs.iter().map(|(_, response)| verifier.verdict(response)).collect());

    fn new(config: Config) -> Result<Self, PluginError> {
        Ok(Self(config))
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        self.verdict(response).is_valid() == Some(true)
    }
}

fn registry() -> Registry {
    let mut registry = Registry::load(&libraries()).unwrap();
    let mut components = pstar_core::export::Components::default();
    components.verifiers::<Hesitant>();
    let plugin = Plugin::of(components.into_root("1.0.0"));
    registry.add(plugin, Path::new("this program"), "0".repeat(64)).unwrap();
    registry
}

/// Three fair symbols in each of four places.
fn experiment(
    registry: &Registry,
    verifier: &str,
    (task, training, evaluation): (&str, &str, &str),
) -> Result<Experiment, ExperimentError> {
    let text = format!(
        r#"(
        name: "hesitant",
        task: (
            alphabet: Chars("abc"), horizon: 4, ending: FixedLength, {task}
            base: (plugin: "ngram", config: (order: 1, table: {{"": [0.25, 0.5, 0.25]}})),
            verifier: (plugin: "hesitant", config: {verifier}),
        ),
        policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
        objectives: {{"grpo": (plugin: "grpo"), "rloo": (plugin: "rloo")}},
        training: (gradient: Sampled(prompts: 4, group: 8{training}), steps: 30, optimizer: Sgd(learning_rate: 0.5)),
        evaluation: (every: 10, k: [1, 4], samples: 4096, {evaluation}),
        seeds: [1, 2],
    )"#
    );
    let path = experiments().join("hesitant.ron");
    let file = ExperimentFile::parse(&path, &text).unwrap_or_else(|error| panic!("{error:?}"));
    check(file, &path, &text, registry)
}

const SAMPLED: &str = "enumerate_up_to: 0";

/// Which outputs are valid is not known, so nothing exact is.
#[test]
fn exact_values_take_all_verdicts() {
    let registry = registry();
    let experiment = experiment(&registry, r#"(unknown: "cca")"#, ("", "", "")).unwrap();
    let error = prepare(&experiment, &registry).map(|_| ()).unwrap_err();
    let problem = &error.problems[0];
    // Of 81 outputs 3 begin with cca and 3 end with it.
    let expected = "verifier `hesitant` has no verdict on 6 of 81 responses, and exact values take all of them; one is the \
                    response `acca` to the prompt ``: it took too long";
    assert_eq!(problem.message, expected);
    assert!(problem.hint.as_ref().unwrap().contains("task.no_verdict_limit"), "{problem:?}");
}

/// Groups of 8 lose what has no verdict; those left with one sample go where an objective takes two.
#[test]
fn responses_without_a_verdict_leave_their_groups() {
    let registry = registry();
    let task = "no_verdict_limit: 1.0,";
    let experiment = experiment(&registry, r#"(unknown: "b")"#, (task, "", SAMPLED)).unwrap();
    let prepared = prepare(&experiment, &registry).unwrap();
    let spec = &prepared.experiment.plan.policies[0];
    let policy = registry.policy(&spec.plugin).unwrap();
    let policy = policy.create(&spec.configuration, &experiment.world.task).unwrap();
    let (mut least, mut lost) = (usize::MAX, 0);
    for step in 0..50 {
        let mut recipe = Recipe::on_policy(&experiment.world, &prepared.facts, (4, 8), true);
        recipe.minimum_group = 2;
        let rollout = match Rollout::make(&recipe, &policy, BatchKey { seed: 1, step }) {
            Ok(rollout) => rollout,
            Err(error) => panic!("{error}"),
        };
        let (mut rows, b) = (0, 1);
        for group in rollout.groups() {
            assert!((2..=8).contains(&group.len()));
            least = least.min(group.len());
            rows += group.len();
        }
        assert!(rollout.tokens.view().rows().all(|tokens| !tokens.contains(&b)));
        let valid = |tokens: &[u32]| f64::from(u8::from(tokens[0] == 0));
        let rewards: Vec<f64> = rollout.tokens.view().rows().map(valid).collect();
        assert_eq!(rollout.rewards(), rewards);
        assert_eq!((rows, rollout.weights().len()), (rollout.rewards().len(), rows));
        assert!(rows == 0 || (rollout.weights().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let budget = rollout.budget();
        assert_eq!((budget.sequences, budget.verifier_calls), (32, 32));
        lost += 4 - rollout.prompts().len();
        // Those that left because too few stayed had a verdict.
        assert!(budget.no_verdicts + rows as u64 <= 32 && 32 <= budget.no_verdicts + rows as u64 + 4);
    }
    assert!(least == 2 && lost > 0, "the test must meet small groups: {least}, {lost}");
}

/// b and what has no verdict are worlds apart: a policy that is told nothing of b keeps its share among the rest.
#[test]
fn no_verdict_is_told_and_is_not_invalid() {
    let registry = registry();
    let limit = "no_verdict_limit: 0.5,";
    let verifier = r#"(unknown: "cc", between: "bb")"#;
    for training in ["", ", minibatches: 2, epochs: 2", ", source: Buffer(age: 2)", ", redraw: (limit: 3)"] {
        let experiment = experiment(&registry, verifier, (limit, training, SAMPLED)).unwrap();
        let record = run_prepared(&prepare(&experiment, &registry).unwrap());
        for arm in &record.arms {
            assert_eq!((arm.status, &arm.failure), (ArmStatus::Complete, &None));
            let budget = arm.budget;
            assert!(budget.no_verdicts > 0 && budget.between > 0, "{budget:?}");
            let of = budget.verifier_calls;
            assert!(arm.warnings.contains(&Warning::NoVerdicts { count: budget.no_verdicts, of: Some(of) }));
            assert!(arm.warnings.contains(&Warning::BetweenScores { count: budget.between, of }));
            assert!(
                arm.warnings.iter().any(|warning| matches!(warning, Warning::NoVerdicts { of: None, .. }))
            );
        }
        // Of outputs without cc the share that begins with an a: with x = P(no cc in 3), y = in 4 places of which the first
        // is c: .25 x + .5 x + .25·.75·P(no cc in 2). P(no cc in 2) = 15/16, in 3: 1 − 2/16 + 1/64 = 57/64.
        let (two, three) = (15.0 / 16.0, 57.0 / 64.0);
        let expected = 0.25 * three / (0.75 * three + 0.25 * 0.75 * two);
        let base = record.references.iter().find(|(name, _)| name == "base").unwrap();
        let found = base.1.get("validity_rate").unwrap();
        // 4096 samples: five standard errors of .007.
        assert!((found - expected).abs() < 0.035, "{found} {expected}");
        assert!(
            record.warnings.iter().any(|warning| matches!(warning, Warning::NoVerdicts { of: None, .. }))
        );
    }
}

/// One in sixteen pairs of symbols: far more than one response in a hundred.
#[test]
fn too_many_end_the_arm_and_the_pair_is_quoted() {
    let registry = registry();
    // Samples of the base have some c's; those of an arm soon have too many for its limit, those of its start not.
    let limit = "no_verdict_limit: 0.005,";
    let experiment = experiment(&registry, r#"(unknown: "cccc")"#, (limit, "", SAMPLED)).unwrap();
    let record = run_prepared(&prepare(&experiment, &registry).unwrap());
    assert!(record.arms.iter().all(|arm| arm.status == ArmStatus::Complete), "{:?}", record.arms[0].failure);
    let experiment = self::experiment(&registry, r#"(unknown: "cc")"#, (limit, "", SAMPLED)).unwrap();
    let error = prepare(&experiment, &registry).map(|_| ()).unwrap_err();
    let message = &error.problems[0].message;
    assert!(
        message.contains("of 4096 samples that a model is measured by, expected at most 0.5 %"),
        "{message}"
    );
    assert!(message.ends_with("to the prompt ``: it took too long"), "{message}");
}

#[test]
fn a_limit_is_a_share() {
    let registry = registry();
    for limit in ["-0.1", "1.5", "inf"] {
        let task = format!("no_verdict_limit: {limit},");
        let error = experiment(&registry, "()", (&task, "", "")).map(|_| ()).unwrap_err();
        assert!(error.problems[0].message.contains("must be a share from 0 to 1"), "{:?}", error.problems);
    }
}
