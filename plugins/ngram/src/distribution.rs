//! The distribution of an n-gram: softmax rows, and how sequences are sampled and scored by them.

use crate::contexts::{Contexts, to_index};
use pstar_core::author::{FiniteStateView, SampleRequest, Samples};
use pstar_core::data::{Ending, SequenceBatch};
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{Task, math};

/// An n-gram distribution given by logits.
///
/// # Shapes
/// All rows: positions × contexts × choices, where `positions` is 1 for a position-independent model.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    contexts: Contexts,
    positions: usize,
    choices: usize,
    horizon: usize,
    end: Option<u32>,
    logits: Vec<f64>,
    log_probs: Vec<f64>,
    probs: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Distribution {
    /// The uniform distribution.
    pub(crate) fn uniform(contexts: Contexts, positions: usize, task: &Task) -> Self {
        let choices = task.choices();
        let values = positions * contexts.count() * choices;
        let mut distribution = Self {
            contexts,
            positions,
            choices,
            horizon: task.horizon,
            end: (task.ending == Ending::EndSymbol).then(|| task.alphabet.end()),
            logits: vec![0.0; values],
            log_probs: vec![0.0; values],
            probs: vec![0.0; values],
            cumulative: vec![0.0; values],
        };
        distribution.normalise();
        distribution
    }

    pub(crate) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    pub(crate) fn logits(&self) -> &[f64] {
        &self.logits
    }

    pub(crate) fn probs(&self) -> &[f64] {
        &self.probs
    }

    pub(crate) fn choices(&self) -> usize {
        self.choices
    }

    /// Replaces all logits.
    pub(crate) fn set_logits(&mut self, logits: &[f64]) {
        self.logits.copy_from_slice(logits);
        self.normalise();
    }

    /// Replaces logits through `change` and normalises.
    pub(crate) fn change_logits(&mut self, change: impl FnOnce(&mut [f64])) {
        change(&mut self.logits);
        self.normalise();
    }

    fn normalise(&mut self) {
        let k = self.choices;
        for row in 0..self.logits.len() / k {
            let row = row * k..(row + 1) * k;
            math::log_softmax(
                &self.logits[row.clone()],
                &mut self.log_probs[row.clone()],
                &mut self.probs[row.clone()],
            );
            cumulative(&self.probs[row.clone()], &mut self.cumulative[row]);
        }
    }

    /// Where the row of a context at a position starts.
    #[inline]
    pub(crate) fn row(&self, position: usize, context: u64) -> usize {
        let table = if self.positions == 1 { 0 } else { position };
        (table * self.contexts.count() + to_index(context)) * self.choices
    }

    /// Calls `visit(row, token, index)` for every token of a batch: where its row starts, the token, and its
    /// place in the flat buffer.
    pub(crate) fn visit_tokens(&self, batch: &SequenceBatch<'_>, mut visit: impl FnMut(usize, usize, usize)) {
        let mut index = 0;
        for (i, tokens) in batch.tokens().rows().enumerate() {
            let mut context = self.contexts.start(batch.prompt(i));
            for (position, &token) in tokens.iter().enumerate() {
                visit(self.row(position, context), token as usize, index);
                context = self.contexts.advance(context, token);
                index += 1;
            }
        }
    }

    pub(crate) fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) {
        self.visit_tokens(batch, |row, token, index| log_probs[index] = self.log_probs[row + token]);
    }

    pub(crate) fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let starts: Vec<u64> = request.prompts.rows().map(|prompt| self.contexts.start(prompt)).collect();
        let mut samples = Samples::default();
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut uniforms = key.row(prompt, sample);
            let mut context = starts[prompt as usize];
            for position in 0..self.horizon {
                let row = self.row(position, context);
                let choice = pick(&self.cumulative[row..row + self.choices], uniforms.at(position));
                #[allow(clippy::cast_possible_truncation, reason = "a choice is a token")]
                let token = choice as u32;
                samples.tokens.push_value(token);
                samples.log_probs.push(self.log_probs[row + choice]);
                if Some(token) == self.end {
                    break;
                }
                context = self.contexts.advance(context, token);
            }
            samples.tokens.end_row();
        }
        samples
    }
}

impl FiniteStateView for Distribution {
    fn start(&self, prompt: &[u32]) -> u64 {
        self.contexts.start(prompt)
    }

    fn expand(&self, position: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]) {
        let symbols = self.choices - usize::from(self.end.is_some());
        for ((&state, log_probs), next) in
            states.iter().zip(log_probs.chunks_exact_mut(self.choices)).zip(next.chunks_exact_mut(symbols))
        {
            let row = self.row(position, state);
            log_probs.copy_from_slice(&self.log_probs[row..row + self.choices]);
            for (token, next) in (0..).zip(next) {
                *next = self.contexts.advance(state, token);
            }
        }
    }
}
