//! Files that are almost sound: they run, or they are refused in words; nothing panics.

use crate::support::{experiments, registry, run_prepared};
use proptest::prelude::*;
use pstar_lab::experiment::{ExperimentFile, check, override_fields};
use pstar_lab::run::prepare;
use std::fs;

const SOUND: &str = r#"(
    name: "sound",
    task: (
        alphabet: Chars("1+"), prompt_alphabet: Chars("2="), horizon: 3, ending: EndSymbol,
        prompts: List(["1=", "2="]), weights: [0.5, 0.5], truncated_is_invalid: false,
        base: (plugin: "ngram", config: (order: 2, table: {"=": [0.5, 0.3, 0.2], "1": [0.2, 0.4, 0.4], "+": [0.2, 0.3, 0.5]})),
        verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt)),
    ),
    policies: {"fit": (plugin: "ngram", config: (order: 1), start: FitBase), "copy": (plugin: "ngram", config: (order: 2), start: CopyBase)},
    objectives: {"kl": (plugin: "kl-control", config: (lambda: 2.0)), "alpha": (plugin: "alpha", config: (alpha: 0.5, clip: 3.0))},
    training: (gradient: Sampled(prompts: 2, group: 3), steps: 1, optimizer: Adam(), learning_rates: [0.1, 0.2], select_on: (seeds: 1, metric: "kl_from_filtered", best: Lowest)),
    evaluation: (every: 1, k: [1, 2], betas: [0.5], powers: [0.5], alphas: [0.5], power_sums: [1.5], enumerate_up_to: 900, samples: 50),
    seeds: [2],
)"#;

/// What becomes of a text: refused in words, or run.
fn outcome(text: &str) -> Result<(), String> {
    let path = experiments().join("mutated.ron");
    let words = |problems: &[pstar_lab::experiment::Problem]| {
        assert!(!problems.is_empty());
        for problem in problems {
            assert!(!problem.message.is_empty() && !problem.message.contains('\u{1}'), "{problem:?}");
            assert!(
                problem.place.as_ref().is_none_or(|place| text.get(place.clone()).is_some()),
                "{problem:?}"
            );
        }
        problems[0].message.clone()
    };
    let file = ExperimentFile::parse(&path, text).map_err(|error| words(&error.problems))?;
    // A mutation may ask for a billion steps; that is sound, but not to be waited for.
    if file.training.as_ref().is_some_and(|training| *training.steps > 1000) {
        return Ok(());
    }
    let experiment = check(file, &path, text, registry()).map_err(|error| words(&error.problems))?;
    let prepared = prepare(&experiment, registry()).map_err(|error| words(&error.problems))?;
    let record = run_prepared(&prepared);
    for arm in &record.arms {
        // An arm may fail for a reason of numbers, never for a defect of a plugin.
        assert!(
            arm.failure.as_ref().is_none_or(|failure| !failure.message.contains("panicked")),
            "{:?}",
            arm.failure
        );
    }
    Ok(())
}

/// What is read fast is what the library reads, to the place of every part: an open comment at the end is for the library
/// alone.
fn is_read_as_by_the_library(text: &str) {
    let path = experiments().join("mutated.ron");
    if let Ok(read) = ExperimentFile::parse(&path, text) {
        let by_the_library = ExperimentFile::parse(&path, &format!("{text}//"));
        assert_eq!(format!("{read:?}"), format!("{:?}", by_the_library.unwrap()), "{text}");
    }
}

#[test]
fn experiments_are_read_as_by_the_library() {
    is_read_as_by_the_library(SOUND);
    for file in fs::read_dir(experiments()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ron") {
            is_read_as_by_the_library(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_unchanged_file_runs() {
    outcome(SOUND).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_character_is_harmless(at in 0..SOUND.len(), to in "[ -~äλ]", how in 0..3) {
        prop_assume!(SOUND.is_char_boundary(at));
        let (before, behind) = SOUND.split_at(at);
        let rest = &behind[behind.chars().next().map_or(0, char::len_utf8)..];
        let text = match how {
            0 => format!("{before}{rest}"),
            1 => format!("{before}{to}{rest}"),
            _ => format!("{before}{to}{behind}"),
        };
        let _ = outcome(&text);
    }

    #[test]
    fn a_changed_value_is_harmless(
        field in prop::sample::select(vec![
            "task.horizon", "task.weights", "task.alphabet", "task.prompts", "task.base.config.order", "task.ending",
            "policies.fit.config.order", "policies.fit.start", "policies.copy.start", "objectives.kl.config.lambda",
            "objectives.alpha.config.alpha", "objectives.alpha.config.clip", "training.gradient.group",
            "training.gradient.prompts", "training.gradient", "training.steps", "training.optimizer.learning_rate",
            "training.learning_rates", "training.select_on", "training.select_on.seeds", "training.select_on.metric",
            "objectives.kl.learning_rate",
            "evaluation.every", "evaluation.k", "evaluation.betas", "evaluation.powers", "evaluation.alphas", "evaluation.power_sums",
            "evaluation.enumerate_up_to", "evaluation.samples", "seeds",
        ]),
        value in prop::sample::select(vec![
            "0", "1", "2", "-1", "0.0", "1e-300", "1e300", "inf", "NaN", "\"\"", "[]", "[0.0]", "[1e-4, 0.25]", "()", "None",
            "Random", "AsConfigured", "Population", "FixedLength", "true", "[1, 2, 3]", "Chars(\"12+\")", "List([\"\"])",
            "18446744073709551615",
        ]),
    ) {
        let change = format!("{field}={value}");
        if let Ok(text) = override_fields(SOUND, &[change]) {
            let _ = outcome(&text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_files_are_read_as_by_the_library(
        changes in prop::collection::vec((0..SOUND.len(), 0..3_usize, prop::sample::select(vec![
            "", " ", "// \" (\n", "/* /* ) */ \" */", ",", "1", "\"", "(", ")", "Some(", "\\n", "e", ".", "-", "r", "_",
        ])), 1..3),
    ) {
        let mut text = SOUND.to_string();
        for (at, removed, added) in changes {
            let at = at.min(text.len());
            text.replace_range(at..(at + removed).min(text.len()), added);
        }
        is_read_as_by_the_library(&text);
    }
}
