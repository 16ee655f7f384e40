//! Reading a corpus file.

use pstar_core::corpus::{Entry, Format, parse};
use pstar_core::data::{Ending, RaggedBuffer, SequenceBuffer};
use pstar_core::{PluginError, Task};

/// A corpus: its bytes, and its entries as sequences, each behind a prompt of its own.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) bytes: Vec<u8>,
    pub(crate) format: Format,
    pub(crate) sequences: SequenceBuffer,
}

/// The corpus in a file.
pub(crate) fn read(path: &str, task: &Task) -> Result<Corpus, PluginError> {
    let full = task.resolve(path);
    let bytes = std::fs::read(&full).map_err(|error| {
        let message = format!("the corpus `{}` cannot be read: {error}", full.display());
        PluginError::config("corpus", message).with_hint("relative paths start at the experiment file")
    })?;
    let fault = |message: String| PluginError::config("corpus", format!("corpus `{path}`, {message}"));
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let (before, after) = bytes.split_at(error.valid_up_to());
        let line = before.split(|&byte| byte == b'\n').count();
        fault(format!("line {line}: expected UTF-8 text, found the byte {:#04x}", after[0]))
    })?;
    let format = Format::of_path(&full);
    let entries = parse(text, format, &task.alphabet).map_err(|error| fault(error.to_string()))?;
    if entries.is_empty() {
        let message = format!("expected a corpus of at least one string, found `{path}` empty");
        return Err(PluginError::config("corpus", message));
    }
    Ok(Corpus { sequences: sequences(&entries, task), bytes, format })
}

/// The entries as sequences; with [`Ending::EndSymbol`] a `$` follows each response.
fn sequences(entries: &[Entry], task: &Task) -> SequenceBuffer {
    let prompts: RaggedBuffer<u32> = entries.iter().map(|entry| entry.prompt.as_slice()).collect();
    let mut sequences = SequenceBuffer::new(prompts);
    let end = (task.ending == Ending::EndSymbol).then(|| task.alphabet.end());
    for (prompt, entry) in (0..).zip(entries) {
        sequences.push(prompt, entry.response.iter().copied().chain(end));
    }
    sequences
}
