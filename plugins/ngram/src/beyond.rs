//! How many numbers of a row are beyond a number: what sampling does most of all, written for each kind of vectors.

/// A way to count. Who has one knows that the processor can.
pub(crate) trait Beyond: Copy {
    /// How many of some sums are greater than a number; none of them is NaN.
    fn beyond(self, sums: &[f64], number: f64) -> usize;
}

/// On any processor.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Beyond for Plain {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    fn beyond(self, sums: &[f64], number: f64) -> usize {
        sums.iter().fold(0, |count, &sum| count + usize::from(sum > number))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Beyond, Plain};
    use pstar_core::math::{Vectors, vectors};
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::{
        _CMP_GT_OQ, _mm256_cmp_pd, _mm256_loadu_pd, _mm256_movemask_pd, _mm256_set1_pd, _mm512_cmp_pd_mask,
        _mm512_loadu_pd, _mm512_set1_pd,
    };

    /// Eight at once, with AVX-512 and POPCNT.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(());

    /// Four at once, with AVX2 and POPCNT.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(());

    impl Avx512 {
        /// Where there are such vectors.
        pub(crate) fn detect() -> Option<Self> {
            (vectors() >= Vectors::Avx512 && is_x86_feature_detected!("popcnt")).then_some(Self(()))
        }
    }

    impl Avx2 {
        /// Where there are such vectors.
        pub(crate) fn detect() -> Option<Self> {
            (vectors() >= Vectors::Avx2 && is_x86_feature_detected!("popcnt")).then_some(Self(()))
        }
    }

    impl Beyond for Avx512 {
        #[inline(always)]
        #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
        #[allow(unsafe_code, reason = "calls what is compiled for AVX-512")]
        fn beyond(self, sums: &[f64], number: f64) -> usize {
            // SAFETY: `detect` alone gives it out, which asked for AVX-512 and POPCNT.
            unsafe { with_avx512(sums, number) }
        }
    }

    impl Beyond for Avx2 {
        #[inline(always)]
        #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
        #[allow(unsafe_code, reason = "calls what is compiled for AVX2")]
        fn beyond(self, sums: &[f64], number: f64) -> usize {
            // SAFETY: `detect` alone gives it out, which asked for AVX2 and POPCNT.
            unsafe { with_avx2(sums, number) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,popcnt")]
    fn with_avx512(sums: &[f64], number: f64) -> usize {
        let (chunks, rest) = sums.as_chunks::<8>();
        let all = _mm512_set1_pd(number);
        let mut count = 0;
        for chunk in chunks {
            #[allow(unsafe_code, reason = "loads eight numbers")]
            // SAFETY: a chunk has eight numbers, of any alignment.
            let sums = unsafe { _mm512_loadu_pd(chunk.as_ptr()) };
            count += _mm512_cmp_pd_mask::<_CMP_GT_OQ>(sums, all).count_ones();
        }
        count as usize + Plain.beyond(rest, number)
    }

    #[inline]
    #[target_feature(enable = "avx2,popcnt")]
    fn with_avx2(sums: &[f64], number: f64) -> usize {
        let (chunks, rest) = sums.as_chunks::<4>();
        let all = _mm256_set1_pd(number);
        let mut count = 0;
        for chunk in chunks {
            #[allow(unsafe_code, reason = "loads four numbers")]
            // SAFETY: a chunk has four numbers, of any alignment.
            let sums = unsafe { _mm256_loadu_pd(chunk.as_ptr()) };
            count += _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(sums, all)).count_ones();
        }
        count as usize + Plain.beyond(rest, number)
    }
}
