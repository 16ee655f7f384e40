//! The n-gram plugin through the plugin boundary; per token.
#![allow(missing_docs, reason = "criterion's macros")]

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::author::{SampleRequest, Samples, WeightedBatch};
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::host::{ModelHandle, PolicyHandle};
use pstar_core::rng::{Purpose, StreamKey};
use support::{ngram, task};

/// V and T.
const SIZE: usize = 16;

/// Requests for `n` samples of the empty prompt.
struct Batch {
    prompts: RaggedBuffer<u32>,
    prompt_of: Vec<u32>,
    sample: Vec<u32>,
}

impl Batch {
    fn new(n: u32) -> Self {
        let prompts = [&[][..]].into_iter().collect();
        Self { prompts, prompt_of: vec![0; n as usize], sample: (0..n).collect() }
    }

    fn sample(&self, policy: &PolicyHandle) -> Samples {
        let request =
            SampleRequest { prompts: self.prompts.view(), prompt_of: &self.prompt_of, sample: &self.sample };
        policy.sample(&request, StreamKey::new(7, Purpose::Rollout, 0)).unwrap()
    }

    fn sequences<'a>(&'a self, samples: &'a Samples) -> SequenceBatch<'a> {
        SequenceBatch::new(self.prompts.view(), &self.prompt_of, samples.tokens.view()).unwrap()
    }
}

fn tokens(samples: &Samples) -> Throughput {
    Throughput::Elements(samples.log_probs.len() as u64)
}

fn sampling(c: &mut Criterion) {
    let mut group = c.benchmark_group("ngram/sample");
    let batch = Batch::new(32_768);
    for (order, ending) in
        [(2, Ending::FixedLength), (3, Ending::FixedLength), (2, Ending::EndSymbol), (3, Ending::EndSymbol)]
    {
        let policy = ngram(order, &task(SIZE, SIZE, ending));
        group.throughput(tokens(&batch.sample(&policy)));
        let id = format!("V={SIZE},T={SIZE},{ending:?},n=32768,order={order}");
        group.bench_function(id, |b| b.iter(|| batch.sample(&policy)));
    }
}

fn scoring(c: &mut Criterion) {
    let batch = Batch::new(32_768);
    let policy = ngram(3, &task(SIZE, SIZE, Ending::FixedLength));
    let samples = batch.sample(&policy);
    let sequences = batch.sequences(&samples);
    let mut log_probs = vec![0.0; samples.log_probs.len()];
    let mut group = c.benchmark_group("ngram/score");
    group.throughput(tokens(&samples));
    group.bench_function(BenchmarkId::from_parameter("V=16,T=16,FixedLength,n=32768,order=3"), |b| {
        b.iter(|| policy.score(&sequences, &mut log_probs));
    });
}

fn gradient(c: &mut Criterion) {
    let batch = Batch::new(4096);
    let policy = ngram(3, &task(SIZE, SIZE, Ending::FixedLength));
    let samples = batch.sample(&policy);
    let sequences = batch.sequences(&samples);
    let weights = vec![1.0 / 4096.0; 4096];
    let coefficients: Vec<f64> =
        (0..samples.log_probs.len()).map(|i| if i % 3 == 0 { 1.0 } else { -0.5 }).collect();
    let weighted = WeightedBatch { sequences, weights: &weights, coefficients: Some(&coefficients) };
    let mut gradient = vec![0.0; policy.parameter_count().unwrap()];
    let mut group = c.benchmark_group("ngram/gradient");
    group.throughput(tokens(&samples));
    group.bench_function(BenchmarkId::from_parameter("V=16,T=16,FixedLength,n=4096,order=3"), |b| {
        b.iter(|| policy.gradient(&weighted, &mut gradient));
    });
}

criterion_group!(name = benches; config = support::criterion(); targets = sampling, scoring, gradient);
criterion_main!(benches);
