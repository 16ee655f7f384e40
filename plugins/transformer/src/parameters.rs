//! Which of the parameters belong to what.

use crate::shape::{Norm, Part, Positions, TransformerShape};
use pstar_neural::network::{Shape, Tensor};
use std::ops::Range;

/// A weight and its bias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Option<Range<usize>>,
}

/// The ranges of all tensors of a shape.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) embedding: Range<usize>,
    pub(crate) positions: Option<Range<usize>>,
    layers: Vec<[Option<Pair>; Part::ALL.len()]>,
    pub(crate) norm: Pair,
    /// Of a tied head the rows of the embedding that are choices.
    pub(crate) head: Range<usize>,
}

impl Table {
    pub(crate) fn new(shape: &TransformerShape) -> Self {
        let mut end = 0;
        let lengths: Vec<usize> = shape.tensors().iter().map(Tensor::len).collect();
        let mut lengths = lengths.into_iter();
        let mut next = || {
            let start = end;
            end += lengths.next().expect("as many tensors as the shape has");
            start..end
        };
        let embedding = next();
        let positions = matches!(shape.positions, Positions::Learned(_)).then(&mut next);
        let layers = (0..shape.layers)
            .map(|_| {
                Part::ALL.map(|part| {
                    let (_, has_bias) = shape.part(part)?;
                    Some(Pair { weight: next(), bias: has_bias.then(&mut next) })
                })
            })
            .collect();
        let norm = Pair { weight: next(), bias: (shape.norm == Norm::Layer).then(&mut next) };
        let head = if shape.tied { 0..shape.choices * shape.width } else { next() };
        Self { embedding, positions, layers, norm, head }
    }

    /// A part of a layer that there is.
    pub(crate) fn part(&self, layer: usize, part: Part) -> &Pair {
        self.layers[layer][part as usize].as_ref().expect("a part that the shape has")
    }
}
