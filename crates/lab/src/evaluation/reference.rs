//! The exact values of a task: its outputs, which of them are valid, and the targets.

use super::Enumerator;
use super::crossing::{Reach, greatest_k};
use super::targets::solvable_weights;
use super::truth::{self, Truth};
use super::verdicts::{known_verdicts, refuses_truncated, true_verdicts};
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::data::{RaggedBuffer, SequenceBatch};
use pstar_core::objective::PromptFacts;
use pstar_exact::{
    CoverageCurve, FilteredModel, Numbering, OutputSpace, OutputTable, OutputTree, PowerModel, Split,
    TiltedModel, ValidSet,
};
use rayon::prelude::*;
use std::ops::Range;

/// By how much the beginnings of outputs may be fewer than all outputs for a walk along them to be the quicker one: it
/// looks up a row for each, which a walk over all does for every symbol of a row at once.
pub(super) const FEW: usize = 4;

/// Outputs that are verified in one call.
const CHUNK: u64 = 1 << 14;

/// The exact values of one prompt.
#[derive(Debug)]
pub struct PromptReference {
    /// Which outputs are valid.
    pub valid: ValidSet,
    /// The valid outputs' beginnings, where they are few beside all outputs.
    pub(super) tree: Option<OutputTree>,
    /// The base's mass on valid and invalid outputs.
    pub split: Split,
    /// p*, where there is one.
    pub filtered: Option<FilteredModel>,
    /// p_\[β\] for every β of the evaluation.
    pub tilted: Vec<TiltedModel>,
    /// The power-filtered target of every α of the evaluation; none where there is no p*.
    pub powers: Vec<PowerModel>,
    /// Which are truly valid, where verdicts have noise.
    pub(super) truth: Option<Truth>,
    /// What samples of the base reach.
    pub(super) reach: Reach,
}

/// The exact values of a task, by enumeration.
#[derive(Debug)]
pub struct EnumeratedReference {
    space: OutputSpace,
    numbering: Numbering,
    contexts: Enumerator,
    base: Vec<OutputTable>,
    prompts: Vec<PromptReference>,
}

impl EnumeratedReference {
    /// Enumerates the outputs of a task; `None` if they are more than the world allows. `tell` is told after every
    /// so many outputs how many were verified.
    ///
    /// # Errors
    /// If the base or the verifier fails.
    pub fn new(world: &World, tell: &(dyn Fn(u64) + Sync)) -> Result<Option<Self>, PluginError> {
        let task = &world.task;
        let space = OutputSpace { symbols: task.alphabet.len(), horizon: task.horizon, ending: task.ending };
        if space.count().is_none_or(|count| count > world.evaluation.enumerate_up_to) {
            return Ok(None);
        }
        let mut contexts = Enumerator::new(&world.base, world.prompts.view(), space)?;
        let mut base = Vec::new();
        for context in 0..contexts.contexts() {
            let mut table = OutputTable::default();
            contexts.fill(&world.base, context, &mut table)?;
            base.push(table);
        }
        let numbers: Vec<usize> = (0..world.prompts.view().len()).collect();
        let told = verify_all(world, &numbers, space, (known_verdicts, tell))?;
        let mut hidden: Vec<Option<ValidSet>> = if truth::is_hidden(world) {
            let truly = verify_all(world, &numbers, space, (true_verdicts, &|_| ()))?;
            truly.into_iter().map(Some).collect()
        } else {
            Vec::new()
        };
        hidden.resize(told.len(), None);
        let prompts = told
            .into_par_iter()
            .zip(hidden)
            .enumerate()
            .map(|(prompt, (valid, hidden))| {
                let table = base[contexts.context_of()[prompt]].view();
                let truth = hidden.map(|valid| Truth::of(table, valid));
                let split = Split::of(table, &valid);
                let filtered = FilteredModel::new(table, &valid, &split);
                let betas = &world.evaluation.betas;
                let tilted = betas.iter().map(|beta| TiltedModel::new(beta.value, &split)).collect();
                let powers = world.evaluation.powers.iter();
                let powers =
                    powers.filter_map(|power| Some(PowerModel::new(power.value, filtered.as_ref()?)));
                let powers = powers.collect();
                let probs = valid.indices().iter().map(|&index| table.probs[index as usize]);
                let coverage = Some(CoverageCurve::of(probs, greatest_k(world)));
                let reach = Reach { validity_rate: split.valid.mass, coverage };
                let few = valid.count() < valid.outputs() / FEW;
                let tree = few.then(|| OutputTree::new(space, valid.indices()));
                PromptReference { valid, tree, split, filtered, tilted, powers, truth, reach }
            })
            .collect();
        let numbering = Numbering::new(space);
        Ok(Some(Self { space, numbering, contexts, base, prompts }))
    }

    /// The outputs.
    pub fn space(&self) -> OutputSpace {
        self.space
    }

    /// Whether an output to a prompt is valid; `None` where it is no output.
    pub(super) fn is_valid(&self, prompt: usize, tokens: &[u32]) -> Option<bool> {
        let index = usize::try_from(self.numbering.index_of(tokens)?).ok()?;
        self.prompts[prompt].valid.get(index)
    }

    /// The exact values of each prompt.
    pub fn prompts(&self) -> &[PromptReference] {
        &self.prompts
    }

    /// The trees of some prompts' valid outputs, where a walk along them is less than one over all outputs and shows all
    /// that curves do.
    pub(super) fn trees(&self, prompts: &[usize]) -> Option<Vec<&OutputTree>> {
        let prompts = prompts.iter().map(|&prompt| &self.prompts[prompt]);
        let trees = prompts.map(|prompt| prompt.tree.as_ref().filter(|_| prompt.truth.is_none()));
        let trees: Vec<&OutputTree> = trees.collect::<Option<_>>()?;
        let beginnings: usize = trees.iter().map(|tree| tree.len()).sum();
        let all = self.space.count().and_then(|count| usize::try_from(count).ok())?;
        (beginnings < all / FEW).then_some(trees)
    }

    /// The base's probabilities of all outputs for a prompt.
    pub fn base(&self, prompt: usize) -> &OutputTable {
        &self.base[self.contexts.context_of()[prompt]]
    }

    /// For each prompt the number of the context that the base sees it as.
    pub fn base_contexts(&self) -> &[usize] {
        self.contexts.context_of()
    }

    /// The weight of each prompt in means.
    pub fn weights(&self, world: &World) -> Vec<f64> {
        let solvable: Vec<bool> = self.prompts.iter().map(|prompt| prompt.filtered.is_some()).collect();
        solvable_weights(&solvable, world)
    }

    /// log Z_α of every prompt; −∞ where there is no p*.
    pub fn log_power_partitions(&self, power: f64) -> Vec<f64> {
        let of = |filtered: &FilteredModel| PowerModel::new(power, filtered).figures.log_partition;
        let filtered = self.prompts.iter().map(|prompt| prompt.filtered.as_ref());
        filtered.map(|filtered| filtered.map_or(f64::NEG_INFINITY, of)).collect()
    }

    /// What objectives may know.
    pub fn facts(&self) -> Vec<PromptFacts> {
        let facts = |prompt: &PromptReference| {
            let valid = prompt.split.valid;
            PromptFacts::new(valid.log_mass, prompt.split.invalid.log_mass)
                .with_log_top_valid(valid.log_greatest())
        };
        self.prompts.iter().map(facts).collect()
    }
}

/// Whose verdicts.
pub(super) type Ask = fn(&World, &SequenceBatch<'_>) -> Result<Vec<bool>, PluginError>;

/// The verdicts on all outputs to some prompts, in their order.
///
/// The tokens of outputs are the same for every prompt, and are written down once.
pub(super) fn verify_all(
    world: &World,
    prompts: &[usize],
    space: OutputSpace,
    (ask, tell): (Ask, &(dyn Fn(u64) + Sync)),
) -> Result<Vec<ValidSet>, PluginError> {
    let count = space.count().unwrap_or(0);
    let starts: Vec<u64> = (0..count).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)).collect();
    let chunks: Vec<Vec<Vec<bool>>> = starts
        .into_par_iter()
        .map(|start| {
            let indices = start..count.min(start + CHUNK);
            let tokens = tokens_of(space, &indices);
            let prompt_of = vec![0; tokens.view().len()];
            let verdicts_on = |&prompt: &usize| {
                let prompt: RaggedBuffer<u32> = std::iter::once(world.prompts.view().row(prompt)).collect();
                let batch = SequenceBatch::new(prompt.view(), &prompt_of, tokens.view());
                let batch = batch.ok_or_else(|| PluginError::contract("outputs do not fit their prompt"))?;
                let verdicts = ask(world, &batch)?;
                tell(verdicts.len() as u64);
                let refused = |index| refuses_truncated(world) && space.is_truncated(index);
                let told = verdicts.iter().zip(indices.clone());
                Ok(told.map(|(&valid, index)| valid && !refused(index)).collect())
            };
            prompts.iter().map(verdicts_on).collect()
        })
        .collect::<Result<_, PluginError>>()?;
    let mut masks = vec![Vec::with_capacity(usize::try_from(count).unwrap_or(0)); prompts.len()];
    for chunk in chunks {
        for (mask, verdicts) in masks.iter_mut().zip(chunk) {
            mask.extend(verdicts);
        }
    }
    Ok(masks.into_iter().map(ValidSet::new).collect())
}

/// The tokens of outputs of a range of indices.
pub(crate) fn tokens_of(space: OutputSpace, indices: &Range<u64>) -> RaggedBuffer<u32> {
    let (mut all, mut tokens) = (RaggedBuffer::default(), Vec::new());
    space.tokens(indices.start, &mut tokens);
    for _ in indices.clone() {
        all.push(&tokens);
        space.advance(&mut tokens);
    }
    all
}
