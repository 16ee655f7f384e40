//! How long outputs are.

use pstar_core::data::Ending;
use pstar_core::vectorised;

use crate::sum::block_sums;
use crate::{Distribution, OutputSpace};

/// The expected number of tokens of an output, an end symbol included.
///
/// By chain rule the entropy of outputs is the sum of those of their tokens, so that entropy over this length is the
/// entropy of a token, a mean over tokens as they are sampled.
///
/// # Range and cost
/// From 1 to the horizon. Reads the outputs of at most T − 2 symbols, a V²-th part of all.
pub fn expected_length(distribution: Distribution<'_>, space: OutputSpace) -> f64 {
    let longest = space.horizon as f64;
    if space.ending == Ending::FixedLength {
        return longest;
    }
    // Of the horizon, an output of L symbols and an end lacks T − L − 1 tokens.
    let (mut start, mut count, mut lacking) = (0usize, 1usize, 0.0);
    for length in 0..space.horizon.saturating_sub(1) {
        let probs = &distribution.probs[start..][..count];
        let [mass] =
            vectorised!([probs: &[f64] = probs] -> [f64; 1] { block_sums(probs.len(), |i| [probs[i]]) });
        lacking += mass * (space.horizon - length - 1) as f64;
        start += count;
        count *= space.symbols;
    }
    longest - lacking
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputTable;
    use crate::testing::assert_close;

    #[test]
    fn equals_the_mean_over_outputs() {
        for (symbols, horizon) in [(1, 1), (1, 6), (2, 1), (2, 5), (3, 4), (5, 3)] {
            for ending in [Ending::EndSymbol, Ending::FixedLength] {
                let space = OutputSpace { symbols, horizon, ending };
                let count = space.count().unwrap();
                let weight = |i: u64| ((i * 7919 + 13) % 101) as f64;
                let total: f64 = (0..count).map(weight).sum();
                let table =
                    OutputTable::from_log_probs((0..count).map(|i| (weight(i) / total).ln()).collect());
                let mut tokens = Vec::new();
                let lengths = (0..count).map(|i| {
                    space.tokens(i, &mut tokens);
                    weight(i) / total * tokens.len() as f64
                });
                let expected: f64 = lengths.sum();
                assert_close(expected_length(table.view(), space), expected, 1e-12);
            }
        }
    }
}
