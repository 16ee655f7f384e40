//! The exact values of a task and of its policies at their initial parameters.

use crate::consistency::check_policy;
use crate::evaluation::{
    DynamicEvaluation, DynamicReference, EnumeratedEvaluation, EnumeratedReference, GroundTruth,
    PromptTargets, Unavailable,
};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plan::PolicySpec;
use crate::training::{initial_parameters, started};
use crate::world::World;
use pstar_core::shown;
use pstar_exact::dynamic;
use pstar_loader::PolicyHandle;
use pstar_loader::Registry;
use pstar_record::{ExactRecord, Measures, Method, PromptRecord};

/// How exact values are to be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MethodChoice {
    /// By enumeration where the outputs are few enough, else by dynamic programming.
    #[default]
    Auto,
    /// By enumeration.
    Enumeration,
    /// By dynamic programming.
    DynamicProgramming,
}

/// What gives the exact values of every prompt.
enum Source {
    Enumerated(Box<EnumeratedReference>),
    Dynamic(Box<DynamicReference>),
}

/// Works out the exact values of an experiment's task. Policies that start at random are drawn with the first seed,
/// or 0 where there is none.
///
/// # Errors
/// Every problem that could be found: too many outputs to enumerate, a component without a finite-state view, a
/// policy's start, a component that fails.
pub fn exact(
    experiment: &Experiment,
    registry: &Registry,
    method: MethodChoice,
) -> Result<ExactRecord, ExperimentError> {
    let (world, plan) = (&experiment.world, &experiment.plan);
    let failure = |error| experiment.failure(error);
    let truth = GroundTruth::new(world).map_err(failure)?;
    let mut problems = Vec::new();
    let mut policies: Vec<(&PolicySpec, PolicyHandle)> = Vec::new();
    for spec in &plan.policies {
        match initial_parameters(world, registry, &truth, spec) {
            Ok(start) => {
                let policy = started(world, registry, spec, start.as_deref(), plan.first_seed());
                let policy = policy.map_err(failure)?;
                check_policy(world, &policy, &spec.name).map_err(failure)?;
                policies.push((spec, policy));
            }
            Err(error) => problems.push(experiment.of_start(spec, &error)),
        }
    }
    if !problems.is_empty() {
        return Err(experiment.error(problems));
    }
    let source = match (truth, method) {
        (GroundTruth::Enumerated(reference), MethodChoice::Auto | MethodChoice::Enumeration) => {
            Source::Enumerated(reference)
        }
        (_, MethodChoice::Enumeration) => return Err(experiment.error(vec![too_large(experiment, None)])),
        (GroundTruth::Dynamic(reference), _) => Source::Dynamic(reference),
        (GroundTruth::Sampled(_, unavailable), _) => {
            return Err(experiment.error(vec![too_large(experiment, Some(&unavailable))]));
        }
        (GroundTruth::Enumerated(_), MethodChoice::DynamicProgramming) => {
            match DynamicReference::new(world).map_err(failure)? {
                Ok(reference) => Source::Dynamic(Box::new(reference)),
                Err(unavailable) => {
                    return Err(experiment.error(vec![out_of_reach(experiment, &unavailable)]));
                }
            }
        }
    };
    let mut measured: Vec<(String, Vec<Measures>)> = Vec::new();
    for (spec, policy) in &policies {
        let rows = match &source {
            Source::Enumerated(reference) => EnumeratedEvaluation::new(reference, world, policy)
                .and_then(|mut evaluation| evaluation.by_prompt(policy)),
            Source::Dynamic(reference) => match DynamicEvaluation::new(reference, world, policy) {
                Ok(Ok(evaluation)) => evaluation.by_prompt(policy),
                Ok(Err(unavailable)) => {
                    let message = format!("policy `{}`: {}", shown(&spec.name), unavailable.reason);
                    problems.push(Problem::at(spec.place.clone(), message).with_hint(unavailable.hint));
                    continue;
                }
                Err(error) => Err(error),
            },
        };
        measured.push((spec.name.clone(), rows.map_err(failure)?));
    }
    if !problems.is_empty() {
        return Err(experiment.error(problems));
    }
    let records = (0..world.prompt_texts.len()).map(|i| {
        let (method, targets, outputs, [valid_outputs, valid_support]) = source.of_prompt(world, i);
        PromptRecord {
            prompt: world.prompt_texts[i].clone(),
            method,
            outputs,
            valid_outputs,
            valid_support,
            base: targets.base,
            filtered: targets.filtered,
            tilted: targets.tilted,
            powers: targets.powers,
            policies: measured.iter().map(|(name, rows)| (name.clone(), rows[i].clone())).collect(),
        }
    });
    Ok(ExactRecord { prompts: records.collect() })
}

impl Source {
    /// The method, the targets, and the numbers of outputs: all; valid, and valid within the base's reach.
    fn of_prompt(&self, world: &World, i: usize) -> (Method, PromptTargets, String, [String; 2]) {
        match self {
            Self::Enumerated(reference) => {
                let prompt = &reference.prompts()[i];
                let support = prompt.filtered.as_ref().map_or(0, |filtered| filtered.support);
                let counts = [prompt.valid.count().to_string(), support.to_string()];
                let outputs = prompt.valid.outputs().to_string();
                (Method::Enumeration, reference.targets(i, world), outputs, counts)
            }
            Self::Dynamic(reference) => {
                let outputs = dynamic::outputs(reference.acceptor(i).space()).to_string();
                let counts = reference.counts(i).clone();
                (Method::DynamicProgramming, reference.targets(i).clone(), outputs, counts)
            }
        }
    }
}

fn too_large(experiment: &Experiment, unavailable: Option<&Unavailable>) -> Problem {
    let limit = experiment.world.evaluation.enumerate_up_to;
    let limit = format!("there are more than {limit} outputs (`evaluation.enumerate_up_to`)");
    let (message, hint) = match unavailable {
        Some(Unavailable { reason, hint }) => (format!("{limit}, and {reason}"), hint.clone()),
        None => {
            (limit, "use a smaller `horizon`, raise the limit, or leave out `--method enumeration`".into())
        }
    };
    Problem::at(experiment.file.task.horizon.place(&experiment.text), message).with_hint(hint)
}

fn out_of_reach(experiment: &Experiment, unavailable: &Unavailable) -> Problem {
    let message = format!("dynamic programming is not possible here: {}", unavailable.reason);
    Problem::at(experiment.file.task.horizon.place(&experiment.text), message)
        .with_hint("leave out `--method dynamic-programming`: the outputs can be enumerated")
}
