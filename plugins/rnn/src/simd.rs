//! Vectors of `f32` on the instruction sets that kernels are compiled for, chosen when the program runs.
//!
//! Every kernel adds up its terms in one order, whatever the width of the vectors, and fuses multiplication and
//! addition on every instruction set that can: AVX-512, AVX2 and 64-bit Arm give the same bits. Only x86 without FMA
//! rounds twice.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::block::{Block, WIDTH};

/// A vector instruction set. A value of the type is the proof that this processor has it.
pub(crate) trait Simd: Copy {
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
}

/// Work that is compiled for every instruction set. `ROWS` rows fit in its registers.
pub(crate) trait Job {
    /// Does the work; to be inlined always.
    fn run<S: Simd, const ROWS: usize>(self, simd: S);
}

/// The instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstructionSet {
    /// 512 bits with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256 bits with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the target always has.
    Portable,
}

impl InstructionSet {
    /// The widest that this processor has.
    pub(crate) fn detect() -> Self {
        Self::available()[0]
    }

    /// All that this processor has, the widest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                found.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
        }
        found.push(Self::Portable);
        found
    }

    /// The name of those that give the same bits.
    pub(crate) fn rounding(self) -> &'static str {
        if self == Self::Portable && !portable::FUSED { "two roundings" } else { "fused" }
    }

    /// Does `job` with these instructions. [`detect`](Self::detect) and [`available`](Self::available) alone give
    /// out instruction sets, so that the processor has them.
    #[allow(unsafe_code, reason = "calls what is compiled for an instruction set")]
    pub(crate) fn run(self, job: impl Job) {
        match self {
            // SAFETY: the processor has AVX-512.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { avx512::run(job) },
            // SAFETY: the processor has AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2::run(job) },
            Self::Portable => job.run::<_, 4>(portable::Portable),
        }
    }
}
