//! The weights of a layer, in the order in which the kernels read them.

use pstar_neural::block::{Block, WIDTH, blocks};

/// Where the gates r, z, n stand among the rows of PyTorch's weights, in the order in which δ is kept for the
/// recurrent product.
pub(crate) const RECURRENT_ORDER: [usize; 3] = [0, 1, 2];

/// The same for the input: n, r, z.
pub(crate) const INPUT_ORDER: [usize; 3] = [2, 0, 1];

/// One layer.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Number of blocks of hidden units.
    pub(crate) units: usize,
    /// W_hh: blocks of units × units × gates.
    pub(crate) recurrent: Vec<Block>,
    /// b_hn: blocks of units.
    pub(crate) recurrent_bias: Vec<Block>,
    /// W_ih: blocks of units × inputs × gates.
    pub(crate) input: Vec<Block>,
    /// b_ih, with b_hh added for r and z: blocks of units × gates.
    pub(crate) input_bias: Vec<Block>,
    /// W_hh for the way back: blocks of units × (gates in [`RECURRENT_ORDER`] × units).
    pub(crate) recurrent_back: Vec<Block>,
    /// W_ih for the way back: blocks of inputs × (gates in [`INPUT_ORDER`] × units).
    pub(crate) input_back: Vec<Block>,
}

/// The tensors of a layer as PyTorch has them; see the [crate]'s table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerTensors<'a> {
    pub(crate) weight_ih: &'a [f32],
    pub(crate) weight_hh: &'a [f32],
    pub(crate) bias_ih: &'a [f32],
    pub(crate) bias_hh: &'a [f32],
}

impl Layer {
    /// The layer of these tensors.
    pub(crate) fn new(tensors: LayerTensors<'_>, hidden: usize, inputs: usize) -> Self {
        let LayerTensors { weight_ih, weight_hh, bias_ih, bias_hh } = tensors;
        let units = blocks(hidden);
        let mut recurrent_bias = vec![Block::ZERO; units];
        let mut input_bias = vec![Block::ZERO; 3 * units];
        for unit in 0..hidden {
            let (block, lane) = (unit / WIDTH, unit % WIDTH);
            recurrent_bias[block].0[lane] = bias_hh[2 * hidden + unit];
            for gate in 0..3 {
                let row = gate * hidden + unit;
                let recurrent = if gate < 2 { bias_hh[row] } else { 0.0 };
                input_bias[3 * block + gate].0[lane] = bias_ih[row] + recurrent;
            }
        }
        Self {
            units,
            recurrent: gates(weight_hh, hidden, hidden),
            recurrent_bias,
            input: gates(weight_ih, hidden, inputs),
            input_bias,
            recurrent_back: gates_back(weight_hh, hidden, hidden, RECURRENT_ORDER),
            input_back: gates_back(weight_ih, hidden, inputs, INPUT_ORDER),
        }
    }
}

/// Gates·hidden × inputs, as blocks of units × inputs × gates.
fn gates(weight: &[f32], hidden: usize, inputs: usize) -> Vec<Block> {
    let padded = blocks(inputs) * WIDTH;
    let mut out = vec![Block::ZERO; blocks(hidden) * padded * 3];
    for (row, weights) in weight.chunks_exact(inputs).enumerate() {
        let (gate, unit) = (row / hidden, row % hidden);
        let panel = &mut out[unit / WIDTH * padded * 3..];
        for (blocks, &w) in panel.chunks_exact_mut(3).zip(weights) {
            blocks[gate].0[unit % WIDTH] = w;
        }
    }
    out
}

/// Gates·hidden × inputs, as blocks of inputs × (gates × units).
fn gates_back(weight: &[f32], hidden: usize, inputs: usize, order: [usize; 3]) -> Vec<Block> {
    let padded = blocks(hidden) * WIDTH;
    let mut out = vec![Block::ZERO; blocks(inputs) * 3 * padded];
    for (place, gate) in order.into_iter().enumerate() {
        for (unit, weights) in weight[gate * hidden * inputs..].chunks_exact(inputs).take(hidden).enumerate()
        {
            for (block, weights) in weights.chunks(WIDTH).enumerate() {
                let row = block * 3 * padded + place * padded + unit;
                out[row].0[..weights.len()].copy_from_slice(weights);
            }
        }
    }
    out
}
