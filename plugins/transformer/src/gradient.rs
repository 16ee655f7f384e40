//! From sums over chunks to the gradient at the parameters.

use crate::backward::{LinearSums, Sums};
use crate::network::{Transformer, plain};
use crate::parameters::Pair;
use crate::shape::Part;
use pstar_neural::block::WIDTH;
use std::ops::Range;

/// The gradient under way, and what it is the gradient of.
struct Gradient<'a> {
    parameters: &'a [f64],
    factor: f64,
    out: &'a mut [f64],
}

impl Sums {
    /// Writes the gradient, times `factor`, in the order of the [crate]'s table.
    pub(crate) fn finish(
        &self,
        network: &Transformer,
        parameters: &[f64],
        factor: f64,
        gradient: &mut [f64],
    ) {
        gradient.fill(0.0);
        let mut out = Gradient { parameters, factor, out: gradient };
        let (shape, table) = (&network.shape, &network.table);
        out.add_rows(table.embedding.clone(), &self.embedding, shape.rows(), shape.width);
        if let Some(positions) = &table.positions {
            out.add_rows(positions.clone(), &self.positions, positions.len() / shape.width, shape.width);
        }
        let (asks, ups) = (network.asks(), network.ups());
        let answers = network.heads.places(0, network.heads.queries);
        for (layer, sums) in self.layers.iter().enumerate() {
            let part = |part: Part| table.part(layer, part);
            for (map, places, scale) in &asks {
                out.add_behind_norm(part(Part::AttentionNorm), part(*map), &sums.ask, places, *scale);
            }
            for (map, places, scale) in &ups {
                out.add_behind_norm(part(Part::MlpNorm), part(*map), &sums.up, places, *scale);
            }
            out.add_linear(part(Part::AttentionOutput), &sums.answer, &answers);
            out.add_linear(part(Part::Down), &sums.down, &plain(shape.inner));
        }
        let head = Pair { weight: table.head.clone(), bias: None };
        out.add_behind_norm(&table.norm, &head, &self.head, &plain(shape.choices), 1.0);
    }
}

impl Gradient<'_> {
    /// Adds to a range of the gradient.
    fn add(&mut self, range: Range<usize>, values: impl Iterator<Item = f64>) {
        let factor = self.factor;
        self.out[range].iter_mut().zip(values).for_each(|(g, value)| *g += factor * value);
    }

    /// Adds sums that stand in blocks of the width × `count` rows.
    fn add_rows(&mut self, range: Range<usize>, sums: &[f64], count: usize, width: usize) {
        for row in 0..count {
            let at = |column: usize| sums[(column / WIDTH * count + row) * WIDTH + column % WIDTH];
            let start = range.start + row * width;
            self.add(start..start + width, (0..width).map(at));
        }
    }

    /// A map that adds to what passes by: W and b.
    fn add_linear(&mut self, pair: &Pair, sums: &LinearSums, ins: &[usize]) {
        let (outs, padded) = (pair.weight.len() / ins.len(), sums.weight.len() / sums.bias.len());
        for out in 0..outs {
            let start = pair.weight.start + out * ins.len();
            let row = &sums.weight[out * padded..][..padded];
            self.add(start..start + ins.len(), ins.iter().map(|&place| row[place]));
        }
        if let Some(bias) = &pair.bias {
            self.add(bias.clone(), sums.bias.iter().copied());
        }
    }

    /// A map behind a norm, and the norm. What was computed with is W' = s W diag(g) and b' = s (b + W β), so that
    /// dW = s (dW' diag(g) + db' βᵀ), db = s db', dg = s Σ_o W_o dW'_o and dβ = s Σ_o W_o db'_o.
    fn add_behind_norm(&mut self, norm: &Pair, pair: &Pair, sums: &LinearSums, outs: &[usize], scale: f64) {
        let (width, padded) = (norm.weight.len(), sums.weight.len() / sums.bias.len());
        let gains = &self.parameters[norm.weight.clone()];
        let shift = norm.bias.as_ref().map(|bias| &self.parameters[bias.clone()]);
        for (out, &place) in outs.iter().enumerate() {
            let range = pair.weight.start + out * width..pair.weight.start + (out + 1) * width;
            let weights = &self.parameters[range.clone()];
            let row = &sums.weight[place * padded..][..width];
            let bias = scale * sums.bias[place];
            let at = |i: usize| scale * row[i] * gains[i] + shift.map_or(0.0, |shift| bias * shift[i]);
            self.add(range, (0..width).map(at));
            self.add(norm.weight.clone(), weights.iter().zip(row).map(|(w, d)| scale * w * d));
            if let Some(range) = &norm.bias {
                self.add(range.clone(), weights.iter().map(|w| bias * w));
            }
        }
        if let Some(range) = &pair.bias {
            self.add(range.clone(), outs.iter().map(|&place| scale * sums.bias[place]));
        }
    }
}
