//! Loops compiled for the widest vectors of a processor.

use std::ffi::OsString;
use std::sync::atomic::{AtomicU8, Ordering};

/// The environment variable that takes away vectors: `avx2` leaves those of 256 bits, `none` what every processor has. It
/// changes how long results take and no bit of them, which is what tests set it for.
pub const VECTORS: &str = "PSTAR_VECTORS";

/// Vectors that loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Vectors {
    /// What every processor of the architecture has.
    Plain = 1,
    /// 256 bits: AVX2.
    Avx2 = 2,
    /// 512 bits: AVX-512 F, BW, DQ and VL.
    Avx512 = 3,
}

/// The widest vectors that this processor has, without those that [`VECTORS`] takes away.
#[inline]
pub fn vectors() -> Vectors {
    /// Found out once; 0 before.
    static FOUND: AtomicU8 = AtomicU8::new(0);
    match FOUND.load(Ordering::Relaxed) {
        0 => {
            let found = detect();
            FOUND.store(found as u8, Ordering::Relaxed);
            found
        }
        1 => Vectors::Plain,
        2 => Vectors::Avx2,
        _ => Vectors::Avx512,
    }
}

#[cold]
fn detect() -> Vectors {
    of_processor().min(vectors_left().unwrap_or(Vectors::Avx512))
}

/// The widest vectors that [`VECTORS`] leaves; all where it is not set. Where it says what is neither `avx2` nor `none`, that:
/// programs tell it as they start, and [`vectors`] takes nothing away.
///
/// # Errors
/// The value that is none.
pub fn vectors_left() -> Result<Vectors, OsString> {
    let Some(said) = std::env::var_os(VECTORS) else { return Ok(Vectors::Avx512) };
    match said.to_str() {
        Some("none") => Ok(Vectors::Plain),
        Some("avx2") => Ok(Vectors::Avx2),
        _ => Err(said),
    }
}

#[cfg(target_arch = "x86_64")]
fn of_processor() -> Vectors {
    use std::arch::is_x86_feature_detected as has;
    if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
        Vectors::Avx512
    } else if has!("avx2") {
        Vectors::Avx2
    } else {
        Vectors::Plain
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn of_processor() -> Vectors {
    Vectors::Plain
}

/// Does some work whose loops over slices are compiled for every kind of [`Vectors`], and run for the widest that are there: up
/// to four times as fast, with the same bits, since no operation is fused and none changes its order. What the work calls is
/// compiled so only where it is inlined, always or as a compiler sees fit.
///
/// ```
/// let (mut values, factor) = (vec![1.0, 2.0], 3.0);
/// pstar_core::vectorised!([values: &mut [f64] = &mut values, factor: f64 = factor] {
///     values.iter_mut().for_each(|value| *value *= factor);
/// });
/// assert_eq!(values, [3.0, 6.0]);
/// ```
#[macro_export]
macro_rules! vectorised {
    ([$($name:ident : $type:ty = $value:expr),* $(,)?] $(-> $output:ty)? $body:block) => {{
        #[inline(always)]
        #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
        fn plain($($name: $type),*) $(-> $output)? $body
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
        fn with_avx512($($name: $type),*) $(-> $output)? { plain($($name),*) }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn with_avx2($($name: $type),*) $(-> $output)? { plain($($name),*) }
        $(let $name: $type = $value;)*
        match $crate::math::vectors() {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "calls what is compiled for AVX-512")]
            // SAFETY: `vectors` asked the processor for it.
            $crate::math::Vectors::Avx512 => unsafe { with_avx512($($name),*) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "calls what is compiled for AVX2")]
            // SAFETY: `vectors` asked the processor for it.
            $crate::math::Vectors::Avx2 => unsafe { with_avx2($($name),*) },
            _ => plain($($name),*),
        }
    }};
}

/// As [`vectorised!`](crate::vectorised), for a small loop that is written down in its place: a compiler that finds the work too
/// large leaves it as it is.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the work is compiled for an instruction set where it stands")]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    match vectors() {
        #[allow(unsafe_code, reason = "calls what is compiled for AVX-512")]
        // SAFETY: the processor was asked for it.
        Vectors::Avx512 => return unsafe { with_avx512(work) },
        #[allow(unsafe_code, reason = "calls what is compiled for AVX2")]
        // SAFETY: the processor was asked for it.
        Vectors::Avx2 => return unsafe { with_avx2(work) },
        Vectors::Plain => {}
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
