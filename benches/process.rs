//! What a verifier in another language costs: verdicts of a trivial function in Python, through the plugin, the pipe and the
//! file that people copy; per pair of prompt and response.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::data::{Ending, SequenceBuffer};
use std::path::Path;
use support::{plugin, task};

fn process(c: &mut Criterion) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/process");
    let task = task(4, 16, Ending::FixedLength).in_directory(examples);
    let process = plugin("process");
    let mut group = c.benchmark_group("process/judge");
    for (pairs, batch, children) in [(1, 1, 1), (256, 256, 1), (8192, 256, 1), (8192, 256, 2), (8192, 1, 1)] {
        let config =
            format!(r#"(command: ["python3", "palindrome.py"], batch: {batch}, children: {children})"#);
        let verifier = process.verifiers[0].create(&config, &task).unwrap();
        let mut sequences = SequenceBuffer::new([&[][..]].into_iter().collect());
        for i in 0..pairs {
            sequences.push(0, (0..16).map(|t| (i * 7 + t * t) % 4));
        }
        let sequences = sequences.view();
        group.throughput(Throughput::Elements(pairs.into()));
        group.bench_function(format!("T=16,pairs={pairs},batch={batch},children={children}"), |b| {
            b.iter(|| verifier.judge(&sequences).unwrap());
        });
    }
}

criterion_group!(name = benches; config = support::criterion(); targets = process);
criterion_main!(benches);
