//! Loops over tokens, compiled for wide vectors.

#![allow(clippy::needless_bitwise_bool, reason = "loops that skip nothing are compiled for vectors")]

use pstar_core::math;

/// An advantage times a factor; where there is none, or no more of it, a ratio beyond all numbers has none either.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(super) fn product(advantage: f64, factor: f64) -> f64 {
    if (advantage == 0.0) | (factor == 0.0) { 0.0 } else { advantage * factor }
}

/// Every token's advantage times its factor by advantage, ratio and another value, in the place of its ratio; says of how
/// many the factor is not the ratio.
///
/// A factor that chooses between two of its own numbers by the sign of an advantage is not compiled for vectors (they become
/// an array in memory); one that chooses between two comparisons is.
pub(super) fn each(
    advantages: &[f64],
    c: &mut [f64],
    others: &[f64],
    factor: impl Fn(f64, f64, f64) -> f64,
) -> u64 {
    math::widest(move || {
        let mut changed = 0;
        for (c, (&a, &other)) in c.iter_mut().zip(advantages.iter().zip(others)) {
            let (x, factor) = (*c, factor(a, *c, other));
            changed += u64::from((factor != x) & (a != 0.0));
            *c = product(a, factor);
        }
        changed
    })
}

/// Whether no token has a margin that is negative or none, by ratio and another value.
pub(super) fn none_negative(ratios: &[f64], others: &[f64], margins: impl Fn(f64, f64) -> [f64; 2]) -> bool {
    math::widest(move || {
        let mut negative = 0;
        for (&x, &other) in ratios.iter().zip(others) {
            let [first, second] = margins(x, other);
            negative += u64::from(!((first >= 0.0) & (second >= 0.0)));
        }
        negative == 0
    })
}
