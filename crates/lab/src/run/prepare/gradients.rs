//! What gradients are had from, and matched to, where that is not samples of the policy: all outputs, classes of policies,
//! p*.

use super::is_avoided;
use crate::evaluation::{DynamicReference, EnumeratedReference, FilteredSamplers, GroundTruth, Unavailable};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plan::{Gradient, Match, PolicySpec, SampleSource, Training};
use crate::policy_class::PolicyClass;
use crate::rollout::FilteredSource;
use crate::training::{MOST_OUTPUTS, OutputBatch, create};
use pstar_core::{PluginError, shown};
use pstar_loader::Registry;
use std::ops::Range;

/// What gradients are had from beside samples of the policy and of the base.
#[derive(Default)]
pub(super) struct Sources {
    /// All outputs, where exact gradients are needed.
    pub(super) outputs: Option<OutputBatch>,
    /// Exact samples of p*, where training takes them.
    pub(super) filtered: Option<FilteredSource>,
    /// For each policy its class, where exact gradients are needed but outputs too many to list, or states do better; else
    /// none. A policy that is left alone has none.
    pub(super) classes: Vec<Option<PolicyClass>>,
}

impl Sources {
    /// Those that a way of training takes. What is wrong is added to `problems`.
    ///
    /// # Errors
    /// If a component fails, or outputs are too many to hold.
    pub(super) fn of(
        experiment: &Experiment,
        registry: &Registry,
        training: Training,
        truth: &GroundTruth,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, ExperimentError> {
        let mut sources = Self::default();
        if let Gradient::Sampled(sampling) = training.gradient
            && sampling.source == SampleSource::Filtered
        {
            let samplers = FilteredSamplers::new(&experiment.world, truth);
            match samplers.map_err(|error| experiment.failure(error))? {
                Ok(samplers) => sources.filtered = Some(FilteredSource(samplers)),
                Err(Unavailable { reason, hint }) => {
                    let message = format!("`source: Filtered` needs exact samples of p*, but {reason}");
                    problems.push(Problem::at(experiment.gradient_place(), message).with_hint(hint));
                }
            }
        }
        let Some(user) = User::of(experiment, training) else { return Ok(sources) };
        match truth {
            GroundTruth::Enumerated(reference) => {
                // To match every step of samples over all outputs takes many times what the samples do.
                if user.prefers_states
                    && let Some(classes) = classes(experiment, registry)?
                {
                    sources.classes = classes;
                    return Ok(sources);
                }
                let outputs = listed(experiment, reference, &user);
                sources.outputs = Some(outputs.map_err(|problem| experiment.error(vec![problem]))?);
            }
            GroundTruth::Dynamic(reference) => {
                for spec in &experiment.plan.policies {
                    if is_avoided(registry, spec) {
                        sources.classes.push(None);
                        continue;
                    }
                    match class(experiment, registry, reference, spec) {
                        Ok(class) => sources.classes.push(Some(class)),
                        Err(problem) => problems.push(problem),
                    }
                }
            }
            GroundTruth::Sampled(_, unavailable) => {
                let limit = experiment.world.evaluation.enumerate_up_to;
                let message = format!(
                    "`{}` needs all outputs, which are more than {limit}, and {}",
                    user.name, unavailable.reason
                );
                let hint = format!("{}, a smaller horizon, or raise `enumerate_up_to`", user.instead);
                problems.push(Problem::at(user.place, message).with_hint(hint));
            }
        }
        Ok(sources)
    }
}

/// What needs exact gradients.
struct User {
    name: &'static str,
    place: Range<usize>,
    /// What does without.
    instead: &'static str,
    /// Whether states do better than a list of all outputs, where there are both.
    prefers_states: bool,
}

impl User {
    fn of(experiment: &Experiment, training: Training) -> Option<Self> {
        match (training.gradient, training.matched) {
            (Gradient::Population, _) => Some(Self {
                name: "Population",
                place: experiment.gradient_place(),
                instead: "use `Sampled`",
                prefers_states: false,
            }),
            (Gradient::Sampled(_), Some(Match::Kappa)) => Some(Self {
                name: "match: Kappa",
                place: experiment.match_place(),
                instead: "leave out `match`",
                prefers_states: true,
            }),
            (Gradient::Sampled(_), None) => None,
        }
    }
}

/// The classes of all policies; `None` where states are not to be had, or not of every policy.
fn classes(
    experiment: &Experiment,
    registry: &Registry,
) -> Result<Option<Vec<Option<PolicyClass>>>, ExperimentError> {
    let world = &experiment.world;
    let reference = DynamicReference::new(world).map_err(|error| experiment.failure(error))?;
    let Ok(reference) = reference else { return Ok(None) };
    let mut classes = Vec::new();
    for spec in &experiment.plan.policies {
        if is_avoided(registry, spec) {
            classes.push(None);
            continue;
        }
        let failed = |error: PluginError| experiment.error(vec![experiment.of_policy(spec, &error)]);
        let policy = create(world, registry, spec).map_err(failed)?;
        let Ok(class) = PolicyClass::new(&reference, world, &policy).map_err(failed)? else {
            return Ok(None);
        };
        classes.push(Some(class));
    }
    Ok(Some(classes))
}

/// All outputs, for exact gradients.
fn listed(
    experiment: &Experiment,
    reference: &EnumeratedReference,
    user: &User,
) -> Result<OutputBatch, Problem> {
    if !OutputBatch::is_held(&experiment.world, reference) {
        let all = OutputBatch::count(&experiment.world, reference);
        let message = format!(
            "`{}` holds all outputs of all prompts at once: {all}, more than {MOST_OUTPUTS}",
            user.name
        );
        let hint = format!("{}, or fewer prompts", user.instead);
        return Err(Problem::at(user.place.clone(), message).with_hint(hint));
    }
    OutputBatch::new(&experiment.world, reference).map_err(Problem::from)
}

/// A policy's class, for exact gradients where outputs are too many to list.
fn class(
    experiment: &Experiment,
    registry: &Registry,
    reference: &DynamicReference,
    spec: &PolicySpec,
) -> Result<PolicyClass, Problem> {
    let failed = |error: PluginError| experiment.of_policy(spec, &error);
    let policy = create(&experiment.world, registry, spec).map_err(failed)?;
    PolicyClass::new(reference, &experiment.world, &policy).map_err(failed)?.map_err(|unavailable| {
        let message = format!("policy `{}`: {}", shown(&spec.name), unavailable.reason);
        Problem::at(spec.place.clone(), message).with_hint(unavailable.hint)
    })
}
