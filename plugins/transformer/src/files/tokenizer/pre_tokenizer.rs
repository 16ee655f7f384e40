//! How a text is cut before merges.

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::{unsupported, words};
use pstar_core::shown;

/// The steps that a text is cut in.
#[derive(Debug)]
pub(super) struct PreTokenizer {
    digits: Option<Digits>,
    bytes: ByteLevel,
    /// A step that is not supported; only reading a text needs it.
    unsupported: Option<String>,
}

/// Cuts numerals off.
#[derive(Debug)]
struct Digits {
    /// Each on its own, rather than by runs.
    one_by_one: bool,
}

/// The last step.
#[derive(Debug)]
struct ByteLevel {
    /// Whether a piece that does not begin with a space gets one.
    adds_space: bool,
    /// Whether pieces are cut in [`words`].
    by_words: bool,
}

impl PreTokenizer {
    /// That of a `tokenizer.json`.
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Fault> {
        let Some(outer) = fields.object("pre_tokenizer")? else {
            return Err(unsupported("pre_tokenizer", "none"));
        };
        let mut steps = Vec::new();
        for step in outer.list("pretokenizers")? {
            steps.push(Fields::of(step, "pretokenizers")?);
        }
        if steps.is_empty() {
            steps.push(outer);
        }
        let (mut digits, mut bytes, mut unsupported_step) = (None, None, None);
        for step in steps {
            let kind = step.text("type")?.unwrap_or("none");
            match kind {
                "Digits" if digits.is_none() && bytes.is_none() => {
                    let one_by_one = step.flag("individual_digits")?.unwrap_or(false);
                    digits = Some(Digits { one_by_one });
                }
                "ByteLevel" if bytes.is_none() => {
                    let adds_space = step.flag("add_prefix_space")?.unwrap_or(true);
                    let by_words = step.flag("use_regex")?.unwrap_or(true);
                    bytes = Some(ByteLevel { adds_space, by_words });
                }
                other => unsupported_step = unsupported_step.or(Some(other.to_string())),
            }
        }
        let Some(bytes) = bytes else {
            return Err(unsupported("pre_tokenizer", unsupported_step.as_deref().unwrap_or("Digits")));
        };
        Ok(Self { digits, bytes, unsupported: unsupported_step })
    }

    /// The pieces of a text that merges stay within.
    pub(super) fn split(&self, text: &str) -> Result<Vec<String>, Fault> {
        if let Some(step) = &self.unsupported {
            return Err(unsupported("pre_tokenizer", step));
        }
        if self.bytes.by_words
            && let Some(c) = words::first_unknown(text)
        {
            let message = format!(
                "expected characters that are known to be letters or not, found `{}`",
                shown(&c.to_string())
            );
            return Err(Fault::new(message, "leave the character out of the text"));
        }
        let mut pieces = Vec::new();
        for part in self.digits.as_ref().map_or_else(|| vec![text], |digits| digits.split(text)) {
            let space = if self.bytes.adds_space && !part.starts_with(' ') { " " } else { "" };
            let part = format!("{space}{part}");
            if self.bytes.by_words {
                pieces.extend(words::words(&part).into_iter().map(String::from));
            } else {
                pieces.push(part);
            }
        }
        Ok(pieces)
    }
}

impl Digits {
    fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = if first.is_numeric() && self.one_by_one {
                first.len_utf8()
            } else {
                rest.find(|c: char| c.is_numeric() != first.is_numeric()).unwrap_or(rest.len())
            };
            let (part, behind) = rest.split_at(length);
            parts.push(part);
            rest = behind;
        }
        parts
    }
}
