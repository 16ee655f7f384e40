//! What the plugin boundary costs: verdicts of a verifier that is called directly, of the same verifier behind
//! the boundary, and of a plugin's; per sequence.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::data::{Ending, SequenceBuffer};
use pstar_core::export::Components;
use pstar_core::{PluginError, Task, Verifier};
use pstar_loader::{Plugin, VerifierHandle};
use std::hint::black_box;
use support::{plugin, task};

/// Accepts an even number of `a`.
struct Even;

impl Verifier for Even {
    const NAME: &'static str = "even";
    const DOC: &'static str = "valid is an even number of a";
    type Config = ();

    fn new((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        response.bytes().filter(|&byte| byte == b'a').count() % 2 == 0
    }
}

/// The verifier as a plugin file would offer it.
fn behind_the_boundary(task: &Task) -> VerifierHandle {
    let mut components = Components::default();
    components.verifiers::<Even>();
    let plugin = Plugin::of(components.into_root("0.0.0"));
    plugin.verifiers[0].create("()", task).unwrap()
}

fn boundary(c: &mut Criterion) {
    let task = task(4, 16, Ending::FixedLength);
    let even = behind_the_boundary(&task);
    let regex =
        plugin("regex").verifiers[0].create(r#"(pattern: "([b-d]*a[b-d]*a)*[b-d]*")"#, &task).unwrap();
    let mut group = c.benchmark_group("boundary/verify");
    for n in [1, 4096] {
        let mut sequences = SequenceBuffer::new([&[][..]].into_iter().collect());
        for i in 0..n {
            sequences.push(0, (0..16).map(|t| (i * 7 + t * t) % 4));
        }
        let batch = sequences.view();
        let responses: Vec<String> = batch.tokens().rows().map(|row| task.alphabet.decode(row)).collect();
        let mut verdicts = vec![0; n as usize];
        group.throughput(Throughput::Elements(n.into()));
        group.bench_function(format!("direct,T=16,sequences={n}"), |b| {
            b.iter(|| {
                for (verdict, response) in verdicts.iter_mut().zip(&responses) {
                    *verdict = u8::from(black_box(&Even).accepts("", response));
                }
            });
        });
        for (name, verifier) in [("behind", &even), ("regex-plugin", &regex)] {
            group.bench_function(format!("{name},T=16,sequences={n}"), |b| {
                b.iter(|| verifier.judge(&batch).unwrap());
            });
        }
    }
}

criterion_group!(name = benches; config = support::criterion(); targets = boundary);
criterion_main!(benches);
