//! Vectors of `f32` on the instruction sets that kernels are compiled for, chosen when the program runs.
//!
//! Every kernel adds up its terms in one order, whatever the width of the vectors, and fuses multiplication and
//! addition on every instruction set that can: AVX-512, AVX2 and 64-bit Arm give the same bits. Only x86 without FMA
//! rounds twice.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod operations;
mod portable;

pub use operations::{Job, Simd};

/// The instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
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
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// All that this processor has, the widest first.
    pub fn available() -> Vec<Self> {
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
    pub fn rounding(self) -> &'static str {
        if self == Self::Portable && !portable::FUSED { "two roundings" } else { "fused" }
    }

    /// Does `job` with these instructions. [`detect`](Self::detect) and [`available`](Self::available) alone give
    /// out instruction sets, so that the processor has them.
    #[allow(unsafe_code, reason = "calls what is compiled for an instruction set")]
    pub fn run(self, job: impl Job) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Block, WIDTH};

    struct Transpose<'a>(&'a [Block; WIDTH], &'a mut [Block; WIDTH]);

    impl Job for Transpose<'_> {
        fn run<S: Simd, const ROWS: usize>(self, simd: S) {
            simd.transpose(self.0.each_ref(), self.1);
        }
    }

    #[test]
    fn every_instruction_set_transposes() {
        let number = |row: usize, column: usize| (row * WIDTH + column) as f32;
        let blocks = std::array::from_fn(|row| Block(std::array::from_fn(|column| number(row, column))));
        for set in InstructionSet::available() {
            let mut turned = [Block::ZERO; WIDTH];
            set.run(Transpose(&blocks, &mut turned));
            for (column, block) in turned.iter().enumerate() {
                assert_eq!(block.0, std::array::from_fn(|row| number(row, column)), "{set:?}");
            }
        }
    }
}
