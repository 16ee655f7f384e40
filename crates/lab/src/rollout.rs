//! A rollout: groups of samples with all that training may know of them.
//!
//! It is made in four steps: sequences are drawn from a source, judged by the verifier, scored under the base where an
//! objective asks for that, and packed into the columns that objectives see. What it says of a sequence stays as it was
//! when it was drawn, whatever the policy becomes.

mod draw;
mod filtered;
mod memo;
mod minibatches;
mod prompt_order;
mod saved;

pub(crate) use draw::{Drawn, Origin};
pub(crate) use filtered::FilteredSource;
pub(crate) use memo::VerdictMemo;
pub(crate) use minibatches::minibatches;
pub(crate) use prompt_order::prompts_of_step;
pub(crate) use saved::SavedRollout;

use crate::evaluation::{KnownVerdicts, Unjudged, verdicts};
use crate::plan::Sampling;
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::author::GradientBatch;
use pstar_core::data::{Ending, Ragged, RaggedBuffer, SequenceBatch, SequenceBuffer};
use pstar_core::objective::{Moment, ObjectiveBatch, ObjectiveBuffer, PromptFacts, Source};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::{ModelHandle, PolicyHandle};
use pstar_record::Budget;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Which batch of an arm: random numbers are a function of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchKey {
    /// The arm's seed.
    pub seed: u64,
    /// Number of the batch, from 0.
    pub step: u32,
}

/// What rollouts are made from, the same for all batches of an arm.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct Recipe<'a> {
    /// The task.
    pub world: &'a World,
    /// What is known of its prompts.
    pub facts: &'a [PromptFacts],
    /// How many sequences, and where they come from.
    pub sampling: Sampling,
    /// Verdicts that nobody need be asked for.
    pub known: KnownVerdicts<'a>,
    /// Verdicts that were told of responses, where they are remembered.
    pub(crate) memo: Option<&'a Mutex<VerdictMemo>>,
    /// Exact samples of p*, where they are asked for.
    pub(crate) filtered: Option<&'a FilteredSource>,
    /// Whether log-probabilities under the base are wanted.
    pub base_log_probs: bool,
    /// The least number of samples a group; what a missing verdict makes smaller is left out.
    pub minimum_group: usize,
    /// Whether it is wanted which answers are equal: by what the verifier tells of them, or else by their tokens.
    pub outcomes: bool,
}

impl<'a> Recipe<'a> {
    /// `prompts` groups of `group` samples of the policy.
    pub fn on_policy(
        world: &'a World,
        facts: &'a [PromptFacts],
        (prompts, group): (usize, usize),
        base_log_probs: bool,
    ) -> Self {
        let sampling = Sampling::on_policy(prompts, group);
        let known = KnownVerdicts::None;
        Self {
            world,
            facts,
            sampling,
            known,
            memo: None,
            filtered: None,
            base_log_probs,
            minimum_group: 1,
            outcomes: false,
        }
    }
}

/// Groups of samples, with everything that objectives may see.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    key: BatchKey,
    /// All that objectives see of the samples, log-probabilities under the policy of the moment left out.
    columns: ObjectiveBuffer,
    prompt_of: Vec<u32>,
    /// The sampled tokens.
    pub tokens: RaggedBuffer<u32>,
    budget: Budget,
    /// The first response without a verdict, its prompt, and why.
    unjudged: Option<String>,
}

impl Rollout {
    /// Draws, judges, scores and packs the batch of a key, of the policy as it is.
    ///
    /// # Errors
    /// If a component fails.
    pub fn make(recipe: &Recipe<'_>, policy: &PolicyHandle, key: BatchKey) -> Result<Self, PluginError> {
        let Recipe { world, sampling, .. } = *recipe;
        let origin = Origin::of(recipe, policy)?;
        let mut drawn = Drawn::first(world, sampling, origin, key)?;
        let mut budget = drawn.budget();
        let (mut rewards, mut unjudged) = judge(recipe, &drawn)?;
        for attempt in 1..=sampling.redraw {
            let alike = drawn.groups().filter(|rows| all_alike(&rewards[rows.clone()])).collect::<Vec<_>>();
            if alike.is_empty() {
                break;
            }
            let again = drawn.again(world, origin, &alike, (key, attempt))?;
            budget += again.budget();
            let (judged, more) = judge(recipe, &again)?;
            unjudged += more;
            drawn.replace(&alike, &again);
            let rows = alike.into_iter().flatten();
            rows.zip(judged).for_each(|(row, reward)| rewards[row] = reward);
        }
        budget.no_verdicts = unjudged.count;
        budget.between = unjudged.between;
        if unjudged.count > 0 {
            let known: Vec<bool> = rewards.iter().map(Option::is_some).collect();
            let kept = drawn.keep(&known, recipe.minimum_group);
            rewards = kept.into_iter().map(|row| rewards[row]).collect();
        }
        let mut judged = Vec::with_capacity(rewards.len());
        judged.extend(rewards.into_iter().flatten());
        let base_log_probs = if recipe.base_log_probs { score(world, &drawn)? } else { Vec::new() };
        let outcomes = if recipe.outcomes { outcomes_of(world, &drawn)? } else { Vec::new() };
        let rollout = Self::pack(recipe, drawn, (judged, base_log_probs, outcomes), (key, budget));
        Ok(Self { unjudged: unjudged.first, ..rollout })
    }

    fn pack(
        recipe: &Recipe<'_>,
        drawn: Drawn,
        (rewards, base_log_probs, outcomes): (Vec<f64>, Vec<f64>, Vec<u64>),
        (key, budget): (BatchKey, Budget),
    ) -> Self {
        let Recipe { world, facts, .. } = *recipe;
        let end = world.task.alphabet.end();
        let fixed = world.task.ending == Ending::FixedLength;
        let ended = |row: &[u32]| u8::from(fixed || row.last() == Some(&end));
        let prompts = world.trained.numbers.len() as f64;
        let n = drawn.prompt_of.len() as f64;
        let scale = |&p: &u32| world.trained.weights[p as usize] * prompts / n;
        let mut columns = ObjectiveBuffer::default();
        columns.reserve_groups(drawn.prompt.len());
        for &p in &drawn.prompt {
            columns.push_group(p, facts[p as usize]);
        }
        columns.group_offsets = drawn.offsets.iter().map(|&offset| offset as u64).collect();
        columns.weights = drawn.prompt_of.iter().map(scale).collect();
        columns.ended = drawn.tokens.view().rows().map(ended).collect();
        if drawn.source != Source::Policy {
            columns.source = vec![drawn.source as u8; rewards.len()];
        }
        columns.offsets = drawn.tokens.view().offsets().to_vec();
        columns.rewards = rewards;
        columns.behaviour_log_probs = drawn.log_probs;
        columns.base_log_probs = base_log_probs;
        columns.horizon = world.task.horizon as u64;
        columns.outcome = outcomes;
        Self { key, columns, prompt_of: drawn.prompt_of, tokens: drawn.tokens, budget, unjudged: None }
    }

    /// Which batch it is.
    pub fn key(&self) -> BatchKey {
        self.key
    }

    /// The sequences.
    ///
    /// # Errors
    /// Never, for a batch that was drawn.
    pub fn sequences<'a>(&'a self, world: &'a World) -> Result<SequenceBatch<'a>, PluginError> {
        SequenceBatch::new(world.prompts.view(), &self.prompt_of, self.tokens.view())
            .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))
    }

    /// Makes it so many batches old.
    pub(crate) fn age(&mut self, batches: u32) {
        self.columns.source = vec![Source::Buffer as u8; self.columns.rewards.len()];
        self.columns.age = vec![batches; self.columns.rewards.len()];
    }

    /// What the objective sees with these log-probabilities under the policy, in a pass over the batch.
    ///
    /// # Errors
    /// If there is not one value a token.
    pub fn view<'a>(&'a self, log_probs: &'a [f64], epoch: u32) -> Result<ObjectiveBatch<'a>, PluginError> {
        let BatchKey { seed, step } = self.key;
        #[allow(clippy::cast_possible_truncation, reason = "there are at most 255 passes")]
        let key = StreamKey { epoch: epoch as u8, ..StreamKey::new(seed, Purpose::Objective, step) };
        self.columns.view_with(log_probs, Moment::new(step.into(), key).in_epoch(epoch))
    }

    /// Token log-probabilities under what sampled.
    pub fn behaviour_log_probs(&self) -> &[f64] {
        &self.columns.behaviour_log_probs
    }

    /// w_i, one a sequence: 1/N where all prompts weigh alike.
    pub fn weights(&self) -> &[f64] {
        &self.columns.weights
    }

    /// What the policy is asked the gradient of.
    ///
    /// # Errors
    /// If there is not one coefficient a token.
    pub fn weighted<'a>(
        &'a self,
        world: &'a World,
        coefficients: &'a [f64],
        entropy: &'a [f64],
    ) -> Result<GradientBatch<'a>, PluginError> {
        let batch = GradientBatch::new(self.sequences(world)?, &self.columns.weights, coefficients)?;
        batch.with_entropy(entropy)
    }

    /// For each group its prompt.
    pub fn prompts(&self) -> &[u32] {
        &self.columns.prompt
    }

    /// For each sequence 0 or 1.
    pub fn rewards(&self) -> &[f64] {
        &self.columns.rewards
    }

    /// For each sequence its prompt.
    pub fn prompt_of(&self) -> &[u32] {
        &self.prompt_of
    }

    /// The rows of each group.
    pub fn groups(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.columns.group_offsets.windows(2).map(|pair| to_index(pair[0])..to_index(pair[1]))
    }

    /// Those of `values`, one a token, that belong to a row.
    pub fn tokens_of<'c>(&self, row: usize, values: &'c [f64]) -> &'c [f64] {
        let offsets = self.tokens.view().offsets();
        &values[to_index(offsets[row])..to_index(offsets[row + 1])]
    }

    /// A fingerprint of prompts, tokens and rewards (FNV-1a, 64 bits).
    pub fn fingerprint(&self) -> String {
        let tokens = self.tokens.view();
        let numbers = self.prompt_of.iter().chain(tokens.values()).map(|&x| u64::from(x));
        let rewards = self.columns.rewards.iter().map(|reward| reward.to_bits());
        let all = numbers.chain(tokens.offsets().iter().copied()).chain(rewards);
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = all.flat_map(u64::to_le_bytes).fold(0xcbf2_9ce4_8422_2325, mix);
        format!("{hash:016x}")
    }

    /// What it cost, what was drawn again included.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// The first response without a verdict, its prompt, and why; absent where all had one.
    pub(crate) fn unjudged(&self) -> Option<&str> {
        self.unjudged.as_deref()
    }

    /// Some groups alone, for a gradient of theirs: sequences and weights that make up for the rest.
    pub(crate) fn part(&self, world: &World, groups: &[usize]) -> (SequenceBuffer, Vec<f64>) {
        let all: Vec<Range<usize>> = self.groups().collect();
        let scale = all.len() as f64 / groups.len() as f64;
        let mut sequences = SequenceBuffer::new(world.prompts.clone());
        let mut weights = Vec::new();
        for row in groups.iter().flat_map(|&g| all[g].clone()) {
            sequences.push(self.prompt_of[row], self.tokens.view().row(row).iter().copied());
            weights.push(self.columns.weights[row] * scale);
        }
        (sequences, weights)
    }

    /// Those of `values`, one a token or none at all, that belong to some groups.
    pub(crate) fn tokens_of_groups(&self, groups: &[usize], values: &[f64]) -> Vec<f64> {
        let all: Vec<Range<usize>> = self.groups().collect();
        let rows = groups.iter().filter(|_| !values.is_empty()).flat_map(|&g| all[g].clone());
        rows.flat_map(|row| self.tokens_of(row, values)).copied().collect()
    }
}

/// Rewards of sequences, 0 or 1; `None` where there is no verdict.
fn judge(recipe: &Recipe<'_>, drawn: &Drawn) -> Result<(Vec<Option<f64>>, Unjudged), PluginError> {
    let reward = |valid: bool| f64::from(u8::from(valid));
    let rows = drawn.prompt_of.iter().zip(drawn.tokens.view().rows());
    let mut known = Vec::with_capacity(drawn.prompt_of.len());
    known.extend(rows.map_while(|(&prompt, tokens)| {
        recipe.known.of_output(prompt, tokens).map(|valid| Some(reward(valid)))
    }));
    if known.len() == drawn.prompt_of.len() {
        return Ok((known, Unjudged::default()));
    }
    // One that asks elsewhere remembers what it was told itself, and may say more than valid and invalid.
    if let Some(memo) = recipe.memo.filter(|_| recipe.world.verifier.memo().is_none()) {
        let ask = |prompt_of: &[u32], tokens: &RaggedBuffer<u32>| {
            let (verdicts, _) = verdicts(recipe.world, prompt_of, tokens)?;
            Ok(verdicts.into_iter().map(|valid| valid == Some(true)).collect())
        };
        let mut memo = memo.lock().unwrap_or_else(PoisonError::into_inner);
        let told = memo.verdicts(&drawn.prompt_of, &drawn.tokens, ask)?;
        return Ok((told.into_iter().map(|valid| Some(reward(valid))).collect(), Unjudged::default()));
    }
    let (verdicts, unjudged) = verdicts(recipe.world, &drawn.prompt_of, &drawn.tokens)?;
    Ok((verdicts.into_iter().map(|valid| valid.map(reward)).collect(), unjudged))
}

/// Token log-probabilities under the base.
fn score(world: &World, drawn: &Drawn) -> Result<Vec<f64>, PluginError> {
    if drawn.source == Source::Base {
        return Ok(drawn.log_probs.clone());
    }
    let mut scores = vec![0.0; drawn.log_probs.len()];
    let sequences = SequenceBatch::new(world.prompts.view(), &drawn.prompt_of, drawn.tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    world.base.score(&sequences, &mut scores)?;
    Ok(scores)
}

/// Whether all rewards that are known are equal.
fn all_alike(rewards: &[Option<f64>]) -> bool {
    let mut known = rewards.iter().flatten();
    known.next().is_none_or(|first| known.all(|reward| reward == first))
}

/// For each sequence the first one of its group with the same answer.
fn outcomes_of(world: &World, drawn: &Drawn) -> Result<Vec<u64>, PluginError> {
    let batch = SequenceBatch::new(world.prompts.view(), &drawn.prompt_of, drawn.tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let answers = world.verifier.answers(&batch)?;
    Ok(equal_answers(drawn.groups(), drawn.tokens.view(), answers.as_deref()))
}

/// For each sequence the first one of its group with the same answer; of what gives none, with the same tokens.
fn equal_answers(
    groups: impl Iterator<Item = Range<usize>>,
    tokens: Ragged<'_, u32>,
    answers: Option<&[Option<String>]>,
) -> Vec<u64> {
    let mut outcomes = Vec::with_capacity(tokens.len());
    for rows in groups {
        let mut first = HashMap::new();
        outcomes.extend(rows.map(|row| {
            let answer = answers.and_then(|answers| answers[row].as_deref());
            // An answer is none of the responses that give none.
            let key = answer.ok_or(tokens.row(row));
            *first.entry(key).or_insert(row as u64)
        }));
    }
    outcomes
}

#[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
fn to_index(offset: u64) -> usize {
    offset as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_equal_by_what_is_told_of_them_or_by_tokens() {
        let tokens: RaggedBuffer<u32> =
            [&[0][..], &[1], &[0], &[2], &[0], &[1], &[0], &[], &[]].into_iter().collect();
        let groups = || [0..4, 4..9].into_iter();
        assert_eq!(equal_answers(groups(), tokens.view(), None), [0, 1, 0, 3, 4, 5, 4, 7, 7]);
        // Equal tokens without an answer, and with one that others have too; answers of other groups are others.
        let answers = [Some("x"), Some("x"), None, Some("y"), Some("x"), None, None, None, None];
        let answers = answers.map(|answer| answer.map(String::from));
        assert_eq!(equal_answers(groups(), tokens.view(), Some(&answers)), [0, 0, 2, 3, 4, 5, 6, 7, 7]);
        // Where none are told, as if nobody told any.
        let none = vec![None; 9];
        assert_eq!(
            equal_answers(groups(), tokens.view(), Some(&none)),
            equal_answers(groups(), tokens.view(), None)
        );
    }
}
