//! Log-probabilities, samples and gradients against a plain `f64` implementation, and what must hold to the bit.

mod fits;
mod reference;

use crate::network::Gru;
use crate::shape::GruShape;
use pstar_core::author::{GradientBatch, SampleRequest, Samples};
use pstar_core::data::{Alphabet, Ending, RaggedBuffer, SequenceBatch, SequenceBuffer};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{BaseModel, Policy, SequenceModel, Task};
use pstar_neural::network::{Network, Shape};
use pstar_neural::neural::Neural;
use pstar_neural::simd::InstructionSet;
use reference::Reference;
use std::path::PathBuf;

fn task(symbols: &str, prompt_symbols: &str, horizon: usize, ending: Ending) -> Task {
    Task::new(Alphabet::of_chars(symbols, prompt_symbols).unwrap(), horizon, ending)
        .with_prompts(vec![Vec::new()])
        .in_directory("")
}

/// Hidden, layers, embedding, ending: sizes on both sides of a block.
const SIZES: [(usize, usize, usize, Ending); 4] = [
    (5, 1, 3, Ending::EndSymbol),
    (16, 2, 16, Ending::FixedLength),
    (18, 2, 7, Ending::EndSymbol),
    (40, 3, 20, Ending::EndSymbol),
];

const KEY: StreamKey = StreamKey { seed: 3, purpose: 0, step: 0, epoch: 0, resample: 0 };

/// A policy whose parameters are three times as far from 0 as at the start of training.
fn policy((hidden, layers, embedding, ending): (usize, usize, usize, Ending), horizon: usize) -> Neural<Gru> {
    policy_with((hidden, layers, embedding, ending), horizon, InstructionSet::detect())
}

/// The same with the instructions of a set.
fn policy_with(
    (hidden, layers, embedding, ending): (usize, usize, usize, Ending),
    horizon: usize,
    set: InstructionSet,
) -> Neural<Gru> {
    let task = task("abc", "=+", horizon, ending);
    let shape = GruShape::new(&task, embedding, hidden, layers);
    let parameters = shape.random(StreamKey::new(5, Purpose::Initialise, 0));
    let parameters = parameters.iter().map(|x| 3.0 * x).collect();
    Neural::with_instructions(shape, parameters, &task, true, set)
}

fn prompts() -> RaggedBuffer<u32> {
    [&[][..], &[0, 4], &[5, 4, 1, 1, 4]].into_iter().collect()
}

/// Which of three prompts each of `n` samples answers, and its number.
fn rows(n: u32) -> (Vec<u32>, Vec<u32>) {
    ((0..n).map(|i| i % 3).collect(), (0..n).map(|i| i / 3).collect())
}

fn draw(policy: &Neural<Gru>, prompts: &RaggedBuffer<u32>, prompt_of: &[u32], sample: &[u32]) -> Samples {
    let request = SampleRequest::new(prompts.view(), prompt_of, sample).unwrap();
    policy.sample(&request, KEY).unwrap()
}

fn scores(policy: &Neural<Gru>, batch: &SequenceBatch<'_>) -> Vec<f64> {
    let mut log_probs = vec![0.0; batch.tokens().values().len()];
    policy.score(batch, &mut log_probs).unwrap();
    log_probs
}

fn wave(n: usize, phase: f64) -> Vec<f64> {
    (0..n).map(|i| (i as f64 * 1.3 + phase).sin()).collect()
}

/// The gradient on a batch with weights and coefficients of both signs.
fn gradient(policy: &Neural<Gru>, batch: &SequenceBatch<'_>) -> Vec<f64> {
    let (weights, coefficients) = (wave(batch.len(), 0.3), wave(batch.tokens().values().len(), 1.7));
    let batch = GradientBatch::new(*batch, &weights, &coefficients).unwrap();
    let mut gradient = vec![f64::NAN; policy.parameter_count()];
    policy.gradient(&batch, &mut gradient).unwrap();
    gradient
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn log_probabilities_and_gradients_are_those_of_the_reference() {
    for size in SIZES {
        let policy = policy(size, 9);
        let (prompt_of, sample) = rows(90);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let reference = Reference::new(policy.network().shape, policy.values());
        let (weights, coefficients) = (wave(90, 0.3), wave(samples.log_probs.len(), 1.7));
        let none = vec![0.0; coefficients.len()];
        let (log_probs, expected) = reference.gradient(3, &batch, &weights, [&coefficients, &none]);
        for (found, expected) in scores(&policy, &batch).iter().zip(&log_probs) {
            assert!((found - expected).abs() < 2e-6, "{size:?}: {found} {expected}");
        }
        let found = gradient(&policy, &batch);
        let largest = expected.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let name = policy.network().shape.name_of(place);
            assert!((found - expected).abs() < 3e-6 * largest, "{size:?} {name}: {found} {expected}");
        }
    }
}

/// Beside coefficients and alone; some positions have none.
#[test]
fn gradients_with_entropy_are_those_of_the_reference() {
    for size in SIZES {
        let policy = policy(size, 9);
        let (prompt_of, sample) = rows(90);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let reference = Reference::new(policy.network().shape, policy.values());
        let weights = wave(90, 0.3);
        let mut entropy = wave(samples.log_probs.len(), 0.9);
        entropy.iter_mut().step_by(3).for_each(|e| *e = 0.0);
        for coefficients in [wave(entropy.len(), 1.7), vec![0.0; entropy.len()]] {
            let (_, expected) = reference.gradient(3, &batch, &weights, [&coefficients, &entropy]);
            let asked = GradientBatch::new(batch, &weights, &coefficients).unwrap();
            let asked = asked.with_entropy(&entropy).unwrap();
            let mut found = vec![f64::NAN; policy.parameter_count()];
            policy.gradient(&asked, &mut found).unwrap();
            let largest = expected.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
            for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let name = policy.network().shape.name_of(place);
                assert!((found - expected).abs() < 3e-6 * largest, "{size:?} {name}: {found} {expected}");
            }
        }
    }
}

#[test]
fn samples_carry_their_own_scores_and_follow_the_uniforms() {
    for size in SIZES {
        let policy = policy(size, 7);
        let (prompt_of, sample) = rows(150);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        assert_eq!(bits(&samples.log_probs), bits(&scores(&policy, &batch)));
        let reference = Reference::new(policy.network().shape, policy.values());
        let near = reference.check_picks(3, &batch, |row, t| KEY.uniform(prompt_of[row], sample[row], t));
        assert!(near < 3, "{near} draws within rounding of a neighbour");
    }
}

#[test]
fn a_row_is_the_same_alone_and_among_others() {
    for size in SIZES {
        let policy = policy(size, 8);
        let (prompt_of, sample) = rows(140);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let mut token = 0;
        for (i, row) in samples.tokens.view().rows().enumerate() {
            let alone = draw(&policy, &prompts, &prompt_of[i..=i], &sample[i..=i]);
            assert_eq!(alone.tokens.view().values(), row);
            assert_eq!(bits(&alone.log_probs), bits(&samples.log_probs[token..token + row.len()]));
            token += row.len();
        }
        // Padding to chunks and their composition change nothing either.
        let backwards: Vec<u32> = prompt_of.iter().rev().copied().collect();
        let numbers: Vec<u32> = sample.iter().rev().copied().collect();
        let reversed = draw(&policy, &prompts, &backwards, &numbers);
        let rows: Vec<&[u32]> = samples.tokens.view().rows().collect();
        assert!(reversed.tokens.view().rows().eq(rows.into_iter().rev()));
    }
}

#[test]
fn instruction_sets_that_fuse_give_the_same_bits() {
    for size in SIZES {
        let widest = policy(size, 8);
        let (prompt_of, sample) = rows(70);
        let prompts = prompts();
        let samples = draw(&widest, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let (log_probs, expected) = (scores(&widest, &batch), gradient(&widest, &batch));
        for set in InstructionSet::available() {
            let other = policy_with(size, 8, set);
            if set.rounding() == widest.network().set().rounding() {
                assert_eq!(draw(&other, &prompts, &prompt_of, &sample), samples);
                assert_eq!(bits(&gradient(&other, &batch)), bits(&expected));
            }
            for (a, b) in scores(&other, &batch).iter().zip(&log_probs) {
                assert!((a - b).abs() < 1e-5, "{set:?}");
            }
        }
    }
}

#[test]
fn a_gradient_on_the_last_samples_has_the_bits_of_any_other() {
    for size in SIZES {
        let policy = policy(size, 12);
        let (prompt_of, sample) = rows(150);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let kept = || policy.holds(&batch);
        assert!(kept());
        let reused = gradient(&policy, &batch);
        assert!(!kept(), "used up");
        assert_eq!(bits(&gradient(&policy, &batch)), bits(&reused));
        draw(&policy, &prompts, &prompt_of, &sample);
        draw(&policy, &prompts, &prompt_of[1..], &sample[1..]);
        assert!(!kept(), "other samples");
        assert_eq!(bits(&gradient(&policy, &batch)), bits(&reused));
    }
}

#[test]
fn threads_change_nothing() {
    let policy = policy(SIZES[2], 9);
    let (prompt_of, sample) = rows(150);
    let prompts = prompts();
    let samples = draw(&policy, &prompts, &prompt_of, &sample);
    let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
    let expected = bits(&gradient(&policy, &batch));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(draw(&policy, &prompts, &prompt_of, &sample), samples);
                    assert_eq!(bits(&gradient(&policy, &batch)), expected);
                    assert_eq!(bits(&scores(&policy, &batch)), bits(&samples.log_probs));
                }
            });
        }
    });
}

#[test]
fn what_was_kept_is_forgotten_with_its_parameters() {
    let mut policy = policy(SIZES[0], 12);
    let (prompt_of, sample) = rows(10);
    let prompts = prompts();
    let samples = draw(&policy, &prompts, &prompt_of, &sample);
    let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
    let before = gradient(&policy, &batch);
    draw(&policy, &prompts, &prompt_of, &sample);
    let halved: Vec<f64> = policy.values().iter().map(|x| x / 2.0).collect();
    policy.set_parameters(&halved).unwrap();
    assert_ne!(bits(&gradient(&policy, &batch)), bits(&before));
}

#[test]
fn the_gradient_is_linear_in_tiny_weights_and_blind_to_sequences_without_weight() {
    let policy = policy(SIZES[2], 9);
    let (prompt_of, sample) = rows(40);
    let prompts = prompts();
    let samples = draw(&policy, &prompts, &prompt_of, &sample);
    let sequences = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
    let of = |weights: &[f64], coefficients: &[f64]| {
        let batch = GradientBatch::new(sequences, weights, coefficients).unwrap();
        let mut gradient = vec![0.0; policy.parameter_count()];
        Policy::gradient(&policy, &batch, &mut gradient).unwrap();
        gradient
    };
    let mut weights = wave(40, 0.0);
    weights[7] = 0.0;
    let mut coefficients = wave(samples.log_probs.len(), 1.0);
    let expected = of(&weights, &coefficients);
    let tiny: Vec<f64> = weights.iter().map(|w| w * 2f64.powi(-300)).collect();
    let scaled: Vec<f64> = expected.iter().map(|g| g * 2f64.powi(-300)).collect();
    assert_eq!(bits(&of(&tiny, &coefficients)), bits(&scaled));
    let offsets = samples.tokens.view().offsets();
    let range = usize::try_from(offsets[7]).unwrap()..usize::try_from(offsets[8]).unwrap();
    coefficients[range].fill(f64::NAN);
    assert_eq!(bits(&of(&weights, &coefficients)), bits(&expected));
}

#[test]
fn all_outputs_are_scored_as_each_is() {
    for size in SIZES {
        for horizon in [1, 2, 7] {
            let policy = policy(size, horizon);
            for prompt in [&[][..], &[5, 4, 1]] {
                let prompts: RaggedBuffer<u32> = [prompt].into_iter().collect();
                let mut outputs = SequenceBuffer::new(prompts);
                every_output(3, horizon, size.3, |tokens| outputs.push(0, tokens.iter().copied()));
                let batch = outputs.view();
                let log_probs = scores(&policy, &batch);
                let mut offset = 0;
                let mut expected = Vec::new();
                for row in batch.tokens().rows() {
                    expected.push(log_probs[offset..offset + row.len()].iter().sum::<f64>());
                    offset += row.len();
                }
                let mut found = vec![f64::NAN; batch.len()];
                assert!(policy.score_outputs(prompt, &mut found).unwrap());
                assert_eq!(bits(&found), bits(&expected), "{size:?} {horizon}");
                let mass: f64 = found.iter().map(|x| x.exp()).sum();
                assert!((mass - 1.0).abs() < 1e-12, "{mass}");
            }
            assert!(policy.score_outputs(&[], &mut [0.0; 5]).is_err());
        }
    }
}

/// Calls `visit` with every output in canonical order.
fn every_output(symbols: u32, horizon: usize, ending: Ending, mut visit: impl FnMut(&[u32])) {
    let mut level = vec![Vec::new()];
    for length in 0..=horizon {
        for string in &level {
            match ending {
                Ending::EndSymbol if length < horizon => {
                    let ended: Vec<u32> = string.iter().copied().chain([symbols]).collect();
                    visit(&ended);
                }
                _ if length == horizon => visit(string),
                _ => {}
            }
        }
        level = level
            .iter()
            .flat_map(|string| (0..symbols).map(|symbol| [&string[..], &[symbol]].concat()))
            .collect();
    }
}

#[test]
fn a_copy_of_the_base_is_the_base() {
    let task = task("abc", "=", 6, Ending::EndSymbol);
    let directory = tempfile::tempdir().unwrap();
    let task = task.in_directory(directory.path());
    let shape = GruShape::new(&task, 9, 20, 2);
    let parameters = shape.random(StreamKey::new(5, Purpose::Initialise, 0));
    std::fs::write(task.resolve("a"), pstar_neural::tensor_file::write(&shape, &parameters).unwrap())
        .unwrap();
    let base =
        <Neural<Gru> as BaseModel>::new(serde_json::from_str(r#"{"load": "a"}"#).unwrap(), &task).unwrap();
    let config = r#"{"hidden": 20, "layers": 2, "embedding": 9}"#;
    let mut policy = <Neural<Gru> as Policy>::new(serde_json::from_str(config).unwrap(), &task).unwrap();
    let copied = SequenceModel::parameters(&base).unwrap();
    assert_eq!(copied.shape, "GRU, 2 layers of 20, embedding 9, 5 tokens, 4 choices");
    assert_eq!(copied.shape, SequenceModel::parameters(&policy).unwrap().shape);
    policy.set_parameters(&copied.values).unwrap();
    let (mut a, mut b) = (vec![0.0; 1093], vec![1.0; 1093]);
    assert!(base.score_outputs(&[4, 0], &mut a).unwrap() && policy.score_outputs(&[4, 0], &mut b).unwrap());
    assert_eq!(bits(&a), bits(&b));
}

#[test]
fn parameters_and_tokens_that_are_none_are_refused() {
    let mut policy = policy(SIZES[0], 4);
    let good = policy.values().to_vec();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e39] {
        let mut parameters = good.clone();
        parameters[20] = bad;
        let error = policy.set_parameters(&parameters).unwrap_err();
        assert!(error.message.ends_with("at place 20, in `gru.weight_ih_l0`"), "{error}");
    }
    assert!(policy.set_parameters(&good[1..]).is_err());
    let prompts: RaggedBuffer<u32> = [&[6][..]].into_iter().collect();
    let request = SampleRequest::new(prompts.view(), &[0], &[0]).unwrap();
    assert!(policy.sample(&request, KEY).is_err());
    let mut sequences = SequenceBuffer::new([&[][..]].into_iter().collect());
    sequences.push(0, [4]);
    assert!(policy.score(&sequences.view(), &mut [0.0]).is_err());
}

#[test]
fn an_empty_batch_has_no_gradient() {
    let policy = policy(SIZES[0], 4);
    let mut sequences = SequenceBuffer::new([&[][..]].into_iter().collect());
    assert!(gradient(&policy, &sequences.view()).iter().all(|&g| g == 0.0));
    sequences.push(0, []);
    assert!(gradient(&policy, &sequences.view()).iter().all(|&g| g == 0.0));
    assert!(scores(&policy, &sequences.view()).is_empty());
}

/// What PyTorch made of the parameters in a file that it wrote.
#[derive(serde::Deserialize)]
struct Parity {
    alphabet: String,
    prompt_alphabet: String,
    horizon: usize,
    sequences: Vec<ParitySequence>,
}

#[derive(serde::Deserialize)]
struct ParitySequence {
    prompt: Vec<u32>,
    tokens: Vec<u32>,
    log_probs: Vec<f64>,
}

#[test]
fn log_probabilities_are_those_of_pytorch() {
    let parity: Parity = serde_json::from_str(include_str!("../tests/pytorch.json")).unwrap();
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    let task = task(&parity.alphabet, &parity.prompt_alphabet, parity.horizon, Ending::EndSymbol);
    let task = task.in_directory(directory);
    let config = serde_json::from_str(r#"{"load": "pytorch.safetensors"}"#).unwrap();
    let model = <Neural<Gru> as BaseModel>::new(config, &task).unwrap();
    let mut sequences = SequenceBuffer::new(parity.sequences.iter().map(|s| &s.prompt[..]).collect());
    for (i, sequence) in (0..).zip(&parity.sequences) {
        sequences.push(i, sequence.tokens.iter().copied());
    }
    let found = scores(&model, &sequences.view());
    let expected: Vec<f64> = parity.sequences.iter().flat_map(|s| s.log_probs.clone()).collect();
    assert!(found.len() > 200);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}
