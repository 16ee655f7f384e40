//! From sums over chunks to the gradient at the parameters.

use crate::backward::Sums;
use crate::network::Gru;
use pstar_neural::block::{Matrix, WIDTH, blocks};
use pstar_neural::kernels::{Multiply, Outer, Run, Start};

/// In which group of [`Sums`] each gate r, z, n of the input stands.
const INPUT_GROUPS: [usize; 3] = [1, 2, 0];

impl Sums {
    /// Writes the gradient, times `factor`, in the order of the [crate]'s table.
    pub(crate) fn finish(&self, network: &Gru, factor: f64, gradient: &mut [f64]) {
        let shape = &network.shape;
        let (hidden, units) = (shape.hidden, shape.units());
        let padded = units * WIDTH;
        let mut rest = gradient;
        let mut put = |values: &[f64], starts: &mut dyn Iterator<Item = usize>, columns: usize| {
            for start in starts {
                let (row, behind) = std::mem::take(&mut rest).split_at_mut(columns);
                row.iter_mut().zip(&values[start..]).for_each(|(g, x)| *g = factor * x);
                rest = behind;
            }
        };
        // Where each row of the gates r, z, n starts, given the groups that they are kept in.
        let gates = |groups: [usize; 3], columns: usize| {
            let row = move |group: usize, unit: usize| (group * padded + unit) * columns;
            groups.into_iter().flat_map(move |group| (0..hidden).map(move |unit| row(group, unit)))
        };
        let inputs = blocks(shape.embedding) * WIDTH;
        let (embedding, weight_ih) = self.first_layer(network);
        put(&embedding, &mut (0..shape.tokens).map(|token| token * inputs), shape.embedding);
        for (index, layer) in self.layers.iter().enumerate() {
            if index == 0 {
                put(&weight_ih, &mut gates(INPUT_GROUPS, inputs), shape.embedding);
            } else {
                put(&layer.input, &mut gates(INPUT_GROUPS, padded), hidden);
            }
            put(&layer.recurrent, &mut gates([0, 1, 2], padded), hidden);
            put(&layer.bias, &mut [1, 2, 0].into_iter().map(|group| group * padded), hidden);
            put(&layer.bias, &mut [1, 2, 3].into_iter().map(|group| group * padded), hidden);
        }
        put(&self.output, &mut (0..shape.choices).map(|choice| choice * padded), hidden);
        put(&self.output_bias, &mut std::iter::once(0), shape.choices);
    }

    /// The gradients at the embedding (tokens × embedding) and at W_ih of the first layer ((gates n, r, z × units) ×
    /// embedding), from that at its inputs; padded.
    #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
    fn first_layer(&self, network: &Gru) -> (Vec<f64>, Vec<f64>) {
        let (tokens, gates) = (network.embedding.rows, 3 * network.shape.units());
        let inputs = blocks(network.shape.embedding);
        let mut table = Matrix::new(gates, tokens);
        for (block, sums) in table.data.iter_mut().zip(self.table.chunks_exact(WIDTH)) {
            block.0.iter_mut().zip(sums).for_each(|(x, &sum)| *x = sum as f32);
        }
        let mut embedding = Matrix::new(inputs, tokens);
        network.set.run(Multiply {
            x: &table,
            first_block: 0,
            from: 0,
            rows: tokens,
            weights: &network.layers[0].input_back,
            start: Start::Out,
            out: &mut embedding,
            to: 0,
            out_blocks: inputs,
        });
        let mut weights = vec![0.0; gates * WIDTH * inputs * WIDTH];
        network.set.run(Outer {
            a: &table,
            a_blocks: (0, gates),
            b: &network.embedding,
            b_blocks: inputs,
            runs: &[Run { a: 0, b: 0, rows: tokens }],
            sums: &mut weights,
        });
        let by_token = (0..tokens).flat_map(|token| (0..inputs).map(move |block| (block, token)));
        let embedding = by_token.flat_map(|(block, token)| embedding.rows(block, token, 1)[0].0);
        (embedding.map(f64::from).collect(), weights)
    }
}
