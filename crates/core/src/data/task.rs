//! What every component of a task is told when it is made.

use super::{Alphabet, Ending};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What every component of a task is told when it is made.
///
/// It crosses the plugin boundary as text, so that fields can be added.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// The smallest task: one symbol, one position.
    pub fn of_one_symbol() -> Self {
        let alphabet = Alphabet::of_chars("a", "")
            .unwrap_or_else(|error| unreachable!("one symbol is an alphabet: {error}"));
        let (prompts, directory) = (Vec::new(), PathBuf::from("."));
        Self { alphabet, horizon: 1, ending: Ending::EndSymbol, prompts, directory }
    }

    /// A path of a component's configuration, as seen from the task's folder.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.join(path)
    }

    /// Number of choices at a position: the symbols, and the end symbol where there is one.
    pub fn choices(&self) -> usize {
        self.alphabet.len() + usize::from(self.ending == Ending::EndSymbol)
    }
}
