//! The symbols of a task, and how texts are read as tokens.

use crate::shown;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The symbols of a task and their tokens.
///
/// With V symbols and P symbols that only prompts use, tokens are
/// * `0..V`: the symbols in the order given,
/// * `V`: the boundary, read as the start of a string and emitted as its end,
/// * `V+1..=V+P`: the symbols that only prompts use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawAlphabet", into = "RawAlphabet")]
pub struct Alphabet {
    symbols: Vec<String>,
    prompt_symbols: Vec<String>,
    /// (symbol, token), longest symbol first: the order in which a text is matched.
    longest_first: Vec<(String, u32)>,
}

#[derive(Clone, Serialize, Deserialize)]
struct RawAlphabet {
    symbols: Vec<String>,
    prompt_symbols: Vec<String>,
}

/// Why a set of symbols is not an alphabet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AlphabetError {
    /// No symbol at all.
    #[error("the alphabet must have at least one symbol, found none")]
    Empty,
    /// A symbol of no characters.
    #[error("symbol {position} of the alphabet is the empty string")]
    EmptySymbol {
        /// Position in the alphabet, the prompt alphabet behind it, from 0.
        position: usize,
    },
    /// One symbol twice.
    #[error("symbol `{}` is given twice", shown(symbol))]
    Repeated {
        /// The symbol.
        symbol: String,
    },
    /// Longest match would misread a text.
    #[error(
        "symbols `{0}` and `{1}` are ambiguous: a text that starts with `{0}` can be read as `{1}`",
        shown(short),
        shown(long)
    )]
    Ambiguous {
        /// The symbol that is a prefix.
        short: String,
        /// The symbol that longest match would read instead.
        long: String,
    },
}

/// A text holds something that is no symbol.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` at character {position} is no symbol of the alphabet", shown(&found.to_string()))]
pub struct EncodeError {
    /// Where, in characters from 1.
    pub position: usize,
    /// The character there.
    pub found: char,
}

impl Alphabet {
    /// The alphabet of `symbols`, with `prompt_symbols` for prompts only.
    ///
    /// # Errors
    /// If there is no symbol, or one is empty, repeated, or makes longest match ambiguous.
    pub fn new(symbols: Vec<String>, prompt_symbols: Vec<String>) -> Result<Self, AlphabetError> {
        if symbols.is_empty() {
            return Err(AlphabetError::Empty);
        }
        let all: Vec<&String> = symbols.iter().chain(&prompt_symbols).collect();
        for (position, &symbol) in all.iter().enumerate() {
            if symbol.is_empty() {
                return Err(AlphabetError::EmptySymbol { position });
            }
            if all[..position].contains(&symbol) {
                return Err(AlphabetError::Repeated { symbol: symbol.clone() });
            }
        }
        if let Some((short, long)) = ambiguous_pair(&all) {
            return Err(AlphabetError::Ambiguous { short, long });
        }
        let mut longest_first: Vec<(String, u32)> = Vec::with_capacity(all.len());
        let boundary = symbols.len();
        for (token, &symbol) in all.iter().enumerate() {
            longest_first.push((symbol.clone(), to_token(token + usize::from(token >= boundary))));
        }
        longest_first.sort_by_key(|(symbol, _)| std::cmp::Reverse(symbol.len()));
        Ok(Self { symbols, prompt_symbols, longest_first })
    }

    /// The alphabet of the characters of `symbols`, with those of `prompt_symbols` for prompts only.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_chars(symbols: &str, prompt_symbols: &str) -> Result<Self, AlphabetError> {
        let split = |text: &str| text.chars().map(String::from).collect();
        Self::new(split(symbols), split(prompt_symbols))
    }

    /// Number V of symbols an output is made of.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Never: an alphabet has at least one symbol.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The boundary token: the start of a string where it is read, its end where it is emitted.
    pub fn end(&self) -> u32 {
        to_token(self.symbols.len())
    }

    /// Number of tokens: V + 1 + P.
    pub fn tokens(&self) -> usize {
        self.symbols.len() + 1 + self.prompt_symbols.len()
    }

    /// The symbols an output is made of, in token order.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// The symbols that only prompts use.
    pub fn prompt_symbols(&self) -> &[String] {
        &self.prompt_symbols
    }

    /// The text of a token; `None` for the boundary and for numbers that are no token.
    pub fn symbol(&self, token: u32) -> Option<&str> {
        let (token, boundary) = (token as usize, self.symbols.len());
        match token.cmp(&boundary) {
            std::cmp::Ordering::Less => Some(&self.symbols[token]),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => self.prompt_symbols.get(token - boundary - 1).map(String::as_str),
        }
    }

    /// Reads a text by longest match, appending its tokens.
    ///
    /// # Errors
    /// [`EncodeError`] at the first place where no symbol matches.
    pub fn encode_into(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), EncodeError> {
        let mut rest = text;
        while let Some(found) = rest.chars().next() {
            let Some((symbol, token)) = self.longest_first.iter().find(|(s, _)| rest.starts_with(s.as_str()))
            else {
                let read = text.len() - rest.len();
                return Err(EncodeError { position: text[..read].chars().count() + 1, found });
            };
            tokens.push(*token);
            rest = &rest[symbol.len()..];
        }
        Ok(())
    }

    /// Reads a text by longest match.
    ///
    /// # Errors
    /// As [`encode_into`](Self::encode_into).
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        let mut tokens = Vec::new();
        self.encode_into(text, &mut tokens)?;
        Ok(tokens)
    }

    /// Appends the text of `tokens`; the boundary has none.
    pub fn decode_into(&self, tokens: &[u32], text: &mut String) {
        for &token in tokens {
            text.push_str(self.symbol(token).unwrap_or_default());
        }
    }

    /// The text of `tokens`; the boundary has none.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut text = String::new();
        self.decode_into(tokens, &mut text);
        text
    }

    /// Whether a symbol has more than one character.
    pub fn has_long_symbols(&self) -> bool {
        self.longest_first.first().is_some_and(|(symbol, _)| symbol.chars().count() > 1)
    }
}

impl TryFrom<RawAlphabet> for Alphabet {
    type Error = AlphabetError;

    fn try_from(raw: RawAlphabet) -> Result<Self, AlphabetError> {
        Self::new(raw.symbols, raw.prompt_symbols)
    }
}

impl From<Alphabet> for RawAlphabet {
    fn from(alphabet: Alphabet) -> Self {
        Self { symbols: alphabet.symbols, prompt_symbols: alphabet.prompt_symbols }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "an alphabet of 2^32 symbols does not fit in memory")]
fn to_token(index: usize) -> u32 {
    index as u32
}

/// A symbol and a longer one that longest match could read in its place: the rest of the longer one begins
/// some string of symbols.
fn ambiguous_pair(symbols: &[&String]) -> Option<(String, String)> {
    for &short in symbols {
        for &long in symbols {
            if let Some(rest) = long.strip_prefix(short.as_str())
                && !rest.is_empty()
                && begins_some_string(rest, symbols)
            {
                return Some((short.clone(), long.clone()));
            }
        }
    }
    None
}

/// Whether some string of symbols begins with `rest`.
fn begins_some_string(rest: &str, symbols: &[&String]) -> bool {
    symbols.iter().any(|&symbol| {
        symbol.starts_with(rest)
            || rest.strip_prefix(symbol.as_str()).is_some_and(|rest| begins_some_string(rest, symbols))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(symbols: &[&str]) -> Result<Alphabet, AlphabetError> {
        Alphabet::new(symbols.iter().map(|&s| s.into()).collect(), Vec::new())
    }

    #[test]
    fn prompt_symbols_come_behind_the_boundary() {
        let alphabet = Alphabet::of_chars("ab", "=").unwrap();
        assert_eq!(alphabet.encode("ab=").unwrap(), [0, 1, 3]);
        assert_eq!(alphabet.end(), 2);
        assert_eq!(alphabet.decode(&[0, 3, 2]), "a=");
    }

    #[test]
    fn the_longest_symbol_is_read() {
        let alphabet = of(&["a", "abc", "d"]).unwrap();
        assert_eq!(alphabet.encode("abcda").unwrap(), [1, 2, 0]);
    }

    #[test]
    fn sets_that_longest_match_misreads_are_refused() {
        assert!(matches!(of(&["a", "ab", "b"]), Err(AlphabetError::Ambiguous { .. })));
        assert!(matches!(of(&["a", "ab", "bb"]), Err(AlphabetError::Ambiguous { .. })));
        assert!(of(&["a", "ab", "c"]).is_ok());
    }

    #[test]
    fn faulty_symbols_are_named() {
        assert_eq!(of(&[]), Err(AlphabetError::Empty));
        assert_eq!(of(&["a", "a"]), Err(AlphabetError::Repeated { symbol: "a".into() }));
        assert_eq!(of(&["a", ""]), Err(AlphabetError::EmptySymbol { position: 1 }));
    }

    #[test]
    fn a_foreign_character_is_located() {
        let error = Alphabet::of_chars("äb", "").unwrap().encode("äbx").unwrap_err();
        assert_eq!(error, EncodeError { position: 3, found: 'x' });
    }
}
