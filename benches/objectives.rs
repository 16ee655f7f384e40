//! Coefficients of objectives through the boundary: 1,000 sequences of 64 tokens in groups of 8, off-policy; an iteration
//! is a batch.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::data::Ending;
use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};
use std::hint::black_box;
use support::{plugin, task};

const GROUPS: u32 = 125;
const GROUP: u32 = 8;
const TOKENS: u32 = 64;

fn objectives(c: &mut Criterion) {
    let task = task(4, 64, Ending::FixedLength);
    let key = StreamKey::new(1, Purpose::Objective, 0);
    let mut buffer = ObjectiveBuffer::default();
    for g in 0..GROUPS {
        buffer.push_group(g, PromptFacts::default());
        for i in 0..GROUP {
            let row = |column: u32| -> Vec<f64> {
                (0..TOKENS as usize).map(|t| -1.0 - key.uniform(g, i * 3 + column, t)).collect()
            };
            let reward = f64::from(u8::from(key.uniform(g, i, 1000) < 0.4));
            let [log_q, moved, log_a] = [0, 1, 2].map(row);
            // After a few updates: ratios of 0.74 to 1.35, a third of them beyond a clip at 0.2.
            let log_b: Vec<f64> = log_q.iter().zip(moved).map(|(q, m)| q + 0.6 * (m + 1.5)).collect();
            buffer.push(Row::new(reward, &log_q).behaviour_log_probs(&log_b).base_log_probs(&log_a));
        }
    }
    let batch = buffer.view(Moment::new(0, key)).unwrap();
    let mut group = c.benchmark_group("objective/coefficients");
    group.throughput(Throughput::Elements((GROUPS * GROUP * TOKENS).into()));
    let family = plugin("policy_gradient");
    for name in [
        "rloo",
        "ppo-clip",
        "grpo",
        "grpo-verl",
        "grpo-skyrl",
        "gspo",
        "cispo",
        "sapo",
        "dppo",
        "dppo-kl",
        "kl-cov",
        "maxrl",
        "reinforce++",
    ] {
        let component = family.objectives.iter().find(|objective| objective.name == name).unwrap();
        let mut objective = component.create("()", &task).unwrap();
        group.bench_function(format!("{name},sequences=1000,T=64"), |b| {
            b.iter(|| objective.step(black_box(&batch)).unwrap());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = objectives
}
criterion_main!(benches);
