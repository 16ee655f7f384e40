//! The numbers of many outputs.

use pstar_core::data::Ending;

use crate::OutputSpace;

/// Tells the indices of outputs as [`OutputSpace::index_of`] does, for a multiplication a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    symbols: u64,
    horizon: usize,
    ends: bool,
    /// For each length the index of the first output that is so long; none beyond 64 bits.
    starts: Vec<u64>,
}

impl Numbering {
    /// Of the outputs of a space whose number fits in 64 bits; of another no output has an index.
    pub fn new(space: OutputSpace) -> Self {
        let ends = space.ending == Ending::EndSymbol;
        let countable = space.count().is_some();
        let start = |length| if ends { space.level_start(length) } else { Some(0) };
        let lengths = 0..if countable { space.horizon + 1 } else { 0 };
        let starts = lengths.map_while(start).collect();
        Self { symbols: space.symbols as u64, horizon: space.horizon, ends, starts }
    }

    /// The index of the output with these tokens; `None` if there is none.
    pub fn index_of(&self, tokens: &[u32]) -> Option<u64> {
        let ended = self.ends && tokens.last().is_some_and(|&last| u64::from(last) == self.symbols);
        let length = tokens.len() - usize::from(ended);
        if if ended { length >= self.horizon } else { length != self.horizon } {
            return None;
        }
        let mut rank = 0u64;
        let mut all_symbols = true;
        for &token in &tokens[..length] {
            all_symbols &= u64::from(token) < self.symbols;
            rank = rank.wrapping_mul(self.symbols).wrapping_add(token.into());
        }
        let start = self.starts.get(length)?;
        all_symbols.then(|| start + rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of tokens up to two beyond the horizon, with one that is no symbol.
    #[test]
    fn equals_that_of_the_space() {
        for ending in [Ending::FixedLength, Ending::EndSymbol] {
            for (symbols, horizon) in [(1, 1), (1, 4), (2, 1), (2, 3), (3, 2)] {
                let space = OutputSpace { symbols, horizon, ending };
                let numbering = Numbering::new(space);
                let radix = symbols + 2;
                for length in 0..horizon + 2 {
                    for number in 0..radix.pow(u32::try_from(length).unwrap()) {
                        let digit = |place| number / radix.pow(place) % radix;
                        let tokens: Vec<u32> = (0..u32::try_from(length).unwrap())
                            .map(|place| u32::try_from(digit(place)).unwrap())
                            .collect();
                        assert_eq!(
                            numbering.index_of(&tokens),
                            space.index_of(&tokens),
                            "{space:?} {tokens:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn of_too_many_outputs_none_has_a_number() {
        let space = OutputSpace { symbols: 8, horizon: 40, ending: Ending::EndSymbol };
        assert_eq!(Numbering::new(space).index_of(&[8]), None);
    }
}
