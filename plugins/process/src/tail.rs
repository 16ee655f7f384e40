//! The end of what a child wrote on standard error.

use pstar_core::shown;
use std::collections::VecDeque;

/// How many bytes are kept.
const KEPT: usize = 4096;

/// The end of what a child wrote on standard error.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<u8>);

impl Tail {
    /// Adds what was read; only the last [`KEPT`] bytes stay.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        self.0.drain(..(self.0.len() + bytes.len()).saturating_sub(KEPT));
        self.0.extend(bytes);
    }

    /// The text, each line as messages quote it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes: Vec<u8> = self.0.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        text.lines().filter(|line| !line.trim().is_empty()).map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept_however_they_come() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        for piece in [1, 7, 4095, 4096, 5000, text.len()] {
            let mut tail = Tail::default();
            text.chunks(piece).for_each(|bytes| tail.push(bytes));
            assert_eq!(tail.0.iter().copied().collect::<Vec<_>>(), text[text.len() - KEPT..]);
        }
    }

    #[test]
    fn lines_are_quoted_whatever_they_hold() {
        let mut tail = Tail::default();
        tail.push(b"one\n\n\xff\x1b[2J\n");
        assert_eq!(tail.lines(), ["one", "\u{fffd}\\u{1b}[2J"]);
    }
}
