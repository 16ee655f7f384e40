//! One step of a layer.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "register tiles are indexed")]

use crate::layer::Layer;
use pstar_neural::activation::{sigmoid, tanh};
use pstar_neural::block::{Block, Matrix, WIDTH};
use pstar_neural::simd::{Job, Simd};

/// One step of a layer for a number of rows: recurrent product, gates and new state at once.
///
/// r = σ(i_r + W_hr h + b_hr), z = σ(i_z + W_hz h + b_hz), n = tanh(i_n + r ⊙ (W_hn h + b_hn)), h' = n + z ⊙ (h − n),
/// where i = W_ih x + b_ih; `inputs` holds i with b_hr and b_hz added.
///
/// # Source
/// Cho et al. (2014), *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation*,
/// in PyTorch's variant: the reset gate acts behind the recurrent product, and z keeps the old state.
pub(crate) struct Cell<'a> {
    pub(crate) layer: &'a Layer,
    /// Inputs × blocks of hidden units × gates r, z, n.
    pub(crate) inputs: &'a [Block],
    /// For each row its input; a multiple of [`TILE`](pstar_neural::block::TILE) rows.
    pub(crate) input_of: &'a [u32],
    /// States, read and written.
    pub(crate) hidden: &'a mut Matrix,
    /// First row of h in `hidden`.
    pub(crate) from: usize,
    /// Whether h is 0, so that its product need not be worked out.
    pub(crate) first: bool,
    /// First row of h' in `hidden`.
    pub(crate) to: usize,
    /// Where to keep n, r, z and W_hn h + b_hn for the way back, and the first row there.
    pub(crate) keep: Option<(&'a mut Matrix, usize)>,
}

impl Job for Cell<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Cell { layer, inputs, input_of, hidden, from, first: is_first, to, mut keep } = self;
        let units = layer.units;
        for unit in 0..units {
            let inner = if is_first { 0 } else { units };
            let weights = &layer.recurrent[unit * units * 3 * WIDTH..][..inner * 3 * WIDTH];
            for (tile, input_of) in input_of.chunks_exact(ROWS).enumerate() {
                let (from, to) = (from + tile * ROWS, to + tile * ROWS);
                for part in 0..WIDTH / S::LANES {
                    let input = |row: usize, gate: usize| {
                        simd.load(&inputs[(input_of[row] as usize * units + unit) * 3 + gate], part)
                    };
                    let bias = simd.load(&layer.recurrent_bias[unit], part);
                    let mut sums = [[bias; 3]; ROWS];
                    for (row, sums) in sums.iter_mut().enumerate() {
                        (sums[0], sums[1]) = (input(row, 0), input(row, 1));
                    }
                    for (k, weights) in weights.chunks_exact(3 * WIDTH).enumerate() {
                        add_products::<S, ROWS>(simd, hidden.rows(k, from, ROWS), weights, part, &mut sums);
                    }
                    for (row, sums) in sums.iter().enumerate() {
                        let old = simd.load(&hidden.rows(unit, from + row, 1)[0], part);
                        let (r, z) = (sigmoid(simd, sums[0]), sigmoid(simd, sums[1]));
                        let n = tanh(simd, simd.fma(r, sums[2], input(row, 2)));
                        let new = simd.fma(z, simd.sub(old, n), n);
                        simd.store(new, &mut hidden.rows_mut(unit, to + row, 1)[0], part);
                        if let Some((kept, first)) = &mut keep {
                            for (group, value) in [n, r, z, sums[2]].into_iter().enumerate() {
                                let at = *first + tile * ROWS + row;
                                simd.store(value, &mut kept.rows_mut(group * units + unit, at, 1)[0], part);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Adds the products of one block of `rows` with the weights of three gates.
#[inline(always)]
pub(super) fn add_products<S: Simd, const ROWS: usize>(
    simd: S,
    rows: &[Block],
    weights: &[Block],
    part: usize,
    sums: &mut [[S::V; 3]; ROWS],
) {
    let rows: &[Block; ROWS] = rows.try_into().expect("a tile of rows");
    let weights: &[Block; 3 * WIDTH] = weights.try_into().expect("a block of weights");
    let mut local = *sums;
    for k in 0..WIDTH {
        let w: [S::V; 3] = std::array::from_fn(|gate| simd.load(&weights[3 * k + gate], part));
        for row in 0..ROWS {
            let x = simd.splat(rows[row].0[k]);
            for gate in 0..3 {
                local[row][gate] = simd.fma(x, w[gate], local[row][gate]);
            }
        }
    }
    *sums = local;
}
