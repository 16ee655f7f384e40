//! The most probable outputs.

use std::cmp::Ordering;

use pstar_core::vectorised;

use crate::{Distribution, OutputSpace, ValidSet};

/// An output and its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
    /// Its symbols, without an end symbol.
    pub symbols: Vec<u32>,
    /// Whether an end symbol ends it, rather than the horizon.
    pub ended: bool,
    /// Log-probability, in nats.
    pub log_prob: f64,
}

impl Likely {
    /// The output of these tokens.
    pub fn of_tokens(mut tokens: Vec<u32>, log_prob: f64, space: OutputSpace) -> Self {
        let ended = tokens.last().is_some_and(|&last| last as usize >= space.symbols);
        tokens.truncate(tokens.len() - usize::from(ended));
        Self { symbols: tokens, ended, log_prob }
    }

    /// By falling probability; of equal ones the shorter first, then in the order of their symbols.
    pub fn order(&self, other: &Self) -> Ordering {
        let by_length = self.symbols.len().cmp(&other.symbols.len());
        let by_symbols = || self.symbols.cmp(&other.symbols);
        other.log_prob.total_cmp(&self.log_prob).then(by_length).then_with(by_symbols)
    }
}

/// Outputs of which most often none is among the most probable ones, found out for all at once.
const PIECE: usize = 256;

/// Whether no output is more probable than the least of its class, of the valid ones and of the others.
#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn none_is_greater(log_probs: &[f64], mask: &[bool], [valid, other]: [f64; 2]) -> bool {
    let greater = |(log_prob, is_valid): (&f64, &bool)| {
        let (of_valid, of_other) = (u64::from(*log_prob > valid), u64::from(*log_prob > other));
        let is_valid = u64::from(*is_valid);
        is_valid & of_valid | (1 - is_valid) & of_other
    };
    log_probs.iter().zip(mask).map(greater).fold(0, |any, greater| any | greater) == 0
}

/// The `count` most probable valid outputs and the `count` most probable others, each in [order](Likely::order); fewer
/// where fewer have any probability.
///
/// # Range and cost
/// Nothing underflows. One comparison an output.
pub fn likeliest(
    distribution: Distribution<'_>,
    valid: &ValidSet,
    space: OutputSpace,
    count: usize,
) -> [Vec<Likely>; 2] {
    let mut best: [Vec<(f64, u32)>; 2] = Default::default();
    if count == 0 {
        return Default::default();
    }
    // What is no better than the last of a full list is none of it: of equal ones the first met stays.
    let mut least = [f64::NEG_INFINITY; 2];
    let pieces = distribution.log_probs.chunks(PIECE).zip(valid.mask().chunks(PIECE));
    for ((log_probs, mask), first) in pieces.zip((0..).step_by(PIECE)) {
        let passed = vectorised!([log_probs: &[f64] = log_probs, mask: &[bool] = mask, least: [f64; 2] = least] -> bool {
            none_is_greater(log_probs, mask, least)
        });
        if passed {
            continue;
        }
        for ((index, &log_prob), &valid) in (first..).zip(log_probs).zip(mask) {
            let class = usize::from(!valid);
            if log_prob > least[class] {
                let best = &mut best[class];
                let place = best.partition_point(|&(known, _)| known >= log_prob);
                best.insert(place, (log_prob, index));
                best.truncate(count);
                if best.len() == count {
                    least[class] = best[count - 1].0;
                }
            }
        }
    }
    // Outputs are numbered by length and symbols: those of equal probability are in order already.
    best.map(|best| {
        let likely = best.into_iter().map(|(log_prob, index)| {
            let mut symbols = Vec::new();
            space.tokens(u64::from(index), &mut symbols);
            Likely::of_tokens(symbols, log_prob, space)
        });
        likely.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputTable;
    use proptest::prelude::*;
    use pstar_core::data::Ending;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Against sorting all outputs, of which many have the same probability.
        #[test]
        fn equals_sorting(
            (symbols, horizon, ends) in (1usize..4, 1usize..5, any::<bool>()),
            levels in prop::collection::vec(0u8..6, 130),
            valid in prop::collection::vec(any::<bool>(), 130),
            count in 0usize..13,
        ) {
            let ending = if ends { Ending::EndSymbol } else { Ending::FixedLength };
            let space = OutputSpace { symbols, horizon, ending };
            let n = usize::try_from(space.count().unwrap()).unwrap();
            let log_prob = |level: u8| if level == 0 { f64::NEG_INFINITY } else { -800.0 * f64::from(level) };
            let log_probs: Vec<f64> = (0..n).map(|i| log_prob(levels[i % 130])).collect();
            let mask: Vec<bool> = (0..n).map(|i| valid[i * 7 % 130]).collect();
            let table = OutputTable::from_log_probs(log_probs.clone());
            let found = likeliest(table.view(), &ValidSet::new(mask.clone()), space, count);
            for (class, found) in found.into_iter().enumerate() {
                let mut all: Vec<Likely> = (0..n)
                    .filter(|&i| mask[i] == (class == 0) && log_probs[i] > f64::NEG_INFINITY)
                    .map(|i| {
                        let mut tokens = Vec::new();
                        space.tokens(i as u64, &mut tokens);
                        let ended = tokens.last().is_some_and(|&last| last as usize == symbols);
                        tokens.truncate(tokens.len() - usize::from(ended));
                        Likely { symbols: tokens, ended, log_prob: log_probs[i] }
                    })
                    .collect();
                all.sort_by(Likely::order);
                all.truncate(count);
                prop_assert_eq!(found, all);
            }
        }
    }
}
