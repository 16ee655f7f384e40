//! Scoring sequences that are given.

use crate::block::{Matrix, TILE};
use crate::choose::{Choose, Turns};
use crate::network::{Network, Shape};
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

/// Refuses sequences that the network cannot read or emit.
pub(crate) fn check(network: &impl Network, batch: &SequenceBatch<'_>) -> Result<(), PluginError> {
    let lengths = batch.tokens().rows().map(<[u32]>::len);
    let mut longest = vec![0; batch.prompts().len()];
    for (&prompt, length) in batch.prompt_of().iter().zip(lengths) {
        let longest = &mut longest[prompt as usize];
        *longest = length.max(*longest);
    }
    for (prompt, &steps) in batch.prompts().rows().zip(&longest) {
        check_prompt(network, prompt, steps)?;
    }
    let choices = network.shape().choices();
    match batch.tokens().values().iter().find(|&&token| token as usize >= choices) {
        Some(found) => {
            Err(PluginError::data(format!("expected tokens of sequences below {choices}, found {found}")))
        }
        None => Ok(()),
    }
}

/// Refuses a prompt that the network cannot read, or behind which it cannot make `steps` choices.
pub(crate) fn check_prompt(network: &impl Network, prompt: &[u32], steps: usize) -> Result<(), PluginError> {
    let tokens = network.shape().tokens();
    if let Some(found) = prompt.iter().find(|&&token| token as usize >= tokens) {
        return Err(PluginError::data(format!("expected tokens of prompts below {tokens}, found {found}")));
    }
    network.check(prompt, steps)
}
