//! Networks of every kind, and batches of them, for the tests.

mod bits;
mod drawn;
mod large;
mod numbers;
mod parity;
mod reference;
mod refusals;

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

/// A policy as it is at the start of training.
fn at_start(shape: &TransformerShape, ending: Ending, horizon: usize) -> Neural<Transformer> {
    let parameters = shape.random(StreamKey::new(5, Purpose::Initialise, 0));
    Neural::new(shape.clone(), parameters, &task(horizon, ending), true)
}
