//! One training step of a GRU policy through the plugin boundary: sample, gradient under given coefficients, Adam, new
//! parameters; per token. What PyTorch and JAX need for the same step: `peers/rnn`.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group};
use pstar_core::author::{GradientBatch, SampleRequest};
use pstar_core::data::{Alphabet, Ending, RaggedBuffer, SequenceBatch};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_lab::plan::Optimizer;
use pstar_lab::training::OptimizerState;
use pstar_loader::{ModelHandle, PolicyHandle};
use std::time::Instant;
use support::{plugin, processor_ms, task};

/// A policy that is trained, and its optimizer.
struct Trained {
    policy: PolicyHandle,
    optimizer: OptimizerState,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    prompts: RaggedBuffer<u32>,
    prompt_of: Vec<u32>,
    sample: Vec<u32>,
    coefficients: Vec<f64>,
    weights: Vec<f64>,
    step: u32,
}

impl Trained {
    fn new(size: Size, keep: bool) -> Self {
        let (sequences, length, symbols, hidden) = size;
        let n = sequences as usize;
        let letters: String = ('A'..='z').chain('À'..).take(symbols).collect();
        let mut task = task(1, length, Ending::FixedLength);
        task.alphabet = Alphabet::of_chars(&letters.replace('^', "é"), "").unwrap();
        let configuration = format!("(hidden: {hidden}, keep_activations: {keep})");
        let mut policy = plugin("rnn").policies[0].create(&configuration, &task).unwrap();
        policy.randomise(StreamKey::new(1, Purpose::Initialise, 0)).unwrap();
        let parameters = policy.parameters().unwrap().values;
        let adam = Optimizer::Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        let of_sequence = |i: usize| (i as f64 * 0.7).sin();
        Self {
            policy,
            optimizer: OptimizerState::new(adam, parameters.len()),
            gradient: parameters.clone(),
            parameters,
            prompts: [&[][..]].into_iter().collect(),
            prompt_of: vec![0; n],
            sample: (0..sequences).collect(),
            coefficients: (0..n * length).map(|i| of_sequence(i / length)).collect(),
            weights: vec![1.0 / n as f64; n],
            step: 0,
        }
    }

    fn step(&mut self) {
        let request = SampleRequest::new(self.prompts.view(), &self.prompt_of, &self.sample).unwrap();
        let samples = self.policy.sample(&request, StreamKey::new(7, Purpose::Rollout, self.step)).unwrap();
        let sequences = SequenceBatch::new(self.prompts.view(), &self.prompt_of, samples.tokens.view());
        let batch = GradientBatch::new(sequences.unwrap(), &self.weights, &self.coefficients).unwrap();
        self.policy.gradient(&batch, &mut self.gradient).unwrap();
        self.optimizer.step(&mut self.parameters, &self.gradient).unwrap();
        self.policy.set_parameters(&self.parameters).unwrap();
        self.step += 1;
    }
}

/// Sequences, tokens of each, symbols, hidden units.
type Size = (u32, usize, usize, usize);

const SIZES: [(&str, Size); 4] = [
    ("A", (256, 16, 16, 64)),
    ("B", (256, 16, 16, 128)),
    ("C", (1024, 32, 32, 128)),
    ("D", (128, 64, 64, 256)),
];

fn step(c: &mut Criterion) {
    // With the states of sampling forgotten, the gradient runs the policy again, as that of the peers does.
    for (group, keep) in [("rnn_step", true), ("rnn_step_without_memory", false)] {
        let mut group = c.benchmark_group(group);
        for (name, size) in SIZES {
            let mut trained = Trained::new(size, keep);
            group.throughput(Throughput::Elements(u64::from(size.0) * size.1 as u64));
            group.bench_function(name, |b| b.iter(|| trained.step()));
        }
    }
}

/// For `peers/rnn/compare.py`: takes steps of a size and prints their mean processor time.
#[allow(clippy::print_stdout, reason = "the answer")]
fn report(size: &str, keep: bool, steps: u32) {
    let (_, size) = SIZES.into_iter().find(|(name, _)| *name == size).unwrap();
    pstar_lab::memory::keep_freed();
    let mut trained = Trained::new(size, keep);
    (0..3).for_each(|_| trained.step());
    let start = Instant::now();
    let before = processor_ms(start);
    (0..steps).for_each(|_| trained.step());
    let used = (processor_ms(start) - before) / f64::from(steps);
    println!("{{\"peer\": \"pstar\", \"cpu_ms\": {used}}}");
}

criterion_group!(name = benches; config = support::criterion(); targets = step);

fn main() {
    match std::env::var("PSTAR_RNN_STEP") {
        Err(_) => {
            benches();
            Criterion::default().configure_from_args().final_summary();
        }
        Ok(request) => {
            let parts: Vec<&str> = request.split(' ').collect();
            report(parts[0], parts[1] == "keep", parts[2].parse().unwrap());
        }
    }
}
