//! Back-propagation through a chunk.

use crate::attention::{prompt_asks, put_prompts, sequence_asks};
use crate::chunk::{Activations, Chunk, Prompt};
use crate::forward::slice;
use crate::kernels::{BackwardActivate, BackwardAttend, BackwardNormalise, BackwardScratch, Group, Rotate};
use crate::keys::{Keys, Put, Side};
use crate::linear::Linear;
use crate::network::Transformer;
use crate::shape::Positions;
use pstar_neural::block::{Block, Matrix, WIDTH};
use pstar_neural::entropy::{Weighed, backward_choices};
use pstar_neural::kernels::{Add, ColumnSums, Multiply, Outer, Run, Scatter, Start};
use pstar_neural::simd::InstructionSet;

/// The gradient at the packed weights of a network, summed over chunks; padded like them.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) layers: Vec<LayerSums>,
    pub(crate) head: LinearSums,
    /// Blocks of the width × rows.
    pub(crate) embedding: Vec<f64>,
    /// Blocks of the width × places.
    pub(crate) positions: Vec<f64>,
    memory: Memory,
}

/// Those of a layer.
#[derive(Debug)]
pub(crate) struct LayerSums {
    pub(crate) ask: LinearSums,
    pub(crate) answer: LinearSums,
    pub(crate) up: LinearSums,
    pub(crate) down: LinearSums,
}

/// Those of a linear map.
#[derive(Debug, Default)]
pub(crate) struct LinearSums {
    /// Outputs × inputs.
    pub(crate) weight: Vec<f64>,
    pub(crate) bias: Vec<f64>,
}

/// Gradients that pass through a chunk.
#[derive(Debug, Default)]
struct Memory {
    /// At what passes from layer to layer.
    delta: Matrix,
    /// At x̂.
    normalised: Matrix,
    /// At what the choices are made of.
    top: Matrix,
    /// At what is activated.
    activated: Matrix,
    answers: Matrix,
    asked: Matrix,
    /// Of prompts and of one sequence: keys side by side, and values side by side.
    prompts: [Keys; 2],
    own: [Keys; 2],
    scratch: BackwardScratch,
    by_token: Vec<Block>,
}

/// Rows that a gradient at weights is summed over in `f32` before it is added to the sums.
const ROWS: usize = 2048;

impl LinearSums {
    fn new(linear: &Linear) -> Self {
        let weight = vec![0.0; linear.outs * WIDTH * linear.ins * WIDTH];
        Self { weight, bias: vec![0.0; linear.outs * WIDTH] }
    }

    /// Adds those of some rows, from the first one of each matrix on: the gradient at the outputs, and the inputs.
    fn add(&mut self, set: InstructionSet, gradient: &Matrix, inputs: &Matrix, rows: usize) {
        let outs = self.bias.len() / WIDTH;
        let b_blocks = self.weight.len() / self.bias.len() / WIDTH;
        // As many rows at a time as stay in the second cache while they are read again and again.
        for from in (0..rows).step_by(ROWS) {
            let runs = &[Run { a: from, b: from, rows: ROWS.min(rows - from) }];
            set.run(Outer {
                a: gradient,
                a_blocks: (0, outs),
                b: inputs,
                b_blocks,
                runs,
                sums: &mut self.weight,
            });
        }
        set.run(ColumnSums { x: gradient, rows, out: &mut self.bias });
    }
}

/// out = gradient Wᵀ, for rows from `from` on.
fn back(set: InstructionSet, linear: &Linear, gradient: &Matrix, from: usize, rows: usize, out: &mut Matrix) {
    let (weights, start, out_blocks, to) = (&linear.back[..], Start::Zero, linear.ins, from);
    set.run(Multiply { x: gradient, first_block: 0, from, rows, weights, start, out, to, out_blocks });
}

impl Sums {
    /// Nothing, for a network.
    pub(crate) fn new(network: &Transformer) -> Self {
        let layers = network.layers.iter().map(|layer| LayerSums {
            ask: LinearSums::new(&layer.ask),
            answer: LinearSums::new(&layer.answer),
            up: LinearSums::new(&layer.up),
            down: LinearSums::new(&layer.down),
        });
        Self {
            layers: layers.collect(),
            head: LinearSums::new(&network.head),
            embedding: vec![0.0; network.embedding.len() * WIDTH],
            positions: vec![0.0; network.positions.len() * WIDTH],
            memory: Memory::default(),
        }
    }

    /// Adds the gradient of a chunk whose activations were kept; they are used up.
    pub(crate) fn add(
        &mut self,
        network: &Transformer,
        chunk: &mut Chunk,
        weigh: impl Fn(usize, usize) -> Option<Weighed>,
    ) {
        let weighed = chunk.turns.iter().map(|turn| turn.and_then(|(i, position)| weigh(i, position)));
        backward_choices(network.set, &mut chunk.logits, weighed);
        self.prepare(network, chunk);
        self.top(network, chunk);
        for index in (0..network.layers.len()).rev() {
            self.mlp(network, chunk, index);
            self.attention(network, chunk, index);
        }
        self.scatter(network, chunk);
    }

    fn prepare(&mut self, network: &Transformer, chunk: &Chunk) {
        let rows = chunk.x.rows.max(chunk.logits.rows);
        let Memory { delta, normalised, activated, answers, asked, .. } = &mut self.memory;
        delta.reshape(network.width(), rows);
        delta.data.fill(Block::ZERO);
        normalised.reshape(network.width(), rows);
        activated.reshape(network.inner(), rows);
        answers.reshape(network.heads.query_blocks(), rows);
        asked.reshape(network.heads.all_blocks(), rows);
    }

    /// From choices to what the last layer gave.
    fn top(&mut self, network: &Transformer, chunk: &Chunk) {
        let choices = chunk.turns.len();
        self.head.add(network.set, &chunk.logits, &chunk.top, choices);
        let Memory { delta, normalised, top: at_top, .. } = &mut self.memory;
        back(network.set, &network.head, &chunk.logits, 0, choices, normalised);
        at_top.reshape(network.width(), choices);
        at_top.data.fill(Block::ZERO);
        backward_normalise(network, normalised, (&chunk.top, &chunk.top_scales), choices, at_top);
        let first = choices - (chunk.tokens.len() - chunk.prompt_rows);
        for block in 0..network.width() {
            let from = at_top.rows(block, 0, choices);
            for (turn, gradient) in chunk.turns.iter().zip(&from[..first]) {
                let Some((sequence, _)) = *turn else { continue };
                let row = chunk.prompts[chunk.sequences[sequence].prompt].last();
                let sum = &mut delta.rows_mut(block, row, 1)[0];
                sum.0.iter_mut().zip(&gradient.0).for_each(|(sum, x)| *sum += x);
            }
            delta.rows_mut(block, chunk.prompt_rows, choices - first).copy_from_slice(&from[first..]);
        }
    }

    /// Through the second half of a layer.
    fn mlp(&mut self, network: &Transformer, chunk: &mut Chunk, index: usize) {
        let (set, layer, rows) = (network.set, &network.layers[index], chunk.tokens.len());
        let (inner, sums) = (network.inner(), &mut self.layers[index]);
        let Activations { normalised: kept, scales, slopes, activated: outputs, .. } =
            &mut chunk.layers[index];
        let Memory { delta, normalised, activated, .. } = &mut self.memory;
        sums.down.add(set, delta, outputs, rows);
        let slice = slice(inner);
        for from in (0..rows).step_by(slice) {
            let rows = slice.min(rows - from);
            back(set, &layer.down, delta, from, rows, activated);
            set.run(BackwardActivate { inner, gradient: activated, from, rows, slopes });
            back(set, &layer.up, slopes, from, rows, normalised);
        }
        sums.up.add(set, slopes, &kept[1], rows);
        backward_normalise(network, normalised, (&kept[1], &scales[1]), rows, delta);
    }

    /// Through the first half of a layer.
    fn attention(&mut self, network: &Transformer, chunk: &mut Chunk, index: usize) {
        let (set, layer, rows) = (network.set, &network.layers[index], chunk.tokens.len());
        self.layers[index].answer.add(set, &self.memory.delta, &chunk.layers[index].answers, rows);
        back(set, &layer.answer, &self.memory.delta, 0, rows, &mut self.memory.answers);
        self.attend(network, chunk, index);
        let sums = &mut self.layers[index];
        let Activations { normalised: kept, scales, .. } = &chunk.layers[index];
        let Memory { delta, normalised, asked, .. } = &mut self.memory;
        if let Positions::Rotary(_) = network.shape.positions {
            let (heads, places, angles) = (network.heads, &chunk.places[..rows], &chunk.angles[..]);
            set.run(Rotate { heads, x: asked, at: 0, places, angles, back: true });
        }
        sums.ask.add(set, asked, &kept[0], rows);
        back(set, &layer.ask, asked, 0, rows, normalised);
        backward_normalise(network, normalised, (&kept[0], &scales[0]), rows, delta);
    }

    /// From answers to queries, keys and values.
    fn attend(&mut self, network: &Transformer, chunk: &Chunk, index: usize) {
        let heads = network.heads;
        let x = &chunk.layers[index].asked;
        let Memory { answers: gradient, asked: out, prompts, own, scratch, .. } = &mut self.memory;
        out.data.fill(Block::ZERO);
        for (keys, side) in prompts.iter_mut().zip([Side::Keys, Side::Values]) {
            put_prompts(keys, network, x, &chunk.prompts, side);
        }
        let leads: Vec<Vec<u32>> = chunk.prompts.iter().map(Prompt::rows).collect();
        let mut asks = Vec::new();
        for sequence in chunk.sequences.iter().filter(|sequence| !sequence.rows.is_empty()) {
            let prompt = &chunk.prompts[sequence.prompt];
            let rows = prompt.rows_before(sequence);
            for (keys, side) in own.iter_mut().zip([Side::Keys, Side::Values]) {
                network.set.run(Put::alone(keys, heads, x, &rows, side));
            }
            sequence_asks(sequence, prompt, &mut asks);
            let (rows, before) = ([&leads[sequence.prompt][..], &rows], prompt.joined());
            let group = Group { asks: &asks, rows, before };
            let (keys, values) = ([&prompts[0], &own[0]], [&prompts[1], &own[1]]);
            network.set.run(BackwardAttend { heads, x, gradient, group, keys, values, out, scratch });
        }
        for (entry, prompt) in chunk.prompts.iter().enumerate() {
            prompt_asks(entry, prompt, &mut asks);
            let group = Group { asks: &asks, rows: [&[], &leads[entry]], before: 0 };
            let (keys, values) = ([&prompts[0], &prompts[0]], [&prompts[1], &prompts[1]]);
            network.set.run(BackwardAttend { heads, x, gradient, group, keys, values, out, scratch });
        }
    }

    /// Adds the gradients at what passed into the first layer up by token and place.
    fn scatter(&mut self, network: &Transformer, chunk: &Chunk) {
        let width = network.width();
        let Memory { delta, by_token, .. } = &mut self.memory;
        for (rows, sums) in [(&chunk.tokens, &mut self.embedding), (&chunk.places, &mut self.positions)] {
            by_token.clear();
            by_token.resize(sums.len() / WIDTH, Block::ZERO);
            let count = by_token.len() / width;
            if count > 0 {
                network.set.run(Scatter { x: delta, tokens: rows, out: by_token, count });
                network.set.run(Add { blocks: by_token, sums });
            }
        }
    }
}

/// Adds the gradient at x to `out`, given that at x̂.
fn backward_normalise(
    network: &Transformer,
    gradient: &Matrix,
    (normalised, scales): (&Matrix, &[f32]),
    rows: usize,
    out: &mut Matrix,
) {
    let (norm, width) = (network.shape.norm, network.shape.width);
    network.set.run(BackwardNormalise { norm, width, gradient, normalised, scales, rows, out });
}
