//! Gradients against finite differences, and fits against their closed form.

use super::*;
use crate::table::tests::task;
use proptest::prelude::*;
use pstar_core::SequenceModel;
use pstar_core::author::SampleRequest;
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch, SequenceBuffer};

/// A policy with logits drawn from `seed`.
fn policy(order: usize, position_dependent: bool, task: &Task, seed: u64) -> Ngram {
    let config = PolicyConfig { order, position_dependent, table: None, tables: None };
    let mut policy = <Ngram as Policy>::new(config, task).unwrap();
    policy.randomise(StreamKey { seed, purpose: 2, step: 0, epoch: 0, resample: 0 });
    policy
}

/// Samples of the policy behind two prompts: ragged lengths, ended and truncated ones.
fn samples(policy: &Ngram, prompts: &RaggedBuffer<u32>, n: u32) -> SequenceBuffer {
    let prompt_of: Vec<u32> = (0..n).map(|i| i % 2).collect();
    let sample: Vec<u32> = (0..n).collect();
    let request = SampleRequest::new(prompts.view(), &prompt_of, &sample).unwrap();
    let key = StreamKey { seed: 3, purpose: 0, step: 0, epoch: 0, resample: 0 };
    let samples = policy.sample(&request, key).unwrap();
    let mut sequences = SequenceBuffer::new(prompts.clone());
    for (row, &prompt) in samples.tokens.view().rows().zip(&prompt_of) {
        sequences.push(prompt, row.iter().copied());
    }
    sequences
}

/// Σ w c log q.
fn weighted_log_prob(policy: &Ngram, batch: &GradientBatch<'_>) -> f64 {
    let mut log_probs = vec![0.0; batch.sequences.tokens().values().len()];
    policy.score(&batch.sequences, &mut log_probs).unwrap();
    let offsets = batch.sequences.tokens().offsets();
    let coefficients = batch.coefficients;
    (0..batch.sequences.len())
        .flat_map(|i| (offsets[i]..offsets[i + 1]).map(move |t| (i, usize::try_from(t).unwrap())))
        .map(|(i, t)| batch.weights[i] * coefficients[t] * log_probs[t])
        .sum()
}

/// Σ w e H(row) over the positions that were visited.
fn weighted_entropy(policy: &Ngram, batch: &GradientBatch<'_>) -> f64 {
    let choices = policy.distribution.choices();
    let mut sum = 0.0;
    policy.visit_weighted(&batch.sequences, batch.weights, |row, _, index, weight| {
        let probs = &policy.distribution.probs()[row * choices..(row + 1) * choices];
        let entropy: f64 = probs.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        sum += weight * batch.entropy[index] * entropy;
    });
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Central differences with step h = 1e-5: truncation error of order h², rounding of order 1e-16 / h.
    #[test]
    fn the_gradient_is_the_finite_difference(
        order in 1usize..4,
        position_dependent: bool,
        fixed_length: bool,
        seed in 0u64..1000,
    ) {
        let ending = if fixed_length { Ending::FixedLength } else { Ending::EndSymbol };
        let mut task = task("abc", "=", 4);
        task.ending = ending;
        let mut policy = policy(order, position_dependent, &task, seed);
        let prompts: RaggedBuffer<u32> = [&[][..], &[0, 4]].into_iter().collect();
        let sequences = samples(&policy, &prompts, 12);
        let tokens = sequences.view().tokens().values().len();
        let wave = |n: usize, phase: f64| (0..n).map(|i| (i as f64 + phase).sin()).collect::<Vec<_>>();
        let (weights, coefficients, entropy) = (wave(12, 0.3), wave(tokens, 1.7), wave(tokens, 0.9));
        let batch = GradientBatch::new(sequences.view(), &weights, &coefficients).unwrap();
        let batch = batch.with_entropy(&entropy).unwrap();
        let mut gradient = vec![0.0; policy.parameter_count()];
        policy.gradient(&batch, &mut gradient).unwrap();
        let centre = policy.distribution.logits().to_vec();
        let mut differences = vec![0.0; centre.len()];
        for (i, difference) in differences.iter_mut().enumerate() {
            let mut shifted = |h: f64| {
                let mut logits = centre.clone();
                logits[i] += h;
                policy.set_parameters(&logits).unwrap();
                weighted_log_prob(&policy, &batch) + weighted_entropy(&policy, &batch)
            };
            *difference = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
        }
        prop_assert!(gradient.iter().any(|g| g.abs() > 0.01));
        for (exact, difference) in gradient.iter().zip(&differences) {
            prop_assert!((exact - difference).abs() < 1e-8, "{exact} {difference}");
        }
    }
}

#[test]
fn samples_carry_their_own_scores() {
    let task = task("abc", "=", 6);
    let policy = policy(3, true, &task, 1);
    let prompts: RaggedBuffer<u32> = [&[][..], &[0, 4]].into_iter().collect();
    let (prompt_of, sample) = ([0, 1, 1], [0, 0, 1]);
    let request = SampleRequest::new(prompts.view(), &prompt_of, &sample).unwrap();
    let key = StreamKey { seed: 3, purpose: 0, step: 0, epoch: 0, resample: 0 };
    let drawn = policy.sample(&request, key).unwrap();
    let mut scores = vec![0.0; drawn.log_probs.len()];
    let batch = SequenceBatch::new(prompts.view(), &prompt_of, drawn.tokens.view()).unwrap();
    policy.score(&batch, &mut scores).unwrap();
    assert_eq!(drawn.log_probs, scores);
}

#[test]
fn a_fit_is_the_weighted_frequency_and_spares_what_it_did_not_see() {
    let task = task("ab", "", 3);
    let mut policy = policy(2, false, &task, 5);
    let before = policy.distribution.logits().to_vec();
    let mut sequences = SequenceBuffer::new([&[][..]].into_iter().collect());
    sequences.push(0, [0, 0, 2]);
    sequences.push(0, [0, 2]);
    sequences.push(0, [1, 1, 1]);
    let weights = [1.0, 3.0, 0.0];
    let sequences = sequences.view();
    let batch = FitBatch::new(sequences, &weights).unwrap();
    policy.fit(&batch).unwrap();
    let probs = policy.distribution.probs();
    // Behind a: once a, and four times the end, in weights 1 and 4; behind ^: always a.
    assert!((probs[0] - 0.2).abs() < 1e-15 && (probs[2] - 0.8).abs() < 1e-15);
    assert_eq!(probs[6..], [1.0, 0.0, 0.0]);
    assert_eq!(policy.distribution.logits()[3..6], before[3..6]);
}

#[test]
fn a_pseudo_count_keeps_choices_that_no_sample_made() {
    let task = task("ab", "", 3);
    let mut policy = policy(1, false, &task, 5);
    let mut sequences = SequenceBuffer::new([&[][..]].into_iter().collect());
    sequences.push(0, [0, 2]);
    let sequences = sequences.view();
    let batch = FitBatch::new(sequences, &[1.0]).unwrap().with_pseudo_count(0.5);
    policy.fit(&batch).unwrap();
    // Counts 1, 0, 1 with half a count each: 1.5, 0.5, 1.5 of 3.5.
    assert!((policy.distribution.probs()[1] - 0.5 / 3.5).abs() < 1e-15);
}

#[test]
fn a_logit_may_be_minus_infinity_and_nothing_else_infinite() {
    let task = task("ab", "", 3);
    let mut policy = policy(1, false, &task, 0);
    policy.set_parameters(&[f64::NEG_INFINITY, 0.0, 0.0]).unwrap();
    assert_eq!(policy.distribution.probs(), [0.0, 0.5, 0.5]);
    assert!(policy.set_parameters(&[f64::INFINITY, 0.0, 0.0]).is_err());
    assert!(policy.set_parameters(&[f64::NAN, 0.0, 0.0]).is_err());
    assert!(policy.set_parameters(&[0.0]).is_err());
}
