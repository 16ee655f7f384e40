//! The job that people run: arms of `experiments/compare.ron`, whole steps of them, per sequence. What the same job takes in
//! JAX: `peers/job`.
//!
//! With `PSTAR_JOB="ARMS STEPS"` in the environment it prints the processor time of the training of so many arms instead, of
//! `trigram` under `reinforce`, without evaluation; with `PSTAR_JOB=sampling` that of samples.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use pstar_core::author::{SampleRequest, Samples};
use pstar_core::data::{Ending, RaggedBuffer};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_lab::evaluation::Evaluation;
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_lab::plan::{ArmKey, Gradient, Sampling};
use pstar_lab::run::{Prepared, components, prepare};
use pstar_lab::training::{Arm, ArmState};
use pstar_loader::{ModelHandle, Registry};
use std::path::Path;
use std::time::Instant;
use support::{ngram, processor_ms, registry, task};

/// More steps than any arm takes here, so that none comes to its last one, which is measured.
const ENDLESS: u32 = 1_000_000;

/// `compare.ron`, whose arms have no curve before their end.
fn experiment(registry: &Registry) -> Experiment {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/compare.ron");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut experiment = check(ExperimentFile::parse(&path, &text).unwrap(), &path, &text, registry).unwrap();
    experiment.world.evaluation.every = ENDLESS;
    experiment
}

/// An arm of a policy and an objective, by their numbers, before its first step, and what it is made of.
fn arm<'a>(
    prepared: &'a Prepared<'_>,
    (policy, objective, seed): (usize, usize, u64),
    sequences: Option<Sampling>,
) -> (Arm<'a>, ArmState) {
    let key = ArmKey { policy, objective, rate: 0, seed };
    let mut training = prepared.training_of(key);
    training.steps = ENDLESS;
    if let Some(sampling) = sequences {
        training.gradient = Gradient::Sampled(sampling);
    }
    // What it measures at its start is no part of a step.
    Arm::begin(components(prepared, training, key).unwrap(), &Evaluation::default()).unwrap()
}

/// The number of a policy and of an objective.
fn named(experiment: &Experiment, policy: &str, objective: &str) -> (usize, usize) {
    let plan = &experiment.plan;
    let policy = plan.policies.iter().position(|spec| spec.name == policy).unwrap();
    (policy, plan.objectives.iter().position(|spec| spec.name == objective).unwrap())
}

/// A step at several sizes: of one size it would not be seen whether cost grows as the number of sequences does.
fn steps(c: &mut Criterion) {
    let registry = registry();
    let experiment = experiment(&registry);
    let prepared = prepare(&experiment, &registry).unwrap();
    let mut group = c.benchmark_group("job/step");
    for (policy, objective) in [
        ("trigram", "reinforce"),
        ("trigram", "kl-control λ=2"),
        ("trigram", "alpha 0.5"),
        ("bigram", "reinforce"),
    ] {
        let (p, o) = named(&experiment, policy, objective);
        for (prompts, size) in [(8, 32), (8, 128), (8, 512), (32, 32), (128, 32)] {
            let (mut arm, mut state) = arm(&prepared, (p, o, 1), Some(Sampling::on_policy(prompts, size)));
            // Behind the steps in which moments and memory fill.
            (0..20).for_each(|_| arm.advance(&mut state).unwrap());
            group.throughput(Throughput::Elements((prompts * size) as u64));
            let id = BenchmarkId::new(format!("{policy},{objective}"), format!("sequences={prompts}x{size}"));
            group.bench_function(id, |b| b.iter(|| arm.advance(&mut state).unwrap()));
        }
    }
}

/// Whole arms of several lengths, and several of them.
fn arms(c: &mut Criterion) {
    let registry = registry();
    let experiment = experiment(&registry);
    let prepared = prepare(&experiment, &registry).unwrap();
    let numbers = named(&experiment, "trigram", "reinforce");
    let mut group = c.benchmark_group("job/arm");
    group.sample_size(10);
    for (arms, steps) in [(1, 100), (1, 400), (4, 100)] {
        group.throughput(Throughput::Elements(arms * steps));
        let id = format!("arms={arms},steps={steps},sequences=8x32");
        group.bench_function(id, |b| b.iter(|| train(&prepared, numbers, arms, steps)));
    }
}

/// Trains so many arms for so many steps; the processor milliseconds of the steps.
fn train(prepared: &Prepared<'_>, (policy, objective): (usize, usize), arms: u64, steps: u64) -> f64 {
    let mut ms = 0.0;
    for seed in 1..=arms {
        let (mut arm, mut state) = arm(prepared, (policy, objective, seed), None);
        let start = Instant::now();
        let begun = processor_ms(start);
        (0..steps).for_each(|_| arm.advance(&mut state).unwrap());
        ms += processor_ms(start) - begun;
    }
    ms
}

/// Processor nanoseconds a token of samples of a trigram with V = T = 16, through the plugin boundary.
fn sampling() -> f64 {
    const SEQUENCES: u32 = 32_768;
    const ROUNDS: u32 = 20;
    let policy = ngram(3, &task(16, 16, Ending::FixedLength), 1);
    let prompts: RaggedBuffer<u32> = [&[][..]].into_iter().collect();
    let (prompt_of, sample) = (vec![0; SEQUENCES as usize], (0..SEQUENCES).collect::<Vec<_>>());
    let request = SampleRequest::new(prompts.view(), &prompt_of, &sample).unwrap();
    let mut samples = Samples::default();
    let mut draw =
        |step| policy.sample_into(&request, StreamKey::new(7, Purpose::Rollout, step), &mut samples).unwrap();
    draw(0);
    let start = Instant::now();
    let begun = processor_ms(start);
    (1..=ROUNDS).for_each(&mut draw);
    (processor_ms(start) - begun) * 1e6 / f64::from(ROUNDS * SEQUENCES * 16)
}

criterion_group!(name = benches; config = support::criterion(); targets = steps, arms);

#[allow(clippy::print_stdout, reason = "the answer")]
fn main() {
    let Ok(job) = std::env::var("PSTAR_JOB") else {
        benches();
        return Criterion::default().configure_from_args().final_summary();
    };
    pstar_lab::memory::keep_freed();
    if job == "sampling" {
        return println!("{{\"cpu_ns\": {}}}", sampling());
    }
    let numbers: Vec<u64> = job.split(' ').map(|number| number.parse().unwrap()).collect();
    let registry = registry();
    let experiment = experiment(&registry);
    let prepared = prepare(&experiment, &registry).unwrap();
    let trigram = named(&experiment, "trigram", "reinforce");
    // Memory and tables are there at the second time.
    train(&prepared, trigram, 1, numbers[1]);
    let ms = train(&prepared, trigram, numbers[0], numbers[1]);
    println!("{{\"cpu_ms\": {}}}", ms / numbers[0] as f64);
}
