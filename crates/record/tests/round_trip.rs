//! What is written is read back the same, to the bit, whatever names and numbers it holds.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may end in a panic")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use pstar_record::{
    Advice, ArmPrompts, ArmRecord, ArmStatus, Best, Budget, Choice, ClassOptimum, Comparison, Crossings,
    CurvePoint, ExactRecord, Failure, Flow, KappaRecord, Measure, Measures, Method, MetricInterval, Missing,
    ObjectiveRecord, OptimumRecord, PartitionRecord, PolicyRecord, PromptRecord, Rate, RunRecord, Selection,
    SelectionArm, Shared, Spread, Standing, StarRecord, VERSION, Verdict, VerdictRow, Warning, Warnings,
    Which, Word,
};

/// All numbers but NaN, infinities, zeros of both signs and subnormal ones among them.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>().prop_map(|x| if x.is_nan() { -0.0 } else { x }),
        1 => prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX]),
    ]
}

/// Any text: line breaks, quotes, control characters, what looks like a key of ours.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "",
            "warnings",
            "\u{1b}[2J",
            "\"\\\n\0",
            "inf",
            "std_errors",
            "λ=1, `x` @2"
        ])
        .prop_map(String::from),
    ]
}

fn measure() -> impl Strategy<Value = Measure> {
    (option::of(number()), option::of(number())).prop_map(|(value, std_error)| Measure { value, std_error })
}

fn measures() -> impl Strategy<Value = Measures> {
    let shared = vec(-1e300f64..1e300, 0..4);
    (vec(measure(), 0..4), prop::collection::btree_map(name(), measure(), 0..4), shared).prop_map(
        |(scalars, family, parts)| {
            let mut measures = Measures::default();
            for (i, measure) in scalars.into_iter().enumerate() {
                measures.push(format!("figure \"{i}\"\u{7f}"), measure);
            }
            let (keys, figures): (Vec<_>, Vec<_>) = family.into_iter().unzip();
            measures.push_family("coverage_at", keys, figures);
            let shared = Shared::of(parts.len(), parts.into_iter().enumerate());
            measures.push_shared("kl_from_filtered", (Measure::from(0.5), shared));
            measures
        },
    )
}

fn warning() -> impl Strategy<Value = Warning> {
    prop_oneof![
        number().prop_map(|percent| Warning::IdleGroups { percent }),
        vec(name(), 1..3).prop_map(|prompts| Warning::Unsolved { prompts }),
        Just(Warning::ClipNeverActed),
        Just(Warning::DidNotMove),
        (number(), number(), any::<u32>(), number()).prop_map(|(last, best, step, norm)| {
            let advice = match step % 3 {
                0 => Advice::SmallerRate,
                1 => Advice::SmallerRateOrLargerBatch,
                _ => Advice::BoundGradient { norm },
            };
            Warning::Overshoot { last, best, step, advice }
        }),
        name().prop_map(|prompt| Warning::Unsolvable { prompt }),
        (name(), name(), any::<u64>()).prop_map(|(policy, reason, samples)| Warning::EstimatedPolicy {
            policy,
            reason,
            samples
        }),
        (any::<u64>(), name(), any::<u64>()).prop_map(|(limit, reason, samples)| Warning::EstimatedTask {
            limit,
            reason,
            samples
        }),
        (name(), any::<u64>()).prop_map(|(prompt, samples)| Warning::TooFewValid { prompt, samples }),
        (vec(name(), 1..3), any::<u64>()).prop_map(|(k, samples)| Warning::BeyondSamples { k, samples }),
        (any::<usize>(), vec(name(), 0..3)).prop_map(|(seeds, names)| {
            let which = if names.is_empty() { Which::All } else { Which::Some { names, more: 3 } };
            Warning::SeedsWithoutEffect { seeds, which }
        }),
        (name(), vec(0.0..1e300, 0..3)).prop_map(|(objective, others)| Warning::UnequalRate {
            objective,
            rate: 0.1,
            others
        }),
        number().prop_map(|rate| Warning::UnusedRate { rate }),
        name().prop_map(|why| Warning::NoOptimum { why }),
        name().prop_map(|message| Warning::Text { message }),
    ]
}

fn warnings() -> impl Strategy<Value = Warnings> {
    vec(warning(), 0..3).prop_map(Warnings)
}

fn arm() -> impl Strategy<Value = ArmRecord> {
    let names = (name(), name(), option::of(name()), option::of((any::<u32>(), name())));
    let figures = (option::of(measures()), option::of(measures()), vec((name(), number()), 0..3));
    (names, figures, warnings(), any::<[u64; 4]>(), number()).prop_map(
        |((policy, objective, first_batch, failure), (initial, last, means), warnings, counts, rate)| {
            let [sequences, tokens, verifier_calls, optimizer_steps] = counts;
            ArmRecord {
                id: policy.chars().take(2).collect(),
                parameters_sha256: first_batch.clone(),
                policy,
                objective,
                seed: sequences,
                learning_rate: rate,
                status: if failure.is_some() { ArmStatus::Failed } else { ArmStatus::Complete },
                failure: failure.map(|(step, message)| Failure { step, message }),
                first_batch,
                budget: Budget { sequences, tokens, verifier_calls, optimizer_steps, ..Budget::default() },
                log_partition: PartitionRecord { exact: tokens, group: 0, running: 1 },
                initial,
                last,
                diagnostics: means.into_iter().collect(),
                warnings,
                crossings: (sequences % 2 == 0).then_some(Crossings { coverage: Some(rate), pass: None }),
                curve: Vec::new(),
                parameters: Vec::new(),
                prompts: ArmPrompts::default(),
            }
        },
    )
}

fn table() -> impl Strategy<Value = Vec<(String, Vec<f64>)>> {
    // Rows have names of their own.
    prop::collection::btree_map(name(), vec(number(), 0..3), 0..3).prop_map(|rows| rows.into_iter().collect())
}

fn optimum() -> impl Strategy<Value = ClassOptimum> {
    let numbers = (option::of(number()), option::of(number()), option::of(number()), vec(number(), 0..3));
    let flow = (number(), any::<bool>(), measures(), table())
        .prop_map(|(length, settled, measures, table)| Flow { length, settled, measures, table });
    let more = (measures(), table(), option::of(flow), any::<(bool, bool)>());
    (name(), name(), option::of(name()), numbers, more).prop_map(
        |(policy, objective, why, (value, lower_bound, residual, local_optima), more)| {
            let (measures, table, flow, (degenerate, settled)) = more;
            ClassOptimum {
                divergence: objective.clone(),
                policy,
                objective,
                value,
                lower_bound,
                degenerate,
                why,
                residual,
                settled,
                starts: 3,
                local_optima,
                measures,
                table,
                flow,
            }
        },
    )
}

fn comparison() -> impl Strategy<Value = Comparison> {
    (name(), name(), number(), option::of(number()), option::of(number()), option::of(number())).prop_map(
        |(policy, objective, difference, low, high, shared_std_error)| Comparison {
            baseline: policy.clone(),
            metric: objective.clone(),
            policy,
            objective,
            learning_rate: low,
            baseline_learning_rate: high,
            difference,
            low,
            high,
            shared_std_error,
            pairs: 7,
            p_value: low,
            adjusted_p_value: high,
            star: low.map(|p| if p < 0.5 { StarRecord::Earned } else { StarRecord::OutOfReach }),
            pairs_needed: high.map(|_| 9),
        },
    )
}

fn selection() -> impl Strategy<Value = Selection> {
    let arm = (name(), option::of(number()), option::of((any::<u32>(), name())));
    let arm = arm.prop_map(|(id, value, failure)| SelectionArm {
        id,
        status: if failure.is_some() { ArmStatus::Failed } else { ArmStatus::Interrupted },
        failure: failure.map(|(step, message)| Failure { step, message }),
        value,
    });
    let rate = (number(), option::of(number()), vec(arm, 0..3));
    let rate = rate.prop_map(|(learning_rate, mean, arms)| Rate { learning_rate, mean, arms });
    let choice = (name(), name(), option::of(number()), vec(rate, 0..3)).prop_map(
        |(policy, objective, learning_rate, rates)| Choice { policy, objective, learning_rate, rates },
    );
    (vec(any::<u64>(), 0..3), name(), any::<bool>(), vec(choice, 0..3)).prop_map(
        |(seeds, metric, highest, choices)| {
            let best = if highest { Best::Highest } else { Best::Lowest };
            Selection { seeds, metric, best, choices }
        },
    )
}

fn spread() -> impl Strategy<Value = Spread> {
    (number(), option::of(number()), option::of(number())).prop_map(|(mean, low, high)| Spread {
        mean,
        low,
        high,
    })
}

fn interval() -> impl Strategy<Value = MetricInterval> {
    (name(), name(), option::of(number()), spread()).prop_map(|(policy, objective, learning_rate, spread)| {
        MetricInterval { metric: policy.clone(), policy, objective, learning_rate, spread, seeds: 5 }
    })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let word = prop_oneof![
        Just(Word::Collapses),
        Just(Word::Undecided),
        Just(Word::Trades),
        Just(Word::Loses),
        Just(Word::Keeps)
    ];
    let row = (name(), option::of(number()), option::of((word, spread(), spread())));
    let row = row.prop_map(|(objective, learning_rate, told)| VerdictRow {
        sentence: objective.clone(),
        objective,
        learning_rate,
        word: told.map(|(word, ..)| word),
        coverage: told.map(|(_, coverage, _)| coverage),
        validity_rate: told.map(|(.., validity_rate)| validity_rate),
        seeds: 3,
    });
    let standing =
        || (number(), number()).prop_map(|(coverage, validity_rate)| Standing { coverage, validity_rate });
    (name(), any::<bool>(), standing(), standing(), vec(row, 0..3)).prop_map(
        |(policy, starts_as_base, start, base, rows)| Verdict {
            sentence: policy.clone(),
            metric: policy.clone(),
            policy,
            starts_as_base,
            start,
            base,
            rows,
        },
    )
}

fn run() -> impl Strategy<Value = RunRecord> {
    let rows = vec((name(), measures()), 0..3);
    let found = (vec(arm(), 0..3), option::of(selection()));
    let told = (vec(verdict(), 0..3), vec(interval(), 0..3), vec(comparison(), 0..2));
    (name(), found, rows, vec(optimum(), 0..2), told, warnings()).prop_map(
        |(name, (arms, selection), references, optima, (verdicts, intervals, comparisons), warnings)| {
            RunRecord {
                version: VERSION,
                complete: arms.is_empty(),
                missing: Missing {
                    arms: arms.iter().map(|arm| arm.id.clone()).collect(),
                    optima: !arms.is_empty(),
                },
                name,
                method: Method::Sampling,
                policies: vec![PolicyRecord {
                    name: "p".into(),
                    represents_base: arms.is_empty(),
                    start: "FitBase".into(),
                }],
                arms,
                selection,
                references,
                optima,
                objectives: verdicts
                    .iter()
                    .map(|verdict| ObjectiveRecord {
                        name: verdict.policy.clone(),
                        plugin: verdict.metric.clone(),
                        version: "0.1.0".into(),
                        doc: verdict.sentence.clone(),
                        configuration: "()".into(),
                        divergence: Some(verdict.policy.clone()).filter(|_| verdict.starts_as_base),
                        learning_rate: Some(verdict.start.coverage),
                    })
                    .collect(),
                kappa: intervals.first().map(|interval: &MetricInterval| KappaRecord {
                    validity_rates: vec![0.5],
                    objectives: Vec::new(),
                    prompts: 3,
                    without_cosines: vec![interval.policy.clone()],
                }),
                verdicts,
                intervals,
                comparisons,
                warnings,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Equality alone would not tell −0 from 0, the text does.
    #[test]
    fn a_run(record in run()) {
        let text = serde_json::to_string_pretty(&record).unwrap();
        let read = RunRecord::read(text.as_bytes()).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{record:?}"));
        prop_assert_eq!(&read, &record);
        prop_assert_eq!(serde_json::to_string_pretty(&read).unwrap(), text);
    }

    #[test]
    fn optima_and_exact_values(optimum in optimum(), base in measures(), name in name(), powers in 0usize..3) {
        let record = OptimumRecord { optima: vec![optimum], undeclared: vec![name.clone()] };
        let text = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<OptimumRecord>(&text).unwrap(), record);
        let prompt = PromptRecord {
            prompt: name.clone(),
            method: Method::DynamicProgramming,
            outputs: "1".repeat(400),
            valid_outputs: "0".into(),
            valid_support: "0".into(),
            base: base.clone(),
            filtered: None,
            tilted: vec![base.clone()],
            powers: vec![base.clone(); powers],
            policies: vec![(name, base.clone())],
        };
        let record = ExactRecord { prompts: vec![prompt] };
        let text = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<ExactRecord>(&text).unwrap(), record);
        let point = CurvePoint { step: 3, measures: base, signals: [("x".to_string(), 1.5)].into_iter().collect() };
        let text = serde_json::to_string(&point).unwrap();
        prop_assert_eq!(serde_json::from_str::<CurvePoint>(&text).unwrap(), point);
    }

    /// Whatever a reader meets, it answers.
    #[test]
    fn no_text_is_too_strange(record in run(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = serde_json::to_vec(&record).unwrap();
        let at = cut.index(text.len());
        text[at] = byte;
        let _ = RunRecord::read(&text);
        let _ = RunRecord::read(&text[..at]);
    }
}

#[test]
fn a_warning_of_an_unknown_kind_or_another_text_is_its_text() {
    let read = |typed: &str| -> Warnings {
        let text = format!(r#"{{"warnings": ["its clip never acted: no pseudo-reward reached it"]{typed}}}"#);
        serde_json::from_str(&text).unwrap()
    };
    let text = Warning::Text { message: "its clip never acted: no pseudo-reward reached it".into() };
    assert_eq!(read("").0, vec![text.clone()]);
    assert_eq!(read(r#", "typed_warnings": [{"kind": "from-the-future", "x": 1}]"#).0, vec![text.clone()]);
    assert_eq!(*read(r#", "typed_warnings": [{"kind": "did-not-move"}]"#), [text]);
    assert_eq!(*read(r#", "typed_warnings": [{"kind": "clip-never-acted"}, 3]"#), [Warning::ClipNeverActed]);
}

#[test]
fn an_arms_warnings_are_objects_and_were_texts() {
    let arm = |warnings: &str| -> ArmRecord {
        let budget = r#"{"sequences": 0, "tokens": 0, "verifier_calls": 0, "optimizer_steps": 0}"#;
        serde_json::from_str(&format!(
            r#"{{"policy": "p", "objective": "o", "seed": 1, "learning_rate": 0.1, "status": "complete",
            "budget": {budget}, "initial": null, "final": null, "warnings": {warnings}}}"#
        ))
        .unwrap()
    };
    let known = arm(r#"[{"kind": "unsolved", "message": "whatever", "prompts": ["a"]}]"#);
    assert_eq!(*known.warnings, [Warning::Unsolved { prompts: vec!["a".into()] }]);
    let written = serde_json::to_value(&known).unwrap();
    let expected = r#"[{"kind":"unsolved","message":"no sample ever solved prompt `a`","prompts":["a"]}]"#;
    assert_eq!(written["warnings"].to_string(), expected);
    let text = |message: &str| Warning::Text { message: message.into() };
    assert_eq!(*arm(r#"["as it was"]"#).warnings, [text("as it was")]);
    assert_eq!(*arm(r#"[{"kind": "later", "message": "new"}]"#).warnings, [text("new")]);
}
