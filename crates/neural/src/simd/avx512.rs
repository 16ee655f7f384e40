//! 512-bit vectors.
#![allow(unsafe_code, reason = "vector instructions")]
#![allow(clippy::wildcard_imports, reason = "the names of the instructions")]
#![allow(clippy::inline_always, reason = "part of a kernel")]

use super::operations::{Job, Simd};
use crate::block::{Block, WIDTH};
use std::arch::x86_64::*;

/// Made by [`run`] alone.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

/// Does `job` with these instructions.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(crate) fn run(job: impl Job) {
    job.run::<_, 8>(Avx512(()));
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, block: &Block, part: usize) -> __m512 {
        assert!(part < WIDTH / 16);
        // SAFETY: the value of the type proves the instruction set; the part lies in the block, whose alignment is
        // that of a cache line.
        unsafe { _mm512_load_ps(block.0.as_ptr().add(part * 16)) }
    }

    #[inline(always)]
    fn store(self, v: __m512, block: &mut Block, part: usize) {
        assert!(part < WIDTH / 16);
        // SAFETY: as for `load`.
        unsafe { _mm512_store_ps(block.0.as_mut_ptr().add(part * 16), v) }
    }

    #[inline(always)]
    fn accumulate(self, v: __m512, sums: &mut [f64; WIDTH], part: usize) {
        assert!(part < WIDTH / 16);
        for (half, sums) in sums.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            // SAFETY: the value of the type proves the instruction set; the eight sums are borrowed.
            unsafe {
                let pairs = _mm512_castps_pd(v);
                let v = if half == 0 {
                    _mm512_castpd512_pd256(pairs)
                } else {
                    _mm512_extractf64x4_pd::<1>(pairs)
                };
                let v = _mm512_cvtps_pd(_mm256_castpd_ps(v));
                _mm512_storeu_pd(sums.as_mut_ptr(), _mm512_add_pd(_mm512_loadu_pd(sums.as_ptr()), v));
            }
        }
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn turn<const BY: i32>(self, a: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe {
            let a = _mm512_castps_si512(a);
            _mm512_castsi512_ps(_mm512_alignr_epi32::<BY>(a, a))
        }
    }

    #[inline(always)]
    fn clamp(self, a: __m512, low: f32, high: f32) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe { _mm512_min_ps(_mm512_max_ps(a, _mm512_set1_ps(low)), _mm512_set1_ps(high)) }
    }

    #[inline(always)]
    fn scale(self, a: __m512, shifted: __m512) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe {
            let exponent = _mm512_slli_epi32::<23>(_mm512_castps_si512(shifted));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), exponent))
        }
    }

    #[inline(always)]
    fn flush(self, a: __m512, least: f32) -> __m512 {
        // SAFETY: the value of the type proves the instruction set.
        unsafe {
            let small = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_abs_ps(a), _mm512_set1_ps(least));
            _mm512_mask_mov_ps(a, small, _mm512_setzero_ps())
        }
    }

    #[inline(always)]
    fn transpose(self, blocks: [&Block; WIDTH], out: &mut [Block; WIDTH]) {
        // No `map` here: calls of it are not always inlined.
        let mut rows = [self.splat(0.0); WIDTH];
        for i in 0..WIDTH {
            rows[i] = self.load(blocks[i], 0);
        }
        let mut quads = rows;
        for i in (0..WIDTH).step_by(4) {
            // SAFETY: the value of the type proves the instruction set.
            unsafe {
                let low = _mm512_castps_pd(_mm512_unpacklo_ps(rows[i], rows[i + 1]));
                let high = _mm512_castps_pd(_mm512_unpackhi_ps(rows[i], rows[i + 1]));
                let low_next = _mm512_castps_pd(_mm512_unpacklo_ps(rows[i + 2], rows[i + 3]));
                let high_next = _mm512_castps_pd(_mm512_unpackhi_ps(rows[i + 2], rows[i + 3]));
                quads[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, low_next));
                quads[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, low_next));
                quads[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high, high_next));
                quads[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high, high_next));
            }
        }
        // Quarter q of quads[4 i + j] holds numbers 4 q + j of blocks 4 i to 4 i + 3.
        for j in 0..4 {
            let (first, second) = ((quads[j], quads[4 + j]), (quads[8 + j], quads[12 + j]));
            // SAFETY: as above.
            unsafe {
                let even = _mm512_shuffle_f32x4::<0x88>(first.0, first.1);
                let even_next = _mm512_shuffle_f32x4::<0x88>(second.0, second.1);
                let odd = _mm512_shuffle_f32x4::<0xDD>(first.0, first.1);
                let odd_next = _mm512_shuffle_f32x4::<0xDD>(second.0, second.1);
                self.store(_mm512_shuffle_f32x4::<0x88>(even, even_next), &mut out[j], 0);
                self.store(_mm512_shuffle_f32x4::<0x88>(odd, odd_next), &mut out[4 + j], 0);
                self.store(_mm512_shuffle_f32x4::<0xDD>(even, even_next), &mut out[8 + j], 0);
                self.store(_mm512_shuffle_f32x4::<0xDD>(odd, odd_next), &mut out[12 + j], 0);
            }
        }
    }
}
