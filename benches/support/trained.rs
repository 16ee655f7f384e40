//! A policy that is trained, step by step, through the plugin boundary.

use super::{plugin, processor_ms, task};
use pstar_core::author::{GradientBatch, SampleRequest};
use pstar_core::data::{Alphabet, Ending, RaggedBuffer, SequenceBatch};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_lab::plan::Optimizer;
use pstar_lab::training::OptimizerState;
use pstar_loader::{ModelHandle, PolicyHandle};
use std::time::Instant;

/// What is sampled in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) sequences: u32,
    pub(crate) horizon: usize,
    pub(crate) symbols: usize,
    pub(crate) ending: Ending,
}

/// A policy and its optimizer.
pub(crate) struct Trained {
    policy: PolicyHandle,
    optimizer: OptimizerState,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    prompts: RaggedBuffer<u32>,
    prompt_of: Vec<u32>,
    sample: Vec<u32>,
    lengths: Vec<usize>,
    /// Of each sequence.
    coefficients: Vec<f64>,
    weights: Vec<f64>,
    step: u32,
}

impl Trained {
    /// A policy of a plugin, with random parameters, under Adam.
    pub(crate) fn new(name: &str, configuration: &str, batch: Batch, learning_rate: f64) -> Self {
        let Batch { sequences, horizon, symbols, ending } = batch;
        let n = sequences as usize;
        let letters: String = ('A'..='z').chain('À'..).take(symbols).collect();
        let mut task = task(1, horizon, ending);
        task.alphabet = Alphabet::of_chars(&letters.replace('^', "Ω"), "").unwrap();
        let mut policy = plugin(name).policies[0].create(configuration, &task).unwrap();
        policy.randomise(StreamKey::new(1, Purpose::Initialise, 0)).unwrap();
        let parameters = policy.parameters().unwrap().values;
        let adam = Optimizer::Adam { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        Self {
            policy,
            optimizer: OptimizerState::new(adam, parameters.len()),
            gradient: parameters.clone(),
            parameters,
            prompts: [&[][..]].into_iter().collect(),
            prompt_of: vec![0; n],
            sample: (0..sequences).collect(),
            lengths: vec![0; n],
            coefficients: (0..n).map(|i| (i as f64 * 0.7).sin()).collect(),
            weights: vec![1.0 / n as f64; n],
            step: 0,
        }
    }

    /// Changes the parameters.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut [f64])) {
        change(&mut self.parameters);
        self.policy.set_parameters(&self.parameters).unwrap();
    }

    /// The tokens of each sequence of the last step.
    pub(crate) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Samples, gradient, optimizer, parameters.
    pub(crate) fn step(&mut self) {
        let request = SampleRequest::new(self.prompts.view(), &self.prompt_of, &self.sample).unwrap();
        let samples = self.policy.sample(&request, StreamKey::new(7, Purpose::Rollout, self.step)).unwrap();
        let tokens = samples.tokens.view();
        self.lengths.clear();
        self.lengths.extend(tokens.rows().map(<[u32]>::len));
        let of_tokens = self.coefficients.iter().zip(&self.lengths);
        let of_tokens: Vec<f64> =
            of_tokens.flat_map(|(&x, &length)| std::iter::repeat_n(x, length)).collect();
        let sequences = SequenceBatch::new(self.prompts.view(), &self.prompt_of, tokens);
        let batch = GradientBatch::new(sequences.unwrap(), &self.weights, &of_tokens).unwrap();
        self.policy.gradient(&batch, &mut self.gradient).unwrap();
        self.optimizer.step(&mut self.parameters, &self.gradient).unwrap();
        self.policy.set_parameters(&self.parameters).unwrap();
        self.step += 1;
    }

    /// The mean processor time of so many steps, in milliseconds, behind three that warm up; `after` sees each.
    pub(crate) fn cpu_ms(&mut self, steps: u32, mut after: impl FnMut(&Self)) -> f64 {
        pstar_lab::memory::keep_freed();
        (0..3).for_each(|_| self.step());
        let start = Instant::now();
        let before = processor_ms(start);
        for _ in 0..steps {
            self.step();
            after(self);
        }
        (processor_ms(start) - before) / f64::from(steps)
    }
}
