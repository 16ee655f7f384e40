//! Plain loops, which the compiler turns into whatever the target always has.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use super::operations::Simd;
use crate::block::{Block, WIDTH};

/// Whether the target always fuses multiplication and addition.
pub(crate) const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

#[derive(Clone, Copy)]
pub(crate) struct Portable;

const LANES: usize = 8;
type V = [f32; LANES];

#[inline(always)]
fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    type V = V;
    const LANES: usize = LANES;

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, block: &Block, part: usize) -> V {
        std::array::from_fn(|i| block.0[part * LANES + i])
    }

    #[inline(always)]
    fn store(self, v: V, block: &mut Block, part: usize) {
        block.0[part * LANES..][..LANES].copy_from_slice(&v);
    }

    #[inline(always)]
    fn accumulate(self, v: V, sums: &mut [f64; WIDTH], part: usize) {
        sums[part * LANES..].iter_mut().zip(v).for_each(|(sum, x)| *sum += f64::from(x));
    }

    #[inline(always)]
    fn fma(self, a: V, b: V, c: V) -> V {
        std::array::from_fn(|i| if FUSED { a[i].mul_add(b[i], c[i]) } else { a[i] * b[i] + c[i] })
    }

    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn turn<const BY: i32>(self, a: V) -> V {
        std::array::from_fn(|i| a[(i + BY.unsigned_abs() as usize) % LANES])
    }

    #[inline(always)]
    fn clamp(self, a: V, low: f32, high: f32) -> V {
        a.map(|a| {
            let raised = if a > low { a } else { low };
            if raised < high { raised } else { high }
        })
    }

    #[inline(always)]
    fn scale(self, a: V, shifted: V) -> V {
        std::array::from_fn(|i| f32::from_bits(a[i].to_bits().wrapping_add(shifted[i].to_bits() << 23)))
    }

    #[inline(always)]
    fn flush(self, a: V, least: f32) -> V {
        a.map(|a| if a.abs() < least { 0.0 } else { a })
    }
}
