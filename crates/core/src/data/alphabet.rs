//! The symbols of a task, and how texts are read as tokens.

use crate::shown;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};
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
    /// The token of each symbol.
    token_of: HashMap<String, u32>,
    /// The lengths that symbols have, in bytes, longest first: the order in which a text is matched.
    lengths: Vec<usize>,
    /// For each token the one byte of its symbol; none at all where a symbol has more.
    bytes: Vec<Option<u8>>,
}

/// Rows whose texts are written behind one another.
const ROWS_AT_ONCE: usize = 1024;

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
        let mut known = HashSet::with_capacity(all.len());
        for (position, &symbol) in all.iter().enumerate() {
            if symbol.is_empty() {
                return Err(AlphabetError::EmptySymbol { position });
            }
            if !known.insert(symbol.as_str()) {
                return Err(AlphabetError::Repeated { symbol: symbol.clone() });
            }
        }
        if let Some((short, long)) = ambiguous_pair(&all) {
            return Err(AlphabetError::Ambiguous { short, long });
        }
        let boundary = symbols.len();
        let token = |index: usize| to_token(index + usize::from(index >= boundary));
        let token_of =
            all.iter().enumerate().map(|(index, &symbol)| (symbol.clone(), token(index))).collect();
        let lengths: Vec<usize> = lengths(&all).into_iter().rev().collect();
        let byte = |symbol: &String| symbol.bytes().next();
        let of_tokens = symbols.iter().map(byte).chain([None]).chain(prompt_symbols.iter().map(byte));
        let bytes = if lengths == [1] { of_tokens.collect() } else { Vec::new() };
        Ok(Self { symbols, prompt_symbols, token_of, lengths, bytes })
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
            let matched = self.lengths.iter().find_map(|&length| {
                let token = self.token_of.get(rest.get(..length)?)?;
                Some((length, *token))
            });
            let Some((length, token)) = matched else {
                let read = text.len() - rest.len();
                return Err(EncodeError { position: text[..read].chars().count() + 1, found });
            };
            tokens.push(token);
            rest = &rest[length..];
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
        if self.bytes.is_empty() {
            for &token in tokens {
                text.push_str(self.symbol(token).unwrap_or_default());
            }
        } else {
            let bytes = tokens.iter().filter_map(|&token| *self.bytes.get(token as usize)?);
            text.extend(bytes.map(char::from));
        }
    }

    /// The text of `tokens`; the boundary has none.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut text = String::new();
        self.decode_into(tokens, &mut text);
        text
    }

    /// Shows the text of every row of tokens, with its number, in order.
    pub(crate) fn decode_rows<'t>(
        &self,
        rows: impl Iterator<Item = &'t [u32]>,
        mut show: impl FnMut(usize, &str),
    ) {
        if self.bytes.is_empty() {
            let mut text = String::new();
            for (number, tokens) in rows.enumerate() {
                text.clear();
                self.decode_into(tokens, &mut text);
                show(number, &text);
            }
            return;
        }
        // Of symbols of a byte, many rows are one text: that it is one is found out once for all of them.
        let (mut rows, mut bytes, mut ends) = (rows.peekable(), Vec::new(), Vec::new());
        let mut first = 0;
        while rows.peek().is_some() {
            ends.clear();
            for tokens in rows.by_ref().take(ROWS_AT_ONCE) {
                bytes.extend(tokens.iter().filter_map(|&token| *self.bytes.get(token as usize)?));
                ends.push(bytes.len());
            }
            let text = String::from_utf8(bytes).expect("symbols of one byte are characters");
            let mut start = 0;
            for (number, &end) in ends.iter().enumerate() {
                show(first + number, &text[start..end]);
                start = end;
            }
            first += ends.len();
            bytes = text.into_bytes();
            bytes.clear();
        }
    }

    /// Whether a symbol has more than one character.
    pub fn has_long_symbols(&self) -> bool {
        self.symbols.iter().chain(&self.prompt_symbols).any(|symbol| symbol.chars().nth(1).is_some())
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

/// The lengths that symbols have, in bytes.
fn lengths(symbols: &[&String]) -> BTreeSet<usize> {
    symbols.iter().map(|symbol| symbol.len()).collect()
}

/// A symbol and a longer one that longest match could read in its place: the rest of the longer one begins
/// some string of symbols.
fn ambiguous_pair(symbols: &[&String]) -> Option<(String, String)> {
    let set = SymbolSet::new(symbols);
    symbols.iter().find_map(|&long| {
        set.read_first(long).next()?;
        let begins = set.begins_some_string(long);
        let short = set.read_first(long).find(|short| begins[short.len()])?;
        Some((short.into(), long.clone()))
    })
}

/// Symbols in the forms that they are looked up in.
struct SymbolSet<'a> {
    sorted: Vec<&'a str>,
    known: HashSet<&'a str>,
    lengths: BTreeSet<usize>,
}

impl<'a> SymbolSet<'a> {
    fn new(symbols: &[&'a String]) -> Self {
        let mut sorted: Vec<&str> = symbols.iter().map(|symbol| symbol.as_str()).collect();
        sorted.sort_unstable();
        Self { known: sorted.iter().copied().collect(), sorted, lengths: lengths(symbols) }
    }

    /// The symbols that a text begins with, shortest first, the text itself left out.
    fn read_first<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let prefixes = self.lengths.iter().take_while(move |&&length| length < text.len());
        prefixes.filter_map(move |&length| text.get(..length)).filter(|&prefix| self.known.contains(prefix))
    }

    /// For each byte of `text` whether the rest from there on begins some string of symbols; false within characters.
    fn begins_some_string(&self, text: &str) -> Vec<bool> {
        let mut begins = vec![false; text.len()];
        for start in text.char_indices().map(|(at, _)| at).rev() {
            let rest = &text[start..];
            // Those that begin with the rest stand together, the first of them where the rest itself would.
            let first = self.sorted.partition_point(|&symbol| symbol < rest);
            begins[start] = self.sorted.get(first).is_some_and(|symbol| symbol.starts_with(rest))
                || self.read_first(rest).any(|read| begins[start + read.len()]);
        }
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(symbols: &[&str]) -> Result<Alphabet, AlphabetError> {
        Alphabet::new(symbols.iter().map(|&s| s.into()).collect(), Vec::new())
    }

    /// More rows than are written at once, with boundaries, numbers that are no token, and symbols of one byte or more.
    #[test]
    fn rows_are_decoded_as_one_by_one() {
        for symbols in ["ab+", "aé+"] {
            let alphabet = Alphabet::of_chars(symbols, "=").unwrap();
            let rows: Vec<Vec<u32>> =
                (0..2500u32).map(|row| (0..row % 7).map(|place| (row + 3 * place) % 9).collect()).collect();
            let mut found = Vec::new();
            alphabet.decode_rows(rows.iter().map(Vec::as_slice), |number, text| {
                assert_eq!(number, found.len());
                found.push(text.to_string());
            });
            assert_eq!(found, rows.iter().map(|tokens| alphabet.decode(tokens)).collect::<Vec<_>>());
        }
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

    /// Compared with what the definition says, by listing: every set of up to three symbols of up to three letters.
    #[test]
    fn ambiguity_is_what_listing_finds() {
        let words: Vec<String> = (1..=3)
            .flat_map(|length| (0..1 << length).map(move |bits| (length, bits)))
            .map(|(length, bits)| (0..length).map(|i| if bits >> i & 1 == 0 { 'a' } else { 'b' }).collect())
            .collect();
        // Strings that are longer than any rest of a symbol.
        let strings = |set: &[String]| {
            let mut strings = vec![String::new()];
            for _ in 0..2 {
                strings = strings.iter().flat_map(|s| set.iter().map(move |t| format!("{s}{t}"))).collect();
            }
            strings
        };
        for i in 0..words.len() {
            for j in 0..i {
                for k in 0..=j {
                    let mut set = vec![words[i].clone(), words[j].clone()];
                    set.extend((k < j).then(|| words[k].clone()));
                    let strings = strings(&set);
                    let expected = set.iter().any(|short| {
                        set.iter().filter_map(|long| long.strip_prefix(short.as_str())).any(|rest| {
                            !rest.is_empty() && strings.iter().any(|string| string.starts_with(rest))
                        })
                    });
                    let found = Alphabet::new(set.clone(), Vec::new());
                    assert_eq!(matches!(found, Err(AlphabetError::Ambiguous { .. })), expected, "{set:?}");
                }
            }
        }
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
