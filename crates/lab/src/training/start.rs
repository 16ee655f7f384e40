//! Initial parameters.

use crate::evaluation::Ruler;
use crate::experiment::{Experiment, PolicySpec, Problem, Start};
use crate::plugins::Registry;
use pstar_core::PluginError;
use pstar_core::author::{SampleRequest, WeightedBatch};
use pstar_core::data::{SequenceBatch, SequenceBuffer};
use pstar_core::host::{ModelHandle, PolicyHandle};
use pstar_core::rng::{Purpose, StreamKey};

/// The seed of the base's samples that a policy is fitted to where outputs are too many to enumerate.
const FIT_SEED: u64 = 0;

/// The initial parameters of a policy that do not depend on the seed; `None` for [`Start::Random`].
///
/// # Errors
/// What is wrong with the policy's start.
pub fn initial_parameters(
    experiment: &Experiment,
    registry: &Registry,
    ruler: &Ruler,
    spec: &PolicySpec,
) -> Result<Option<Vec<f64>>, Problem> {
    let failed = |error: PluginError| {
        let name = format!("policy `{}`", spec.name);
        Problem::of_component(&name, &error, spec.place.clone(), &experiment.text)
    };
    let mut policy = create(experiment, registry, spec).map_err(failed)?;
    match spec.start {
        Start::Random => return Ok(None),
        Start::AsConfigured => {}
        Start::FitBase => fit_base(experiment, ruler, &mut policy).map_err(failed)?,
        Start::CopyBase => return copy_base(experiment, spec, &policy).map(Some),
    }
    Ok(Some(policy.weights().map_err(failed)?.parameters))
}

/// A policy as the experiment configures it.
///
/// # Errors
/// If the component refuses its configuration.
pub(crate) fn create(
    experiment: &Experiment,
    registry: &Registry,
    spec: &PolicySpec,
) -> Result<PolicyHandle, PluginError> {
    let component =
        registry.policy(&spec.plugin).map_err(|error| PluginError::contract(error.to_string()))?;
    component.create(&spec.configuration, &experiment.task)
}

fn copy_base(experiment: &Experiment, spec: &PolicySpec, policy: &PolicyHandle) -> Result<Vec<f64>, Problem> {
    let refused = |message: String| {
        let message = format!("policy `{}`: `CopyBase` needs {message}", spec.name);
        Problem::at(spec.start_place.clone(), message)
            .with_hint("start with `FitBase`, or give both one shape")
    };
    let base = experiment.file.task.base.plugin.value();
    if *base != spec.plugin {
        return Err(refused(format!("a policy of the base's component `{base}`, found `{}`", spec.plugin)));
    }
    let weights = experiment.base.weights().map_err(|error| refused(error.message))?;
    let weights = weights.ok_or_else(|| refused("a base that shows its parameters".into()))?;
    let own = policy.weights().map_err(|error| refused(error.message))?;
    if own.shape != weights.shape {
        return Err(refused(format!("the base's shape ({}), found {}", weights.shape, own.shape)));
    }
    Ok(weights.parameters)
}

/// Fits the policy to the base: to all its outputs where they can be enumerated, else to samples.
fn fit_base(experiment: &Experiment, ruler: &Ruler, policy: &mut PolicyHandle) -> Result<(), PluginError> {
    match ruler {
        Ruler::Enumerated(reference) => {
            let mut sequences = SequenceBuffer::new(experiment.prompts.clone());
            let (mut weights, mut tokens) = (Vec::new(), Vec::new());
            for (prompt, weight) in distinct_prompts(experiment, reference.base_contexts(), policy)? {
                let probs = reference.base(prompt as usize).view().probs;
                for (index, &prob) in (0..).zip(probs).filter(|(_, prob)| **prob > 0.0) {
                    reference.space().tokens(index, &mut tokens);
                    sequences.push(prompt, tokens.iter().copied());
                    weights.push(prob * weight);
                }
            }
            let batch = WeightedBatch { sequences: sequences.view(), weights: &weights, coefficients: None };
            policy.fit(&batch)
        }
        Ruler::Sampled(_) => fit_samples(experiment, policy),
    }
}

/// The prompts that base or policy tell apart, each with the weight of all that look like it.
#[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
fn distinct_prompts(
    experiment: &Experiment,
    base_contexts: &[usize],
    policy: &PolicyHandle,
) -> Result<Vec<(u32, f64)>, PluginError> {
    let mut distinct: Vec<((usize, Option<u64>), u32, f64)> = Vec::new();
    for (prompt, tokens) in experiment.prompts.view().rows().enumerate() {
        let start = policy.start(tokens)?;
        let key = (base_contexts[prompt], start);
        let weight = experiment.weights[prompt];
        match distinct.iter_mut().find(|(known, _, _)| *known == key && start.is_some()) {
            Some((_, _, sum)) => *sum += weight,
            None => distinct.push((key, prompt as u32, weight)),
        }
    }
    Ok(distinct.into_iter().map(|(_, prompt, weight)| (prompt, weight)).collect())
}

#[allow(clippy::cast_possible_truncation, reason = "prompts and samples are below 2^32")]
fn fit_samples(experiment: &Experiment, policy: &mut PolicyHandle) -> Result<(), PluginError> {
    let (prompts, n) = (experiment.prompts.view(), experiment.evaluation.samples);
    let prompt_of: Vec<u32> = (0..prompts.len() as u32).flat_map(|p| std::iter::repeat_n(p, n)).collect();
    let sample: Vec<u32> = (0..prompts.len()).flat_map(|_| 0..n as u32).collect();
    let request = SampleRequest { prompts, prompt_of: &prompt_of, sample: &sample };
    let samples = experiment.base.sample(&request, StreamKey::new(FIT_SEED, Purpose::FitBase, 0))?;
    let weights: Vec<f64> = prompt_of.iter().map(|&p| experiment.weights[p as usize] / n as f64).collect();
    let sequences = SequenceBatch::new(prompts, &prompt_of, samples.tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    policy.fit(&WeightedBatch { sequences, weights: &weights, coefficients: None })
}
