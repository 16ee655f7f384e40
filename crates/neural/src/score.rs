//! Scoring sequences that are given.

use crate::block::{Matrix, TILE};
use crate::choose::{Choose, Turns};
use crate::softmax::Softmax;
use pstar_core::PluginError;
use pstar_core::data::{Ragged, SequenceBatch};

/// Follows the sequences of one chunk, and notes the log-probability of every token.
#[derive(Debug)]
pub(crate) struct Scorer<'a, 'b> {
    tokens: Ragged<'a, u32>,
    /// First sequence of the chunk.
    first: usize,
    /// One a token of the whole batch; empty where nobody asks.
    log_probs: &'b mut [f64],
}

impl<'a, 'b> Scorer<'a, 'b> {
    /// For the chunk of a batch that begins with sequence `first`.
    pub(crate) fn new(batch: &SequenceBatch<'a>, first: usize, log_probs: &'b mut [f64]) -> Self {
        Self { tokens: batch.tokens(), first, log_probs }
    }
}

impl Choose for Scorer<'_, '_> {
    fn given(&self, sequence: usize) -> Option<&[u32]> {
        Some(self.tokens.row(self.first + sequence))
    }

    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn choose(
        &mut self,
        turns: &Turns,
        logits: &Matrix,
        row: usize,
        softmax: &mut Softmax,
    ) -> [(u32, bool); TILE] {
        if !self.log_probs.is_empty() {
            softmax.fill(logits, row);
        }
        let mut chosen = [(0, false); TILE];
        for (row, (&turn, chosen)) in turns.iter().zip(&mut chosen).enumerate() {
            let Some((sequence, position)) = turn else { continue };
            let tokens = self.tokens.row(self.first + sequence);
            *chosen = (tokens[position], position + 1 == tokens.len());
            if !self.log_probs.is_empty() {
                #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
                let start = self.tokens.offsets()[self.first + sequence] as usize;
                self.log_probs[start + position] = softmax.log_prob(row, tokens[position] as usize);
            }
        }
        chosen
    }
}

/// Refuses tokens that the model cannot read or emit.
pub(crate) fn check(batch: &SequenceBatch<'_>, tokens: usize, choices: usize) -> Result<(), PluginError> {
    let fault = |found: &u32, what: &str, count: usize| {
        Err(PluginError::data(format!("expected {what} below {count}, found {found}")))
    };
    if let Some(found) = batch.prompts().values().iter().find(|&&token| token as usize >= tokens) {
        return fault(found, "tokens of prompts", tokens);
    }
    match batch.tokens().values().iter().find(|&&token| token as usize >= choices) {
        Some(found) => fault(found, "tokens of sequences", choices),
        None => Ok(()),
    }
}
