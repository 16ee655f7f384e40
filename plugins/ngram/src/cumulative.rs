//! Cumulative probabilities of rows, laid out to be compared with a number all at once.

use crate::beyond::Beyond;
use pstar_core::rng::cumulative;

/// Sums that are compared at once.
const WIDTH: usize = 8;

/// Rows of at most this many choices are not padded, so that tables of few choices take no more memory than others.
const NARROW: usize = 4;

/// Beyond every uniform number.
const NEVER: f64 = 2.0;

/// The cumulative probabilities of rows of choices, each row padded to whole vectors.
#[derive(Clone, Debug)]
pub(crate) struct Cumulative {
    choices: usize,
    stride: usize,
    /// Where the first row begins: at a line of the cache, so that no vector lies across two. A copy may lie elsewhere, which is
    /// slower and changes nothing.
    first: usize,
    sums: Vec<f64>,
}

impl Cumulative {
    pub(crate) fn new(rows: usize, choices: usize) -> Self {
        let stride = if choices <= NARROW { choices } else { choices.next_multiple_of(WIDTH) };
        let sums = vec![NEVER; rows * stride + WIDTH];
        let first = sums.as_ptr().align_offset(WIDTH * size_of::<f64>()).min(WIDTH);
        Self { choices, stride, first, sums }
    }

    /// Replaces a row by the sums of these probabilities.
    pub(crate) fn set(&mut self, row: usize, probs: &[f64]) {
        cumulative(probs, &mut self.sums[self.first + row * self.stride..][..self.choices]);
    }

    /// How many sums a row takes.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// [`pick`](pstar_core::rng::pick)s a choice of a row. S is the stride of rows, or 0 where that is not known beforehand.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    pub(crate) fn pick<const S: usize>(&self, by: impl Beyond, row: usize, uniform: f64) -> usize {
        let stride = if S == 0 { self.stride } else { S };
        let start = self.first + row * stride;
        let sums = &self.sums[start..start + stride];
        // What pads a row is beyond every number.
        stride - by.beyond(sums, uniform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beyond::Plain;
    #[cfg(target_arch = "x86_64")]
    use crate::beyond::{Avx2, Avx512};
    use pstar_core::rng::pick;

    #[test]
    fn padded_rows_pick_what_bare_ones_do() {
        for choices in 1..20 {
            let mut table = Cumulative::new(3, choices);
            let probs: Vec<f64> =
                (0..choices).map(|c| if c % 3 == 1 { 0.0 } else { c as f64 + 1.0 }).collect();
            let total: f64 = probs.iter().sum();
            let probs: Vec<f64> = probs.iter().map(|prob| prob / total).collect();
            let mut bare = vec![0.0; choices];
            cumulative(&probs, &mut bare);
            table.set(1, &probs);
            let uniforms = (0..1000).map(|n| f64::from(n) / 1000.0);
            for uniform in uniforms.chain(bare.iter().copied().filter(|sum| *sum < 1.0)) {
                let expected = pick(&bare, uniform);
                assert_eq!(table.pick::<0>(Plain, 1, uniform), expected, "{choices} {uniform}");
                #[cfg(target_arch = "x86_64")]
                {
                    let by_four = Avx2::detect().map(|by| table.pick::<0>(by, 1, uniform));
                    let by_eight = Avx512::detect().map(|by| table.pick::<0>(by, 1, uniform));
                    for found in [by_four, by_eight].into_iter().flatten() {
                        assert_eq!(found, expected, "{choices} {uniform}");
                    }
                }
            }
        }
    }
}
