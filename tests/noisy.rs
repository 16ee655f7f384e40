//! Verdicts that are wrong in a known way, against counts by hand over all outputs.

use crate::support::{experiments, registry, run_prepared};
use pstar_core::data::{RaggedBuffer, SequenceBuffer};
use pstar_lab::exact::{MethodChoice, exact};
use pstar_lab::experiment::{Experiment, ExperimentError, ExperimentFile, check};
use pstar_lab::run::prepare;

/// Outputs of the symbols ab of six places, uniform.
fn experiment(verifier: &str) -> Result<Experiment, ExperimentError> {
    experiment_with(verifier, "")
}

fn experiment_with(verifier: &str, evaluation: &str) -> Result<Experiment, ExperimentError> {
    let text = format!(
        r#"(
        name: "noise",
        task: (
            alphabet: Chars("ab"), horizon: 6, ending: FixedLength, prompts: List(["", "a"]),
            base: (plugin: "ngram", config: (order: 1, table: {{"": [0.5, 0.5]}})),
            verifier: {verifier},
        ),
        policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
        objectives: {{"reinforce": (plugin: "reinforce")}},
        training: (gradient: Sampled(prompts: 2, group: 16), steps: 20, optimizer: Sgd(learning_rate: 0.5)),
        evaluation: (every: 10, k: [1, 4], betas: [0.5], optima: false{evaluation}),
        seeds: [1],
    )"#
    );
    let path = experiments().join("noise.ron");
    let file = ExperimentFile::parse(&path, &text).unwrap_or_else(|error| panic!("{error:?}"));
    check(file, &path, &text, registry())
}

const STARTS_WITH_A: &str = r#"(plugin: "regex", config: (pattern: "a.*"))"#;

fn noisy(noise: &str) -> String {
    format!(r#"(plugin: "noisy", config: (verifier: {STARTS_WITH_A}, {noise}))"#)
}

/// The told and the true verdict on every output of a prompt.
fn verdicts(experiment: &Experiment, prompt: u32) -> Vec<(bool, bool)> {
    let world = &experiment.world;
    let mut batch = SequenceBuffer::new(world.prompts.clone());
    let all = (0..64u32).map(|code| (0..6).map(move |place| code >> place & 1).collect::<Vec<u32>>());
    let all: RaggedBuffer<u32> = all.collect::<Vec<_>>().iter().map(Vec::as_slice).collect();
    all.view().rows().for_each(|tokens| batch.push(prompt, tokens.iter().copied()));
    let told = world.verifier.judge(&batch.view()).unwrap().valid;
    let truth = world.verifier.judge_truly(&batch.view()).unwrap().valid;
    told.into_iter().zip(truth).map(|(told, truth)| (told.unwrap(), truth.unwrap())).collect()
}

/// 64 outputs, 32 truly valid: counts over them are the figures of the uniform base.
#[test]
fn figures_of_noise_are_counts_over_outputs() {
    for noise in [
        "false_positives: 0.25, false_negatives: 0.125",
        "false_positives: 1.0",
        "false_negatives: 0.5, seed: 7",
    ] {
        let experiment = experiment(&noisy(noise)).unwrap();
        let record = exact(&experiment, registry(), MethodChoice::Auto).unwrap();
        for (number, prompt) in (0u32..).zip(&record.prompts) {
            let verdicts = verdicts(&experiment, number);
            let share = |of: &dyn Fn(bool, bool) -> bool| {
                verdicts.iter().filter(|(told, truth)| of(*told, *truth)).count() as f64 / 64.0
            };
            let [told, right, accepted, refused] = [
                share(&|told, _| told),
                share(&|told, truth| told && truth),
                share(&|told, truth| told && !truth),
                share(&|told, truth| !told && truth),
            ];
            let near = |found: Option<f64>, expected: f64| {
                assert!((found.unwrap() - expected).abs() < 1e-12, "{noise}: {found:?}, expected {expected}");
            };
            let base = &prompt.base;
            near(base.get("validity_rate"), told);
            near(base.get("true_validity_rate"), 0.5);
            near(base.get("false_positive_mass"), accepted);
            near(base.get("false_negative_mass"), refused);
            near(base.get("kl_from_true_filtered"), 2f64.ln());
            near(base.get_in("true_pass_at", "4"), 1.0 - 0.5f64.powi(4));
            // p* of what is told, seen by the truth.
            let filtered = prompt.filtered.as_ref().unwrap();
            near(filtered.get("true_validity_rate"), right / told);
            near(filtered.get("false_positive_mass"), accepted / told);
            near(filtered.get("false_negative_mass"), 0.0);
            // KL(true p* ‖ p*) is infinite where something true is refused, else ln(told / true).
            let kl = filtered.get("kl_from_true_filtered").unwrap();
            let expected = if refused > 0.0 { f64::INFINITY } else { (told / 0.5).ln() };
            assert!(kl == expected || (kl - expected).abs() < 1e-12, "{kl} {expected}");
            // β = 0.5: what is told valid weighs e² to 1.
            let weight = 2f64.exp();
            let total = weight * told + 1.0 - told;
            near(prompt.tilted[0].get("true_validity_rate"), (weight * right + refused) / total);
            near(prompt.tilted[0].get("false_negative_mass"), refused / total);
        }
        // Each prompt has flips of its own.
        if !noise.contains("1.0") {
            assert_ne!(verdicts(&experiment, 0), verdicts(&experiment, 1));
        }
    }
}

/// Of 4,096 outputs of two kinds the shares that are flipped are the rates, within five standard errors; other seeds flip
/// others.
#[test]
fn rates_are_shares_of_responses() {
    let text = |seed: u64| {
        let verifier = noisy(&format!("false_positives: 0.2, false_negatives: 0.05, seed: {seed}"));
        verifier.replace("a.*", "a*b.*")
    };
    let [first, second] = [1, 2].map(|seed| {
        let experiment = experiment(&text(seed)).unwrap();
        [0, 1].map(|prompt| verdicts(&experiment, prompt)).concat()
    });
    assert_ne!(first, second);
    let mut flipped = [0.0; 2];
    let mut of = [0.0; 2];
    for seed in 0..64 {
        let experiment =
            experiment(&noisy(&format!("false_positives: 0.2, false_negatives: 0.05, seed: {seed}")))
                .unwrap();
        for (told, truth) in [0, 1].map(|prompt| verdicts(&experiment, prompt)).concat() {
            flipped[usize::from(truth)] += f64::from(u8::from(told != truth));
            of[usize::from(truth)] += 1.0;
        }
    }
    for (which, rate) in [0.2, 0.05].into_iter().enumerate() {
        let found: f64 = flipped[which] / of[which];
        assert!((found - rate).abs() < 5.0 * (rate * (1.0 - rate) / of[which]).sqrt(), "{found} {rate}");
    }
}

/// (begins with a and has no bb) or ends with bbb, by enumeration and by states.
#[test]
fn patterns_are_walked_and_listed_alike() {
    let verifier = noisy(
        r#"accepts_also: (plugin: "regex", config: (pattern: ".*bbb")), rejects_also: (plugin: "regex", config: (pattern: ".*bb.*"))"#,
    );
    let experiment = experiment(&verifier).unwrap();
    let expected = (0..64u32).filter(|code| {
        let text: String = (0..6).map(|place| if code >> place & 1 == 0 { 'a' } else { 'b' }).collect();
        (text.starts_with('a') && !text.contains("bb")) || text.ends_with("bbb")
    });
    let expected = expected.count() as f64 / 64.0;
    for method in [MethodChoice::Enumeration, MethodChoice::DynamicProgramming] {
        let record = exact(&experiment, registry(), method).unwrap();
        let found = record.prompts[0].base.get("validity_rate").unwrap();
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    let record = run_prepared(&prepare(&experiment, registry()).unwrap());
    assert!(record.arms[0].last.as_ref().unwrap().get("true_validity_rate").is_some());
}

#[test]
fn noise_by_rate_cannot_be_read_symbol_by_symbol() {
    let verifier = noisy("false_positives: 0.1");
    let experiment = experiment_with(&verifier, ", enumerate_up_to: 1").unwrap();
    let error = exact(&experiment, registry(), MethodChoice::DynamicProgramming).map(|_| ()).unwrap_err();
    let problem = format!("{:?}", error.problems);
    assert!(problem.contains("noise by rate flips single responses"), "{problem}");
    // A run goes on from samples, and says why.
    let prepared = prepare(&experiment, registry()).unwrap();
    let why = prepared.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(why.contains("noise by rate flips single responses"), "{why}");
}

#[test]
fn what_is_wrong_with_noise_is_told() {
    let of = |verifier: &str| experiment(verifier).map(|_| ()).unwrap_err().problems[0].message.clone();
    for (noise, expected) in [
        ("false_positives: 1.5", "`false_positives` must be a share from 0 to 1, found `1.5`"),
        ("false_negatives: -0.1", "`false_negatives` must be a share from 0 to 1, found `-0.1`"),
        ("accepts_also: (plugin: \"nothing\")", "no loaded plugin offers the verifier `nothing`"),
        ("accepts_also: (plugin: \"noisy\")", "`noisy` wraps another verifier"),
        ("rejects_also: (plugin: \"regex\", config: (pattern: \"(\"))", "verifier `regex`:"),
        ("rate: 1.0", "rate"),
    ] {
        let found = of(&noisy(noise));
        assert!(found.contains(expected), "{noise}: {found}");
    }
    assert!(of(r#"(plugin: "noisy")"#).contains("verifier"), "{}", of(r#"(plugin: "noisy")"#));
}
