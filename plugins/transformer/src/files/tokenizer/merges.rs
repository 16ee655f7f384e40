//! Merges of neighbouring tokens, the earliest learned first.

use super::super::fault::Fault;
use super::super::fields::{Fields, wrong};
use super::Vocabulary;
use pstar_core::shown;
use serde_json::Value;
use std::collections::HashMap;

/// The pairs that are merged.
#[derive(Debug)]
pub(super) struct Merges {
    /// For each pair its rank, and the token that it becomes.
    pairs: HashMap<(usize, usize), (usize, usize)>,
    /// Whether a word that is a token is taken as that one, however it would be merged.
    whole_words: bool,
}

impl Merges {
    /// Those of a `model`, each written as `"a b"` or as `["a", "b"]`.
    pub(super) fn read(model: Fields<'_>, vocabulary: &Vocabulary) -> Result<Self, Fault> {
        let mut pairs = HashMap::new();
        for (rank, value) in model.list("merges")?.iter().enumerate() {
            let (left, right) =
                halves(value).ok_or_else(|| wrong(&format!("merges[{rank}]"), "two texts", value))?;
            let merged = format!("{left}{right}");
            let token = |text: &str| vocabulary.get(text).copied();
            let (Some(a), Some(b), Some(becomes)) = (token(left), token(right), token(&merged)) else {
                let message = format!(
                    "expected `merges[{rank}]` of tokens that make up a token, found `{}` and `{}`",
                    shown(left),
                    shown(right)
                );
                return Err(Fault::new(message, "take the file that was published with the model"));
            };
            // Of a pair that stands twice the later rank counts, as where the file comes from.
            pairs.insert((a, b), (rank, becomes));
        }
        Ok(Self { pairs, whole_words: model.flag("ignore_merges")?.unwrap_or(false) })
    }

    /// Appends the tokens of a word of [mapped](super::byte_map) bytes.
    pub(super) fn append(
        &self,
        word: &str,
        vocabulary: &Vocabulary,
        out: &mut Vec<usize>,
    ) -> Result<(), Fault> {
        if self.whole_words
            && let Some(token) = vocabulary.get(word).copied()
        {
            out.push(token);
            return Ok(());
        }
        let mut tokens = Vec::new();
        for byte in word.chars() {
            let token = vocabulary.get(&*byte.encode_utf8(&mut [0; 4])).copied();
            tokens.push(token.ok_or_else(|| {
                let message =
                    format!("expected a token for every byte of the text, found none that is `{byte}`");
                Fault::new(message, "leave the character out of the text")
            })?);
        }
        while let Some((place, becomes)) = self.next(&tokens) {
            tokens[place] = becomes;
            tokens.remove(place + 1);
        }
        out.extend(tokens);
        Ok(())
    }

    /// The place of the pair that is merged next, the leftmost of the lowest rank, and what it becomes.
    fn next(&self, tokens: &[usize]) -> Option<(usize, usize)> {
        let pairs = tokens.windows(2).enumerate();
        let known = pairs.filter_map(|(place, pair)| {
            let &(rank, becomes) = self.pairs.get(&(pair[0], pair[1]))?;
            Some((rank, place, becomes))
        });
        known.min().map(|(_, place, becomes)| (place, becomes))
    }
}

fn halves(value: &Value) -> Option<(&str, &str)> {
    match value {
        Value::String(text) => text.split_once(' '),
        Value::Array(texts) => match &texts[..] {
            [Value::String(left), Value::String(right)] => Some((left, right)),
            _ => None,
        },
        _ => None,
    }
}
