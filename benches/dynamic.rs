//! Dynamic programming over products, construction apart; per transition. Ids: states × symbols × horizon.
//! What OpenFst, SciPy and others need for such a forward pass: `peers/forward`.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pstar_core::data::Ending;
use pstar_core::math;
use pstar_exact::{
    Acceptor, ExplicitAutomaton, FiniteState, ModelRows, Orders, OutputSpace, Product, PromptedModel, Role,
    TiltedModel, WeightedProduct, dynamic,
};
use std::convert::Infallible;
use std::hint::black_box;

/// A model of pseudo-random moves and rows.
struct Scattered {
    states: u64,
    symbols: usize,
    salt: u64,
}

/// A number in 0..2^53 that looks random.
fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) >> 11
}

impl FiniteState for Scattered {
    type Error = Infallible;

    fn expand(
        &self,
        _: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), Infallible> {
        let mut probs = vec![0.0; self.symbols];
        for (i, &state) in states.iter().enumerate() {
            let row = i * self.symbols..(i + 1) * self.symbols;
            for (symbol, next) in next[row.clone()].iter_mut().enumerate() {
                *next = mixed(state * 64 + symbol as u64 + 1) % self.states;
            }
            let logits: Vec<f64> = (0..self.symbols as u64)
                .map(|symbol| mixed(state * 64 + symbol + self.salt) as f64 / 2f64.powi(53))
                .collect();
            math::log_softmax(&logits, &mut log_probs[row], &mut probs);
        }
        Ok(())
    }
}

/// Valid is an even number of the first symbol: two states, so the product has twice the model's.
fn product_of(states: usize, symbols: usize, horizon: usize) -> (Product, [ModelRows; 2]) {
    let space = OutputSpace { symbols, horizon, ending: Ending::FixedLength };
    let next = (0..2 * symbols).map(|i| (i / symbols) as u64 ^ u64::from(i % symbols == 0));
    let mut parity = ExplicitAutomaton { symbols, next: next.collect(), accepts: vec![true, false] };
    let Ok(acceptor) = Acceptor::explore(&mut parity, space, false, 10) else { unreachable!("two states") };
    let models = [1, 2].map(|salt| Scattered { states: states as u64 / 2, symbols, salt: salt << 40 });
    let started = [0, 1].map(|role| PromptedModel { model: &models[role] as _, start: 0 });
    let Ok(product) = Product::explore(&started, &acceptor, 1 << 22) else { unreachable!("few states") };
    let rows = [(Role::Base, started[0]), (Role::Policy, started[1])];
    let rows = rows.map(|(role, model)| match ModelRows::of(&product, role, model) {
        Ok(rows) => rows,
        Err(error) => unreachable!("{error}"),
    });
    (product, rows)
}

fn passes(c: &mut Criterion) {
    let sizes = [
        (2000, 16, 64),
        (1000, 16, 64),
        (4000, 16, 64),
        (2000, 8, 64),
        (2000, 32, 64),
        (2000, 16, 32),
        (2000, 16, 128),
    ];
    let mut group = c.benchmark_group("forward");
    for (states, symbols, horizon) in sizes {
        let (product, [base, policy]) = product_of(states, symbols, horizon);
        let weighted = WeightedProduct { product: &product, base: &base, policy: &policy };
        let id = BenchmarkId::from_parameter(format!("{states}x{symbols}x{horizon}"));
        group.throughput(Throughput::Elements(product.transitions() as u64));
        group.bench_function(id, |b| b.iter(|| dynamic::log_masses(black_box(&weighted), Role::Policy)));
    }
    group.finish();
    let mut group = c.benchmark_group("all_divergences");
    for (states, symbols, horizon) in [(2000, 16, 64), (2000, 16, 128)] {
        let (product, [base, policy]) = product_of(states, symbols, horizon);
        let weighted = WeightedProduct { product: &product, base: &base, policy: &policy };
        let split = dynamic::split(&weighted, Role::Base);
        let tilted = [0.1, 0.5].map(|beta| TiltedModel::new(beta, &split));
        let orders = Orders { alphas: &[0.25, 0.5], powers: &[0.3, 0.75] };
        let id = BenchmarkId::from_parameter(format!("{states}x{symbols}x{horizon}"));
        group.throughput(Throughput::Elements(product.transitions() as u64));
        group.bench_function(id, |b| {
            b.iter(|| dynamic::divergences(black_box(&weighted), &split, &tilted, &orders));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = support::criterion(); targets = passes);
criterion_main!(benches);
