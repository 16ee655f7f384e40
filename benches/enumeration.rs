//! The probabilities of all outputs, from a policy of the n-gram plugin with new parameters; per output.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::data::{Ending, RaggedBuffer};
use pstar_exact::{OutputSpace, OutputTable};
use pstar_lab::evaluation::Enumerator;
use support::{ngram, task};

fn enumeration(c: &mut Criterion) {
    let mut group = c.benchmark_group("enumerate");
    for (symbols, horizon) in [(13, 5), (12, 6)] {
        let space = OutputSpace { symbols, horizon, ending: Ending::EndSymbol };
        let policy = ngram(3, &task(symbols, horizon, Ending::EndSymbol), 1);
        let prompts: RaggedBuffer<u32> = [&[][..]].into_iter().collect();
        let mut enumerator = Enumerator::new(&policy, prompts.view(), space).unwrap();
        let mut table = OutputTable::default();
        let outputs = space.count().unwrap();
        group.throughput(Throughput::Elements(outputs));
        let id = format!("EndSymbol,order=3,V={symbols},T={horizon},outputs={outputs}");
        group.bench_function(id, |b| b.iter(|| enumerator.fill(&policy, 0, &mut table).unwrap()));
    }
}

criterion_group!(name = benches; config = support::criterion(); targets = enumeration);
criterion_main!(benches);
