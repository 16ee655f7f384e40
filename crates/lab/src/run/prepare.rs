//! Everything that is known before the first arm starts: exact values, initial parameters, and whether the
//! objectives fit the task.

use super::needs::Needs;
use super::objectives::{self, Checked};
use super::{NoProgress, Progress};
use crate::consistency::check_policy;
use crate::evaluation::{
    DynamicEvaluation, DynamicReference, FilteredSamplers, Reference, Ruler, SampledEvaluation, Unavailable,
};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plan::{ArmKey, Gradient, PolicySpec, SampleSource, Sampling, Training};
use crate::policy_class::PolicyClass;
use crate::rollout::{FilteredSource, Recipe};
use crate::training::{ExactSource, OutputBatch, create, initial_parameters, started};
use pstar_core::objective::PromptFacts;
use pstar_core::{PluginError, shown};
use pstar_loader::{Registry, TaskText};
use pstar_record::{Measures, Warning};
use rayon::prelude::*;
use std::collections::HashMap;

/// Greatest number of outputs, over all prompts, that exact gradients hold in memory.
const MOST_POPULATION: u64 = 1 << 24;

/// An experiment that is ready to train.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct Prepared<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Where components come from.
    pub registry: &'a Registry,
    /// How its arms train.
    pub training: Training,
    /// What policies are measured by.
    pub ruler: Ruler,
    /// The exact values of every prompt, where they are known.
    pub facts: Vec<PromptFacts>,
    /// All outputs, where gradients are exact.
    pub outputs: Option<OutputBatch>,
    /// Exact samples of p*, where training takes them.
    pub(crate) filtered: Option<FilteredSource>,
    /// For each policy its class, where gradients are exact but outputs too many to list.
    pub classes: Vec<PolicyClass>,
    /// For each policy its initial parameters; absent where they are drawn, one draw a seed.
    pub starts: Vec<Option<Vec<f64>>>,
    /// The rows that policies are compared with.
    pub references: Vec<(String, Measures)>,
    /// For each objective, by name, the factor between its exact gradient and that of the divergence that it declares.
    pub scales: HashMap<&'a str, f64>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

impl Prepared<'_> {
    /// The names of an arm's policy and objective.
    pub fn names(&self, arm: ArmKey) -> (&str, &str) {
        let plan = &self.experiment.plan;
        (&plan.policies[arm.policy].name, &plan.objectives[arm.objective].name)
    }

    /// What an arm is called, on one line.
    pub fn called(&self, arm: ArmKey) -> String {
        let (policy, objective) = self.names(arm);
        format!("{} · {} · seed {}", shown(policy), shown(objective), arm.seed)
    }

    /// Refuses a run that would take more memory than this process can have.
    ///
    /// # Errors
    /// The field to change; or if a component fails.
    pub fn check_memory(&self) -> Result<(), ExperimentError> {
        let problem = match Needs::of(self) {
            Ok(needs) => needs.problem(),
            Err(error) => Some(error.into()),
        };
        problem.map_or(Ok(()), |problem| Err(self.experiment.error(vec![problem])))
    }

    /// What rollouts of so many sequences are made from.
    pub fn recipe(&self, sampling: Sampling, base_log_probs: bool) -> Recipe<'_> {
        let Self { experiment, facts, filtered, .. } = self;
        Recipe { world: &experiment.world, facts, sampling, filtered: filtered.as_ref(), base_log_probs }
    }

    /// What exact gradients of a policy under an objective are had from.
    pub fn exact(&self, policy: usize, objective: &str) -> Option<ExactSource<'_>> {
        let scale = self.scales.get(objective).copied().unwrap_or(1.0);
        let class = self.classes.get(policy).map(|class| ExactSource::Class { class, scale });
        self.outputs.as_ref().map(ExactSource::Outputs).or(class)
    }
}

/// Prepares an experiment for training.
///
/// # Errors
/// Every problem that could be found.
pub fn prepare<'a>(
    experiment: &'a Experiment,
    registry: &'a Registry,
) -> Result<Prepared<'a>, ExperimentError> {
    prepare_telling(experiment, registry, &NoProgress)
}

/// As [`prepare`], telling how far it is. What it costs is bounded by `evaluation.enumerate_up_to` outputs and
/// `exact.max_states` states a prompt, and by the machine's memory.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_telling<'a>(
    experiment: &'a Experiment,
    registry: &'a Registry,
    progress: &dyn Progress,
) -> Result<Prepared<'a>, ExperimentError> {
    let mut problems = missing_parts(experiment);
    let world = &experiment.world;
    let failed = |problems| experiment.error(problems);
    let (Some(training), true) = (experiment.plan.training, problems.is_empty()) else {
        return Err(failed(problems));
    };
    let of_task = |error: PluginError| experiment.failure(error);
    if let Some(problem) = Needs::before(experiment, training).map_err(of_task)?.problem() {
        return Err(failed(vec![problem]));
    }
    progress.phase("working out exact values");
    let ruler = Ruler::watched(world, &|done, most| progress.prepared(done, most)).map_err(of_task)?;
    progress.phase("preparing policies and objectives");
    let facts = ruler.facts(experiment.world.prompt_texts.len());
    if facts.iter().all(|facts| facts.log_partition == Some(f64::NEG_INFINITY)) {
        let message = "no prompt has a valid output that the base reaches: there is nothing to learn";
        let place = experiment.file.task.verifier.plugin.place(&experiment.text);
        let hint = "check the verifier, the horizon and the prompts; `host exact` shows each prompt";
        return Err(failed(vec![Problem::at(place, message).with_hint(hint)]));
    }
    let references = ruler.targets(world);
    let of_problem = |problem| failed(vec![problem]);
    let (mut outputs, mut classes, mut filtered) = (None, Vec::new(), None);
    match (training.gradient, &ruler) {
        (Gradient::Sampled(sampling), _) if sampling.source == SampleSource::Filtered => {
            match FilteredSamplers::new(world, &ruler).map_err(of_task)? {
                Ok(samplers) => filtered = Some(FilteredSource(samplers)),
                Err(Unavailable { reason, hint }) => {
                    let message = format!("`source: Filtered` needs exact samples of p*, but {reason}");
                    problems.push(Problem::at(experiment.gradient_place(), message).with_hint(hint));
                }
            }
        }
        (Gradient::Sampled(_), _) => {}
        (Gradient::Population, Ruler::Enumerated(reference)) => {
            outputs = Some(listed(experiment, reference).map_err(of_problem)?);
        }
        (Gradient::Population, Ruler::Dynamic(reference)) => {
            for spec in &experiment.plan.policies {
                match class(experiment, registry, reference, spec) {
                    Ok(class) => classes.push(class),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        (Gradient::Population, Ruler::Sampled(_, unavailable)) => {
            let limit = experiment.world.evaluation.enumerate_up_to;
            let reason = &unavailable.reason;
            let message =
                format!("`Population` needs all outputs, which are more than {limit}, and {reason}");
            let hint = "use `Sampled`, a smaller horizon, or raise `enumerate_up_to`";
            problems.push(Problem::at(experiment.gradient_place(), message).with_hint(hint));
        }
    }
    let (mut scales, mut beyond) = (HashMap::new(), Vec::new());
    let task = TaskText::of(&experiment.world.task).map_err(of_task)?;
    let check = |spec| objectives::check(experiment, registry, spec, training, &facts, &ruler, &task);
    let checked: Vec<_> = experiment.plan.objectives.par_iter().map(check).collect();
    for (spec, checked) in experiment.plan.objectives.iter().zip(checked) {
        match checked {
            Ok(Checked { scale, unknown }) => {
                scales.insert(spec.name.as_str(), scale);
                beyond.extend(unknown.into_iter().map(|what| beyond_knowledge(&spec.name, &what)));
            }
            Err(found) => problems.extend(found),
        }
    }
    let mut starts = Vec::new();
    for spec in &experiment.plan.policies {
        let start = initial_parameters(world, registry, &ruler, spec)
            .map_err(|error| experiment.of_start(spec, &error))
            .and_then(|start| consistent(experiment, registry, spec, start));
        match start {
            Ok(parameters) => starts.push(parameters),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(failed(problems));
    }
    let mut warnings = beyond;
    warnings.extend(unsolvable(experiment, &facts));
    warnings.extend(estimated(experiment, registry, &ruler).map_err(of_task)?);
    Ok(Prepared {
        experiment,
        registry,
        training,
        ruler,
        facts,
        outputs,
        filtered,
        classes,
        starts,
        references,
        scales,
        warnings,
    })
}

/// The initial parameters of a policy that does not contradict itself there.
fn consistent(
    experiment: &Experiment,
    registry: &Registry,
    spec: &PolicySpec,
    start: Option<Vec<f64>>,
) -> Result<Option<Vec<f64>>, Problem> {
    // A policy that cannot start fails with its arms.
    if let Ok(policy) =
        started(&experiment.world, registry, spec, start.as_deref(), experiment.plan.first_seed())
        && let Err(error) = check_policy(&experiment.world, &policy, &spec.name)
    {
        return Err(Problem { hint: error.hint, ..Problem::at(spec.place.clone(), error.message) });
    }
    Ok(start)
}

/// All outputs, for exact gradients.
fn listed(experiment: &Experiment, reference: &Reference) -> Result<OutputBatch, Problem> {
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

fn missing_parts(experiment: &Experiment) -> Vec<Problem> {
    let file = &experiment.file;
    let seeds = file.seeds.as_ref().map_or(0..0, |seeds| seeds.place(&experiment.text));
    let parts = [
        ("training", experiment.plan.training.is_none(), 0..0),
        ("policies", experiment.plan.policies.is_empty(), 0..0),
        ("objectives", experiment.plan.objectives.is_empty(), 0..0),
        ("seeds", experiment.plan.seeds.is_empty(), seeds),
    ];
    let missing = parts.into_iter().filter(|(_, missing, _)| *missing);
    missing
        .map(|(part, _, place)| {
            Problem::at(place, format!("a run needs `{part}`, which the experiment does not give"))
        })
        .collect()
}

/// An objective of a later version than this program.
fn beyond_knowledge(objective: &str, what: &str) -> Warning {
    let message = format!(
        "objective `{}` declares `{}`, which this version does not know: it goes on as if that were not declared",
        shown(objective),
        shown(what)
    );
    Warning::Text { message }
}

/// Names the prompts that cannot be solved.
fn unsolvable(experiment: &Experiment, facts: &[PromptFacts]) -> Vec<Warning> {
    let prompts = experiment.world.prompt_texts.iter().zip(facts);
    prompts
        .filter(|(_, facts)| facts.log_partition == Some(f64::NEG_INFINITY))
        .map(|(prompt, _)| Warning::Unsolvable { prompt: shown(prompt) })
        .collect()
}

/// Says which figures are estimates, and names the prompts whose distance from p* cannot be had.
fn estimated(
    experiment: &Experiment,
    registry: &Registry,
    ruler: &Ruler,
) -> Result<Vec<Warning>, PluginError> {
    match ruler {
        Ruler::Enumerated(_) => Ok(Vec::new()),
        Ruler::Dynamic(reference) => without_states(experiment, registry, reference),
        Ruler::Sampled(sampled, unavailable) => Ok(all_sampled(experiment, sampled, unavailable)),
    }
}

/// The policies that have no finite-state view, where the task has.
fn without_states(
    experiment: &Experiment,
    registry: &Registry,
    reference: &DynamicReference,
) -> Result<Vec<Warning>, PluginError> {
    let samples = experiment.world.evaluation.samples;
    let mut warnings = Vec::new();
    for spec in &experiment.plan.policies {
        let policy = create(&experiment.world, registry, spec)?;
        if let Err(unavailable) = DynamicEvaluation::new(reference, &experiment.world, &policy)? {
            // Drawn now, since all arms share them.
            reference.sampled(&experiment.world)?;
            let (policy, reason) = (shown(&spec.name), unavailable.reason);
            warnings.push(Warning::EstimatedPolicy { policy, reason, samples: samples as u64 });
        }
    }
    warnings.extend((!warnings.is_empty()).then(|| beyond_the_samples(experiment)).flatten());
    Ok(warnings)
}

/// Says which coverage@k and pass@k are not estimated.
fn beyond_the_samples(experiment: &Experiment) -> Option<Warning> {
    let samples = experiment.world.evaluation.samples as u64;
    let beyond = experiment.world.evaluation.k.iter().filter(|k| k.value > samples);
    let k: Vec<String> = beyond.map(|k| k.text.clone()).collect();
    (!k.is_empty()).then_some(Warning::BeyondSamples { k, samples })
}

fn all_sampled(
    experiment: &Experiment,
    sampled: &SampledEvaluation,
    unavailable: &Unavailable,
) -> Vec<Warning> {
    let samples = experiment.world.evaluation.samples as u64;
    let limit = experiment.world.evaluation.enumerate_up_to;
    let whole = Warning::EstimatedTask { limit, reason: unavailable.reason.clone(), samples };
    let unmet = sampled.unmet().into_iter().map(|prompt| Warning::TooFewValid {
        prompt: experiment.world.prompt_texts[prompt].clone(),
        samples,
    });
    std::iter::once(whole).chain(unmet).chain(beyond_the_samples(experiment)).collect()
}
