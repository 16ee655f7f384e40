//! Tokens that were added to a vocabulary, which are looked for in a text before anything else is.

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::number;
use pstar_core::shown;
use serde_json::Value;

/// An added token.
#[derive(Debug)]
pub(super) struct Added {
    /// Its text, as it is.
    pub(super) content: String,
    pub(super) token: usize,
    /// Whether it is found by rules of its own: with the white space around it, or only as a word.
    has_rules: bool,
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// An added token.
    Token(usize),
    /// What stands between added tokens.
    Text(&'a str),
}

/// Those of a `tokenizer.json`.
pub(super) fn read(fields: Fields<'_>) -> Result<Vec<Added>, Fault> {
    fields.list("added_tokens")?.iter().map(read_one).collect()
}

fn read_one(value: &Value) -> Result<Added, Fault> {
    let fields = Fields::of(value, "added_tokens")?;
    let mut has_rules = false;
    for name in ["lstrip", "rstrip", "single_word"] {
        has_rules |= fields.flag(name)?.unwrap_or(false);
    }
    let content = fields.text("content")?.unwrap_or_default().to_string();
    let token = number("added_tokens", fields.get("id").unwrap_or(&Value::Null))?;
    Ok(Added { content, token, has_rules })
}

/// The added tokens of a text and what stands between them: the leftmost first, and of those that begin at one place the
/// longest.
pub(super) fn split<'a>(added: &[Added], text: &'a str) -> Result<Vec<Piece<'a>>, Fault> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let found = added.iter().filter(|added| !added.content.is_empty()).filter_map(|added| {
            let place = rest.find(&added.content)?;
            Some((place, std::cmp::Reverse(added.content.len()), added))
        });
        let found = found.min_by_key(|&(place, length, _)| (place, length));
        let before = &rest[..found.map_or(rest.len(), |(place, ..)| place)];
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let Some((place, _, added)) = found else { return Ok(pieces) };
        if added.has_rules {
            let message = format!(
                "expected added tokens without `lstrip`, `rstrip` and `single_word` in the text, found `{}`",
                shown(&added.content)
            );
            return Err(Fault::new(message, "leave the token out of the text"));
        }
        pieces.push(Piece::Token(added.token));
        rest = &rest[place + added.content.len()..];
    }
}
