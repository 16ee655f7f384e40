//! The best policy of a class under each objective: where the objective heads, whatever an optimizer reaches.

mod class;
mod words;

use crate::evaluation::{DynamicReference, Ruler, Unavailable};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plan::ObjectiveSpec;
use class::Prepared;
use pstar_core::PluginError;
use pstar_core::objective::Declaration;
use pstar_loader::Registry;
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
    let ruler = Ruler::new(&experiment.world).map_err(|error| experiment.failure(error))?;
    let found = all(experiment, registry, &ruler, effort, &|_| Vec::new(), with_flow);
    let (mut optima, mut problems) = (Vec::new(), Vec::new());
    for found in found {
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

/// The optima that a run shows beside its arms, from a search that knows where the arms ended: `ends` gives the final
/// parameters of all arms of a policy. Also why others are missing.
pub(crate) fn beside(
    experiment: &Experiment,
    registry: &Registry,
    ruler: &Ruler,
    effort: Effort<'_>,
    ends: Ends<'_>,
) -> (Vec<ClassOptimum>, Vec<Warning>) {
    let found = all(experiment, registry, ruler, effort, ends, false);
    let (mut optima, mut missing) = (Vec::new(), Vec::new());
    for found in found {
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

/// The optimum of every class under every objective that declares its divergence, or what is wrong.
fn all(
    experiment: &Experiment,
    registry: &Registry,
    ruler: &Ruler,
    effort: Effort<'_>,
    ends: Ends<'_>,
    with_flow: bool,
) -> Vec<Result<ClassOptimum, Problem>> {
    let mut found = Vec::new();
    let mut divergences = Vec::new();
    for spec in &experiment.plan.objectives {
        match declaration(experiment, registry, spec) {
            Ok(declaration) => {
                divergences.extend(declaration.divergence.map(|divergence| (spec, divergence)));
            }
            Err(problem) => found.push(Err(problem)),
        }
    }
    if divergences.is_empty() {
        return found;
    }
    let explored;
    let reference = match ruler {
        Ruler::Dynamic(reference) => Ok(&**reference),
        Ruler::Sampled(_, unavailable) => Err(unavailable.clone()),
        Ruler::Enumerated(_) => match DynamicReference::new(&experiment.world) {
            Ok(Ok(reference)) => {
                explored = reference;
                Ok(&explored)
            }
            Ok(Err(unavailable)) => Err(unavailable),
            Err(error) => {
                found.push(Err(error.into()));
                return found;
            }
        },
    };
    let reference = match reference {
        Ok(reference) => reference,
        Err(unavailable) => {
            let place = experiment.file.task.horizon.place(&experiment.text);
            found.push(Err(out_of_reach(place, "", &unavailable)));
            return found;
        }
    };
    let mut classes = Vec::new();
    for spec in &experiment.plan.policies {
        match Prepared::new(experiment, registry, ruler, reference, spec, effort) {
            Ok(prepared) => classes.push(prepared),
            Err(problem) => found.push(Err(problem)),
        }
    }
    for class in &classes {
        let known = ends(&class.spec.name);
        let mut optima = class.solve(&experiment.world, registry, ruler, &divergences, &known);
        let degenerate = |optimum: &ClassOptimum| optimum.degenerate && optimum.value.is_some();
        if with_flow && optima.iter().flatten().any(degenerate) {
            match class.flow(&experiment.world, registry, ruler) {
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
        found.extend(optima);
    }
    found
}

fn out_of_reach(place: std::ops::Range<usize>, whose: &str, unavailable: &Unavailable) -> Problem {
    Problem::at(place, format!("{whose}no optimum can be had: {}", unavailable.reason))
        .with_hint("optima need a base and a policy that are tables over states, such as `ngram`, and not too many states")
}

fn declaration(
    experiment: &Experiment,
    registry: &Registry,
    spec: &ObjectiveSpec,
) -> Result<Declaration, Problem> {
    let of = |error: PluginError| experiment.of_objective(spec, &error);
    let component = registry
        .objective(&spec.plugin)
        .map_err(|error| Problem::at(spec.place.clone(), format!("objective `{}`: {error}", spec.name)))?;
    let objective = component.create(&spec.configuration, &experiment.world.task).map_err(of)?;
    objective.declaration().map_err(of)
}
