//! One training step of a transformer policy in the layout of GPT-2 through the plugin boundary: sample, gradient under given
//! coefficients, Adam, new parameters; per token. What JAX needs for the same step: `peers/transformer`.
//!
//! With `PSTAR_TRANSFORMER_STEP="SIZE keep|forget STEPS"` in the environment it prints the processor time of so many steps
//! instead, and with `PSTAR_TRANSFORMER_STEP=peak` the most that the core can multiply and add.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may end in a panic")]

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use pstar_core::data::Ending;
use support::peak::peak_gflops;
use support::trained::{Batch, Trained};

/// A batch and the network that it is sampled from.
#[derive(Clone, Copy)]
struct Size {
    name: &'static str,
    batch: Batch,
    width: usize,
    layers: usize,
    heads: usize,
}

impl Size {
    const fn new(
        name: &'static str,
        (sequences, horizon, symbols): (u32, usize, usize),
        [width, layers, heads]: [usize; 3],
    ) -> Self {
        let batch = Batch { sequences, horizon, symbols, ending: Ending::FixedLength };
        Self { name, batch, width, layers, heads }
    }

    /// The same, whose sequences end where they like.
    const fn ragged(self, name: &'static str) -> Self {
        Self { name, batch: Batch { ending: Ending::EndSymbol, ..self.batch }, ..self }
    }

    fn id(&self) -> BenchmarkId {
        let Self { batch: Batch { sequences, horizon, symbols, .. }, width, layers, heads, .. } = self;
        let sizes = format!("B={sequences},T={horizon},V={symbols},d={width},L={layers},H={heads}");
        BenchmarkId::new(self.name, sizes)
    }
}

const C: Size = Size::new("C", (256, 64, 64), [128, 4, 4]);
const SIZES: [Size; 5] = [
    Size::new("A", (256, 16, 16), [64, 2, 4]),
    Size::new("B", (256, 16, 16), [128, 4, 4]),
    C,
    Size::new("D", (128, 128, 128), [256, 6, 8]),
    C.ragged("C-ragged"),
];

/// A policy of a size.
fn trained(size: &Size, keep: bool) -> Trained {
    let Size { batch, width, layers, heads, .. } = *size;
    let configuration = format!(
        "(width: {width}, layers: {layers}, heads: {heads}, norm: Layer, mlp: Gelu, positions: Learned, biases: true, \
         tied: true, keep_activations: {keep})"
    );
    match batch.ending {
        Ending::FixedLength => Trained::new("transformer", &configuration, batch, 1e-3),
        // So small a rate that the lengths stay as they are.
        Ending::EndSymbol => {
            let mut trained = Trained::new("transformer", &configuration, batch, 1e-9);
            trained.change(|parameters| end_at_a_quarter(parameters, batch, width));
            trained
        }
    }
}

/// Lets every position be the end with a probability of about 4 / horizon, whatever was read: the first number of what
/// the head reads becomes 1, by the last norm's gain and bias, and only the end asks for it; the other numbers become
/// small.
fn end_at_a_quarter(parameters: &mut [f64], batch: Batch, width: usize) {
    const SMALL: f64 = 0.1;
    let (end, end_probability) = (batch.symbols, 4.0 / batch.horizon as f64);
    let logit = (end_probability / (1.0 - end_probability) * batch.symbols as f64).ln();
    // Embeddings of symbols and the end, which the head shares, are the first parameters, and the last norm the last ones.
    for (choice, row) in parameters.chunks_exact_mut(width).take(end + 1).enumerate() {
        row[0] = if choice == end { logit } else { 0.0 };
    }
    let norm = parameters.len() - 2 * width;
    let (gains, biases) = parameters[norm..].split_at_mut(width);
    gains.fill(SMALL);
    gains[0] = 0.0;
    biases[0] = 1.0;
}

fn step(c: &mut Criterion) {
    // With the activations of sampling forgotten, the gradient runs the policy again, as that of the peers does.
    for (group, keep) in [("transformer_step", true), ("transformer_step_without_memory", false)] {
        let mut group = c.benchmark_group(group);
        group.sample_size(10);
        for size in SIZES {
            let mut trained = trained(&size, keep);
            trained.step();
            group.throughput(Throughput::Elements(trained.lengths().iter().sum::<usize>() as u64));
            group.bench_function(size.id(), |b| b.iter(|| trained.step()));
        }
    }
}

/// For `peers/transformer/compare.py`: takes steps of a size and prints their mean processor time, and how many tokens and
/// pairs of tokens of which one sees the other a step had.
#[allow(clippy::print_stdout, reason = "the answer")]
fn report(size: &str, keep: bool, steps: u32) {
    let size = SIZES.into_iter().find(|known| known.name == size).unwrap();
    let (mut tokens, mut pairs) = (0, 0);
    let ms = trained(&size, keep).cpu_ms(steps, |trained| {
        tokens += trained.lengths().iter().sum::<usize>();
        pairs += trained.lengths().iter().map(|length| length * (length + 1) / 2).sum::<usize>();
    });
    let [tokens, pairs] = [tokens, pairs].map(|sum| sum as f64 / f64::from(steps));
    println!("{{\"peer\": \"pstar\", \"cpu_ms\": {ms}, \"tokens\": {tokens}, \"pairs\": {pairs}}}");
}

criterion_group!(name = benches; config = support::criterion(); targets = step);

#[allow(clippy::print_stdout, reason = "the answer")]
fn main() {
    match std::env::var("PSTAR_TRANSFORMER_STEP") {
        Err(_) => {
            benches();
            Criterion::default().configure_from_args().final_summary();
        }
        Ok(request) if request == "peak" => println!("{{\"gflops\": {}}}", peak_gflops()),
        Ok(request) => {
            let parts: Vec<&str> = request.split(' ').collect();
            report(parts[0], parts[1] == "keep", parts[2].parse().unwrap());
        }
    }
}
