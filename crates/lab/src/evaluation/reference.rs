//! The exact values of a task: its outputs, which of them are valid, and the targets.

use super::Enumerator;
use super::crossing::{Reach, greatest_k};
use super::targets::solvable_weights;
use super::truth::{self, Truth};
use super::verdicts::{known_verdicts, refuses_truncated, true_verdicts};
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::data::{RaggedBuffer, SequenceBatch, SequenceBuffer};
use pstar_core::objective::PromptFacts;
use pstar_exact::{
    CoverageCurve, FilteredModel, OutputSpace, OutputTable, PowerModel, Split, TiltedModel, ValidSet,
};
use rayon::prelude::*;

/// Outputs that are verified in one call.
const CHUNK: u64 = 1 << 14;

/// The exact values of one prompt.
#[derive(Debug)]
pub struct PromptReference {
    /// Which outputs are valid.
    pub valid: ValidSet,
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
        let prompts = (0..world.prompts.view().len())
            .into_par_iter()
            .map(|prompt| {
                let valid = verify_all(world, prompt, space, (known_verdicts, tell))?;
                let table = base[contexts.context_of()[prompt]].view();
                let truth = if truth::is_hidden(world) {
                    let valid = verify_all(world, prompt, space, (true_verdicts, &|_| ()))?;
                    Some(Truth::of(table, valid))
                } else {
                    None
                };
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
                Ok(PromptReference { valid, split, filtered, tilted, powers, truth, reach })
            })
            .collect::<Result<_, PluginError>>()?;
        Ok(Some(Self { space, contexts, base, prompts }))
    }

    /// The outputs.
    pub fn space(&self) -> OutputSpace {
        self.space
    }

    /// The exact values of each prompt.
    pub fn prompts(&self) -> &[PromptReference] {
        &self.prompts
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

/// The verdicts on all outputs.
pub(super) fn verify_all(
    world: &World,
    prompt: usize,
    space: OutputSpace,
    (ask, tell): (Ask, &(dyn Fn(u64) + Sync)),
) -> Result<ValidSet, PluginError> {
    let count = space.count().unwrap_or(0);
    let prompt_tokens = world.prompts.view().row(prompt);
    let chunks: Vec<u64> = (0..count.div_ceil(CHUNK)).collect();
    let verdicts: Vec<Vec<bool>> = chunks
        .into_par_iter()
        .map(|chunk| {
            let mut batch =
                SequenceBuffer::new(std::iter::once(prompt_tokens).collect::<RaggedBuffer<u32>>());
            let mut tokens = Vec::new();
            let indices = chunk * CHUNK..count.min((chunk + 1) * CHUNK);
            for index in indices.clone() {
                space.tokens(index, &mut tokens);
                batch.push(0, tokens.iter().copied());
            }
            let verdicts = ask(world, &batch.view())?;
            tell(verdicts.len() as u64);
            let refused = |index| refuses_truncated(world) && space.is_truncated(index);
            Ok(verdicts.iter().zip(indices).map(|(&valid, index)| valid && !refused(index)).collect())
        })
        .collect::<Result<_, PluginError>>()?;
    Ok(ValidSet::new(verdicts.concat()))
}
