//! Reading a corpus file.

use pstar_core::corpus::{CorpusError, Format, entries, text};
use pstar_core::data::{Ending, RaggedBuffer, SequenceBuffer};
use pstar_core::{PluginError, Task};

/// A corpus: its bytes, and its entries as sequences, each behind a prompt of its own.
#[derive(Debug)]
pub struct Corpus {
    /// What the file holds.
    pub bytes: Vec<u8>,
    /// How it is read.
    pub format: Format,
    /// One an entry.
    pub sequences: SequenceBuffer,
}

/// The corpus in a file.
///
/// # Errors
/// Of kind [`Config`](pstar_core::ErrorKind::Config), at `corpus`, where it cannot be read or is none.
pub fn read(path: &str, task: &Task) -> Result<Corpus, PluginError> {
    let bytes = task.read(path).map_err(|error| {
        let full = task.directory.join(path);
        let message = format!("the corpus `{}` cannot be read: {error}", full.display());
        PluginError::config("corpus", message).with_hint("relative paths start at the experiment file")
    })?;
    let format = Format::of_path(path.as_ref());
    let sequences = text(&bytes)
        .and_then(|text| sequences(text, format, task))
        .map_err(|error| PluginError::config("corpus", format!("corpus `{path}`, {error}")))?;
    if sequences.view().is_empty() {
        let message = format!("expected a corpus of at least one string, found `{path}` empty");
        return Err(PluginError::config("corpus", message));
    }
    Ok(Corpus { bytes, format, sequences })
}

/// The entries as sequences; with [`Ending::EndSymbol`] a `$` follows each response.
fn sequences(text: &str, format: Format, task: &Task) -> Result<SequenceBuffer, CorpusError> {
    let mut prompts = RaggedBuffer::default();
    let mut responses = RaggedBuffer::default();
    let end = (task.ending == Ending::EndSymbol).then(|| task.alphabet.end());
    let mut response = Vec::new();
    for entry in entries(text, format, &task.alphabet) {
        let entry = entry?;
        prompts.push(&entry.prompt);
        response.clear();
        response.extend(entry.response.iter().copied().chain(end));
        responses.push(&response);
    }
    let mut sequences = SequenceBuffer::new(prompts);
    for (prompt, response) in (0..).zip(responses.view().rows()) {
        sequences.push(prompt, response.iter().copied());
    }
    Ok(sequences)
}
