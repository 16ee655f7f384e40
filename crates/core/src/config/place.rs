//! Where things stand in RON text.

use std::ops::Range;

/// The byte at a line and column, both from 1, columns in characters.
pub fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// The line and column of a byte, both from 1, columns in characters.
pub fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.bytes().filter(|&byte| byte == b'\n').count() + 1, before[start..].chars().count() + 1)
}

/// The first byte from `at` on that is no white space.
pub fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// Where the value that starts at `at` ends, within its line: what is underlined.
pub fn token_end(text: &str, at: usize) -> usize {
    let rest = text[at..].lines().next().unwrap_or_default();
    let first = rest.chars().next();
    let length = match first {
        Some('"') => string_end(rest),
        Some('(' | '[' | '{') => bracket_end(rest),
        _ => rest.find(|c: char| c.is_whitespace() || ",:()[]{}".contains(c)),
    };
    at + length.unwrap_or(rest.len()).max(first.map_or(0, char::len_utf8))
}

/// The length of the quoted text that `text` starts with.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at + 1)
    })
}

/// The length of the bracketed expression that `text` starts with.
fn bracket_end(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' => {
                at += string_end(&text[at..])?;
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        at += c.len_utf8();
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The word or number around `at`: what people see as one token, whatever the reader took of it.
pub(super) fn word_around(text: &str, at: usize) -> Range<usize> {
    let part = |c: char| c.is_alphanumeric() || "_.+-".contains(c);
    let start = text[..at].trim_end_matches(part).len();
    let rest = &text[at..];
    start..at + rest.find(|c| !part(c)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_column_find_their_byte_and_back() {
        assert_eq!(byte_offset("aä\nbc", 2, 2), 5);
        assert_eq!(byte_offset("aä", 1, 3), 3);
        assert_eq!(byte_offset("a", 7, 7), 1);
        assert_eq!(line_and_column("aä\nbc", 5), (2, 2));
        assert_eq!(line_and_column("aä", 3), (1, 3));
    }

    #[test]
    fn a_value_ends_where_its_quotes_and_brackets_close() {
        let first = |text: &str| text[..token_end(text, 0)].to_string();
        assert_eq!(first("1.5, b"), "1.5");
        assert_eq!(first(r#""a \" b" c"#), r#""a \" b""#);
        assert_eq!(first(r#"(a: ")", b: [1]) c"#), r#"(a: ")", b: [1])"#);
        assert_eq!(first("(open\n)"), "(open");
        assert_eq!(first(": x"), ":");
    }

    #[test]
    fn a_word_reaches_both_ways() {
        let word = |text: &str, at| text[word_around(text, at)].to_string();
        assert_eq!(word("x: -1,", 4), "-1");
        assert_eq!(word("x: 3.0)", 4), "3.0");
        assert_eq!(word("x: 3", 4), "3");
    }
}
