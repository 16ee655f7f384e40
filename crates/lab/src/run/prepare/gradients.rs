//! What gradients are had from, where that is not samples of the policy: all outputs, classes of policies, p*.

use super::is_avoided;
use crate::evaluation::{DynamicReference, EnumeratedReference, FilteredSamplers, GroundTruth, Unavailable};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plan::{Gradient, PolicySpec, SampleSource};
use crate::policy_class::PolicyClass;
use crate::rollout::FilteredSource;
use crate::training::{OutputBatch, create};
use pstar_core::{PluginError, shown};
use pstar_loader::Registry;

/// Greatest number of outputs, over all prompts, that exact gradients hold in memory.
const MOST_POPULATION: u64 = 1 << 24;

/// What gradients are had from beside samples of the policy and of the base.
#[derive(Default)]
pub(super) struct Sources {
    /// All outputs, where gradients are exact.
    pub(super) outputs: Option<OutputBatch>,
    /// Exact samples of p*, where training takes them.
    pub(super) filtered: Option<FilteredSource>,
    /// For each policy its class, where gradients are exact but outputs too many to list; else none. A policy that is left
    /// alone has none.
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
        gradient: Gradient,
        truth: &GroundTruth,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, ExperimentError> {
        let mut sources = Self::default();
        let refused =
            |message: String, hint: String| Problem::at(experiment.gradient_place(), message).with_hint(hint);
        match (gradient, truth) {
            (Gradient::Sampled(sampling), _) if sampling.source == SampleSource::Filtered => {
                let samplers = FilteredSamplers::new(&experiment.world, truth);
                match samplers.map_err(|error| experiment.failure(error))? {
                    Ok(samplers) => sources.filtered = Some(FilteredSource(samplers)),
                    Err(Unavailable { reason, hint }) => {
                        let message = format!("`source: Filtered` needs exact samples of p*, but {reason}");
                        problems.push(refused(message, hint));
                    }
                }
            }
            (Gradient::Sampled(_), _) => {}
            (Gradient::Population, GroundTruth::Enumerated(reference)) => {
                let outputs = listed(experiment, reference);
                sources.outputs = Some(outputs.map_err(|problem| experiment.error(vec![problem]))?);
            }
            (Gradient::Population, GroundTruth::Dynamic(reference)) => {
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
            (Gradient::Population, GroundTruth::Sampled(_, unavailable)) => {
                let limit = experiment.world.evaluation.enumerate_up_to;
                let reason = &unavailable.reason;
                let message =
                    format!("`Population` needs all outputs, which are more than {limit}, and {reason}");
                let hint = "use `Sampled`, a smaller horizon, or raise `enumerate_up_to`";
                problems.push(refused(message, hint.into()));
            }
        }
        Ok(sources)
    }
}

/// All outputs, for exact gradients.
fn listed(experiment: &Experiment, reference: &EnumeratedReference) -> Result<OutputBatch, Problem> {
    let outputs = reference.space().count().unwrap_or(u64::MAX);
    let all = outputs.saturating_mul(experiment.world.prompt_texts.len() as u64);
    if all > MOST_POPULATION {
        let message = format!(
            "`Population` holds all outputs of all prompts at once: {all}, more than {MOST_POPULATION}"
        );
        return Err(
            Problem::at(experiment.gradient_place(), message).with_hint("use `Sampled`, or fewer prompts")
        );
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
