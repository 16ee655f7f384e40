//! Sums of floating-point numbers that lose almost nothing.

use std::ops::Range;

/// A running sum with Neumaier's compensation.
///
/// The rounding error of every addition is kept and added at the end, so that the total is right to about one
/// rounding whatever the order and number of terms. Once a term is infinite, the total is that infinity.
///
/// # Source
/// Neumaier (1974), *Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen*.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accumulator {
    sum: f64,
    compensation: f64,
}

impl Accumulator {
    /// Adds one term.
    #[inline]
    pub fn add(&mut self, term: f64) {
        if self.sum.is_infinite() {
            return;
        }
        let next = self.sum + term;
        self.compensation +=
            if self.sum.abs() >= term.abs() { (self.sum - next) + term } else { (term - next) + self.sum };
        self.sum = next;
    }

    /// The sum of the terms so far; 0 if there are none.
    #[inline]
    pub fn total(&self) -> f64 {
        if self.sum.is_finite() { self.sum + self.compensation } else { self.sum }
    }
}

/// Independent partial sums within a block: they hide the latency of an addition.
const LANES: usize = 4;

/// Terms in a block. Within one, a lane adds 64 terms plainly; blocks are added with compensation.
pub(crate) const BLOCK: usize = 64 * LANES;

/// N sums over the indices 0..len in one pass: Σ_i term(i)\[n\] for every n.
///
/// Blocks of 256 terms in a fixed order, added up with compensation: several times faster than compensating
/// every term, with a relative error of at most about 64 roundings of Σ|term|.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(crate) fn block_sums<const N: usize>(len: usize, mut term: impl FnMut(usize) -> [f64; N]) -> [f64; N] {
    let mut totals = [Accumulator::default(); N];
    for start in (0..len).step_by(BLOCK) {
        let end = len.min(start + BLOCK);
        let whole = start + (end - start) / LANES * LANES;
        let mut partial = [[0.0; N]; LANES];
        for first in (start..whole).step_by(LANES) {
            for (lane, sums) in partial.iter_mut().enumerate() {
                add_to(sums, &term(first + lane));
            }
        }
        for index in whole..end {
            add_to(&mut partial[index - whole], &term(index));
        }
        for (n, total) in totals.iter_mut().enumerate() {
            total.add((partial[0][n] + partial[1][n]) + (partial[2][n] + partial[3][n]));
        }
    }
    totals.map(|total| total.total())
}

/// The same where the terms of a block are written all at once, sum by sum, which vectors are wider for than the lanes of a sum:
/// block by block of [`blocks`], the terms are written and [`added`](Self::add). (A closure that writes them would be a function of
/// its own, which a compiler that finds it too large compiles for no vectors.)
pub(crate) struct WrittenBlocks<const N: usize> {
    totals: [Accumulator; N],
    /// The terms of a block, of each sum as many as the block is long.
    pub(crate) terms: [[f64; BLOCK]; N],
}

/// The indices 0..len, block by block.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(crate) fn blocks(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(BLOCK).map(move |start| start..len.min(start + BLOCK))
}

impl<const N: usize> WrittenBlocks<N> {
    /// No block yet.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    pub(crate) fn new() -> Self {
        Self { totals: [Accumulator::default(); N], terms: [[0.0; BLOCK]; N] }
    }

    /// Adds the first `len` of the terms of each sum.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
    pub(crate) fn add(&mut self, len: usize) {
        if len < BLOCK {
            for terms in &mut self.terms {
                terms[len..].fill(0.0);
            }
        }
        let mut partial = [[0.0; LANES]; N];
        for first in (0..BLOCK).step_by(LANES) {
            for (partial, terms) in partial.iter_mut().zip(&self.terms) {
                for (sum, term) in partial.iter_mut().zip(&terms[first..first + LANES]) {
                    *sum += term;
                }
            }
        }
        for (total, [a, b, c, d]) in self.totals.iter_mut().zip(partial) {
            total.add((a + b) + (c + d));
        }
    }

    /// The sums over all blocks.
    pub(crate) fn totals(&self) -> [f64; N] {
        self.totals.map(|total| total.total())
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn add_to<const N: usize>(sums: &mut [f64; N], terms: &[f64; N]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

/// weight · value, and 0 when the weight is 0 however infinite the value.
#[inline]
pub(crate) fn weighted(weight: f64, value: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * value }
}

/// The finite value, or 0 if it is left out: without a branch, since validity is hard to predict.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(crate) fn unless(left_out: bool, value: f64) -> f64 {
    // A selection between floats compiles to a jump; a product with 0 or 1 does not.
    value * f64::from(u8::from(!left_out))
}

/// The logarithm, or the least finite number in the place of −∞: harmless once multiplied by a weight of 0.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
pub(crate) fn finite(log: f64) -> f64 {
    if log > f64::MIN { log } else { f64::MIN }
}

/// The value, or 0 where rounding has made it negative; a NaN, which must not occur, stays visible.
#[inline]
pub(crate) fn nonnegative(value: f64) -> f64 {
    debug_assert!(!value.is_nan(), "a NaN would pass for the best possible value");
    if value <= 0.0 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, sum};

    #[test]
    fn what_a_plain_sum_drops_is_kept() {
        assert!((sum([1.0, 1e100, 1.0, -1e100]) - 2.0).abs() < 1e-15);
        assert!((sum(std::iter::repeat_n(0.1, 1_000_000)) - 1e5).abs() < 1e-9 * 1e-2);
        assert!(sum([]).abs() < f64::MIN_POSITIVE);
    }

    #[test]
    fn the_first_infinity_stays() {
        assert_close(sum([1.0, f64::INFINITY, -1e300, f64::NEG_INFINITY, 2.0]), f64::INFINITY, 0.0);
        assert_close(sum([f64::NEG_INFINITY, f64::INFINITY]), f64::NEG_INFINITY, 0.0);
    }

    #[test]
    fn block_sums_are_sums_at_every_length() {
        for len in [0, 1, 3, 4, 5, 255, 256, 257, 1000] {
            let [count, triangle] = block_sums(len, |i| [1.0, i as f64]);
            let n = len as f64;
            assert!((count - n).abs() < 1e-12);
            assert!((triangle - n * (n - 1.0) / 2.0).abs() < 1e-9);
        }
    }

    #[test]
    fn sums_of_written_blocks_have_the_bits_of_sums_term_by_term() {
        let term = |i: usize| [(i as f64 * 0.7).sin(), 1.0 / (1.0 + i as f64)];
        for len in [0, 1, 3, 255, 256, 257, 1000, 5003] {
            let mut sums = WrittenBlocks::<2>::new();
            for block in blocks(len) {
                for (place, i) in block.clone().enumerate() {
                    [sums.terms[0][place], sums.terms[1][place]] = term(i);
                }
                sums.add(block.len());
            }
            let found = sums.totals();
            assert_eq!(found.map(f64::to_bits), block_sums(len, term).map(f64::to_bits), "{len}");
        }
    }

    #[test]
    fn what_is_left_out_adds_nothing() {
        assert_close(unless(true, 0.3), 0.0, 0.0);
        assert_close(unless(false, 0.3), 0.3, 0.0);
        assert_close(unless(true, 0.3) * finite(f64::NEG_INFINITY), 0.0, 0.0);
    }

    #[test]
    fn block_sums_keep_an_infinity() {
        let [total] = block_sums(1000, |i| [if i == 300 { f64::INFINITY } else { -1.0 }]);
        assert_close(total, f64::INFINITY, 0.0);
    }
}
