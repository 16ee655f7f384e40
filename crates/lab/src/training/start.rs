//! Initial parameters.

use crate::evaluation::{EnumeratedReference, GroundTruth, tokens_of};
use crate::plan::{PolicySpec, Start};
use crate::policy_class::PolicyClass;
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::author::{FitBatch, SampleRequest};
use pstar_core::data::{SequenceBatch, SequenceBuffer};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_exact::{Distribution, filtered_projection};
use pstar_loader::Registry;
use pstar_loader::{ModelHandle, PolicyHandle};
use thiserror::Error;

/// The seed of the base's samples that a policy is fitted to where outputs are too many to enumerate.
const FIT_SEED: u64 = 0;

/// How many samples, over all prompts.
const FIT_SAMPLES: usize = 1 << 16;

/// What every choice is credited with, in samples, so that one that no sample made keeps some probability.
const FIT_PSEUDO_COUNT: f64 = 0.1;

/// Greatest number of tokens that a policy is fitted to: 4 GiB.
const MOST_TOKENS: usize = 1 << 28;

/// Why a policy has no initial parameters.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub(crate) enum StartError {
    /// A component failed.
    #[error(transparent)]
    Component(#[from] PluginError),
    /// It cannot start as the base.
    #[error("`CopyBase` needs {0}")]
    Copy(#[from] CopyError),
}

/// What a policy lacks to start with the base's parameters.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub(crate) enum CopyError {
    /// They are different components.
    #[error("a policy of the base's component `{base}`, found `{policy}`")]
    Component {
        /// The base's.
        base: String,
        /// The policy's.
        policy: String,
    },
    /// The base does not show its parameters.
    #[error("a base that shows its parameters")]
    Hidden,
    /// Parameters of another shape.
    #[error("the base's shape ({base}), found {policy}")]
    Shape {
        /// The base's.
        base: String,
        /// The policy's.
        policy: String,
    },
    /// One of them failed.
    #[error("{}", .0.message)]
    Failed(PluginError),
}

/// The initial parameters of a policy that do not depend on the seed; `None` for [`Start::Random`].
///
/// # Errors
/// What is wrong with the policy's start.
pub(crate) fn initial_parameters(
    world: &World,
    registry: &Registry,
    truth: &GroundTruth,
    spec: &PolicySpec,
) -> Result<Option<Vec<f64>>, StartError> {
    let mut policy = create(world, registry, spec)?;
    match spec.start {
        Start::Random => return Ok(None),
        Start::AsConfigured => {}
        Start::FitBase => fit_base(world, truth, &mut policy)?,
        Start::CopyBase => return Ok(Some(copy_base(world, spec, &policy)?)),
    }
    Ok(Some(policy.parameters()?.values))
}

/// A policy as its spec configures it.
///
/// # Errors
/// If the component refuses its configuration.
pub(crate) fn create(
    world: &World,
    registry: &Registry,
    spec: &PolicySpec,
) -> Result<PolicyHandle, PluginError> {
    let component =
        registry.policy(&spec.plugin).map_err(|error| PluginError::contract(error.to_string()))?;
    let policy = component.create(&spec.configuration, &world.task)?;
    if policy.files()? == spec.files {
        return Ok(policy);
    }
    let message = format!("a file of policy `{}` was changed after the experiment was checked", spec.name);
    Err(PluginError::data(message).with_hint("leave the files of a run alone until it has ended"))
}

/// A policy at its initial parameters, as [`initial_parameters`] gave them; drawn with `seed` where there are none.
///
/// # Errors
/// If the component fails.
pub(crate) fn started(
    world: &World,
    registry: &Registry,
    spec: &PolicySpec,
    parameters: Option<&[f64]>,
    seed: u64,
) -> Result<PolicyHandle, PluginError> {
    let mut policy = create(world, registry, spec)?;
    match parameters {
        Some(parameters) => policy.set_parameters(parameters)?,
        None => policy.randomise(StreamKey::new(seed, Purpose::Initialise, 0))?,
    }
    Ok(policy)
}

fn copy_base(world: &World, spec: &PolicySpec, policy: &PolicyHandle) -> Result<Vec<f64>, CopyError> {
    if world.base_plugin != spec.plugin {
        return Err(CopyError::Component { base: world.base_plugin.clone(), policy: spec.plugin.clone() });
    }
    let base = world.base.parameters().map_err(CopyError::Failed)?.ok_or(CopyError::Hidden)?;
    let own = policy.parameters().map_err(CopyError::Failed)?;
    if own.shape != base.shape {
        return Err(CopyError::Shape { base: base.shape, policy: own.shape });
    }
    Ok(base.values)
}

/// Fits the policy to the base: exactly, by its outputs where they can be enumerated and by its states where both have
/// some; else to samples.
fn fit_base(world: &World, truth: &GroundTruth, policy: &mut PolicyHandle) -> Result<(), PluginError> {
    match truth {
        GroundTruth::Enumerated(reference) => {
            // Contexts that are met with a probability below all numbers can be fitted in logarithms alone.
            if underflows(reference)
                && let Ok(class) = PolicyClass::of_base(world, policy)?
            {
                return fit_class(&class, policy);
            }
            let distinct = distinct_prompts(world, reference.base_contexts(), policy)?;
            let outputs =
                usize::try_from(reference.space().count().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let most = outputs.saturating_mul(distinct.len()).saturating_mul(world.task.horizon + 1);
            if most > MOST_TOKENS {
                return fit_samples(world, policy);
            }
            let mut sequences = SequenceBuffer::new(world.prompts.clone());
            // Buffers that grew on the way would be copied again and again.
            sequences.reserve(outputs * distinct.len(), most);
            let mut weights = Vec::with_capacity(outputs * distinct.len());
            // Every prompt has the same outputs.
            let tokens = tokens_of(reference.space(), &(0..outputs as u64));
            for (prompt, weight) in distinct {
                let probs = reference.base(prompt as usize).view().probs;
                for (tokens, &prob) in tokens.view().rows().zip(probs).filter(|(_, prob)| **prob > 0.0) {
                    sequences.push_row(prompt, tokens);
                    weights.push(prob * weight);
                }
            }
            policy.fit(&FitBatch::new(sequences.view(), &weights)?)
        }
        GroundTruth::Dynamic(_) | GroundTruth::Sampled(..) => match PolicyClass::of_base(world, policy)? {
            Ok(class) => fit_class(&class, policy),
            Err(_) => fit_samples(world, policy),
        },
    }
}

/// Whether the base gives an output less than the least normal number.
fn underflows(reference: &EnumeratedReference) -> bool {
    (0..reference.prompts().len()).any(|prompt| {
        let Distribution { log_probs, probs } = reference.base(prompt).view();
        let lost =
            |(&prob, &log_prob): (&f64, &f64)| prob < f64::MIN_POSITIVE && log_prob > f64::NEG_INFINITY;
        probs.iter().zip(log_probs).any(lost)
    })
}

/// The exact fit of a table of rows: the forward-KL projection of the base, whose p* is itself where all is valid.
fn fit_class(class: &PolicyClass, policy: &mut PolicyHandle) -> Result<(), PluginError> {
    let start = policy.parameters()?.values;
    policy.set_parameters(&filtered_projection(&class.problems(), &start))
}

/// The prompts that base or policy tell apart, each with the weight of all that look like it.
#[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
fn distinct_prompts(
    world: &World,
    base_contexts: &[usize],
    policy: &PolicyHandle,
) -> Result<Vec<(u32, f64)>, PluginError> {
    let mut distinct: Vec<((usize, Option<u64>), u32, f64)> = Vec::new();
    for (prompt, tokens) in world.prompts.view().rows().enumerate() {
        let start = policy.start(tokens)?;
        let key = (base_contexts[prompt], start);
        let weight = world.weights[prompt];
        match distinct.iter_mut().find(|(known, _, _)| *known == key && start.is_some()) {
            Some((_, _, sum)) => *sum += weight,
            None => distinct.push((key, prompt as u32, weight)),
        }
    }
    Ok(distinct.into_iter().map(|(_, prompt, weight)| (prompt, weight)).collect())
}

#[allow(clippy::cast_possible_truncation, reason = "prompts and samples are below 2^32")]
fn fit_samples(world: &World, policy: &mut PolicyHandle) -> Result<(), PluginError> {
    let prompts = world.prompts.view();
    let n = FIT_SAMPLES.div_ceil(prompts.len());
    let prompt_of: Vec<u32> = (0..prompts.len() as u32).flat_map(|p| std::iter::repeat_n(p, n)).collect();
    let sample: Vec<u32> = (0..prompts.len()).flat_map(|_| 0..n as u32).collect();
    let request = SampleRequest::new(prompts, &prompt_of, &sample)?;
    let samples = world.base.sample(&request, StreamKey::new(FIT_SEED, Purpose::FitBase, 0))?;
    let weights: Vec<f64> = prompt_of.iter().map(|&p| world.weights[p as usize] / n as f64).collect();
    let sequences = SequenceBatch::new(prompts, &prompt_of, samples.tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let pseudo_count = FIT_PSEUDO_COUNT / prompt_of.len() as f64;
    policy.fit(&FitBatch::new(sequences, &weights)?.with_pseudo_count(pseudo_count))
}
