//! What every component of a task is told when it is made.

use super::{Alphabet, Ending};
use crate::files::{self, ReadError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What every component of a task is told when it is made.
///
/// It crosses the plugin boundary as text, so that fields can be added.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// The symbols.
    pub alphabet: Alphabet,
    /// Greatest number of symbols in an output.
    pub horizon: usize,
    /// How an output ends.
    pub ending: Ending,
    /// The prompts, as tokens; empty while they are not known.
    pub prompts: Vec<Vec<u32>>,
    /// The folder that relative paths in a component's configuration start from.
    pub directory: PathBuf,
}

impl Task {
    /// A task without prompts, whose files are in the working folder.
    pub fn new(alphabet: Alphabet, horizon: usize, ending: Ending) -> Self {
        Self { alphabet, horizon, ending, prompts: Vec::new(), directory: PathBuf::from(".") }
    }

    /// The same with these prompts, as tokens.
    #[must_use]
    pub fn with_prompts(self, prompts: Vec<Vec<u32>>) -> Self {
        Self { prompts, ..self }
    }

    /// The same with relative paths starting from a folder.
    #[must_use]
    pub fn in_directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), ..self }
    }

    /// The smallest task: one symbol, one position.
    pub fn of_one_symbol() -> Self {
        let alphabet = Alphabet::of_chars("a", "")
            .unwrap_or_else(|error| unreachable!("one symbol is an alphabet: {error}"));
        Self::new(alphabet, 1, Ending::EndSymbol)
    }

    /// A path of a component's configuration, as seen from the task's folder. The host is told of it when the
    /// component has been made.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        let full = self.directory.join(&path);
        files::note_path(path.as_ref(), &full);
        full
    }

    /// Reads a file of at most [`MOST_BYTES`](files::MOST_BYTES) that a component's configuration names; relative paths
    /// start at the task's folder. The bytes are identified in the record of a run, and a run's directory holds a copy.
    ///
    /// # Errors
    /// If it is no regular file, larger, or cannot be read.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, ReadError> {
        files::read_noted(path.as_ref(), &self.directory.join(&path))
    }

    /// Number of choices at a position: the symbols, and the end symbol where there is one.
    pub fn choices(&self) -> usize {
        self.alphabet.len() + usize::from(self.ending == Ending::EndSymbol)
    }
}
