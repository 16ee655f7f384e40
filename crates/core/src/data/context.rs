//! A model's context as it stands in tables.

use super::Alphabet;
use crate::shown;
use thiserror::Error;

/// The start of a string in a context.
const START: char = '^';
/// Takes from the next character what it would mean.
const ESCAPE: char = '\\';

/// A text is no context.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContextError {
    /// Something is no symbol.
    #[error(
        "context `{}` holds `{}`, which is no symbol of the alphabet",
        shown(context),
        shown(&found.to_string())
    )]
    Foreign {
        /// The text.
        context: String,
        /// The character where no symbol begins.
        found: char,
    },
    /// A backslash escapes nothing.
    #[error(
        "context `{}` holds a backslash before no `^`, backslash or space: the symbol is written as two backslashes",
        shown(context)
    )]
    Escape {
        /// The text.
        context: String,
    },
}

impl Alphabet {
    /// The tokens of a context as it stands in tables: `^` for the boundary, and a space between symbols where one of
    /// them has several characters.
    ///
    /// Where `^` is itself a symbol, or a space stands between symbols and in one of them, a backslash before `^`, a
    /// space or a backslash says that the symbol's own is meant.
    pub fn context_text(&self, tokens: &[u32]) -> String {
        let separator = if self.has_long_symbols() { " " } else { "" };
        let escapes = self.escapes();
        let name = |&token: &u32| match self.symbol(token) {
            None => START.to_string(),
            Some(symbol) if escapes => symbol.chars().flat_map(escaped).collect(),
            Some(symbol) => symbol.to_string(),
        };
        tokens.iter().map(name).collect::<Vec<String>>().join(separator)
    }

    /// Reads what [`context_text`](Self::context_text) writes.
    ///
    /// # Errors
    /// If a part is no symbol, or a backslash escapes nothing.
    pub fn read_context(&self, text: &str) -> Result<Vec<u32>, ContextError> {
        let mut tokens = Vec::new();
        for part in self.parts(text)? {
            match part {
                None => tokens.push(self.end()),
                Some(part) => self
                    .encode_into(&part, &mut tokens)
                    .map_err(|error| ContextError::Foreign { context: text.into(), found: error.found })?,
            }
        }
        Ok(tokens)
    }

    /// The starts (`None`) and the texts between them.
    fn parts(&self, text: &str) -> Result<Vec<Option<String>>, ContextError> {
        let (long, escapes) = (self.has_long_symbols(), self.escapes());
        let mut parts = Vec::new();
        if long && !escapes {
            // A symbol such as `^a` may begin with the sign of the start, which stands alone.
            let part = |part: &str| (part != "^").then(|| part.to_string());
            return Ok(text.split_whitespace().map(part).collect());
        }
        let mut open = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let ends = c == START || (long && c.is_whitespace());
            if ends {
                parts.extend((!open.is_empty()).then(|| Some(std::mem::take(&mut open))));
                parts.extend((c == START).then_some(None));
            } else if c == ESCAPE && escapes {
                let escaped = rest.next().filter(|&c| c == START || c == ESCAPE || c.is_whitespace());
                open.push(escaped.ok_or_else(|| ContextError::Escape { context: text.into() })?);
            } else {
                open.push(c);
            }
        }
        parts.extend((!open.is_empty()).then_some(Some(open)));
        Ok(parts)
    }

    /// Whether some symbol cannot be told from the start or from what stands between symbols, so that a backslash
    /// must say which is meant. Where not, a backslash is a character like any other.
    fn escapes(&self) -> bool {
        let symbols = || self.symbols().iter().chain(self.prompt_symbols());
        let spaced = |symbol: &String| symbol.contains(char::is_whitespace);
        symbols().any(|symbol| symbol == "^") || (self.has_long_symbols() && symbols().any(spaced))
    }
}

/// A character of a symbol, behind a backslash where it would mean something else.
fn escaped(c: char) -> impl Iterator<Item = char> {
    let special = c == START || c == ESCAPE || c.is_whitespace();
    special.then_some(ESCAPE).into_iter().chain([c])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(symbols: &[&str]) -> Alphabet {
        Alphabet::new(symbols.iter().map(|&s| s.into()).collect(), vec!["=".into()]).unwrap()
    }

    #[track_caller]
    fn both_ways(alphabet: &Alphabet, tokens: &[u32], text: &str) {
        assert_eq!(alphabet.context_text(tokens), text);
        assert_eq!(alphabet.read_context(text).unwrap(), tokens);
    }

    #[test]
    fn the_start_is_a_caret() {
        let alphabet = of(&["a", "b"]);
        both_ways(&alphabet, &[2, 2, 0, 3], "^^a=");
        both_ways(&of(&["a", "abc", "d"]), &[3, 1, 0], "^ abc a");
        let error = alphabet.read_context("ax").unwrap_err();
        assert_eq!(error.to_string(), "context `ax` holds `x`, which is no symbol of the alphabet");
    }

    #[test]
    fn a_caret_that_is_a_symbol_stands_behind_a_backslash() {
        let alphabet = of(&["^", "\\", "a", "$"]);
        both_ways(&alphabet, &[4, 0, 1, 2, 3], r"^\^\\a$");
        let long = of(&["^", "^ab", "\\", "cd"]);
        both_ways(&long, &[4, 0, 1, 2, 3], r"^ \^ \^ab \\ cd");
        let error = alphabet.read_context(r"\a").unwrap_err();
        assert_eq!(error, ContextError::Escape { context: r"\a".into() });
        assert!(alphabet.read_context("\\").is_err());
    }

    #[test]
    fn a_symbol_with_a_space_can_be_told_from_two() {
        both_ways(&of(&["x y", "a", " "]), &[0, 1, 2, 3], r"x\ y a \  ^");
    }

    /// Files of alphabets without a caret mean what they meant.
    #[test]
    fn elsewhere_a_backslash_is_a_symbol_like_others() {
        both_ways(&of(&["\\", "n"]), &[0, 0, 1], r"\\n");
        both_ways(&of(&["^a", "b"]), &[2, 0, 1], "^ ^a b");
    }
}
