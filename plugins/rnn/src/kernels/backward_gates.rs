//! The way back through the gates.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use pstar_neural::block::{Matrix, WIDTH};
use pstar_neural::kernels::LEAST;
use pstar_neural::simd::{Job, Simd};

/// From the gradient at h' to that at the arguments of the gates, in place of what was kept of the step, and to the
/// part of the gradient at h that does not pass a weight matrix.
///
/// With δ the gradient at h': δ_n = δ (1 − z)(1 − n²), δ_z = δ (h − n) z (1 − z), δ_r = δ_n (W_hn h + b_hn) r (1 − r).
/// `kept` holds n, r, z, W_hn h + b_hn before, and δ_n, δ_r, δ_z, δ_n r after: the first three belong to the input, the
/// last three to the recurrent product.
pub(crate) struct BackwardGates<'a> {
    pub(crate) kept: &'a mut Matrix,
    /// First row in `kept`.
    pub(crate) at: usize,
    pub(crate) hidden: &'a Matrix,
    /// First row of h in `hidden`.
    pub(crate) from: usize,
    /// δ before, δ z after; its first `rows` rows.
    pub(crate) delta: &'a mut Matrix,
    pub(crate) rows: usize,
    /// Number of blocks of hidden units.
    pub(crate) units: usize,
}

impl Job for BackwardGates<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let one = simd.splat(1.0);
        let Self { kept, at, hidden, from, delta, rows, units } = self;
        for unit in 0..units {
            let values: [&mut [_]; 4] = group_rows(kept, units, unit, at, rows);
            let states = hidden.rows(unit, from, rows);
            let deltas = delta.rows_mut(unit, 0, rows);
            for row in 0..rows {
                for part in 0..WIDTH / S::LANES {
                    let [n, r, z, product] =
                        std::array::from_fn(|group| simd.load(&values[group][row], part));
                    let h = simd.load(&states[row], part);
                    let d = simd.flush(simd.load(&deltas[row], part), LEAST);
                    let complement = |x| simd.sub(one, x);
                    let square = simd.mul(n, n);
                    let d_n = simd.mul(simd.mul(d, complement(z)), complement(square));
                    let d_z = simd.mul(simd.mul(d, simd.sub(h, n)), simd.mul(z, complement(z)));
                    let d_r = simd.mul(simd.mul(d_n, product), simd.mul(r, complement(r)));
                    for (group, value) in [d_n, d_r, d_z, simd.mul(d_n, r)].into_iter().enumerate() {
                        simd.store(value, &mut values[group][row], part);
                    }
                    simd.store(simd.mul(d, z), &mut deltas[row], part);
                }
            }
        }
    }
}

/// Block `unit` of each of the four groups.
#[inline(always)]
fn group_rows(
    kept: &mut Matrix,
    units: usize,
    unit: usize,
    at: usize,
    rows: usize,
) -> [&mut [pstar_neural::block::Block]; 4] {
    let stride = units * kept.rows;
    let start = unit * kept.rows + at;
    let mut groups = kept.data.chunks_mut(stride);
    std::array::from_fn(|_| &mut groups.next().expect("four groups")[start..start + rows])
}
