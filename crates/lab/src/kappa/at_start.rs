//! Expected and claimed gradients of the policies of an experiment, at their start.

use crate::cosine::cosine;
use crate::evaluation::GroundTruth;
use crate::experiment::{Experiment, ExperimentError};
use crate::plan::PolicySpec;
use crate::policy_class::PolicyClass;
use crate::training::{
    ExactSource, GroupCoefficients, OutputBatch, PopulationScores, ValidityGradient, initial_parameters,
    started,
};
use pstar_core::objective::Claim;
use pstar_core::{PluginError, shown};
use pstar_loader::{PolicyHandle, Registry};
use pstar_record::PolicyCosine;

/// The policies at their start, and what their exact gradients are had from.
#[derive(Default)]
pub(super) struct Starts {
    outputs: Option<OutputBatch>,
    policies: Vec<Start>,
    /// Why there are no exact gradients, of all or of a policy.
    pub(super) unavailable: Vec<String>,
}

/// The initial parameters of a policy; `None` where they are drawn.
pub(super) type StartOf<'a> = dyn Fn(&PolicySpec) -> Result<Option<Vec<f64>>, ExperimentError> + 'a;

struct Start {
    name: String,
    policy: PolicyHandle,
    parameters: Vec<f64>,
    /// Its class, where outputs are too many to list.
    class: Option<PolicyClass>,
}

impl Starts {
    /// Those of an experiment.
    ///
    /// # Errors
    /// If a component fails, or a policy cannot start.
    pub(super) fn of(experiment: &Experiment, registry: &Registry) -> Result<Self, ExperimentError> {
        if experiment.plan.policies.is_empty() {
            return Ok(Self::default());
        }
        let world = &experiment.world;
        let truth = GroundTruth::new(world).map_err(|error| experiment.failure(error))?;
        let start = |spec: &PolicySpec| {
            initial_parameters(world, registry, &truth, spec)
                .map_err(|error| experiment.error(vec![experiment.of_start(spec, &error)]))
        };
        Self::at(experiment, registry, &truth, &start)
    }

    /// Those of policies whose initial parameters are known; `None` where they are drawn.
    ///
    /// # Errors
    /// If a component fails.
    pub(super) fn at(
        experiment: &Experiment,
        registry: &Registry,
        truth: &GroundTruth,
        start: &StartOf<'_>,
    ) -> Result<Self, ExperimentError> {
        let (world, plan) = (&experiment.world, &experiment.plan);
        let mut starts = Self::default();
        match truth {
            GroundTruth::Enumerated(reference) if OutputBatch::is_held(world, reference) => {
                starts.outputs = Some(OutputBatch::without_base(world, reference));
            }
            GroundTruth::Enumerated(_) => {
                starts.unavailable.push("all outputs of all prompts are too many to hold at once".into());
                return Ok(starts);
            }
            GroundTruth::Sampled(_, unavailable) => {
                let limit = world.evaluation.enumerate_up_to;
                let reason = &unavailable.reason;
                starts.unavailable.push(format!("there are more than {limit} outputs, and {reason}"));
                return Ok(starts);
            }
            GroundTruth::Dynamic(_) => {}
        }
        for spec in &plan.policies {
            let start = start(spec)?;
            let failed = |error: PluginError| experiment.error(vec![experiment.of_policy(spec, &error)]);
            let policy =
                started(world, registry, spec, start.as_deref(), plan.first_seed()).map_err(failed)?;
            let class = match truth {
                GroundTruth::Dynamic(reference) => {
                    match PolicyClass::new(reference, world, &policy).map_err(failed)? {
                        Ok(class) => Some(class),
                        Err(unavailable) => {
                            let name = shown(&spec.name);
                            starts.unavailable.push(format!("policy `{name}`: {}", unavailable.reason));
                            continue;
                        }
                    }
                }
                _ => None,
            };
            let parameters = policy.parameters().map_err(failed)?.values;
            starts.policies.push(Start { name: spec.name.clone(), policy, parameters, class });
        }
        Ok(starts)
    }

    /// For each policy the cosine of the expected gradient of an objective with this κ to the claimed one.
    ///
    /// # Errors
    /// If a policy fails.
    pub(super) fn cosines(
        &self,
        kappa: &GroupCoefficients,
        claim: Claim,
    ) -> Result<Vec<PolicyCosine>, PluginError> {
        let mut cosines = Vec::new();
        for Start { name, policy, parameters, class } in &self.policies {
            let class = class.as_ref().map(|class| ExactSource::Class { class, scale: 1.0 });
            let Some(source) = self.outputs.as_ref().map(ExactSource::Outputs).or(class) else { continue };
            let mut scores = PopulationScores::default();
            let at = ValidityGradient::at(source, policy, parameters, &mut scores)?;
            let (mut expected, mut claimed) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
            at.sum(|masses| kappa.certain_kappa(masses), &mut expected)?;
            at.sum(|masses| claim.weight(masses), &mut claimed)?;
            cosines.push(PolicyCosine { policy: name.clone(), cosine: cosine(&expected, &claimed) });
        }
        Ok(cosines)
    }
}
