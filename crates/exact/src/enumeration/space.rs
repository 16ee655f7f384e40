//! Which outputs there are, and in which order they are numbered.

use pstar_core::data::Ending;

/// The finite set of outputs of a task, in canonical order.
///
/// The order is by length, then lexicographic in the symbols' order. With [`Ending::EndSymbol`] there are
/// outputs of length 0..=horizon, and those of length L begin at index 1 + V + … + V^(L−1); with
/// [`Ending::FixedLength`] all have `horizon` symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputSpace {
    /// V, the size of the alphabet; at least 1.
    pub symbols: usize,
    /// T, the greatest length; at least 1.
    pub horizon: usize,
    /// Whether outputs may be shorter than the horizon.
    pub ending: Ending,
}

impl OutputSpace {
    /// Choices at a position: the symbols, and the end symbol after them where there is one.
    pub fn choices(&self) -> usize {
        match self.ending {
            Ending::FixedLength => self.symbols,
            Ending::EndSymbol => self.symbols + 1,
        }
    }

    /// Number of outputs; `None` if it does not fit in 64 bits.
    pub fn count(&self) -> Option<u64> {
        let longest = self.strings(self.horizon)?;
        match self.ending {
            Ending::FixedLength => Some(longest),
            Ending::EndSymbol => self.level_start(self.horizon)?.checked_add(longest),
        }
    }

    /// Writes the tokens of output `index`: symbols 0..V, then the end token V if it ends before the horizon.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn tokens(&self, index: u64, tokens: &mut Vec<u32>) {
        assert!(self.count().is_none_or(|count| index < count), "output {index} is not in the space");
        let (length, mut rank) = self.locate(index);
        let radix = self.symbols as u64;
        tokens.clear();
        tokens.resize(length, 0);
        for token in tokens.iter_mut().rev() {
            *token = u32::try_from(rank % radix).expect("an alphabet has fewer than 2^32 symbols");
            rank /= radix;
        }
        if length < self.horizon {
            tokens.push(self.end_token());
        }
    }

    /// Makes the tokens of an output those of the one behind it, a few operations each; `false` behind the last, whose tokens
    /// become those of the first.
    ///
    /// # Panics
    /// If these are the tokens of no output.
    pub fn advance(&self, tokens: &mut Vec<u32>) -> bool {
        let ended = tokens.last() == Some(&self.end_token());
        tokens.truncate(tokens.len() - usize::from(ended));
        let last = self.end_token() - 1;
        let mut more = true;
        match tokens.iter().rposition(|&token| token < last) {
            Some(place) => {
                tokens[place] += 1;
                tokens[place + 1..].fill(0);
            }
            None if self.ending == Ending::EndSymbol && tokens.len() < self.horizon => {
                tokens.fill(0);
                tokens.push(0);
            }
            None => {
                more = false;
                tokens.fill(0);
                tokens.truncate(if self.ending == Ending::EndSymbol { 0 } else { self.horizon });
            }
        }
        if tokens.len() < self.horizon {
            tokens.push(self.end_token());
        }
        more
    }

    /// Whether output `index` was cut at the horizon; never so with [`Ending::FixedLength`].
    pub fn is_truncated(&self, index: u64) -> bool {
        self.ending == Ending::EndSymbol && self.level_start(self.horizon).is_some_and(|start| index >= start)
    }

    /// The index of the output with these tokens; `None` if there is none, or it does not fit in 64 bits.
    pub fn index_of(&self, tokens: &[u32]) -> Option<u64> {
        let symbols = match (self.ending, tokens) {
            (Ending::EndSymbol, [symbols @ .., end])
                if *end == self.end_token() && symbols.len() < self.horizon =>
            {
                symbols
            }
            _ if tokens.len() == self.horizon => tokens,
            _ => return None,
        };
        let start = match self.ending {
            Ending::FixedLength => 0,
            Ending::EndSymbol => self.level_start(symbols.len())?,
        };
        let mut rank = 0u64;
        for &symbol in symbols {
            if symbol as usize >= self.symbols {
                return None;
            }
            rank = rank.checked_mul(self.symbols as u64)?.checked_add(u64::from(symbol))?;
        }
        start.checked_add(rank)
    }

    fn end_token(&self) -> u32 {
        u32::try_from(self.symbols).expect("an alphabet has fewer than 2^32 symbols")
    }

    /// V^length.
    fn strings(&self, length: usize) -> Option<u64> {
        if self.symbols == 1 {
            return Some(1);
        }
        (self.symbols as u64).checked_pow(u32::try_from(length).ok()?)
    }

    /// 1 + V + … + V^(length−1): the number of shorter strings.
    pub(super) fn level_start(&self, length: usize) -> Option<u64> {
        if self.symbols == 1 {
            return Some(length as u64);
        }
        let mut start = 0u64;
        for _ in 0..length {
            start = start.checked_mul(self.symbols as u64)?.checked_add(1)?;
        }
        Some(start)
    }

    /// Length of output `index`, and its rank among those of that length.
    pub(super) fn locate(&self, index: u64) -> (usize, u64) {
        match self.ending {
            Ending::FixedLength => (self.horizon, index),
            Ending::EndSymbol if self.symbols == 1 => {
                (usize::try_from(index).expect("an output's length fits in memory"), 0)
            }
            Ending::EndSymbol => {
                let (mut length, mut rank, mut level) = (0, index, 1u64);
                while rank >= level {
                    rank -= level;
                    length += 1;
                    // Saturation ends the loop: no rank reaches a level beyond 64 bits.
                    level = level.saturating_mul(self.symbols as u64);
                }
                (length, rank)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(symbols: usize, horizon: usize, ending: Ending) -> OutputSpace {
        OutputSpace { symbols, horizon, ending }
    }

    #[test]
    fn order_is_by_length_then_lexicographic() {
        let space = space(2, 2, Ending::EndSymbol);
        let expected: [&[u32]; 7] = [&[2], &[0, 2], &[1, 2], &[0, 0], &[0, 1], &[1, 0], &[1, 1]];
        assert_eq!(space.count(), Some(7));
        let mut tokens = Vec::new();
        for (index, expected) in expected.iter().enumerate() {
            space.tokens(index as u64, &mut tokens);
            assert_eq!(&tokens, expected);
            assert_eq!(space.is_truncated(index as u64), index >= 3);
        }
    }

    #[test]
    fn tokens_and_index_are_inverse() {
        for ending in [Ending::FixedLength, Ending::EndSymbol] {
            for (symbols, horizon) in [(1, 1), (1, 5), (2, 1), (2, 5), (3, 4), (13, 2)] {
                let space = space(symbols, horizon, ending);
                let (mut tokens, mut walked) = (Vec::new(), Vec::new());
                space.tokens(0, &mut walked);
                for index in 0..space.count().unwrap() {
                    space.tokens(index, &mut tokens);
                    assert_eq!(walked, tokens);
                    assert_eq!(space.advance(&mut walked), index + 1 < space.count().unwrap());
                    assert_eq!(space.index_of(&tokens), Some(index));
                    assert_eq!(
                        space.is_truncated(index),
                        space.choices() > symbols
                            && tokens.len() == horizon
                            && tokens[horizon - 1] < space.end_token()
                    );
                }
            }
        }
    }

    #[test]
    fn counts_follow_the_closed_form_and_overflow_is_none() {
        assert_eq!(space(13, 5, Ending::EndSymbol).count(), Some((13u64.pow(6) - 1) / 12));
        assert_eq!(space(13, 5, Ending::FixedLength).count(), Some(371_293));
        assert_eq!(space(1, 1_000_000, Ending::EndSymbol).count(), Some(1_000_001));
        assert_eq!(space(1, usize::MAX, Ending::FixedLength).count(), Some(1));
        assert_eq!(space(2, 63, Ending::EndSymbol).count(), Some(u64::MAX));
        assert_eq!(space(2, 64, Ending::FixedLength).count(), None);
        assert_eq!(space(8, 40, Ending::EndSymbol).count(), None);
    }

    #[test]
    fn what_is_no_output_has_no_index() {
        let ended = space(2, 2, Ending::EndSymbol);
        for tokens in [&[][..], &[0], &[0, 1, 2], &[3], &[2, 2], &[0, 3]] {
            assert_eq!(ended.index_of(tokens), None, "{tokens:?}");
        }
        let fixed = space(2, 2, Ending::FixedLength);
        for tokens in [&[][..], &[0], &[0, 2], &[0, 0, 0]] {
            assert_eq!(fixed.index_of(tokens), None, "{tokens:?}");
        }
    }
}
