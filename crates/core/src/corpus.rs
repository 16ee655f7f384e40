//! Corpora: pairs of a prompt and a response, from text.
//!
//! JSON Lines hold `{"prompt": "…", "response": "…"}` a line, the prompt optional. Plain text holds one
//! response a line without a prompt, a blank line being the empty string. A byte order mark is skipped.

use crate::data::Alphabet;
use serde::Deserialize;
use std::path::Path;
use thiserror::Error;

/// One entry, as tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The symbols that are read.
    pub prompt: Vec<u32>,
    /// The symbols that are to be emitted; none of them is of the prompt alphabet.
    pub response: Vec<u32>,
}

/// The format of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON Lines.
    JsonLines,
    /// One response a line.
    PlainText,
}

impl Format {
    /// JSON Lines for `.jsonl` and `.json`, else plain text.
    pub fn of_path(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "json") => Self::JsonLines,
            _ => Self::PlainText,
        }
    }
}

/// A line that is no entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, character {column}: {message}")]
pub struct CorpusError {
    /// Line, from 1.
    pub line: usize,
    /// Character in the line (JSON Lines: of the line's text, or in the string at fault), from 1.
    pub column: usize,
    /// What was expected and found.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    prompt: String,
    response: String,
}

/// Reads a corpus.
///
/// # Errors
/// [`CorpusError`] at the first line that is malformed or holds a foreign symbol.
pub fn parse(text: &str, format: Format, alphabet: &Alphabet) -> Result<Vec<Entry>, CorpusError> {
    entries(text, format, alphabet).collect()
}

/// The entries of a corpus one by one, so that a large one need not lie in memory twice.
///
/// # Errors
/// [`CorpusError`] in place of every entry that is malformed or holds a foreign symbol.
pub fn entries<'a>(
    text: &'a str,
    format: Format,
    alphabet: &'a Alphabet,
) -> impl Iterator<Item = Result<Entry, CorpusError>> + 'a {
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate();
    let counts = move |line: &str| format == Format::PlainText || !line.trim().is_empty();
    lines.filter(move |(_, line)| counts(line)).map(move |(i, line)| match format {
        Format::PlainText => entry(i + 1, "", line, alphabet),
        Format::JsonLines => {
            let parsed: Line = serde_json::from_str(line).map_err(|error| CorpusError {
                line: i + 1,
                column: error.column(),
                message: without_place(&error),
            })?;
            entry(i + 1, &parsed.prompt, &parsed.response, alphabet)
        }
    })
}

/// The text of a corpus file.
///
/// # Errors
/// [`CorpusError`] at the first byte that is no UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, CorpusError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (before, after) = bytes.split_at(error.valid_up_to());
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        CorpusError {
            line: before.split(|&byte| byte == b'\n').count(),
            column: String::from_utf8_lossy(&before[start..]).chars().count() + 1,
            message: format!("expected UTF-8 text, found the byte {:#04x}", after[0]),
        }
    })
}

/// The words of a JSON error without its place, which readers of lines tell in their own way.
pub fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_string()
}

fn entry(line: usize, prompt: &str, response: &str, alphabet: &Alphabet) -> Result<Entry, CorpusError> {
    let encode = |text: &str, what: &str| {
        alphabet.encode(text).map_err(|error| CorpusError {
            line,
            column: error.position,
            message: format!("the {what} holds `{}`, which is no symbol of the alphabet", error.found),
        })
    };
    let (prompt, response) = (encode(prompt, "prompt")?, encode(response, "response")?);
    if let Some(at) = response.iter().position(|&token| token > alphabet.end()) {
        let symbol = alphabet.symbol(response[at]).unwrap_or_default();
        let message = format!("the response holds `{symbol}`, a symbol that only prompts use");
        return Err(CorpusError { line, column: at + 1, message });
    }
    Ok(Entry { prompt, response })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alphabet() -> Alphabet {
        Alphabet::of_chars("ab", "=").unwrap()
    }

    #[test]
    fn a_blank_line_of_plain_text_is_the_empty_string() {
        let entries = parse("ab\n\nb\n", Format::PlainText, &alphabet()).unwrap();
        let responses: Vec<_> = entries.iter().map(|entry| entry.response.as_slice()).collect();
        assert_eq!(responses, [&[0, 1][..], &[], &[1]]);
    }

    #[test]
    fn json_lines_hold_prompt_and_response() {
        let text = "{\"prompt\": \"a=\", \"response\": \"b\"}\n{\"response\": \"\"}\n";
        let entries = parse(text, Format::JsonLines, &alphabet()).unwrap();
        assert_eq!(entries[0], Entry { prompt: vec![0, 3], response: vec![1] });
        assert_eq!(entries[1], Entry::default());
    }

    #[test]
    fn faults_are_located() {
        let fault = |text, format| parse(text, format, &alphabet()).unwrap_err();
        let error = fault("ab\nabx\n", Format::PlainText);
        assert_eq!((error.line, error.column), (2, 3));
        assert_eq!(
            fault("a=\n", Format::PlainText).message,
            "the response holds `=`, a symbol that only prompts use"
        );
        assert_eq!(fault("{\"response\": \"a\"}\n{\"respons\": \"a\"}", Format::JsonLines).line, 2);
    }
}
