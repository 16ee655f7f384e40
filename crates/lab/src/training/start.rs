//! Initial parameters.

use crate::evaluation::{Reference, Ruler};
use crate::experiment::{Experiment, PolicySpec, Problem, Start};
use crate::policy_class::PolicyClass;
use pstar_core::author::{FitBatch, SampleRequest};
use pstar_core::data::{SequenceBatch, SequenceBuffer};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, shown};
use pstar_exact::{Distribution, filtered_projection};
use pstar_loader::Registry;
use pstar_loader::{ModelHandle, PolicyHandle};

/// The seed of the base's samples that a policy is fitted to where outputs are too many to enumerate.
const FIT_SEED: u64 = 0;

/// How many samples, over all prompts.
const FIT_SAMPLES: usize = 1 << 16;

/// What every choice is credited with, in samples, so that one that no sample made keeps some probability.
const FIT_PSEUDO_COUNT: f64 = 0.1;

/// Greatest number of tokens that a policy is fitted to: 4 GiB.
const MOST_TOKENS: usize = 1 << 28;

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
    Ok(Some(policy.parameters().map_err(failed)?.values))
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
    let policy = component.create(&spec.configuration, &experiment.task)?;
    if policy.files()? == spec.files {
        return Ok(policy);
    }
    let message = format!("a file of policy `{}` was changed after the experiment was checked", spec.name);
    Err(PluginError::data(message).with_hint("leave the files of a run alone until it has ended"))
}

/// A policy at its initial parameters, as [`initial_parameters`] gave them; those that are drawn with the first seed,
/// or 0 where there is none.
///
/// # Errors
/// If the component fails.
pub(crate) fn started(
    experiment: &Experiment,
    registry: &Registry,
    spec: &PolicySpec,
    parameters: Option<&[f64]>,
) -> Result<PolicyHandle, PluginError> {
    let mut policy = create(experiment, registry, spec)?;
    let seed = experiment.seeds.first().copied().unwrap_or(0);
    match parameters {
        Some(parameters) => policy.set_parameters(parameters)?,
        None => policy.randomise(StreamKey::new(seed, Purpose::Initialise, 0))?,
    }
    Ok(policy)
}

fn copy_base(experiment: &Experiment, spec: &PolicySpec, policy: &PolicyHandle) -> Result<Vec<f64>, Problem> {
    let refused = |message: String| {
        let message = format!("policy `{}`: `CopyBase` needs {message}", shown(&spec.name));
        Problem::at(spec.start_place.clone(), message)
            .with_hint("start with `FitBase`, or give both one shape")
    };
    let component = experiment.file.task.base.plugin.value();
    if *component != spec.plugin {
        return Err(refused(format!(
            "a policy of the base's component `{component}`, found `{}`",
            spec.plugin
        )));
    }
    let base = experiment.base.parameters().map_err(|error| refused(error.message))?;
    let base = base.ok_or_else(|| refused("a base that shows its parameters".into()))?;
    let own = policy.parameters().map_err(|error| refused(error.message))?;
    if own.shape != base.shape {
        return Err(refused(format!("the base's shape ({}), found {}", base.shape, own.shape)));
    }
    Ok(base.values)
}

/// Fits the policy to the base: exactly, by its outputs where they can be enumerated and by its states where both have
/// some; else to samples.
fn fit_base(experiment: &Experiment, ruler: &Ruler, policy: &mut PolicyHandle) -> Result<(), PluginError> {
    match ruler {
        Ruler::Enumerated(reference) => {
            // Contexts that are met with a probability below all numbers can be fitted in logarithms alone.
            if underflows(reference)
                && let Ok(class) = PolicyClass::of_base(experiment, policy)?
            {
                return fit_class(&class, policy);
            }
            let distinct = distinct_prompts(experiment, reference.base_contexts(), policy)?;
            let outputs =
                usize::try_from(reference.space().count().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let most = outputs.saturating_mul(distinct.len()).saturating_mul(experiment.task.horizon + 1);
            if most > MOST_TOKENS {
                return fit_samples(experiment, policy);
            }
            let mut sequences = SequenceBuffer::new(experiment.prompts.clone());
            let (mut weights, mut tokens) = (Vec::new(), Vec::new());
            for (prompt, weight) in distinct {
                let probs = reference.base(prompt as usize).view().probs;
                for (index, &prob) in (0..).zip(probs).filter(|(_, prob)| **prob > 0.0) {
                    reference.space().tokens(index, &mut tokens);
                    sequences.push(prompt, tokens.iter().copied());
                    weights.push(prob * weight);
                }
            }
            policy.fit(&FitBatch::new(sequences.view(), &weights)?)
        }
        Ruler::Dynamic(_) | Ruler::Sampled(..) => match PolicyClass::of_base(experiment, policy)? {
            Ok(class) => fit_class(&class, policy),
            Err(_) => fit_samples(experiment, policy),
        },
    }
}

/// Whether the base gives an output less than the least normal number.
fn underflows(reference: &Reference) -> bool {
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
    let prompts = experiment.prompts.view();
    let n = FIT_SAMPLES.div_ceil(prompts.len());
    let prompt_of: Vec<u32> = (0..prompts.len() as u32).flat_map(|p| std::iter::repeat_n(p, n)).collect();
    let sample: Vec<u32> = (0..prompts.len()).flat_map(|_| 0..n as u32).collect();
    let request = SampleRequest::new(prompts, &prompt_of, &sample)?;
    let samples = experiment.base.sample(&request, StreamKey::new(FIT_SEED, Purpose::FitBase, 0))?;
    let weights: Vec<f64> = prompt_of.iter().map(|&p| experiment.weights[p as usize] / n as f64).collect();
    let sequences = SequenceBatch::new(prompts, &prompt_of, samples.tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let pseudo_count = FIT_PSEUDO_COUNT / prompt_of.len() as f64;
    policy.fit(&FitBatch::new(sequences, &weights)?.with_pseudo_count(pseudo_count))
}
