//! The n-gram plugin through the plugin boundary, per token.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::author::{SampleRequest, Samples};
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::objective::PromptFacts;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_lab::rollout::{BatchKey, Recipe, Rollout};
use pstar_loader::{ModelHandle, PolicyHandle};
use support::{EXPERIMENT, experiment, ngram, registry, task};

/// Requests for samples of the empty prompt.
struct Requests {
    prompts: RaggedBuffer<u32>,
    prompt_of: Vec<u32>,
    sample: Vec<u32>,
}

impl Requests {
    fn new(n: u32) -> Self {
        let prompts = [&[][..]].into_iter().collect();
        Self { prompts, prompt_of: vec![0; n as usize], sample: (0..n).collect() }
    }

    fn sample(&self, policy: &PolicyHandle) -> Samples {
        let (prompt_of, sample) = (&self.prompt_of, &self.sample);
        let request = SampleRequest::new(self.prompts.view(), prompt_of, sample).unwrap();
        policy.sample(&request, StreamKey::new(7, Purpose::Rollout, 0)).unwrap()
    }
}

fn sampling(c: &mut Criterion) {
    let mut group = c.benchmark_group("ngram/sample");
    let requests = Requests::new(32_768);
    for ending in [Ending::FixedLength, Ending::EndSymbol] {
        for order in [2, 3] {
            let policy = ngram(order, &task(16, 16, ending), 1);
            group.throughput(Throughput::Elements(requests.sample(&policy).log_probs.len() as u64));
            let id = format!("{ending:?},order={order},V=16,T=16,sequences=32768");
            group.bench_function(id, |b| b.iter(|| requests.sample(&policy)));
        }
    }
}

fn scoring(c: &mut Criterion) {
    let requests = Requests::new(32_768);
    let policy = ngram(3, &task(16, 16, Ending::FixedLength), 1);
    let samples = requests.sample(&policy);
    let sequences =
        SequenceBatch::new(requests.prompts.view(), &requests.prompt_of, samples.tokens.view()).unwrap();
    let mut log_probs = vec![0.0; samples.log_probs.len()];
    let mut group = c.benchmark_group("ngram/score");
    group.throughput(Throughput::Elements(log_probs.len() as u64));
    group.bench_function("FixedLength,order=3,V=16,T=16,sequences=32768", |b| {
        b.iter(|| policy.score(&sequences, &mut log_probs).unwrap());
    });
}

fn gradient(c: &mut Criterion) {
    let experiment = experiment(EXPERIMENT, &registry());
    let policy = ngram(3, &experiment.world.task, 1);
    let facts = [PromptFacts::default()];
    let recipe = Recipe::on_policy(&experiment.world, &facts, (1, 4096), false);
    let batch = Rollout::make(&recipe, &policy, BatchKey { seed: 1, step: 0 }).unwrap();
    let coefficients = vec![0.5; batch.tokens.view().values().len()];
    let weighted = batch.weighted(&experiment.world, &coefficients, &[]).unwrap();
    let mut gradient = vec![0.0; policy.parameter_count().unwrap()];
    let mut group = c.benchmark_group("ngram/gradient");
    group.throughput(Throughput::Elements(coefficients.len() as u64));
    group.bench_function("FixedLength,order=3,V=16,T=16,sequences=4096", |b| {
        b.iter(|| policy.gradient(&weighted, &mut gradient).unwrap());
    });
}

criterion_group!(name = benches; config = support::criterion(); targets = sampling, scoring, gradient);
criterion_main!(benches);
