//! Lines for narrow terminals.

use pstar_core::escaped;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How much further in the lines behind the first begin.
const INDENT: usize = 2;

/// Text in lines of at most `room` columns, broken at words; words that are longer stay whole. What a terminal would
/// obey is escaped.
pub(crate) fn wrapped(text: &str, room: Option<usize>) -> String {
    let line = |line: &str| {
        let line = escaped(line);
        match room {
            Some(room) if line.width() > room => pieces(&line, room, false).join("\n"),
            _ => line,
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// A name in lines of at most `width` columns, broken at words, and within them where they are longer.
pub(crate) fn name(text: &str, width: usize) -> Vec<String> {
    pieces(text, width, true)
}

/// The words of a cell, in lines of at most `width` columns where no word is longer.
pub(crate) fn words(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.width() + 1 + word.width() <= width) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.into()),
        }
    }
    lines
}

fn pieces(text: &str, width: usize, within_words: bool) -> Vec<String> {
    let own = text.len() - text.trim_start().len();
    // Where there is little room, words need it more than the indent.
    let behind = match own + INDENT {
        indent if 4 * indent <= width => indent,
        _ if 2 * own <= width => own,
        _ => 0,
    };
    let mut lines = Vec::new();
    let mut line = text[..own].to_string();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.width() + 1 + word.width() > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(behind)));
        } else if !is_empty {
            line.push(' ');
        }
        is_empty = false;
        for c in word.chars() {
            let full = line.width() + c.width().unwrap_or(0) > width;
            if within_words && full && !line.trim_start().is_empty() {
                lines.push(std::mem::replace(&mut line, " ".repeat(behind)));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_words() {
        let text = "warning: one two three\nfour";
        assert_eq!(wrapped(text, None), text);
        assert_eq!(wrapped(text, Some(40)), text);
        assert_eq!(wrapped(text, Some(14)), "warning: one\n  two three\nfour");
        assert_eq!(wrapped("a unbreakable", Some(5)), "a\nunbreakable");
        assert_eq!(wrapped("a\u{1b}[2J", None), r"a\u{1b}[2J");
    }

    #[test]
    fn names_are_broken_within_long_words_too() {
        assert_eq!(name("  kl λ=2", 20), ["  kl λ=2"]);
        assert_eq!(name("  kl-control λ=2", 12), ["  kl-control", "  λ=2"]);
        assert_eq!(name("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert!(name(&"很长".repeat(20), 7).iter().all(|line| line.width() <= 7));
    }
}
