//! Everything that arms share, worked out before any starts: exact values, initial parameters, and whether the
//! objectives fit the task.

mod gradients;
mod metric;
mod warnings;

use super::needs::Needs;
use super::{NoProgress, Progress, match_fit, objective_fit};
use crate::consistency::check_policy;
use crate::evaluation::{GroundTruth, KnownVerdicts};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plan::{ArmKey, ObjectiveSpec, PolicySpec, Sampling, Training};
use crate::policy_class::PolicyClass;
use crate::rollout::{FilteredSource, Recipe};
use crate::training::{ExactSource, OutputBatch, initial_parameters, started};
use gradients::Sources;
use pstar_core::objective::{Declaration, Divergence, PromptFacts};
use pstar_core::shown;
use pstar_loader::{Registry, TaskText};
use pstar_record::{Measures, Warning};
use rayon::prelude::*;

/// An experiment that is ready to train.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct Prepared<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Where components come from.
    pub registry: &'a Registry,
    /// How its arms train, at the first of their learning rates.
    pub training: Training,
    /// What policies are measured by.
    pub truth: GroundTruth,
    /// The exact values of every prompt, where they are known.
    pub facts: Vec<PromptFacts>,
    /// All outputs, where exact gradients are had by them.
    pub outputs: Option<OutputBatch>,
    /// Exact samples of p*, where training takes them.
    pub(crate) filtered: Option<FilteredSource>,
    /// The policies, in the plan's order.
    pub policies: Vec<PreparedPolicy<'a>>,
    /// The objectives, in the plan's order.
    pub objectives: Vec<PreparedObjective<'a>>,
    /// The rows that policies are compared with.
    pub references: Vec<(String, Measures)>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// A policy that can start.
#[allow(missing_debug_implementations, reason = "large tables")]
pub struct PreparedPolicy<'a> {
    /// Which it is.
    pub spec: &'a PolicySpec,
    /// Its initial parameters; absent where they are drawn, one draw a seed.
    pub start: Option<Vec<f64>>,
    /// Its class, where exact gradients are had by states.
    pub class: Option<PolicyClass>,
}

/// An objective that fits the task and the way of training.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedObjective<'a> {
    /// Which it is.
    pub spec: &'a ObjectiveSpec,
    /// What it declares.
    pub declaration: Declaration,
    /// The exact values of every prompt with those of a power of the base, where it takes one.
    pub facts: Option<Vec<PromptFacts>>,
    /// The factor between its exact gradient and that of the divergence that it declares; 1 where that makes no
    /// difference.
    pub scale: f64,
}

impl<'a> Prepared<'a> {
    /// The exact values of every prompt that an objective, by its number, is told.
    pub fn facts_of(&self, objective: usize) -> &[PromptFacts] {
        self.objectives[objective].facts.as_deref().unwrap_or(&self.facts)
    }

    /// The names of an arm's policy and objective.
    pub fn names(&self, arm: ArmKey) -> (&str, &str) {
        let plan = &self.experiment.plan;
        (&plan.policies[arm.policy].name, &plan.objectives[arm.objective].name)
    }

    /// What an arm is called, on one line.
    pub fn called(&self, arm: ArmKey) -> String {
        let (policy, objective) = self.names(arm);
        let plan = &self.experiment.plan;
        let rate = if plan.rates(arm.objective).len() > 1 {
            format!(" · learning rate {:?}", plan.rate_of(arm))
        } else {
            String::new()
        };
        format!("{} · {}{rate} · seed {}", shown(policy), shown(objective), arm.seed)
    }

    /// How an arm trains.
    pub fn training_of(&self, arm: ArmKey) -> Training {
        let optimizer = self.training.optimizer.at(self.experiment.plan.rate_of(arm));
        Training { optimizer, ..self.training }
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

    /// The verdicts that are known without asking the verifier.
    pub(crate) fn known_verdicts(&self) -> KnownVerdicts<'_> {
        KnownVerdicts::of(&self.experiment.world, &self.truth)
    }

    /// What rollouts of so many sequences are made from.
    pub fn recipe(&self, sampling: Sampling, base_log_probs: bool) -> Recipe<'_> {
        let Self { experiment, facts, filtered, .. } = self;
        Recipe {
            world: &experiment.world,
            facts,
            sampling,
            known: self.known_verdicts(),
            memo: None,
            filtered: filtered.as_ref(),
            base_log_probs,
            minimum_group: 1,
            outcomes: false,
        }
    }

    /// The objectives that declare their divergence.
    pub(crate) fn divergences(&self) -> Vec<(&ObjectiveSpec, Divergence)> {
        let declared =
            |objective: &PreparedObjective<'a>| Some((objective.spec, objective.declaration.divergence?));
        self.objectives.iter().filter_map(declared).collect()
    }

    /// What exact gradients of a policy, by its number, under an objective are had from.
    pub fn exact(&self, policy: usize, objective: &PreparedObjective<'_>) -> Option<ExactSource<'_>> {
        let class = self.policies[policy].class.as_ref();
        let class = class.map(|class| ExactSource::Class { class, scale: objective.scale });
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
    let training = training(experiment)?;
    let world = &experiment.world;
    let failure = |error| experiment.failure(error);
    if let Some(problem) = Needs::before(experiment, training).map_err(failure)?.problem() {
        return Err(experiment.error(vec![problem]));
    }
    progress.phase("working out exact values");
    let truth = GroundTruth::watched(world, &|done, most| progress.prepared(done, most)).map_err(failure)?;
    progress.phase("preparing policies and objectives");
    let facts = truth.facts(world.prompt_texts.len());
    expect_a_solvable_prompt(experiment, &facts)?;
    let mut problems = Vec::new();
    let Sources { outputs, filtered, classes } =
        Sources::of(experiment, registry, training, &truth, &mut problems)?;
    problems.extend(match_fit::unfit_training(experiment, training));
    let task = TaskText::of(&world.task).map_err(failure)?;
    let check = |spec| objective_fit::check(experiment, registry, spec, training, &facts, &truth, &task);
    let checked: Vec<_> = experiment.plan.objectives.par_iter().map(check).collect();
    let mut objectives = Vec::new();
    for checked in checked {
        match checked {
            Ok(objective) => objectives.push(objective),
            Err(found) => problems.extend(found),
        }
    }
    let mut policies = Vec::new();
    // One a policy or none: where one is missing there is a problem.
    let mut classes = classes.into_iter();
    for spec in &experiment.plan.policies {
        match start(experiment, registry, &truth, spec) {
            Ok(start) => policies.push(PreparedPolicy { spec, start, class: classes.next().flatten() }),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(experiment.error(problems));
    }
    let warnings = warnings::warnings(experiment, registry, &truth, &facts, &objectives).map_err(failure)?;
    let references = truth.targets(world);
    let prepared = Prepared {
        experiment,
        registry,
        training,
        truth,
        facts,
        outputs,
        filtered,
        policies,
        objectives,
        references,
        warnings,
    };
    match metric::unfit_metric(&prepared) {
        Some(problem) => Err(experiment.error(vec![problem])),
        None => Ok(prepared),
    }
}

/// How the arms train, where there is all that a run needs.
fn training(experiment: &Experiment) -> Result<Training, ExperimentError> {
    match experiment.plan.training {
        Some(training) if missing_parts(experiment).is_empty() => Ok(training),
        _ => Err(experiment.error(missing_parts(experiment))),
    }
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

/// Refuses a task of which nothing can be learned.
fn expect_a_solvable_prompt(experiment: &Experiment, facts: &[PromptFacts]) -> Result<(), ExperimentError> {
    let trained = &experiment.world.trained;
    let solvable = |&prompt: &u32| facts[prompt as usize].log_partition != Some(f64::NEG_INFINITY);
    if trained.numbers.iter().any(solvable) {
        return Ok(());
    }
    let whose = if trained.leave_some_out() { " that is trained on" } else { "" };
    let message =
        format!("no prompt{whose} has a valid output that the base reaches: there is nothing to learn");
    let place = experiment.file.task.verifier.plugin.place(&experiment.text);
    let hint = "check the verifier, the horizon and the prompts; `host exact` shows each prompt";
    Err(experiment.error(vec![Problem::at(place, message).with_hint(hint)]))
}

/// Whether a policy is left alone because it would end the process.
pub(super) fn is_avoided(registry: &Registry, spec: &PolicySpec) -> bool {
    registry.policy(&spec.plugin).is_ok_and(|found| found.avoided(&spec.configuration).is_some())
}

/// The initial parameters of a policy that does not contradict itself there; `None` where they are drawn.
fn start(
    experiment: &Experiment,
    registry: &Registry,
    truth: &GroundTruth,
    spec: &PolicySpec,
) -> Result<Option<Vec<f64>>, Problem> {
    let world = &experiment.world;
    if is_avoided(registry, spec) {
        // Its arms tell.
        return Ok(None);
    }
    let start = initial_parameters(world, registry, truth, spec)
        .map_err(|error| experiment.of_start(spec, &error))?;
    // A policy that cannot start fails with its arms.
    if let Ok(policy) = started(world, registry, spec, start.as_deref(), experiment.plan.first_seed())
        && let Err(error) = check_policy(world, &policy, &spec.name)
    {
        return Err(Problem { hint: error.hint, ..Problem::at(spec.place.clone(), error.message) });
    }
    Ok(start)
}
