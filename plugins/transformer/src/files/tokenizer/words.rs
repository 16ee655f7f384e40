//! The words that byte-level BPE merges within, by the rule of GPT-2:
//!
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
//!
//! The rule asks which characters are letters (category L), which the standard library does not tell apart from marks that
//! are alphabetic, such as the vowel signs of Devanagari. Outside of scripts that have none, such characters are refused.

const CONTRACTIONS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

/// Where being alphabetic is being a letter: Latin, Greek and Cyrillic, kana, ideographs, Hangul.
const SCRIPTS: [(char, char); 6] = [
    ('\0', '\u{2ff}'),
    ('\u{370}', '\u{52f}'),
    ('\u{3041}', '\u{30fe}'),
    ('\u{3400}', '\u{4dbf}'),
    ('\u{4e00}', '\u{9fff}'),
    ('\u{ac00}', '\u{d7a3}'),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Number,
    Space,
    Other,
}

fn kind(c: char) -> Kind {
    // Numbers first: Roman numerals are alphabetic too, and no letters.
    if c.is_numeric() {
        Kind::Number
    } else if c.is_alphabetic() {
        Kind::Letter
    } else if c.is_whitespace() {
        Kind::Space
    } else {
        Kind::Other
    }
}

/// The first character of which it is not known whether it is a letter.
pub(super) fn first_unknown(text: &str) -> Option<char> {
    let is_known = |c: char| SCRIPTS.iter().any(|&(first, last)| (first..=last).contains(&c));
    text.chars().find(|&c| kind(c) == Kind::Letter && !is_known(c))
}

/// The words of a text, which they make up.
pub(super) fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(first(rest));
        words.push(word);
        rest = behind;
    }
    words
}

/// The length in bytes of the first word of a text that is not empty.
fn first(text: &str) -> usize {
    if let Some(contraction) = CONTRACTIONS.iter().find(|contraction| text.starts_with(**contraction)) {
        return contraction.len();
    }
    let space = usize::from(text.starts_with(' '));
    match text[space..].chars().next().map(kind) {
        Some(kind) if kind != Kind::Space => space + run(&text[space..], kind),
        _ => first_spaces(text),
    }
}

/// The length of the run of characters of a kind that a text begins with.
fn run(text: &str, of: Kind) -> usize {
    text.find(|c| kind(c) != of).unwrap_or(text.len())
}

/// White space up to the end, or but for its last character, which the next word may begin with, or alone.
fn first_spaces(text: &str) -> usize {
    let length = run(text, Kind::Space);
    let last = text[..length].chars().next_back().map_or(0, char::len_utf8);
    if length == text.len() || length == last { length } else { length - last }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand from the rule.
    #[test]
    fn words_are_those_of_the_rule() {
        let cases: [(&str, &[&str]); 14] = [
            ("", &[]),
            ("Hello world", &["Hello", " world"]),
            ("I'll don't he's 'x", &["I", "'ll", " don", "'t", " he", "'s", " '", "x"]),
            // Without a space before it a quotation mark is a contraction where one fits.
            ("'so", &["'s", "o"]),
            ("a1b22", &["a", "1", "b", "22"]),
            ("12+34=", &["12", "+", "34", "="]),
            (" 7 +-", &[" 7", " +-"]),
            ("a  b", &["a", " ", " b"]),
            ("a\nb", &["a", "\n", "b"]),
            ("a\n\nb", &["a", "\n", "\n", "b"]),
            ("a \n", &["a", " \n"]),
            ("  ", &["  "]),
            ("\t\u{a0}é½", &["\t", "\u{a0}", "é", "½"]),
            (" \u{2167}x", &[" \u{2167}", "x"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn letters_that_may_be_marks_are_told() {
        assert_eq!(first_unknown("ab, Ünï, γ Ж 字 か 한 ☃ 🦀 १"), None);
        assert_eq!(first_unknown("a\u{93e}b"), Some('\u{93e}'));
    }
}
