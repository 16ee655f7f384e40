//! What is done to a text before it is read: nothing, or NFC, which changes nothing of the texts that are let through.

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::unsupported;
use pstar_core::shown;

/// The first character that NFC may change, or that may change one before it.
const FIRST_CHANGED: char = '\u{300}';

/// How texts are normalised.
#[derive(Debug)]
pub(super) struct Normalizer {
    is_nfc: bool,
}

impl Normalizer {
    /// That of a `tokenizer.json`.
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Fault> {
        let Some(normalizer) = fields.object("normalizer")? else { return Ok(Self { is_nfc: false }) };
        match normalizer.text("type")?.unwrap_or_default() {
            "NFC" => Ok(Self { is_nfc: true }),
            other => Err(unsupported("normalizer", other)),
        }
    }

    /// Refuses a text that may be changed.
    pub(super) fn check(&self, text: &str) -> Result<(), Fault> {
        match text.chars().find(|&c| self.is_nfc && c >= FIRST_CHANGED) {
            Some(c) => {
                let message = format!(
                    "expected characters before U+0300 in texts that are normalised (NFC), found `{}` in `{}`",
                    shown(&c.to_string()),
                    shown(text)
                );
                Err(Fault::new(message, "leave the character out"))
            }
            None => Ok(()),
        }
    }
}
