//! Texts from outside, as messages quote them.

/// Greatest number of characters of a text that messages quote.
const MOST_CHARACTERS: usize = 200;

/// A text from outside as a message quotes it: on one line, characters that a terminal would obey instead of show
/// escaped, and `…` for what follows 200 characters.
///
/// # Example
/// ```
/// assert_eq!(pstar_core::shown("a\tb\u{1b}[2J"), r"a\tb\u{1b}[2J");
/// ```
pub fn shown(text: &str) -> String {
    let end = text.char_indices().nth(MOST_CHARACTERS).map_or(text.len(), |(at, _)| at);
    let mut shown = escaped(&text[..end]);
    if end < text.len() {
        shown.push('…');
    }
    shown
}

/// A text on one line, with the characters that a terminal would obey instead of show escaped.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether a terminal obeys a character instead of showing it: control characters, line and paragraph separators,
/// marks that turn the direction of writing, and the byte-order mark, which has no width.
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(shown("ä β …"), "ä β …");
        assert_eq!(shown("a\r\n\u{7f}\u{9b}\u{202e}"), r"a\r\n\u{7f}\u{9b}\u{202e}");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown(&"ä".repeat(200)), "ä".repeat(200));
        assert_eq!(shown(&"ä".repeat(1_000_000)), "ä".repeat(200) + "…");
    }
}
