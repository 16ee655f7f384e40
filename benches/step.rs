//! One training step of an arm: sample, verify, score under the base, objective, gradient, optimizer; per token.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::objective::PromptFacts;
use pstar_lab::rollout::{BatchKey, Recipe, Rollout};
use pstar_lab::training::OptimizerState;
use support::{EXPERIMENT, experiment, ngram, registry};

fn step(c: &mut Criterion) {
    let registry = registry();
    let experiment = experiment(EXPERIMENT, &registry);
    let facts = [PromptFacts::default()];
    let mut group = c.benchmark_group("step");
    for size in [256, 4096] {
        let spec = &experiment.plan.objectives[0];
        let component = registry.objective(&spec.plugin).unwrap();
        let mut objective = component.create(&spec.configuration, &experiment.world.task).unwrap();
        objective.prepare(&facts).unwrap();
        let needs_base = objective.declaration().unwrap().base_log_probs;
        let mut policy = ngram(3, &experiment.world.task, 1);
        let mut parameters = vec![0.0; policy.parameter_count().unwrap()];
        let mut gradient = parameters.clone();
        let mut optimizer =
            OptimizerState::new(experiment.plan.training.unwrap().optimizer, parameters.len());
        let mut step = 0;
        group.throughput(Throughput::Elements((size * experiment.world.task.horizon) as u64));
        group.bench_function(format!("kl-control,FixedLength,order=3,V=16,T=16,sequences={size}"), |b| {
            b.iter(|| {
                let recipe = Recipe::on_policy(&experiment.world, &facts, (1, size), needs_base);
                let batch = Rollout::make(&recipe, &policy, BatchKey { seed: 1, step }).unwrap();
                let view = batch.view(batch.behaviour_log_probs(), 0).unwrap();
                objective.observe(&view).unwrap();
                let answer = objective.step(&view).unwrap();
                let weighted =
                    batch.weighted(&experiment.world, &answer.coefficients, &answer.entropy).unwrap();
                policy.gradient(&weighted, &mut gradient).unwrap();
                optimizer.step(&mut parameters, &gradient).unwrap();
                policy.set_parameters(&parameters).unwrap();
                step += 1;
            });
        });
    }
}

criterion_group!(name = benches; config = support::criterion(); targets = step);
criterion_main!(benches);
