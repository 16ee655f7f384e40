//! What a base model or a policy tells twice.

use super::SEED;
use super::questions::{MOST, number, prompts, push_listed, reversed, share};
use super::tolerance::{differ, negligible};
use super::verifier::distinct;
use crate::evaluation::{question, space_of};
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::author::SampleRequest;
use pstar_core::data::{Ragged, SequenceBatch, SequenceBuffer};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::ModelHandle;

/// Greatest number of outputs that a model is asked to score by a walk of its own.
const MOST_OUTPUTS: u64 = 1 << 14;

/// What kept a model from passing.
pub(super) enum Finding {
    /// It failed.
    Failed(PluginError),
    /// It told two things.
    Contradiction(PluginError),
}

impl From<PluginError> for Finding {
    fn from(error: PluginError) -> Self {
        Self::Failed(error)
    }
}

/// Two ways to ask.
type Ways = [&'static str; 2];

/// Samples and scores twice, and compares the scores with those that came with the samples, with the finite-state view
/// and with the model's own walk over all outputs. Gives the responses that it asked about: samples, and outputs from
/// all of the space.
pub(super) fn check(world: &World, model: &dyn ModelHandle, name: &str) -> Result<SequenceBuffer, Finding> {
    let checked = Checked { world, model, name };
    let prompts = prompts(world);
    let share = share(world, MOST).div_ceil(prompts.len());
    let (mut asked, told) = checked.samples(&prompts, share.div_ceil(2))?;
    for &prompt in &prompts {
        push_listed(world, prompt, share.div_ceil(2), &mut asked);
    }
    let batch = asked.view();
    let scores = checked.scores(&asked)?;
    checked.compare(&batch, &told, &scores, ["its samples", "`score`"])?;
    let by_states = checked.by_states(&batch)?;
    checked.compare(&batch, &by_states, &scores, ["its finite-state view", "`score`"])?;
    if by_states.is_empty() {
        checked.walk(&prompts)?;
    }
    Ok(asked)
}

struct Checked<'a> {
    world: &'a World,
    model: &'a dyn ModelHandle,
    name: &'a str,
}

impl Checked<'_> {
    /// Samples of every prompt and the log-probabilities that came with them; asked for twice.
    fn samples(&self, prompts: &[usize], n: usize) -> Result<(SequenceBuffer, Vec<f64>), Finding> {
        let prompt_of: Vec<u32> = prompts.iter().flat_map(|&p| std::iter::repeat_n(number(p), n)).collect();
        let sample: Vec<u32> = prompts.iter().flat_map(|_| 0..number(n)).collect();
        let table = self.world.prompts.view();
        let request = SampleRequest::new(table, &prompt_of, &sample)?;
        let key = StreamKey::new(SEED, Purpose::BaseEvaluation, 0);
        let first = self.model.sample(&request, key)?;
        let again = self.model.sample(&request, key)?;
        let mut asked = SequenceBuffer::new(self.world.prompts.clone());
        for (row, tokens) in first.tokens.view().rows().enumerate() {
            asked.push(prompt_of[row], tokens.iter().copied());
        }
        let rows = first.tokens.view().rows().zip(again.tokens.view().rows());
        if let Some(row) = rows.into_iter().position(|(first, again)| first != again) {
            let message = format!(
                "{} samples differently when it is asked again with the same random numbers: first {}",
                self.name,
                question(self.world, &asked.view(), row)
            );
            return Err(Finding::Contradiction(PluginError::contract(message).with_hint(NO_STATE)));
        }
        self.compare(&asked.view(), &first.log_probs, &again.log_probs, ["its samples", "the same samples"])?;
        Ok((asked, first.log_probs))
    }

    /// Scores, asked for twice, the second time in another order.
    fn scores(&self, asked: &SequenceBuffer) -> Result<Vec<f64>, Finding> {
        let batch = asked.view();
        let mut first = vec![0.0; batch.tokens().values().len()];
        self.model.score(&batch, &mut first)?;
        let backwards = reversed(asked);
        let mut scores = vec![0.0; first.len()];
        self.model.score(&backwards.view(), &mut scores)?;
        let rows = Ragged::new(backwards.view().tokens().offsets(), &scores);
        let rows: Vec<&[f64]> = rows.into_iter().flat_map(Ragged::rows).collect();
        let again = rows.into_iter().rev().flatten().copied().collect::<Vec<f64>>();
        self.compare(&batch, &first, &again, ["`score`", "`score`, asked again,"])?;
        Ok(first)
    }

    /// Log-probabilities along the finite-state view, one a token; empty where there is none.
    fn by_states(&self, batch: &SequenceBatch<'_>) -> Result<Vec<f64>, PluginError> {
        let (symbols, choices) = (self.world.task.alphabet.len(), self.world.task.choices());
        let mut starts = vec![None; batch.prompts().len()];
        for &prompt in batch.prompt_of() {
            let start = &mut starts[prompt as usize];
            if start.is_none() {
                let Some(state) = self.model.start(batch.prompts().row(prompt as usize))? else {
                    return Ok(Vec::new());
                };
                *start = Some(state);
            }
        }
        let mut states: Vec<u64> =
            batch.prompt_of().iter().map(|&prompt| starts[prompt as usize].unwrap_or_default()).collect();
        let rows: Vec<&[u32]> = batch.tokens().rows().collect();
        let mut found: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
        for position in 0..self.world.task.horizon {
            let reading: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].len() > position).collect();
            let distinct = distinct(reading.iter().map(|&i| states[i]));
            if distinct.is_empty() {
                break;
            }
            let mut log_probs = vec![0.0; distinct.len() * choices];
            let mut next = vec![0; distinct.len() * symbols];
            self.model.expand(position, &distinct, &mut log_probs, &mut next)?;
            for i in reading {
                let place = distinct.binary_search(&states[i]).unwrap_or_else(|place| place);
                let token = rows[i][position] as usize;
                found[i].push(log_probs[place * choices + token]);
                if token < symbols {
                    states[i] = next[place * symbols + token];
                }
            }
        }
        Ok(found.concat())
    }

    /// Compares the model's own walk over all outputs, where it has one and they are few, with its scores.
    fn walk(&self, prompts: &[usize]) -> Result<(), Finding> {
        let space = space_of(self.world);
        let Some(count) = space.count().filter(|&count| count <= MOST_OUTPUTS) else { return Ok(()) };
        let table = self.world.prompts.view();
        let Some(&prompt) = prompts.first() else { return Ok(()) };
        let mut walked = vec![0.0; usize::try_from(count).unwrap_or(0)];
        if !self.model.score_outputs(table.row(prompt), &mut walked)? {
            return Ok(());
        }
        let mut asked = SequenceBuffer::new(self.world.prompts.clone());
        let listed = super::questions::listed(self.world, MOST);
        let mut tokens = Vec::new();
        for &index in &listed {
            space.tokens(index, &mut tokens);
            asked.push(number(prompt), tokens.iter().copied());
        }
        let batch = asked.view();
        let mut scores = vec![0.0; batch.tokens().values().len()];
        self.model.score(&batch, &mut scores)?;
        let rows = Ragged::new(batch.tokens().offsets(), &scores);
        for (row, scores) in rows.into_iter().flat_map(Ragged::rows).enumerate() {
            let (of_walk, sum) =
                (walked[usize::try_from(listed[row]).unwrap_or(0)], scores.iter().sum::<f64>());
            // Errors of tokens add.
            if differ(of_walk / scores.len().max(1) as f64, sum / scores.len().max(1) as f64) {
                return Err(self.contradiction(
                    &batch,
                    row,
                    None,
                    [of_walk, sum],
                    ["`score_outputs`", "`score`"],
                ));
            }
        }
        Ok(())
    }

    /// Compares log-probabilities, one a token of the rows that both are about: the first ones.
    fn compare(
        &self,
        batch: &SequenceBatch<'_>,
        one: &[f64],
        other: &[f64],
        ways: Ways,
    ) -> Result<(), Finding> {
        let offsets = batch.tokens().offsets();
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let about = one.len().min(other.len());
        for row in 0..batch.len() {
            let (start, end) = (place(offsets[row]), place(offsets[row + 1]));
            if end > about {
                break;
            }
            for token in start..end {
                let pair = [one[token], other[token]];
                if differ(pair[0], pair[1]) {
                    return Err(self.contradiction(batch, row, Some(token - start), pair, ways));
                }
                // Behind what is never said nothing is told.
                if negligible(pair[0], pair[1]) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn contradiction(
        &self,
        batch: &SequenceBatch<'_>,
        row: usize,
        token: Option<usize>,
        [one, other]: [f64; 2],
        [by_one, by_other]: Ways,
    ) -> Finding {
        let place = token.map_or(String::new(), |token| format!(", at its choice {}", token + 1));
        let message = format!(
            "{} contradicts itself: {}{place} has the log-probability {one:.6} by {by_one} and {other:.6} by {by_other}",
            self.name,
            question(self.world, batch, row)
        );
        Finding::Contradiction(PluginError::contract(message).with_hint(NO_STATE))
    }
}

/// What a model must keep to.
const NO_STATE: &str =
    "equal parameters and equal questions must give equal answers, however they are asked for";
