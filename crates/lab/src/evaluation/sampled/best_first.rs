//! The most probable outputs of a model that can be asked about any prefix, by best-first search.
//!
//! A prefix is at least as probable as what it begins, so that once the best prefix that is not opened is no more probable
//! than the outputs found, no other output is. Samples are where it starts from: they tell early which prefixes are not
//! worth opening.

use super::draws::{Draws, score};
use crate::evaluation::likely::{COUNT, likely_outputs};
use crate::evaluation::space_of;
use crate::evaluation::verdicts::verdicts;
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::data::{Ending, RaggedBuffer};
use pstar_exact::Likely;
use pstar_loader::ModelHandle;
use pstar_record::PromptOutputs;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// Prefixes that are opened in one call.
const AT_ONCE: usize = 32;

/// A prefix that is not opened.
#[derive(PartialEq)]
struct Prefix {
    log_prob: f64,
    tokens: Vec<u32>,
}

impl Eq for Prefix {}

impl Ord for Prefix {
    /// The most probable first; of equal ones the longest, which is nearest to an output.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_length = || self.tokens.len().cmp(&other.tokens.len());
        self.log_prob
            .total_cmp(&other.log_prob)
            .then_with(by_length)
            .then_with(|| other.tokens.cmp(&self.tokens))
    }
}

impl PartialOrd for Prefix {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The most probable outputs of a model at a prompt, of which there are `samples`: proved, where that takes no more tokens
/// than the samples may have; else the most probable of all that were met.
///
/// # Errors
/// If a component fails.
pub(super) fn best_first(
    world: &World,
    model: &dyn ModelHandle,
    prompt: usize,
    samples: &Draws,
) -> Result<PromptOutputs, PluginError> {
    let mut found = Found::of(samples);
    let mut waiting = BinaryHeap::from([Prefix { log_prob: 0.0, tokens: Vec::new() }]);
    let mut budget = world.evaluation.samples.saturating_mul(world.task.horizon);
    let exact = loop {
        let mut opened = Vec::new();
        while opened.len() < AT_ONCE
            && let Some(prefix) = waiting.pop()
        {
            if prefix.log_prob > found.least() {
                opened.push(prefix);
            }
        }
        if opened.is_empty() {
            break true;
        }
        let tokens: usize =
            opened.iter().map(|prefix| (prefix.tokens.len() + 1) * world.task.choices()).sum();
        let Some(left) = budget.checked_sub(tokens) else { break false };
        budget = left;
        open(world, model, prompt, &opened, &mut |prefix, is_output| {
            if is_output {
                found.add(prefix);
            } else if prefix.log_prob > found.least() {
                waiting.push(prefix);
            }
        })?;
    };
    found.into_outputs(world, prompt, exact)
}

/// Tells every continuation of prefixes by one token, and whether it is an output.
#[allow(clippy::cast_possible_truncation, reason = "an alphabet has fewer than 2^32 symbols")]
fn open(
    world: &World,
    model: &dyn ModelHandle,
    prompt: usize,
    prefixes: &[Prefix],
    tell: &mut dyn FnMut(Prefix, bool),
) -> Result<(), PluginError> {
    let (choices, horizon) = (world.task.choices(), world.task.horizon);
    let mut longer: RaggedBuffer<u32> = RaggedBuffer::default();
    let mut tokens = Vec::new();
    for prefix in prefixes {
        for choice in 0..choices {
            tokens.clone_from(&prefix.tokens);
            tokens.push(choice as u32);
            longer.push(&tokens);
        }
    }
    let log_probs = score(world, model, prompt, &longer)?;
    for (row, (tokens, log_prob)) in longer.view().rows().zip(log_probs).enumerate() {
        if log_prob > f64::NEG_INFINITY {
            let ends = world.task.ending == Ending::EndSymbol && row % choices + 1 == choices;
            tell(Prefix { log_prob, tokens: tokens.to_vec() }, ends || tokens.len() == horizon);
        }
    }
    Ok(())
}

/// Outputs that were met.
struct Found {
    log_probs: BTreeMap<Vec<u32>, f64>,
    /// The greatest of their log-probabilities, falling.
    best: Vec<f64>,
}

impl Found {
    fn of(samples: &Draws) -> Self {
        let mut found = Self { log_probs: BTreeMap::new(), best: Vec::new() };
        for (tokens, &log_prob) in samples.tokens.view().rows().zip(&samples.log_probs) {
            found.add(Prefix { log_prob, tokens: tokens.to_vec() });
        }
        found
    }

    fn add(&mut self, Prefix { log_prob, tokens }: Prefix) {
        if self.log_probs.contains_key(&tokens) {
            return;
        }
        self.log_probs.insert(tokens, log_prob);
        let place = self.best.partition_point(|&known| known >= log_prob);
        self.best.insert(place, log_prob);
        self.best.truncate(COUNT);
    }

    /// What is no more probable than this is not wanted.
    fn least(&self) -> f64 {
        self.best.get(COUNT - 1).copied().unwrap_or(f64::NEG_INFINITY)
    }

    #[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
    fn into_outputs(self, world: &World, prompt: usize, exact: bool) -> Result<PromptOutputs, PluginError> {
        let least = self.least();
        let kept = self.log_probs.into_iter().filter(|(_, log_prob)| *log_prob >= least);
        let (tokens, log_probs): (Vec<Vec<u32>>, Vec<f64>) = kept.unzip();
        let rows: RaggedBuffer<u32> = tokens.iter().map(Vec::as_slice).collect();
        let (valid, unjudged) = verdicts(world, &vec![prompt as u32; tokens.len()], &rows)?;
        let mut classes: [Vec<Likely>; 2] = Default::default();
        for ((tokens, log_prob), valid) in tokens.into_iter().zip(log_probs).zip(valid) {
            let Some(valid) = valid else { continue };
            classes[usize::from(!valid)].push(Likely::of_tokens(tokens, log_prob, space_of(world)));
        }
        Ok(likely_outputs(world, &classes, [Some(0.0); 2], exact && unjudged.count == 0))
    }
}
