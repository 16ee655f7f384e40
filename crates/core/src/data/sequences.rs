//! Batches of prompts and sequences of tokens.

use super::{Ragged, RaggedBuffer};

/// A borrowed batch of sequences: a table of prompts, and for each sequence the prompt it answers and the
/// tokens that were emitted.
///
/// An emitted end symbol is a token like the others ([`Alphabet::end`](super::Alphabet::end)), so that every
/// per-token column (log-probabilities, coefficients) is aligned with [`tokens`](Self::tokens).
#[derive(Clone, Copy, Debug)]
pub struct SequenceBatch<'a> {
    prompts: Ragged<'a, u32>,
    prompt_of: &'a [u32],
    tokens: Ragged<'a, u32>,
}

impl<'a> SequenceBatch<'a> {
    /// A batch from its columns; `prompt_of` holds one index into `prompts` per row of `tokens`.
    ///
    /// Returns `None` where the lengths differ or an index points outside.
    pub fn new(prompts: Ragged<'a, u32>, prompt_of: &'a [u32], tokens: Ragged<'a, u32>) -> Option<Self> {
        let fits = prompt_of.len() == tokens.len() && prompt_of.iter().all(|&p| (p as usize) < prompts.len());
        fits.then_some(Self { prompts, prompt_of, tokens })
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The prompts that the sequences refer to.
    pub fn prompts(&self) -> Ragged<'a, u32> {
        self.prompts
    }

    /// For each sequence, the index of its prompt in [`prompts`](Self::prompts).
    pub fn prompt_of(&self) -> &'a [u32] {
        self.prompt_of
    }

    /// The emitted tokens, the end symbol included where it was emitted.
    pub fn tokens(&self) -> Ragged<'a, u32> {
        self.tokens
    }

    /// The symbols of the prompt of sequence `i`.
    pub fn prompt(&self, i: usize) -> &'a [u32] {
        self.prompts.row(self.prompt_of[i] as usize)
    }

    /// The symbols of sequence `i` without its end symbol `end`.
    pub fn response(&self, i: usize, end: u32) -> &'a [u32] {
        let row = self.tokens.row(i);
        row.strip_suffix(&[end]).unwrap_or(row)
    }
}

/// An owned, growable [`SequenceBatch`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SequenceBuffer {
    prompts: RaggedBuffer<u32>,
    prompt_of: Vec<u32>,
    tokens: RaggedBuffer<u32>,
}

impl SequenceBuffer {
    /// A buffer without sequences over a table of prompts.
    pub fn new(prompts: RaggedBuffer<u32>) -> Self {
        Self { prompts, prompt_of: Vec::new(), tokens: RaggedBuffer::default() }
    }

    /// Makes room for so many more sequences and tokens.
    pub fn reserve(&mut self, sequences: usize, tokens: usize) {
        self.prompt_of.reserve(sequences);
        self.tokens.reserve(sequences, tokens);
    }

    /// Appends a sequence: the index of its prompt, and its tokens.
    ///
    /// # Panics
    /// If there is no prompt of that index.
    pub fn push(&mut self, prompt: u32, tokens: impl IntoIterator<Item = u32>) {
        assert!((prompt as usize) < self.prompts.view().len(), "no prompt of index {prompt}");
        self.prompt_of.push(prompt);
        for token in tokens {
            self.tokens.push_value(token);
        }
        self.tokens.end_row();
    }

    /// The same of tokens that lie in memory as they are to be.
    ///
    /// # Panics
    /// As [`push`](Self::push).
    pub fn push_row(&mut self, prompt: u32, tokens: &[u32]) {
        assert!((prompt as usize) < self.prompts.view().len(), "no prompt of index {prompt}");
        self.prompt_of.push(prompt);
        self.tokens.push(tokens);
    }

    /// Removes all sequences and keeps the prompts and the memory.
    pub fn clear(&mut self) {
        self.prompt_of.clear();
        self.tokens.clear();
    }

    /// The view.
    pub fn view(&self) -> SequenceBatch<'_> {
        SequenceBatch { prompts: self.prompts.view(), prompt_of: &self.prompt_of, tokens: self.tokens.view() }
    }
}
