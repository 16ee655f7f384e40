//! The probabilities of all outputs under a model.

use pstar_core::PluginError;
use pstar_core::data::{Ragged, RaggedBuffer, SequenceBuffer};
use pstar_exact::{FiniteState, LayeredAutomaton, OutputSpace, OutputTable, Spread, enumerate};
use pstar_loader::ModelHandle;

/// Outputs that are scored in one call where a model has no finite-state view.
const CHUNK: u64 = 1 << 14;

/// A model's finite-state view, as the exact engine wants it.
pub(crate) struct View<'a>(pub(crate) &'a dyn ModelHandle);

impl FiniteState for View<'_> {
    type Error = PluginError;

    fn expand(
        &self,
        position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), PluginError> {
        self.0.expand(position, states, log_probs, next)
    }
}

/// Fills tables of all outputs, one for each distinct context that a model sees the prompts as.
#[derive(Debug)]
pub struct Enumerator {
    space: OutputSpace,
    /// For each prompt the number of its context.
    context_of: Vec<usize>,
    contexts: Vec<Context>,
}

/// What distinguishes a context.
#[derive(Debug)]
enum Context {
    /// A state of the model's finite-state view.
    State { start: u64, automaton: LayeredAutomaton },
    /// A prompt.
    Prompt(Vec<u32>),
}

impl Context {
    fn is(&self, start: Option<u64>, prompt: &[u32]) -> bool {
        match self {
            Self::State { start: known, .. } => Some(*known) == start,
            Self::Prompt(known) => start.is_none() && known == prompt,
        }
    }
}

impl Enumerator {
    /// For a model on a table of prompts.
    ///
    /// # Errors
    /// If the model fails.
    pub fn new(
        model: &dyn ModelHandle,
        prompts: Ragged<'_, u32>,
        space: OutputSpace,
    ) -> Result<Self, PluginError> {
        let mut enumerator = Self { space, context_of: Vec::new(), contexts: Vec::new() };
        for prompt in prompts.rows() {
            let start = model.start(prompt)?;
            let known = enumerator.contexts.iter().position(|context| context.is(start, prompt));
            let number = known.unwrap_or(enumerator.contexts.len());
            if known.is_none() {
                enumerator.contexts.push(match start {
                    Some(start) => {
                        let automaton = LayeredAutomaton::explore(&View(model), start, space)?;
                        Context::State { start, automaton }
                    }
                    None => Context::Prompt(prompt.to_vec()),
                });
            }
            enumerator.context_of.push(number);
        }
        Ok(enumerator)
    }

    /// For each prompt the number of its context.
    pub fn context_of(&self) -> &[usize] {
        &self.context_of
    }

    /// The prompts of a context.
    pub fn prompts_of(&self, context: usize) -> Vec<usize> {
        (0..self.context_of.len()).filter(|&prompt| self.context_of[prompt] == context).collect()
    }

    /// Number of distinct contexts.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Fills `table` with the probabilities of all outputs in a context, under the model's parameters of now.
    ///
    /// # Errors
    /// If the model fails.
    pub fn fill(
        &mut self,
        model: &dyn ModelHandle,
        context: usize,
        table: &mut OutputTable,
    ) -> Result<(), PluginError> {
        if let Some(automaton) = self.automaton(model, context)? {
            enumerate(automaton, table);
        } else {
            *table = self.scored(model, context)?;
        }
        Ok(())
    }

    /// The same; returns how far the outputs spread, of the rows of a model with states.
    ///
    /// # Errors
    /// If the model fails.
    pub fn fill_with_spread(
        &mut self,
        model: &dyn ModelHandle,
        context: usize,
        table: &mut OutputTable,
    ) -> Result<Spread, PluginError> {
        if let Some(automaton) = self.automaton(model, context)? {
            enumerate(automaton, table);
            return Ok(Spread::of_rows(automaton));
        }
        *table = self.scored(model, context)?;
        Ok(Spread::of_outputs(table.view(), self.space))
    }

    /// A context's automaton under the model's parameters of now, if it has one.
    ///
    /// # Errors
    /// If the model fails.
    pub fn automaton(
        &mut self,
        model: &dyn ModelHandle,
        context: usize,
    ) -> Result<Option<&LayeredAutomaton>, PluginError> {
        let Context::State { automaton, .. } = &mut self.contexts[context] else { return Ok(None) };
        automaton.refresh(&View(model))?;
        Ok(Some(automaton))
    }

    /// The outputs in a context that is a prompt.
    fn scored(&self, model: &dyn ModelHandle, context: usize) -> Result<OutputTable, PluginError> {
        let Context::Prompt(prompt) = &self.contexts[context] else { return Ok(OutputTable::default()) };
        score_all(model, prompt, self.space)
    }
}

/// The probabilities of all outputs: by the model's own walk, or each scored from its start.
fn score_all(
    model: &dyn ModelHandle,
    prompt: &[u32],
    space: OutputSpace,
) -> Result<OutputTable, PluginError> {
    let count = space.count().unwrap_or(u64::MAX);
    let mut all = vec![0.0; usize::try_from(count).unwrap_or(0)];
    if model.score_outputs(prompt, &mut all)? {
        return Ok(OutputTable::from_log_probs(all));
    }
    let mut log_probs = Vec::new();
    let mut batch = SequenceBuffer::new(std::iter::once(prompt).collect::<RaggedBuffer<u32>>());
    let (mut tokens, mut token_log_probs) = (Vec::new(), Vec::new());
    for first in (0..count).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
        batch.clear();
        space.tokens(first, &mut tokens);
        for _ in first..count.min(first + CHUNK) {
            batch.push(0, tokens.iter().copied());
            space.advance(&mut tokens);
        }
        let view = batch.view();
        token_log_probs.resize(view.tokens().values().len(), 0.0);
        model.score(&view, &mut token_log_probs)?;
        let rows = Ragged::new(view.tokens().offsets(), &token_log_probs);
        log_probs.extend(rows.into_iter().flat_map(Ragged::rows).map(|row| row.iter().sum::<f64>()));
    }
    Ok(OutputTable::from_log_probs(log_probs))
}
