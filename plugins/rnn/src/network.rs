//! The parameters of a GRU in the form that the kernels read.

use crate::backward::Sums;
use crate::kernels::{Cell, Project};
use crate::layer::{Layer, LayerTensors};
use crate::prefixes::Prefixes;
use crate::shape::GruShape;
use crate::workspace::{self, Workspace};
use pstar_neural::block::{Block, Matrix, TILE, WIDTH, blocks};
use pstar_neural::choose::Choose;
use pstar_neural::entropy::Weighed;
use pstar_neural::kernels::{Multiply, Start};
use pstar_neural::network::{Leads, Network, Shape, Tensor};
use pstar_neural::simd::InstructionSet;

/// A GRU: embedding, layers, and a linear map to logits. In `f32`.
#[derive(Clone, Debug)]
pub(crate) struct Gru {
    pub(crate) shape: GruShape,
    pub(crate) set: InstructionSet,
    pub(crate) layers: Vec<Layer>,
    /// The embedding: tokens × embedding, rows padded to whole tiles.
    pub(crate) embedding: Matrix,
    /// What the first layer makes of each token: tokens × blocks of units × gates.
    pub(crate) table: Vec<Block>,
    /// The linear map: blocks of choices × units.
    pub(crate) output: Vec<Block>,
    /// Blocks of choices.
    pub(crate) output_bias: Vec<Block>,
    /// The linear map for the way back: blocks of units × choices.
    pub(crate) output_back: Vec<Block>,
}

/// The states of all layers, before and after a step.
pub(crate) struct Advance<'a> {
    /// For each row the token that it reads; a multiple of [`TILE`] rows.
    pub(crate) tokens: &'a [u32],
    /// One matrix a layer.
    pub(crate) hidden: &'a mut [Matrix],
    /// First row of the states before.
    pub(crate) from: usize,
    /// Whether the states before are 0.
    pub(crate) first: bool,
    /// First row of the states after.
    pub(crate) to: usize,
    /// Where to keep what the way back needs (one matrix a layer), and the first row there.
    pub(crate) keep: Option<(&'a mut [Matrix], usize)>,
    /// Memory for the inputs of the layers above the first.
    pub(crate) inputs: &'a mut Inputs,
}

/// Memory for the inputs of the layers above the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    values: Vec<Block>,
    identity: Vec<u32>,
}

impl Gru {
    /// The network with these parameters, in the order of [`Shape::tensors`].
    fn of(shape: GruShape, parameters: &[f64], set: InstructionSet) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
        let values: Vec<f32> = parameters.iter().map(|&x| x as f32).collect();
        let mut rest = values.as_slice();
        let mut tensors = shape.tensors().into_iter().map(|tensor: Tensor| {
            let (values, behind) = rest.split_at(tensor.len());
            rest = behind;
            values
        });
        let mut next = || tensors.next().expect("as many values as the shape has parameters");
        let embedding = rows(next(), shape.embedding);
        let layers: Vec<Layer> = (0..shape.layers)
            .map(|layer| {
                let (weight_ih, weight_hh, bias_ih, bias_hh) = (next(), next(), next(), next());
                let inputs = if layer == 0 { shape.embedding } else { shape.hidden };
                Layer::new(LayerTensors { weight_ih, weight_hh, bias_ih, bias_hh }, shape.hidden, inputs)
            })
            .collect();
        let (weight, bias) = (next(), next());
        let (output, output_back) = linear(weight, shape.hidden);
        // What pads the choices has no probability.
        let mut output_bias = vec![Block([f32::NEG_INFINITY; WIDTH]); blocks(shape.choices)];
        for (block, bias) in output_bias.iter_mut().zip(bias.chunks(WIDTH)) {
            block.0[..bias.len()].copy_from_slice(bias);
        }
        let mut table = vec![Block::ZERO; embedding.rows * shape.units() * 3];
        set.run(Project {
            weights: &layers[0].input,
            bias: &layers[0].input_bias,
            x: &embedding,
            from: 0,
            rows: embedding.rows,
            out: &mut table,
        });
        Self { shape, set, layers, embedding, table, output, output_bias, output_back }
    }

    /// One step of all layers.
    pub(crate) fn advance(&self, step: Advance<'_>) {
        let Advance { tokens, hidden, from, first, to, mut keep, inputs } = step;
        let rows = tokens.len();
        if self.layers.len() > 1 {
            inputs.reserve(rows, self.shape.units());
        }
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                let (weights, bias, out) = (&layer.input, &layer.input_bias, &mut inputs.values);
                self.set.run(Project { weights, bias, x: &hidden[index - 1], from: to, rows, out });
            }
            let (values, input_of) =
                if index == 0 { (&self.table, tokens) } else { (&inputs.values, &inputs.identity[..rows]) };
            let keep = keep.as_mut().map(|(kept, at)| (&mut kept[index], *at));
            let hidden = &mut hidden[index];
            self.set.run(Cell { layer, inputs: values, input_of, hidden, from, first, to, keep });
        }
    }

    /// The logits of `rows` states of the last layer, from row `from` of `hidden` on, to those of `out` from `to` on.
    pub(crate) fn logits_of(&self, hidden: &Matrix, from: usize, rows: usize, out: &mut Matrix, to: usize) {
        self.set.run(Multiply {
            x: hidden,
            first_block: 0,
            from,
            rows,
            weights: &self.output,
            start: Start::Bias(&self.output_bias),
            out,
            to,
            out_blocks: self.output_bias.len(),
        });
    }
}

impl Network for Gru {
    type Shape = GruShape;
    type Chunk = Workspace;
    type Sums = Sums;
    type Prefixes = Prefixes;

    const CHUNK: usize = workspace::CHUNK;
    const PREFIXES: usize = 256;

    fn new(shape: GruShape, parameters: &[f64], set: InstructionSet) -> Self {
        Self::of(shape, parameters, set)
    }

    fn shape(&self) -> &GruShape {
        &self.shape
    }

    fn set(&self) -> InstructionSet {
        self.set
    }

    fn bytes(shape: &GruShape, sequences: usize, steps: usize) -> usize {
        workspace::bytes(shape, sequences, steps)
    }

    fn forward(&self, chunk: &mut Workspace, leads: Leads<'_>, keep: bool, choose: &mut impl Choose) {
        chunk.forward(self, leads, keep, choose);
    }

    fn sums(&self) -> Sums {
        Sums::new(self)
    }

    fn backward(
        &self,
        chunk: &mut Workspace,
        sums: &mut Sums,
        weigh: impl Fn(usize, usize) -> Option<Weighed>,
    ) {
        sums.add(self, chunk, weigh);
    }

    fn finish(&self, sums: &Sums, _: &[f64], factor: f64, gradient: &mut [f64]) {
        sums.finish(self, factor, gradient);
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
        let (top, from) = prefixes.top();
        self.logits_of(top, from, rows, out, 0);
    }
}

impl Inputs {
    fn reserve(&mut self, rows: usize, units: usize) {
        if self.identity.len() < rows {
            self.values.resize(rows * units * 3, Block::ZERO);
            self.identity = (0..).take(rows).collect();
        }
    }
}

/// Rows in row-major order as a matrix of whole tiles.
fn rows(values: &[f32], columns: usize) -> Matrix {
    let count = (values.len() / columns).next_multiple_of(TILE);
    let mut matrix = Matrix::new(blocks(columns), count);
    for (row, values) in values.chunks_exact(columns).enumerate() {
        for (block, values) in values.chunks(WIDTH).enumerate() {
            matrix.rows_mut(block, row, 1)[0].0[..values.len()].copy_from_slice(values);
        }
    }
    matrix
}

/// Choices × hidden, as blocks of choices × units and as blocks of units × choices.
fn linear(weight: &[f32], hidden: usize) -> (Vec<Block>, Vec<Block>) {
    let (choices, units) = (blocks(weight.len() / hidden) * WIDTH, blocks(hidden) * WIDTH);
    let mut forward = vec![Block::ZERO; choices / WIDTH * units];
    let mut back = vec![Block::ZERO; units / WIDTH * choices];
    for (choice, weights) in weight.chunks_exact(hidden).enumerate() {
        let panel = &mut forward[choice / WIDTH * units..];
        for (block, &w) in panel.iter_mut().zip(weights) {
            block.0[choice % WIDTH] = w;
        }
        for (block, weights) in weights.chunks(WIDTH).enumerate() {
            back[block * choices + choice].0[..weights.len()].copy_from_slice(weights);
        }
    }
    (forward, back)
}
