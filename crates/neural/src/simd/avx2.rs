//! 256-bit vectors with FMA.
#![allow(unsafe_code, reason = "vector instructions")]
#![allow(clippy::wildcard_imports, reason = "the names of the instructions")]
#![allow(clippy::inline_always, reason = "part of a kernel")]

use super::operations::{Job, Simd};
use crate::block::{Block, WIDTH};
use std::arch::x86_64::*;

/// Made by [`run`] alone.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

/// Does `job` with these instructions.
#[target_feature(enable = "avx2,fma")]
pub(crate) fn run(job: impl Job) {
    job.run::<_, 4>(Avx2(()));
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, block: &Block, part: usize) -> __m256 {
        assert!(part < WIDTH / 8);
        // SAFETY: the value of the type proves the instruction set; the part lies in the block, whose alignment is
        // that of a cache line.
        unsafe { _mm256_load_ps(block.0.as_ptr().add(part * 8)) }
    }

    #[inline(always)]
    fn store(self, v: __m256, block: &mut Block, part: usize) {
        assert!(part < WIDTH / 8);
        // SAFETY: as for `load`.
        unsafe { _mm256_store_ps(block.0.as_mut_ptr().add(part * 8), v) }
    }

    #[inline(always)]
    fn accumulate(self, v: __m256, sums: &mut [f64; WIDTH], part: usize) {
        for (half, sums) in sums[part * 8..][..8].as_chunks_mut::<4>().0.iter_mut().enumerate() {
            // SAFETY: the value of the type proves the instruction set; the four sums are borrowed.
            unsafe {
                let v = if half == 0 { _mm256_castps256_ps128(v) } else { _mm256_extractf128_ps::<1>(v) };
                let sum = _mm256_add_pd(_mm256_loadu_pd(sums.as_ptr()), _mm256_cvtps_pd(v));
                _mm256_storeu_pd(sums.as_mut_ptr(), sum);
            }
        }
    }

    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn turn<const BY: i32>(self, a: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_permutevar8x32_ps(a, _mm256_add_epi32(lanes, _mm256_set1_epi32(BY)))
        }
    }

    #[inline(always)]
    fn clamp(self, a: __m256, low: f32, high: f32) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm256_min_ps(_mm256_max_ps(a, _mm256_set1_ps(low)), _mm256_set1_ps(high)) }
    }

    #[inline(always)]
    fn scale(self, a: __m256, shifted: __m256) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe {
            let exponent = _mm256_slli_epi32::<23>(_mm256_castps_si256(shifted));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent))
        }
    }

    #[inline(always)]
    fn flush(self, a: __m256, least: f32) -> __m256 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe {
            let magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
            let small = _mm256_cmp_ps::<_CMP_LT_OQ>(magnitude, _mm256_set1_ps(least));
            _mm256_andnot_ps(small, a)
        }
    }
}
