//! The most that a core can multiply and add.

use super::processor_ms;
use pstar_neural::simd::{InstructionSet, Job, Simd};
use std::hint::black_box;
use std::time::Instant;

/// Sums that do not wait for each other: more than the latency of an operation times the operations begun at once (8 to 10
/// on processors of today), and few enough for 16 registers.
const SUMS: usize = 12;

/// Rounds of one operation for each of the sums.
struct Fused<'a> {
    rounds: u64,
    /// Where the lanes of a vector go.
    lanes: &'a mut usize,
}

impl Job for Fused<'_> {
    #[allow(clippy::inline_always, reason = "compiled for the instruction set that calls it")]
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let (factor, term) = (simd.splat(black_box(0.999)), simd.splat(black_box(0.001)));
        let mut sums = [simd.splat(black_box(0.5)); SUMS];
        for (i, sum) in (0u8..).zip(&mut sums) {
            *sum = simd.add(*sum, simd.splat(f32::from(i)));
        }
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.fma(*sum, factor, term);
            }
        }
        black_box(sums);
        *self.lanes = S::LANES;
    }
}

/// Multiplications and additions of `f32` within registers, in 10⁹ a second of processor time: the best of a few short
/// measurements.
pub(crate) fn peak_gflops() -> f64 {
    const ROUNDS: u64 = 20_000_000;
    let start = Instant::now();
    let mut lanes = 0;
    let mut measure = || {
        let before = processor_ms(start);
        InstructionSet::detect().run(Fused { rounds: ROUNDS, lanes: &mut lanes });
        processor_ms(start) - before
    };
    let ms = (0..5).map(|_| measure()).fold(f64::INFINITY, f64::min);
    (2 * SUMS * lanes) as f64 * ROUNDS as f64 / ms / 1e6
}
