//! What parameters a GRU has, and in which order.

use crate::block::blocks;
use pstar_core::Task;

/// The sizes of a GRU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Tokens that can be read: symbols, boundary, symbols that only prompts use.
    pub(crate) tokens: usize,
    /// Choices at a position: symbols, and the end symbol where there is one.
    pub(crate) choices: usize,
    /// Numbers that stand for a token.
    pub(crate) embedding: usize,
    /// Units of a layer.
    pub(crate) hidden: usize,
    /// Layers, at least 1.
    pub(crate) layers: usize,
}

/// One matrix or vector among the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tensor {
    /// Its name in PyTorch's state dict.
    pub(crate) name: String,
    /// Its sizes: rows and columns, or the length of a vector.
    pub(crate) sizes: Vec<usize>,
}

impl Tensor {
    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.sizes.iter().product()
    }
}

impl Shape {
    /// The sizes of a GRU on a task.
    pub(crate) fn new(task: &Task, embedding: usize, hidden: usize, layers: usize) -> Self {
        Self { tokens: task.alphabet.tokens(), choices: task.choices(), embedding, hidden, layers }
    }

    /// The tensors in the order of the parameters, each in row-major order: those of the [crate]'s table, layer by layer.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let gates = 3 * self.hidden;
        let tensor = |name: String, sizes: &[usize]| Tensor { name, sizes: sizes.to_vec() };
        let mut tensors = vec![tensor("embedding.weight".into(), &[self.tokens, self.embedding])];
        for layer in 0..self.layers {
            let inputs = if layer == 0 { self.embedding } else { self.hidden };
            tensors.push(tensor(format!("gru.weight_ih_l{layer}"), &[gates, inputs]));
            tensors.push(tensor(format!("gru.weight_hh_l{layer}"), &[gates, self.hidden]));
            tensors.push(tensor(format!("gru.bias_ih_l{layer}"), &[gates]));
            tensors.push(tensor(format!("gru.bias_hh_l{layer}"), &[gates]));
        }
        tensors.push(tensor("output.weight".into(), &[self.choices, self.hidden]));
        tensors.push(tensor("output.bias".into(), &[self.choices]));
        tensors
    }

    /// Number of parameters.
    pub(crate) fn parameter_count(&self) -> usize {
        self.tensors().iter().map(Tensor::len).sum()
    }

    /// The tensor that holds the parameter at a place.
    pub(crate) fn name_of(&self, place: usize) -> String {
        let mut end = 0;
        let mut holds = |tensor: &Tensor| {
            end += tensor.len();
            place < end
        };
        self.tensors().into_iter().find(|tensor| holds(tensor)).map(|tensor| tensor.name).unwrap_or_default()
    }

    /// Number of blocks of hidden units.
    pub(crate) fn units(&self) -> usize {
        blocks(self.hidden)
    }

    /// What two GRUs must share for one to take the other's parameters.
    pub(crate) fn text(&self) -> String {
        let Self { tokens, choices, embedding, hidden, layers } = self;
        let plural = if *layers == 1 { "layer" } else { "layers" };
        format!(
            "GRU, {layers} {plural} of {hidden}, embedding {embedding}, {tokens} tokens, {choices} choices"
        )
    }
}
