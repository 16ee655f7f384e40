//! What components tell twice is compared, at a few places: the verifier's `accepts` with its `incremental`, a model's
//! `score` with its samples and its other views, and every answer with the answer to the same question asked again.
//!
//! A component that contradicts itself makes every figure hang on which of its answers was asked for, and nothing else
//! notices. Spot checks find what is not rare; they prove nothing.
//!
//! # Range and cost
//! A component is asked about 1024 responses at most, of at most 32 prompts, and fewer where they are long (about 10^6
//! symbols times choices); every answer twice. Of listed outputs 16,384 verdicts that are known anyway are compared with
//! the incremental view, of an arm 64 samples of its first and of its last step.

mod kept;
mod model;
mod questions;
mod tolerance;
mod verifier;

pub(crate) use kept::Kept;

use crate::evaluation::EnumeratedReference;
use crate::world::World;
use model::Finding;
use pstar_core::data::SequenceBuffer;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, shown};
use pstar_exact::dynamic::FilteredSampler;
use pstar_loader::ModelHandle;

/// The seed of the samples that components are asked about.
const SEED: u64 = 0;

/// Outputs of which listed verdicts are compared with the incremental view.
const MOST_LISTED: usize = 1 << 14;

/// Compares what the base and the verifier of a task tell.
///
/// # Errors
/// If a component fails or contradicts itself: the component, the prompt and the response are named.
pub fn check_task(world: &World) -> Result<(), PluginError> {
    let name = format!("base model `{}`", world.base_plugin);
    let questions = model::check(world, &world.base, &name).map_err(|finding| match finding {
        Finding::Failed(error) | Finding::Contradiction(error) => error,
    })?;
    verifier::check(world, &questions)
}

/// Compares what a policy tells at its parameters of now. That one which fails does so is left to what asks it next: in a
/// run it costs its arms alone.
///
/// # Errors
/// If it contradicts itself: policy, prompt and response are named.
pub fn check_policy(world: &World, policy: &dyn ModelHandle, name: &str) -> Result<(), PluginError> {
    match model::check(world, policy, &format!("policy `{}`", shown(name))) {
        Err(Finding::Contradiction(error)) => Err(error),
        Ok(_) | Err(Finding::Failed(_)) => Ok(()),
    }
}

/// Compares the verdicts on the outputs of a task, of which all are known, with the incremental views.
///
/// # Errors
/// As [`check_task`].
pub(crate) fn check_listed(world: &World, reference: &EnumeratedReference) -> Result<(), PluginError> {
    let space = reference.space();
    let prompts = questions::prompts(world);
    let share = questions::share(world, MOST_LISTED).div_ceil(prompts.len());
    let mut tokens = Vec::new();
    for prompt in prompts {
        let mask = reference.prompts()[prompt].valid.mask();
        let (mut asked, mut verdicts) = (SequenceBuffer::new(world.prompts.clone()), Vec::new());
        for index in questions::spread(mask.len() as u64, share) {
            // What the task refuses, the verifier need not.
            if !(world.truncated_is_invalid && space.is_truncated(index)) {
                space.tokens(index, &mut tokens);
                asked.push(questions::number(prompt), tokens.iter().copied());
                verdicts.push(Some(mask[usize::try_from(index).unwrap_or(usize::MAX)]));
            }
        }
        verifier::compare_with_views(world, &asked.view(), &verdicts)?;
    }
    Ok(())
}

/// Asks the verifier about samples of p* for a prompt, which its incremental view accepts.
///
/// # Errors
/// As [`check_task`].
pub(crate) fn check_filtered(
    world: &World,
    prompt: usize,
    sampler: &FilteredSampler,
) -> Result<(), PluginError> {
    let share = questions::share(world, questions::MOST).div_ceil(questions::prompts(world).len());
    let key = StreamKey::new(SEED, Purpose::FilteredEvaluation, 0);
    let mut asked = SequenceBuffer::new(world.prompts.clone());
    let mut tokens = Vec::new();
    for sample in 0..share {
        let mut uniforms = key.row(questions::number(prompt), questions::number(sample));
        sampler.sample(|position| uniforms.at(position), &mut tokens);
        asked.push(questions::number(prompt), tokens.iter().copied());
    }
    verifier::expect_valid(world, &asked.view())
}

/// Whether a prompt is one of those that components are asked about.
pub(crate) fn asks_about(world: &World, prompt: usize) -> bool {
    questions::prompts(world).contains(&prompt)
}
