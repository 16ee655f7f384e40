//! What parameters a GRU has, and in which order.

use pstar_core::Task;
use pstar_core::rng::StreamKey;
use pstar_neural::block::blocks;
use pstar_neural::network::{Shape, Tensor};

/// The sizes of a GRU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GruShape {
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

impl GruShape {
    /// The sizes of a GRU on a task.
    pub(crate) fn new(task: &Task, embedding: usize, hidden: usize, layers: usize) -> Self {
        Self { tokens: task.alphabet.tokens(), choices: task.choices(), embedding, hidden, layers }
    }

    /// Number of blocks of hidden units.
    pub(crate) fn units(&self) -> usize {
        blocks(self.hidden)
    }
}

impl Shape for GruShape {
    fn tokens(&self) -> usize {
        self.tokens
    }

    fn choices(&self) -> usize {
        self.choices
    }

    /// Those of the [crate]'s table, layer by layer.
    fn tensors(&self) -> Vec<Tensor> {
        let gates = 3 * self.hidden;
        let mut tensors = vec![Tensor::new("embedding.weight", &[self.tokens, self.embedding])];
        for layer in 0..self.layers {
            let inputs = if layer == 0 { self.embedding } else { self.hidden };
            tensors.push(Tensor::new(format!("gru.weight_ih_l{layer}"), &[gates, inputs]));
            tensors.push(Tensor::new(format!("gru.weight_hh_l{layer}"), &[gates, self.hidden]));
            tensors.push(Tensor::new(format!("gru.bias_ih_l{layer}"), &[gates]));
            tensors.push(Tensor::new(format!("gru.bias_hh_l{layer}"), &[gates]));
        }
        tensors.push(Tensor::new("output.weight", &[self.choices, self.hidden]));
        tensors.push(Tensor::new("output.bias", &[self.choices]));
        tensors
    }

    fn text(&self) -> String {
        let Self { tokens, choices, embedding, hidden, layers } = self;
        let plural = if *layers == 1 { "layer" } else { "layers" };
        format!(
            "GRU, {layers} {plural} of {hidden}, embedding {embedding}, {tokens} tokens, {choices} choices"
        )
    }

    /// Uniform in ±1/√hidden, as PyTorch draws them for a GRU; here the embedding too.
    fn random(&self, key: StreamKey) -> Vec<f64> {
        let bound = 1.0 / (self.hidden as f64).sqrt();
        (0..).take(self.parameter_count()).map(|i| bound * (2.0 * key.uniform(0, i, 0) - 1.0)).collect()
    }
}
