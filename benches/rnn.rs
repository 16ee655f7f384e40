//! One training step of a GRU policy through the plugin boundary: sample, gradient under given coefficients, Adam, new
//! parameters; per token. What PyTorch and JAX need for the same step: `peers/rnn`.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group};
use pstar_core::data::Ending;
use support::trained::{Batch, Trained};

/// Sequences, tokens of each, symbols, hidden units.
type Size = (u32, usize, usize, usize);

const SIZES: [(&str, Size); 4] = [
    ("A", (256, 16, 16, 64)),
    ("B", (256, 16, 16, 128)),
    ("C", (1024, 32, 32, 128)),
    ("D", (128, 64, 64, 256)),
];

/// A policy of a size.
fn trained((sequences, horizon, symbols, hidden): Size, keep: bool) -> Trained {
    let batch = Batch { sequences, horizon, symbols, ending: Ending::FixedLength };
    Trained::new("rnn", &format!("(hidden: {hidden}, keep_activations: {keep})"), batch, 1e-3)
}

fn step(c: &mut Criterion) {
    // With the states of sampling forgotten, the gradient runs the policy again, as that of the peers does.
    for (group, keep) in [("rnn_step", true), ("rnn_step_without_memory", false)] {
        let mut group = c.benchmark_group(group);
        for (name, size) in SIZES {
            let mut trained = trained(size, keep);
            group.throughput(Throughput::Elements(u64::from(size.0) * size.1 as u64));
            group.bench_function(name, |b| b.iter(|| trained.step()));
        }
    }
}

/// For `peers/rnn/compare.py`: takes steps of a size and prints their mean processor time.
#[allow(clippy::print_stdout, reason = "the answer")]
fn report(size: &str, keep: bool, steps: u32) {
    let (_, size) = SIZES.into_iter().find(|(name, _)| *name == size).unwrap();
    let used = trained(size, keep).cpu_ms(steps, |_| ());
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
