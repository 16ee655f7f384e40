//! The parameters of a transformer in the form that its kernels read.

use crate::backward::Sums;
use crate::chunk::Chunk;
use crate::linear::{Linear, Places};
use crate::parameters::Table;
use crate::prefixes::Prefixes;
use crate::shape::{Mlp, Part, TransformerShape};
use pstar_core::PluginError;
use pstar_neural::block::{Block, Matrix, WIDTH, blocks};
use pstar_neural::choose::Choose;
use pstar_neural::entropy::Weighed;
use pstar_neural::kernels::{Multiply, Start};
use pstar_neural::network::{Leads, Network};
use pstar_neural::simd::InstructionSet;

/// A decoder of pre-normalised layers: x += attention(norm(x)), x += mlp(norm(x)); logits = head(norm(x)). In `f32`.
///
/// The gain and the bias of a norm are part of the matrices behind it, and 1/√(head size) of those to queries, so that
/// nothing but x̂, the normalised x, stands between a norm and a product.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    pub(crate) shape: TransformerShape,
    pub(crate) set: InstructionSet,
    pub(crate) table: Table,
    pub(crate) heads: Heads,
    /// Rows × blocks of the width: tokens, and context behind them.
    pub(crate) embedding: Vec<Block>,
    /// Places × blocks of the width; empty where there are none.
    pub(crate) positions: Vec<Block>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) head: Linear,
}

/// The linear maps of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// To queries, keys and values.
    pub(crate) ask: Linear,
    /// From what attention found.
    pub(crate) answer: Linear,
    /// To the gate, if there is one, and what it gates.
    pub(crate) up: Linear,
    pub(crate) down: Linear,
}

/// Where heads stand: each begins with a block of its own; queries, then keys, then values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    /// Numbers of a head.
    pub(crate) size: usize,
    /// Blocks of a head.
    pub(crate) blocks: usize,
}

impl Heads {
    /// Query heads that ask one head of keys.
    pub(crate) fn group(&self) -> usize {
        self.queries / self.keys
    }

    /// Blocks of queries.
    pub(crate) fn query_blocks(&self) -> usize {
        self.queries * self.blocks
    }

    /// First block of a head of keys.
    pub(crate) fn key_block(&self, head: usize) -> usize {
        (self.queries + head) * self.blocks
    }

    /// First block of a head of values.
    pub(crate) fn value_block(&self, head: usize) -> usize {
        (self.queries + self.keys + head) * self.blocks
    }

    /// Blocks of queries, keys and values.
    pub(crate) fn all_blocks(&self) -> usize {
        (self.queries + 2 * self.keys) * self.blocks
    }

    /// Where the numbers of `count` heads stand, the first of which is head `first` of all.
    pub(crate) fn places(&self, first: usize, count: usize) -> Vec<usize> {
        let head = |head: usize| (0..self.size).map(move |j| (first + head) * self.blocks * WIDTH + j);
        (0..count).flat_map(head).collect()
    }
}

/// The places of so many numbers, one behind the other.
pub(crate) fn plain(count: usize) -> Vec<usize> {
    (0..count).collect()
}

impl Transformer {
    /// Blocks of the width.
    pub(crate) fn width(&self) -> usize {
        blocks(self.shape.width)
    }

    /// Blocks between the matrices behind attention.
    pub(crate) fn inner(&self) -> usize {
        blocks(self.shape.inner)
    }

    /// The factor of queries.
    pub(crate) fn query_factor(&self) -> f64 {
        1.0 / (self.shape.head_size as f64).sqrt()
    }

    /// The maps that stand behind the norm of a layer's attention: part, places of outputs, factor.
    pub(crate) fn asks(&self) -> [(Part, Vec<usize>, f64); 3] {
        let Heads { queries, keys, .. } = self.heads;
        [
            (Part::Query, self.heads.places(0, queries), self.query_factor()),
            (Part::Key, self.heads.places(queries, keys), 1.0),
            (Part::Value, self.heads.places(queries + keys, keys), 1.0),
        ]
    }

    /// The maps that stand behind the norm of a layer's second half.
    pub(crate) fn ups(&self) -> Vec<(Part, Vec<usize>, f64)> {
        let behind = |blocks: usize| (0..self.shape.inner).map(|i| blocks * WIDTH + i).collect();
        match self.shape.mlp {
            Mlp::Gelu => vec![(Part::Up, behind(0), 1.0)],
            Mlp::SwiGlu => vec![(Part::Gate, behind(0), 1.0), (Part::Up, behind(self.inner()), 1.0)],
        }
    }

    /// Packs the maps behind a norm into one.
    fn behind_norm(
        &self,
        layer: usize,
        norm: Part,
        maps: &[(Part, Vec<usize>, f64)],
        outs: usize,
        parameters: &[f64],
    ) -> Linear {
        let ins = plain(self.shape.width);
        let mut linear = Linear::new(outs, self.width());
        let norm = self.table.part(layer, norm);
        let gains = &parameters[norm.weight.clone()];
        for (part, places, factor) in maps {
            let pair = self.table.part(layer, *part);
            let weight = &parameters[pair.weight.clone()];
            linear.put(weight, Places { outs: places, ins: &ins }, Some(gains), *factor);
            let own = pair.bias.as_ref().map(|bias| &parameters[bias.clone()]);
            let shift = norm.bias.as_ref().map(|bias| &parameters[bias.clone()]);
            let bias = weight.chunks_exact(self.shape.width).enumerate().map(|(out, weights)| {
                factor * (own.map_or(0.0, |own| own[out]) + shift.map_or(0.0, |shift| dot(weights, shift)))
            });
            linear.put_bias(bias, places);
        }
        linear
    }

    /// Packs a map that adds to what passes by.
    fn adding(
        &self,
        layer: usize,
        part: Part,
        ins: &[usize],
        in_blocks: usize,
        parameters: &[f64],
    ) -> Linear {
        let outs = plain(self.shape.width);
        let pair = self.table.part(layer, part);
        let mut linear = Linear::new(self.width(), in_blocks);
        linear.put(&parameters[pair.weight.clone()], Places { outs: &outs, ins }, None, 1.0);
        if let Some(bias) = &pair.bias {
            linear.put_bias(parameters[bias.clone()].iter().copied(), &outs);
        }
        linear
    }

    /// Writes the logits of rows of x̂ behind the last norm.
    pub(crate) fn logits_of(&self, x: &Matrix, from: usize, rows: usize, out: &mut Matrix, to: usize) {
        let Linear { forward: weights, bias, outs, .. } = &self.head;
        self.set.run(Multiply {
            x,
            first_block: 0,
            from,
            rows,
            weights,
            start: Start::Bias(bias),
            out,
            to,
            out_blocks: *outs,
        });
    }

    /// The tokens that are read before the first choice: those of the start or the context, and the prompt; each a row of
    /// the embedding.
    pub(crate) fn lead(&self, start: u32, prompt: &[u32]) -> Vec<u32> {
        #[allow(clippy::cast_possible_truncation, reason = "rows of the embedding number less than 2^32")]
        let row = |place: usize| (self.shape.tokens + place) as u32;
        match self.shape.context {
            None => std::iter::once(start).chain(prompt.iter().copied()).collect(),
            Some(rows) => (0..rows).map(row).chain(prompt.iter().copied()).collect(),
        }
    }
}

/// Σ a b.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Rows in row-major order, each padded to whole blocks.
fn rows(values: &[f64], columns: usize) -> Vec<Block> {
    let mut out = vec![Block::ZERO; values.len() / columns * blocks(columns)];
    for (row, values) in out.chunks_exact_mut(blocks(columns)).zip(values.chunks_exact(columns)) {
        for (block, values) in row.iter_mut().zip(values.chunks(WIDTH)) {
            #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
            block.0.iter_mut().zip(values).for_each(|(x, &value)| *x = value as f32);
        }
    }
    out
}

impl Network for Transformer {
    type Shape = TransformerShape;
    type Chunk = Chunk;
    type Sums = Sums;
    type Prefixes = Prefixes;

    /// So few that what attention reads again and again stays near the processor.
    const CHUNK: usize = 32;
    /// More: each step reads all weights.
    const DRAWN: usize = 64;
    const PREFIXES: usize = 256;

    fn new(shape: TransformerShape, parameters: &[f64], set: InstructionSet) -> Self {
        let table = Table::new(&shape);
        let heads = Heads {
            queries: shape.heads,
            keys: shape.kv_heads,
            size: shape.head_size,
            blocks: blocks(shape.head_size),
        };
        let positions = table.positions.clone().map(|range| rows(&parameters[range], shape.width));
        let mut network = Self {
            embedding: rows(&parameters[table.embedding.clone()], shape.width),
            positions: positions.unwrap_or_default(),
            layers: Vec::new(),
            head: Linear::new(blocks(shape.choices), blocks(shape.width)),
            shape,
            set,
            table,
            heads,
        };
        let (asks, ups) = (network.asks(), network.ups());
        let (all, inner) = (heads.all_blocks(), network.inner());
        let (answers, inners) = (heads.places(0, heads.queries), plain(network.shape.inner));
        network.layers = (0..network.shape.layers)
            .map(|layer| Layer {
                ask: network.behind_norm(layer, Part::AttentionNorm, &asks, all, parameters),
                answer: network.adding(
                    layer,
                    Part::AttentionOutput,
                    &answers,
                    heads.query_blocks(),
                    parameters,
                ),
                up: network.behind_norm(layer, Part::MlpNorm, &ups, ups.len() * inner, parameters),
                down: network.adding(layer, Part::Down, &inners, inner, parameters),
            })
            .collect();
        let (choices, width) = (plain(network.shape.choices), plain(network.shape.width));
        let (norm, weight) = (&network.table.norm, &parameters[network.table.head.clone()]);
        let gains = &parameters[norm.weight.clone()];
        // What pads the choices has no probability.
        network.head.bias.fill(Block([f32::NEG_INFINITY; WIDTH]));
        network.head.put(weight, Places { outs: &choices, ins: &width }, Some(gains), 1.0);
        let shift = norm.bias.as_ref().map(|bias| &parameters[bias.clone()]);
        let bias = weight.chunks_exact(width.len()).map(|row| shift.map_or(0.0, |shift| dot(row, shift)));
        network.head.put_bias(bias, &choices);
        network
    }

    fn shape(&self) -> &TransformerShape {
        &self.shape
    }

    fn set(&self) -> InstructionSet {
        self.set
    }

    fn bytes(shape: &TransformerShape, sequences: usize, steps: usize) -> usize {
        crate::chunk::bytes(shape, sequences, steps)
    }

    fn check(&self, prompt: &[u32], steps: usize) -> Result<(), PluginError> {
        let lead = self.shape.context.unwrap_or(1) + prompt.len();
        if lead == 0 {
            return Err(PluginError::data(
                "expected something before the first choice, found an empty prompt and no context",
            ));
        }
        // The last choice is not read.
        let (needed, places) = (lead + steps.saturating_sub(1), self.shape.places());
        match places.filter(|&places| needed > places) {
            Some(places) => Err(PluginError::data(format!(
                "expected sequences of at most {places} tokens, for which the model has positions, found {lead} before \
                 the first choice and {steps} choices"
            ))),
            None => Ok(()),
        }
    }

    fn forward(&self, chunk: &mut Chunk, leads: Leads<'_>, keep: bool, choose: &mut impl Choose) {
        chunk.forward(self, leads, keep, choose);
    }

    fn sums(&self) -> Sums {
        Sums::new(self)
    }

    fn backward(&self, chunk: &mut Chunk, sums: &mut Sums, weigh: impl Fn(usize, usize) -> Option<Weighed>) {
        sums.add(self, chunk, weigh);
    }

    fn finish(&self, sums: &Sums, parameters: &[f64], factor: f64, gradient: &mut [f64]) {
        sums.finish(self, parameters, factor, gradient);
    }

    fn begin(&self, prefixes: &mut Prefixes, lead: &[u32]) {
        prefixes.begin(self, lead);
    }

    fn lengthen(
        &self,
        parents: &Prefixes,
        prefixes: &mut Prefixes,
        longer: impl ExactSizeIterator<Item = (usize, u32)>,
    ) {
        prefixes.lengthen(self, parents, longer);
    }

    fn logits(&self, prefixes: &Prefixes, rows: usize, out: &mut Matrix) {
        self.logits_of(prefixes.top(), 0, rows, out, 0);
    }
}
