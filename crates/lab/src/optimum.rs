//! The best policy of a class under each objective: where the objective heads, whatever an optimizer reaches.

mod class;
mod words;

pub(crate) use words::in_words;

use crate::declared::Declared;
use crate::evaluation::{DynamicReference, GroundTruth, Unavailable};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plan::ObjectiveSpec;
use class::ClassTask;
use pstar_core::objective::Divergence;
use pstar_loader::{Registry, TaskText};
use pstar_record::{ClassOptimum, OptimumRecord, Warning};

pub use pstar_exact::Search;

/// Finds the best policy of every class under every objective that declares its divergence; `with_flow` also where
/// gradient ascent ends, for objectives that have infinitely many optima.
///
/// # Errors
/// Every problem that could be found: a policy that is no table of rows, a component without a finite-state view, a
/// class that is too large for any search.
pub fn optimum(
    experiment: &Experiment,
    registry: &Registry,
    effort: Effort<'_>,
    with_flow: bool,
) -> Result<OptimumRecord, ExperimentError> {
    for (part, missing) in [
        ("policies", experiment.plan.policies.is_empty()),
        ("objectives", experiment.plan.objectives.is_empty()),
    ] {
        if missing {
            let message = format!("an optimum needs `{part}`, which the experiment does not give");
            return Err(experiment.error(vec![Problem::new(message)]));
        }
    }
    let failure = |error| experiment.failure(error);
    let truth = GroundTruth::new(&experiment.world).map_err(failure)?;
    let task = TaskText::of(&experiment.world.task).map_err(failure)?;
    let (mut optima, mut problems, mut divergences) = (Vec::new(), Vec::new(), Vec::new());
    for spec in &experiment.plan.objectives {
        match Declared::of(experiment, registry, spec, &task) {
            Ok(declared) => {
                divergences.extend(declared.declaration.divergence.map(|divergence| (spec, divergence)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    let ends = |_: &str| Vec::new();
    let (truth, divergences) = (&truth, &divergences[..]);
    let question = Question { experiment, registry, truth, divergences, effort, ends: &ends, with_flow };
    for found in question.answers() {
        match found {
            Ok(optimum) => optima.push(optimum),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(experiment.error(problems));
    }
    let found = |name: &String| optima.iter().any(|optimum| optimum.objective == *name);
    let names = experiment.plan.objectives.iter().map(|spec| spec.name.clone());
    Ok(OptimumRecord { undeclared: names.filter(|name| !found(name)).collect(), optima })
}

/// The optima that a run shows beside its arms. Also why others are missing.
pub(crate) fn beside(question: &Question<'_>) -> (Vec<ClassOptimum>, Vec<Warning>) {
    let (mut optima, mut missing) = (Vec::new(), Vec::new());
    for found in question.answers() {
        match found {
            Ok(optimum) => optima.push(ClassOptimum { table: Vec::new(), ..optimum }),
            Err(problem) => missing.push(Warning::NoOptimum { why: problem.message }),
        }
    }
    (optima, missing)
}

/// Final parameters of arms, by the name of their policy.
pub(crate) type Ends<'a> = &'a (dyn Fn(&str) -> Vec<Vec<f64>> + Sync);

/// How hard to look, by the number of transitions; `None` to leave it.
pub type Effort<'a> = &'a (dyn Fn(usize) -> Option<Search> + Sync);

/// Which optima are asked for, and how.
pub(crate) struct Question<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) registry: &'a Registry,
    pub(crate) truth: &'a GroundTruth,
    /// The objectives that declare their divergence.
    pub(crate) divergences: &'a [(&'a ObjectiveSpec, Divergence)],
    pub(crate) effort: Effort<'a>,
    /// Where arms ended, which a search may start from.
    pub(crate) ends: Ends<'a>,
    /// Whether also where gradient ascent ends.
    pub(crate) with_flow: bool,
}

impl Question<'_> {
    /// The optimum of every class under every objective, or what is wrong.
    fn answers(&self) -> Vec<Result<ClassOptimum, Problem>> {
        if self.divergences.is_empty() {
            return Vec::new();
        }
        let Experiment { file, text, world, .. } = self.experiment;
        if world.trained.leave_some_out() {
            let prompts = file.training.as_ref().and_then(|training| training.prompts.as_ref());
            let place = prompts.map_or(0..0, |prompts| prompts.place(text));
            let message =
                "no optimum can be had: what is trained on some prompts alone has none at the others";
            return vec![Err(Problem::at(place, message).with_hint("leave out `training.prompts`"))];
        }
        let explored;
        let reference = match self.truth {
            GroundTruth::Dynamic(reference) => &**reference,
            GroundTruth::Sampled(_, unavailable) => return vec![Err(self.beyond_reach(unavailable))],
            GroundTruth::Enumerated(_) => match DynamicReference::new(&self.experiment.world) {
                Ok(Ok(reference)) => {
                    explored = reference;
                    &explored
                }
                Ok(Err(unavailable)) => return vec![Err(self.beyond_reach(&unavailable))],
                Err(error) => return vec![Err(error.into())],
            },
        };
        let (mut classes, mut found) = (Vec::new(), Vec::new());
        for spec in &self.experiment.plan.policies {
            match ClassTask::new(self.experiment, self.registry, self.truth, reference, spec, self.effort) {
                Ok(class) => classes.push(class),
                Err(problem) => found.push(Err(problem)),
            }
        }
        found.extend(classes.iter().flat_map(|class| self.of_class(class)));
        found
    }

    /// The optima of a class.
    fn of_class(&self, class: &ClassTask<'_>) -> Vec<Result<ClassOptimum, Problem>> {
        let Self { experiment: Experiment { world, .. }, registry, truth, .. } = *self;
        let known = (self.ends)(&class.spec.name);
        let mut optima = class.solve(world, registry, truth, self.divergences, &known);
        let degenerate = |optimum: &ClassOptimum| optimum.degenerate && optimum.value.is_some();
        if self.with_flow && optima.iter().flatten().any(degenerate) {
            match class.flow(world, registry, truth) {
                Ok(flow) => {
                    for optimum in optima.iter_mut().flatten().filter(|optimum| degenerate(optimum)) {
                        optimum.flow = Some(flow.clone());
                    }
                }
                Err(error) => {
                    let message =
                        format!("policy `{}`: its gradient flow: {}", class.spec.name, error.message);
                    optima.push(Err(Problem::at(class.spec.place.clone(), message)));
                }
            }
        }
        optima
    }

    /// That no class can be searched.
    fn beyond_reach(&self, unavailable: &Unavailable) -> Problem {
        let Experiment { file, text, .. } = self.experiment;
        out_of_reach(file.task.horizon.place(text), "", unavailable)
    }
}

fn out_of_reach(place: std::ops::Range<usize>, whose: &str, unavailable: &Unavailable) -> Problem {
    Problem::at(place, format!("{whose}no optimum can be had: {}", unavailable.reason))
        .with_hint("optima need a base and a policy that are tables over states, such as `ngram`, and not too many states")
}
