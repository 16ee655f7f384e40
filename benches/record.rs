//! Everything that is known about a policy over all outputs, given their probabilities; per output.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::data::{Ending, RaggedBuffer};
use pstar_exact::{
    Divergences, FilteredModel, Orders, OutputSpace, OutputTable, Split, Summary, Targets, TiltedModel,
    ValidSet,
};
use pstar_lab::evaluation::Enumerator;
use support::{ngram, task};

const SPACE: OutputSpace = OutputSpace { symbols: 13, horizon: 5, ending: Ending::EndSymbol };

/// All outputs under a random trigram.
fn table(seed: u64) -> OutputTable {
    let policy = ngram(3, &task(SPACE.symbols, SPACE.horizon, SPACE.ending), seed);
    let prompts: RaggedBuffer<u32> = [&[][..]].into_iter().collect();
    let mut table = OutputTable::default();
    Enumerator::new(&policy, prompts.view(), SPACE).unwrap().fill(&policy, 0, &mut table).unwrap();
    table
}

fn record(c: &mut Criterion) {
    let (base, policy) = (table(1), table(2));
    let outputs = base.probs.len();
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Elements(outputs as u64));
    for one_in in [2, 20] {
        let valid = ValidSet::new((0..outputs).map(|output| output % one_in == 0).collect());
        let split = Split::of(base.view(), &valid);
        let filtered = FilteredModel::new(base.view(), &valid, &split);
        let tilted = [2.0, 0.5, 0.1].map(|beta| TiltedModel::new(beta, &split));
        let targets = Targets {
            base: base.view(),
            valid: &valid,
            split: &split,
            filtered: filtered.as_ref(),
            tilted: &tilted,
        };
        let orders = Orders { alphas: &[0.25, 0.5, 0.75], powers: &[0.5] };
        let id = format!("outputs={outputs},valid={},betas=3,alphas=3,powers=1,k=5", valid.count());
        group.bench_function(id, |b| {
            b.iter(|| {
                let (split, divergences) = Divergences::with_split(policy.view(), &targets, &orders);
                (Summary::with_split(policy.view(), &valid, &split, &[1, 4, 16, 64, 256]), divergences)
            });
        });
    }
}

criterion_group!(name = benches; config = support::criterion(); targets = record);
criterion_main!(benches);
