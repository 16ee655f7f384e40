//! Texts as functions in C take them.

use super::table::RawText;

/// Texts in one piece of memory, each with a NUL behind it.
#[derive(Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each text begins, and its length.
    places: Vec<(usize, usize)>,
}

impl Texts {
    /// The number of the text that is added.
    pub(super) fn push(&mut self, text: &str) -> usize {
        self.places.push((self.bytes.len(), text.len()));
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        self.places.len() - 1
    }

    pub(super) fn get(&self, number: usize) -> &str {
        let (start, length) = self.places[number];
        std::str::from_utf8(&self.bytes[start..start + length]).unwrap_or_default()
    }

    /// A text as it is handed over: gone when this is changed or dropped.
    pub(super) fn raw(&self, number: usize) -> RawText {
        let (start, length) = self.places[number];
        RawText { data: self.bytes[start..].as_ptr().cast(), length }
    }
}
