//! Loops compiled for the widest vectors of a processor.

/// Does some work, whose loops over slices are compiled for the widest vectors that this processor has: up to twice as fast,
/// with the same bits, since no operation is fused and none changes its order. What the work calls is compiled so only
/// where it is inlined.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the work is compiled for an instruction set where it stands")]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "calls what is compiled for AVX2")]
        // SAFETY: the processor was just asked for AVX2.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
