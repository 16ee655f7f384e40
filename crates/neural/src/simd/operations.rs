//! What every instruction set can do, and the work that is made of it.

use crate::block::{Block, WIDTH};

/// A vector instruction set. A value of the type is the proof that this processor has it.
pub trait Simd: Copy {
    /// A vector.
    type V: Copy;
    /// Numbers in a vector: 16 or 8.
    const LANES: usize;

    /// The same number throughout.
    fn splat(self, x: f32) -> Self::V;
    /// Part `part` of a block, which has 16 / [`LANES`](Self::LANES) parts.
    fn load(self, block: &Block, part: usize) -> Self::V;
    /// Writes part `part` of a block.
    fn store(self, v: Self::V, block: &mut Block, part: usize);
    /// a·b + c.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Adds part `part` of a block to sums.
    fn accumulate(self, v: Self::V, sums: &mut [f64; WIDTH], part: usize);
    /// a + b.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a − b.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a·b.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a / b.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The greater of a and b; where one is NaN, b.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// Every lane takes the number of the one that is BY lanes higher, round and round.
    fn turn<const BY: i32>(self, a: Self::V) -> Self::V;
    /// a held to [low, high], low < high; where a is NaN, either bound.
    fn clamp(self, a: Self::V, low: f32, high: f32) -> Self::V;
    /// a·2^n, where `shifted` is n + 1.5·2^23.
    fn scale(self, a: Self::V, shifted: Self::V) -> Self::V;
    /// a, or 0 where |a| < least.
    fn flush(self, a: Self::V, least: f32) -> Self::V;
    /// Writes the number `j` of block `i` to number `i` of block `j`.
    #[allow(clippy::inline_always, reason = "part of a kernel")]
    #[inline(always)]
    fn transpose(self, blocks: [&Block; WIDTH], out: &mut [Block; WIDTH]) {
        for (i, block) in blocks.iter().enumerate() {
            for (out, x) in out.iter_mut().zip(&block.0) {
                out.0[i] = *x;
            }
        }
    }
}

/// Work that is compiled for every instruction set. `ROWS` rows fit in its registers.
pub trait Job {
    /// Does the work; to be inlined always.
    fn run<S: Simd, const ROWS: usize>(self, simd: S);
}
