//! A byte-level BPE tokenizer (Sennrich, Haddow and Birch 2016; Radford et al. 2019), from a `tokenizer.json`.
//!
//! Two questions are asked of it: which token is exactly a text, and which tokens is a text read as. What would make the
//! second answer another one than the published tokenizer's is refused.

mod added;
mod byte_map;
mod merges;
mod normalizer;
mod pre_tokenizer;
mod start;
mod words;

use super::fault::Fault;
use super::fields::{self, Fields};
use added::{Added, Piece};
use merges::Merges;
use normalizer::Normalizer;
use pre_tokenizer::PreTokenizer;
use serde_json::Value;
use std::collections::HashMap;

/// Greatest number of bytes of a text that is read.
const MOST_BYTES: usize = 1 << 14;

/// The numbers of tokens.
type Vocabulary = HashMap<String, usize>;

/// What a `tokenizer.json` says.
#[derive(Debug)]
pub(super) struct Tokenizer {
    /// By the text of each token's bytes; see [`byte_map`].
    vocabulary: Vocabulary,
    merges: Merges,
    added: Vec<Added>,
    normalizer: Normalizer,
    cut: PreTokenizer,
    start: Vec<usize>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let value = fields::parse(bytes)?;
        let fields = Fields::of_file(&value)?;
        let model = fields.object("model")?.ok_or_else(|| unsupported("model", "none"))?;
        let kind = model.text("type")?.unwrap_or("BPE");
        if kind != "BPE" {
            return Err(unsupported("model", kind));
        }
        for name in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
            if let Some(value) = model.get(name).filter(|value| value.as_str() != Some("")) {
                return Err(unsupported(name, &value.to_string()));
            }
        }
        let vocabulary = vocabulary(model)?;
        Ok(Self {
            merges: Merges::read(model, &vocabulary)?,
            added: added::read(fields)?,
            normalizer: Normalizer::read(fields)?,
            cut: PreTokenizer::read(fields)?,
            start: start::read(fields)?,
            vocabulary,
        })
    }

    /// The token that is exactly a text.
    pub(super) fn token(&self, text: &str) -> Result<Option<usize>, Fault> {
        if let Some(added) = self.added.iter().find(|added| added.content == text) {
            return Ok(Some(added.token));
        }
        self.normalizer.check(text)?;
        Ok(self.vocabulary.get(&byte_map::mapped(text)).copied())
    }

    /// The tokens that a text is read as, without those that the tokenizer puts before and behind it.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<usize>, Fault> {
        if text.len() > MOST_BYTES {
            let message = format!("expected a text of at most {MOST_BYTES} bytes, found {}", text.len());
            return Err(Fault::new(message, "give a shorter one"));
        }
        let mut tokens = Vec::new();
        for piece in added::split(&self.added, text)? {
            match piece {
                Piece::Token(token) => tokens.push(token),
                Piece::Text(text) => {
                    self.normalizer.check(text)?;
                    for word in self.cut.split(text)? {
                        self.merges.append(&byte_map::mapped(&word), &self.vocabulary, &mut tokens)?;
                    }
                }
            }
        }
        Ok(tokens)
    }

    /// The tokens that the tokenizer puts before every text.
    pub(super) fn start(&self) -> &[usize] {
        &self.start
    }
}

fn vocabulary(model: Fields<'_>) -> Result<Vocabulary, Fault> {
    let vocabulary = model.object("vocab")?.ok_or_else(|| unsupported("vocab", "none"))?;
    vocabulary.entries().map(|(text, value)| Ok((text.clone(), number(text, value)?))).collect()
}

/// The number of a token.
fn number(name: &str, value: &Value) -> Result<usize, Fault> {
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| fields::wrong(name, "the number of a token", value))
}

/// Refuses a part of a tokenizer that is not supported.
fn unsupported(part: &str, found: &str) -> Fault {
    let message = format!(
        "expected a byte-level BPE tokenizer, found `{part}` {}",
        if found == "none" { found.into() } else { format!("`{}`", pstar_core::shown(found)) }
    );
    Fault::new(
        message,
        "byte-level BPE with the pre-tokenizers `ByteLevel` and `Digits` and the normalizer `NFC` can be read; without a \
         `context`, so can symbols of byte-level BPE with others",
    )
}

#[cfg(test)]
pub(super) mod tests;
