//! Log-probabilities, samples and gradients against a plain `f64` implementation, and what must hold to the bit.

mod parity;
mod reference;

use crate::network::Transformer;
use crate::shape::{Biases, Mlp, Norm, Positions, TransformerShape};
use pstar_core::author::{GradientBatch, SampleRequest, Samples};
use pstar_core::data::{Alphabet, Ending, RaggedBuffer, SequenceBatch, SequenceBuffer};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{BaseModel, Policy, SequenceModel, Task};
use pstar_neural::network::{Network, Shape};
use pstar_neural::neural::Neural;
use pstar_neural::simd::InstructionSet;
use reference::Reference;

const HORIZON: usize = 9;

fn task(horizon: usize, ending: Ending) -> Task {
    Task::new(Alphabet::of_chars("abc", "=+").unwrap(), horizon, ending)
        .with_prompts(vec![Vec::new()])
        .in_directory("")
}

/// Every switch, on both sides of a block, with several layers and fewer heads of keys than of queries.
fn shapes() -> Vec<(&'static str, Ending, TransformerShape)> {
    let plain = TransformerShape {
        tokens: 6,
        context: None,
        choices: 4,
        width: 16,
        layers: 2,
        heads: 4,
        kv_heads: 4,
        head_size: 4,
        inner: 20,
        norm: Norm::Rms,
        epsilon: 1e-5,
        positions: Positions::None,
        mlp: Mlp::SwiGlu,
        biases: Biases { attention: false, attention_output: false, mlp: false },
        tied: false,
    };
    let all = Biases { attention: true, attention_output: true, mlp: true };
    let gpt2 = TransformerShape {
        width: 24,
        heads: 3,
        kv_heads: 3,
        head_size: 8,
        inner: 96,
        norm: Norm::Layer,
        positions: Positions::Learned(20),
        mlp: Mlp::Gelu,
        biases: all,
        tied: true,
        ..plain.clone()
    };
    let llama = TransformerShape {
        width: 40,
        layers: 3,
        heads: 6,
        kv_heads: 2,
        head_size: 6,
        positions: Positions::Rotary(500.0),
        ..plain.clone()
    };
    let wide = TransformerShape {
        width: 34,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_size: 34,
        inner: 16,
        positions: Positions::Rotary(10_000.0),
        mlp: Mlp::Gelu,
        biases: Biases { attention: true, ..plain.biases },
        ..plain.clone()
    };
    let fixed = TransformerShape { choices: 3, norm: Norm::Layer, layers: 1, ..plain.clone() };
    let context = TransformerShape { context: Some(3), tied: true, ..plain.clone() };
    vec![
        ("plain", Ending::EndSymbol, plain),
        ("gpt2", Ending::EndSymbol, gpt2),
        ("llama", Ending::EndSymbol, llama),
        ("wide", Ending::EndSymbol, wide),
        ("fixed", Ending::FixedLength, fixed),
        ("context", Ending::EndSymbol, context),
    ]
}

const KEY: StreamKey = StreamKey { seed: 3, purpose: 0, step: 0, epoch: 0, resample: 0 };

/// Initial parameters twice as wide, with gains and biases that are none of 1 and 0.
fn parameters(shape: &TransformerShape) -> Vec<f64> {
    let key = StreamKey::new(5, Purpose::Initialise, 0);
    let values = shape.random(key).into_iter().zip(0..);
    values.map(|(x, i)| 1.5 * x + 0.3 * (key.uniform(1, i, 0) - 0.5)).collect()
}

fn model(
    shape: &TransformerShape,
    ending: Ending,
    horizon: usize,
    set: InstructionSet,
) -> Neural<Transformer> {
    Neural::with_instructions(shape.clone(), parameters(shape), &task(horizon, ending), true, set)
}

fn policy(shape: &TransformerShape, ending: Ending, horizon: usize) -> Neural<Transformer> {
    model(shape, ending, horizon, InstructionSet::detect())
}

fn prompts() -> RaggedBuffer<u32> {
    [&[][..], &[0, 4], &[5, 4, 1, 1, 4]].into_iter().collect()
}

/// Which of three prompts each of `n` samples answers, and its number.
fn rows(n: u32) -> (Vec<u32>, Vec<u32>) {
    ((0..n).map(|i| i % 3).collect(), (0..n).map(|i| i / 3).collect())
}

fn draw(
    policy: &Neural<Transformer>,
    prompts: &RaggedBuffer<u32>,
    prompt_of: &[u32],
    sample: &[u32],
) -> Samples {
    let request = SampleRequest::new(prompts.view(), prompt_of, sample).unwrap();
    policy.sample(&request, KEY).unwrap()
}

fn scores(policy: &Neural<Transformer>, batch: &SequenceBatch<'_>) -> Vec<f64> {
    let mut log_probs = vec![0.0; batch.tokens().values().len()];
    policy.score(batch, &mut log_probs).unwrap();
    log_probs
}

fn wave(n: usize, phase: f64) -> Vec<f64> {
    (0..n).map(|i| (i as f64 * 1.3 + phase).sin()).collect()
}

/// The gradient on a batch with weights and coefficients of both signs.
fn gradient(policy: &Neural<Transformer>, batch: &SequenceBatch<'_>) -> Vec<f64> {
    let (weights, coefficients) = (wave(batch.len(), 0.3), wave(batch.tokens().values().len(), 1.7));
    let batch = GradientBatch::new(*batch, &weights, &coefficients).unwrap();
    let mut gradient = vec![f64::NAN; policy.parameter_count()];
    policy.gradient(&batch, &mut gradient).unwrap();
    gradient
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// The rows of the embedding that stand before the first choice.
fn lead(shape: &TransformerShape, prompt: &[u32]) -> Vec<u32> {
    let before = match shape.context {
        None => vec![3],
        Some(rows) => (6..).take(rows).collect(),
    };
    before.into_iter().chain(prompt.iter().copied()).collect()
}

/// Log-probabilities of the tokens of a batch, and the entropies of the choices.
fn expected(shape: &TransformerShape, parameters: &[f64], batch: &SequenceBatch<'_>) -> Vec<(f64, f64)> {
    let reference = Reference::new(shape, parameters);
    let mut out = Vec::new();
    for i in 0..batch.len() {
        let tokens = batch.tokens().row(i);
        let lead = lead(shape, batch.prompt(i));
        let all: Vec<u32> = lead.iter().chain(tokens).copied().collect();
        let log_probs = reference.log_probs(&all);
        for (t, &token) in tokens.iter().enumerate() {
            let row = &log_probs[lead.len() - 1 + t];
            out.push((row[token as usize], row.iter().map(|x| -x * x.exp()).sum()));
        }
    }
    out
}

#[test]
fn log_probabilities_are_those_of_the_reference() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(75);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let expected = expected(&shape, policy.values(), &batch);
        for (found, (expected, _)) in scores(&policy, &batch).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
        }
    }
}

/// Places of parameters: of each tensor at most 24, spread over it.
fn spread(shape: &TransformerShape) -> Vec<usize> {
    let mut start = 0;
    let mut places = Vec::new();
    for tensor in shape.tensors() {
        let step = (tensor.len() / 24).max(1) | 1;
        places.extend((start..start + tensor.len()).step_by(step));
        start += tensor.len();
    }
    places
}

/// Central differences of the reference in parameters of every tensor, step h = 1e-5: truncation of order h², rounding of order
/// 1e-16 / h. What is left is the rounding of the network's `f32`.
#[test]
fn gradients_are_finite_differences_of_the_reference() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, 5);
        let (prompt_of, sample) = rows(9);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let count = samples.log_probs.len();
        let (weights, coefficients) = (wave(9, 0.3), wave(count, 1.7));
        let mut entropy = wave(count, 0.9);
        entropy.iter_mut().step_by(3).for_each(|e| *e = 0.0);
        let weight_of: Vec<f64> = samples
            .tokens
            .view()
            .rows()
            .zip(&weights)
            .flat_map(|(row, &w)| row.iter().map(move |_| w))
            .collect();
        let asked = GradientBatch::new(batch, &weights, &coefficients).unwrap();
        let asked = asked.with_entropy(&entropy).unwrap();
        let mut found = vec![f64::NAN; policy.parameter_count()];
        policy.gradient(&asked, &mut found).unwrap();
        let value = |parameters: &[f64]| -> f64 {
            let terms = expected(&shape, parameters, &batch);
            (0..count).map(|i| weight_of[i] * (coefficients[i] * terms[i].0 + entropy[i] * terms[i].1)).sum()
        };
        let places = spread(&shape);
        let differences: Vec<f64> = places
            .iter()
            .map(|&place| {
                let shifted = |h: f64| {
                    let mut parameters = policy.values().to_vec();
                    parameters[place] += h;
                    value(&parameters)
                };
                (shifted(1e-5) - shifted(-1e-5)) / 2e-5
            })
            .collect();
        let largest = differences.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        for (&place, expected) in places.iter().zip(&differences) {
            let (tensor, found) = (shape.name_of(place), found[place]);
            assert!((found - expected).abs() < 5e-6 * largest, "{name} {tensor}: {found} {expected}");
        }
    }
}

#[test]
fn samples_carry_their_own_scores() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(100);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        assert_eq!(bits(&samples.log_probs), bits(&scores(&policy, &batch)), "{name}");
        let lengths: Vec<usize> = samples.tokens.view().rows().map(<[u32]>::len).collect();
        assert!(ending == Ending::FixedLength || lengths.iter().any(|&length| length < HORIZON));
    }
}

#[test]
fn samples_follow_the_uniforms() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(60);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let reference = Reference::new(&shape, policy.values());
        let mut near = 0;
        for (i, tokens) in samples.tokens.view().rows().enumerate() {
            let lead = lead(&shape, prompts.view().row(prompt_of[i] as usize));
            let all: Vec<u32> = lead.iter().chain(tokens).copied().collect();
            let log_probs = reference.log_probs(&all);
            for (t, &token) in tokens.iter().enumerate() {
                let mut below = 0.0;
                let uniform = KEY.uniform(prompt_of[i], sample[i], t);
                let row = &log_probs[lead.len() - 1 + t];
                let sums: Vec<f64> = row
                    .iter()
                    .map(|x| {
                        below += x.exp();
                        below
                    })
                    .collect();
                let pick = sums.iter().position(|&sum| sum > uniform).unwrap_or(row.len() - 1);
                near += usize::from(pick != token as usize);
                let from_edge = sums.iter().map(|sum| (sum - uniform).abs()).fold(1.0, f64::min);
                assert!(pick == token as usize || from_edge < 1e-5, "{name}");
            }
        }
        assert!(near < 3, "{near} draws within rounding of a neighbour");
    }
}

#[test]
fn a_row_is_the_same_alone_and_among_others() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(70);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let mut token = 0;
        for (i, row) in samples.tokens.view().rows().enumerate() {
            let alone = draw(&policy, &prompts, &prompt_of[i..=i], &sample[i..=i]);
            assert_eq!(alone.tokens.view().values(), row, "{name}");
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
    for (name, ending, shape) in shapes() {
        let widest = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(45);
        let prompts = prompts();
        let samples = draw(&widest, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let (log_probs, expected) = (scores(&widest, &batch), gradient(&widest, &batch));
        for set in InstructionSet::available() {
            let other = model(&shape, ending, HORIZON, set);
            if set.rounding() == widest.network().set().rounding() {
                assert_eq!(draw(&other, &prompts, &prompt_of, &sample), samples, "{name}");
                assert_eq!(bits(&gradient(&other, &batch)), bits(&expected), "{name}");
            }
            for (a, b) in scores(&other, &batch).iter().zip(&log_probs) {
                assert!((a - b).abs() < 2e-5, "{name} {set:?}");
            }
        }
    }
}

#[test]
fn a_gradient_on_the_last_samples_has_the_bits_of_any_other() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(75);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        assert!(policy.holds(&batch));
        let reused = gradient(&policy, &batch);
        assert!(!policy.holds(&batch), "used up");
        assert_eq!(bits(&gradient(&policy, &batch)), bits(&reused), "{name}");
    }
}

#[test]
fn threads_change_nothing() {
    let (_, ending, shape) = shapes().swap_remove(2);
    let policy = policy(&shape, ending, HORIZON);
    let (prompt_of, sample) = rows(75);
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

/// All outputs of up to `horizon` of `symbols` symbols in the order of ranks, each with its end.
fn every_output(symbols: u32, horizon: usize, ending: Ending) -> Vec<Vec<u32>> {
    let (mut outputs, mut level) = (Vec::new(), vec![Vec::new()]);
    for length in 0..=horizon {
        for string in &level {
            match ending {
                Ending::EndSymbol if length < horizon => {
                    outputs.push([&string[..], &[symbols]].concat());
                }
                _ if length == horizon => outputs.push(string.clone()),
                _ => {}
            }
        }
        level = level
            .iter()
            .flat_map(|string| (0..symbols).map(|symbol| [&string[..], &[symbol]].concat()))
            .collect();
    }
    outputs
}

#[test]
fn all_outputs_are_scored_as_each_is() {
    for (name, ending, shape) in shapes() {
        for horizon in [1, 2, 6] {
            let policy = policy(&shape, ending, horizon);
            for prompt in [&[][..], &[5, 4, 1]] {
                let outputs = every_output(3, horizon, ending);
                let mut sequences = SequenceBuffer::new([prompt].into_iter().collect());
                for tokens in &outputs {
                    sequences.push(0, tokens.iter().copied());
                }
                let each = scores(&policy, &sequences.view());
                let mut rest = &each[..];
                let mut all = vec![f64::NAN; outputs.len()];
                assert!(policy.score_outputs(prompt, &mut all).unwrap());
                for (tokens, found) in outputs.iter().zip(&all) {
                    let (own, behind) = rest.split_at(tokens.len());
                    rest = behind;
                    let sum = own.iter().fold(0.0, |sum, x| sum + x);
                    assert_eq!(found.to_bits(), sum.to_bits(), "{name} {horizon}");
                }
            }
        }
    }
}

#[test]
fn padding_that_was_spoilt_spoils_nothing() {
    let (_, ending, shape) = shapes().swap_remove(1);
    let mut policy = policy(&shape, ending, HORIZON);
    let (prompt_of, sample) = rows(11);
    let prompts = prompts();
    let samples = draw(&policy, &prompts, &prompt_of, &sample);
    let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
    let good = policy.values().to_vec();
    let expected = gradient(&policy, &batch);
    // Parameters so large that everything which is computed is no number.
    let bad: Vec<f64> = good.iter().map(|x| x.signum() * 3e38).collect();
    policy.set_parameters(&bad).unwrap();
    draw(&policy, &prompts, &prompt_of, &sample);
    assert!(gradient(&policy, &batch).iter().any(|g| !g.is_finite()));
    policy.set_parameters(&good).unwrap();
    draw(&policy, &prompts, &prompt_of, &sample);
    assert_eq!(bits(&gradient(&policy, &batch)), bits(&expected));
    assert_eq!(bits(&gradient(&policy, &batch)), bits(&expected), "and without what was kept");
}

#[test]
fn a_copy_of_the_base_is_the_base() {
    let (_, ending, shape) = shapes().swap_remove(2);
    let base = policy(&shape, ending, 6);
    let mut other = Neural::<Transformer>::new(
        shape.clone(),
        shape.random(StreamKey::new(9, Purpose::Initialise, 0)),
        &task(6, ending),
        true,
    );
    let copied = SequenceModel::parameters(&base).unwrap();
    assert_eq!(copied.shape, SequenceModel::parameters(&other).unwrap().shape);
    other.set_parameters(&copied.values).unwrap();
    let (mut a, mut b) = (vec![0.0; 1093], vec![1.0; 1093]);
    assert!(base.score_outputs(&[4, 0], &mut a).unwrap() && other.score_outputs(&[4, 0], &mut b).unwrap());
    assert_eq!(bits(&a), bits(&b));
}

#[test]
fn sequences_beyond_the_places_are_refused() {
    let (_, ending, shape) = shapes().swap_remove(1);
    let shape = TransformerShape { positions: Positions::Learned(8), ..shape };
    let policy = policy(&shape, ending, 9);
    let prompts: RaggedBuffer<u32> = [&[0, 1][..]].into_iter().collect();
    let request = SampleRequest::new(prompts.view(), &[0], &[0]).unwrap();
    let error = policy.sample(&request, KEY).unwrap_err();
    assert_eq!(
        error.message,
        "expected sequences of at most 8 tokens, for which the model has positions, found 3 before the first choice and \
         9 choices"
    );
    assert!(policy.score_outputs(&[0, 1], &mut [0.0]).is_err());
    let mut sequences = SequenceBuffer::new(prompts);
    sequences.push(0, [0; 6]);
    assert_eq!(scores(&policy, &sequences.view()).len(), 6);
}

#[test]
fn nothing_before_the_first_choice_is_refused() {
    let (_, ending, shape) = shapes().swap_remove(5);
    let shape = TransformerShape { context: Some(0), ..shape };
    let policy = policy(&shape, ending, 3);
    let prompts: RaggedBuffer<u32> = [&[][..]].into_iter().collect();
    let request = SampleRequest::new(prompts.view(), &[0], &[0]).unwrap();
    let error = policy.sample(&request, KEY).unwrap_err();
    assert!(error.message.starts_with("expected something before the first choice"), "{error}");
}

fn fault(text: &str) -> (String, String) {
    let config = pstar_core::config::parse(text).unwrap();
    let error = <Neural<Transformer> as Policy>::new(config, &task(4, Ending::EndSymbol)).unwrap_err();
    (error.field.unwrap_or_default(), error.message)
}

#[test]
fn bad_settings_are_named() {
    let cases = [
        ("()", "", "expected `width` or `load`, found neither"),
        ("(width: 0)", "width", "`width` must be at least 1, found `0`"),
        ("(width: 10)", "heads", "`heads` must divide `width`, found `4` and `10`"),
        ("(width: 8, kv_heads: 3)", "kv_heads", "`kv_heads` must divide `heads`, found `3` and `4`"),
        (
            "(width: 8, heads: 8, positions: Rotary(theta: 100.0))",
            "positions",
            "`Rotary` turns pairs of numbers: expected heads of an even size, found 1",
        ),
        (
            "(width: 8, positions: Rotary(theta: 1.0))",
            "positions",
            "`theta` must be a number above 1, found `1`",
        ),
        (
            "(width: 8, context: \"x\")",
            "context",
            "`context` is of a model that is loaded, but there is no `load`",
        ),
        ("(width: 100000)", "width", "expected at most 134217728 parameters, found 240001700000"),
    ];
    for (text, field, message) in cases {
        assert_eq!(fault(text), (field.to_string(), message.to_string()));
    }
}

#[test]
fn the_approximate_count_is_the_count() {
    for (name, _, shape) in shapes() {
        assert_eq!(shape.approximate_count(), shape.parameter_count() as f64, "{name}");
    }
}

#[test]
fn a_base_model_needs_a_source() {
    let config = pstar_core::config::parse("(width: 8)").unwrap();
    let error = <Neural<Transformer> as BaseModel>::new(config, &task(4, Ending::EndSymbol)).unwrap_err();
    assert_eq!(error.message, "expected `corpus` or `load`, found neither");
}

/// A policy as it is at the start of training.
fn at_start(shape: &TransformerShape, ending: Ending, horizon: usize) -> Neural<Transformer> {
    let parameters = shape.random(StreamKey::new(5, Purpose::Initialise, 0));
    Neural::new(shape.clone(), parameters, &task(horizon, ending), true)
}

/// Prompts on both sides of what stands among a sequence's own tokens.
#[test]
fn long_prompts_are_read_as_short_ones() {
    for (name, ending, shape) in shapes() {
        let shape = TransformerShape { positions: Positions::Rotary(100.0), head_size: 4, ..shape };
        let policy = at_start(&shape, ending, 6);
        let long = |n: usize| (0..n).map(|i| [0, 1, 2, 4, 5][(i * i + n) % 5]).collect::<Vec<u32>>();
        let prompts: RaggedBuffer<u32> = [13, 14, 15, 16, 17, 33].map(long).iter().map(|p| &p[..]).collect();
        let prompt_of: Vec<u32> = (0..60).map(|i| i % 6).collect();
        let sample: Vec<u32> = (0..60).map(|i| i / 6).collect();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        assert_eq!(bits(&samples.log_probs), bits(&scores(&policy, &batch)), "{name}");
        let reused = gradient(&policy, &batch);
        assert_eq!(bits(&gradient(&policy, &batch)), bits(&reused), "{name}");
        for (found, (expected, _)) in samples.log_probs.iter().zip(expected(&shape, policy.values(), &batch))
        {
            assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
        }
        for prompt in [14, 15, 16, 33].map(long) {
            let outputs = every_output(3, 3, ending);
            let short = model(&shape, ending, 3, InstructionSet::detect());
            let mut sequences = SequenceBuffer::new([&prompt[..]].into_iter().collect());
            for tokens in &outputs {
                sequences.push(0, tokens.iter().copied());
            }
            let mut all = vec![f64::NAN; outputs.len()];
            assert!(short.score_outputs(&prompt, &mut all).unwrap());
            let each = scores(&short, &sequences.view());
            let mut rest = &each[..];
            for (tokens, found) in outputs.iter().zip(&all) {
                let (own, behind) = rest.split_at(tokens.len());
                rest = behind;
                assert_eq!(found.to_bits(), own.iter().fold(0.0, |sum, x| sum + x).to_bits());
            }
        }
    }
}

/// As [`gradients_are_finite_differences_of_the_reference`], along one direction, behind long prompts.
#[test]
fn gradients_behind_long_prompts_are_finite_differences() {
    for (name, ending, shape) in shapes() {
        let shape = TransformerShape { positions: Positions::Rotary(100.0), head_size: 4, ..shape };
        let policy = at_start(&shape, ending, 5);
        let long = |n: usize| (0..n).map(|i| [0, 1, 2, 4, 5][(i * i + n) % 5]).collect::<Vec<u32>>();
        let prompts: RaggedBuffer<u32> = [15, 16, 20].map(long).iter().map(|p| &p[..]).collect();
        let (prompt_of, sample) = rows(18);
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let (weights, coefficients) = (wave(18, 0.3), wave(samples.log_probs.len(), 1.7));
        let found = gradient(&policy, &batch);
        let direction = wave(found.len(), 0.1);
        let value = |h: f64| -> f64 {
            let moved: Vec<f64> = policy.values().iter().zip(&direction).map(|(x, d)| x + h * d).collect();
            let terms = expected(&shape, &moved, &batch);
            let lengths = samples.tokens.view().rows().map(<[u32]>::len).zip(&weights);
            let weight_of = lengths.flat_map(|(length, &w)| std::iter::repeat_n(w, length));
            terms.iter().zip(weight_of).zip(&coefficients).map(|((term, w), c)| w * c * term.0).sum()
        };
        let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
        let along: f64 = found.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let size: f64 = found.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!((along - difference).abs() < 1e-5 * size, "{name}: {along} {difference}");
    }
}
