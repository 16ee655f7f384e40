//! The best policy of a class under each objective: where the objective heads, whatever an optimizer reaches.

use crate::evaluation::{DynamicReference, Measures, Ruler, Unavailable, number};
use crate::experiment::{Experiment, ExperimentError, ObjectiveSpec, PolicySpec, Problem};
use crate::plugins::Registry;
use crate::policy_class::PolicyClass;
use crate::training::{initial_parameters, started};
use pstar_core::objective::{Declaration, Divergence};
use pstar_core::{PluginError, math};
use pstar_exact::{optimum as solve, rows_in_use};
use rayon::prelude::*;
use serde::Serialize;
use serde::ser::SerializeMap;

pub use pstar_exact::Search;

/// The best policies found.
#[derive(Clone, Debug, Serialize)]
pub struct OptimumRecord {
    /// One record a policy and objective that declares its divergence, in the file's order.
    pub optima: Vec<ClassOptimum>,
    /// The objectives that declare none.
    pub undeclared: Vec<String>,
}

/// The best policy of a class under one objective.
#[derive(Clone, Debug)]
pub struct ClassOptimum {
    /// The policy's name in the experiment.
    pub policy: String,
    /// The objective's name in the experiment.
    pub objective: String,
    /// The divergence that is minimised, in words.
    pub divergence: String,
    /// Its value, the weighted mean over prompts.
    pub value: f64,
    /// How much a log-probability would still change in an iteration.
    pub residual: f64,
    /// Whether the search came to rest.
    pub settled: bool,
    /// Number of starts.
    pub starts: usize,
    /// Distinct values that the starts which came to rest led to, best first.
    pub local_optima: Vec<f64>,
    /// Everything about the optimum, means over prompts.
    pub measures: Measures,
    /// For each context the probabilities of the choices; empty beside arms.
    pub table: Vec<(String, Vec<f64>)>,
}

impl Serialize for ClassOptimum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("policy", &self.policy)?;
        map.serialize_entry("objective", &self.objective)?;
        map.serialize_entry("divergence", &self.divergence)?;
        map.serialize_entry("value", &number(Some(self.value)))?;
        map.serialize_entry("residual", &self.residual)?;
        map.serialize_entry("settled", &self.settled)?;
        map.serialize_entry("starts", &self.starts)?;
        let optima: Vec<_> = self.local_optima.iter().map(|&value| number(Some(value))).collect();
        map.serialize_entry("local_optima", &optima)?;
        self.measures.serialize_entries(&mut map)?;
        if !self.table.is_empty() {
            let table: serde_json::Map<_, _> =
                self.table.iter().map(|(name, row)| (name.clone(), row.clone().into())).collect();
            map.serialize_entry("table", &table)?;
        }
        map.end()
    }
}

/// Finds the best policy of every class under every objective that declares its divergence.
///
/// # Errors
/// Every problem that could be found: a policy that is no table of rows, a component without a finite-state view.
pub fn optimum(
    experiment: &Experiment,
    registry: &Registry,
    search: &Search,
) -> Result<OptimumRecord, ExperimentError> {
    let failed =
        |problems| ExperimentError { path: experiment.path.clone(), text: experiment.text.clone(), problems };
    let of_task =
        |error: PluginError| failed(vec![Problem { hint: error.hint, ..Problem::new(error.message) }]);
    for (part, missing) in
        [("policies", experiment.policies.is_empty()), ("objectives", experiment.objectives.is_empty())]
    {
        if missing {
            let message = format!("an optimum needs `{part}`, which the experiment does not give");
            return Err(failed(vec![Problem::new(message)]));
        }
    }
    let ruler = Ruler::new(experiment).map_err(of_task)?;
    let found = all(experiment, registry, &ruler, &|_| Some(*search), &|_, _| Vec::new());
    let (mut optima, mut problems) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(optimum) => optima.push(optimum),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(failed(problems));
    }
    let found = |name: &String| optima.iter().any(|optimum| optimum.objective == *name);
    let names = experiment.objectives.iter().map(|spec| spec.name.clone());
    Ok(OptimumRecord { undeclared: names.filter(|name| !found(name)).collect(), optima })
}

/// The optima that a run shows beside its arms, from a search that knows where the arms ended: `ends` gives the final
/// parameters by names of policy and objective. Also why others are missing.
pub(crate) fn beside(
    experiment: &Experiment,
    registry: &Registry,
    ruler: &Ruler,
    effort: Effort<'_>,
    ends: Ends<'_>,
) -> (Vec<ClassOptimum>, Vec<String>) {
    let found = all(experiment, registry, ruler, effort, ends);
    let (mut optima, mut missing) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(optimum) => optima.push(ClassOptimum { table: Vec::new(), ..optimum }),
            Err(problem) => missing.push(problem.message),
        }
    }
    (optima, missing)
}

/// Final parameters of arms, by the names of policy and objective.
pub(crate) type Ends<'a> = &'a (dyn Fn(&str, &str) -> Vec<Vec<f64>> + Sync);

/// How hard to look, by the number of transitions; `None` to leave it.
pub(crate) type Effort<'a> = &'a (dyn Fn(usize) -> Option<Search> + Sync);

/// The optimum of every class under every objective that declares its divergence, or what is wrong.
fn all(
    experiment: &Experiment,
    registry: &Registry,
    ruler: &Ruler,
    effort: Effort<'_>,
    ends: Ends<'_>,
) -> Vec<Result<ClassOptimum, Problem>> {
    let mut found = Vec::new();
    let mut divergences = Vec::new();
    for spec in &experiment.objectives {
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
        Ruler::Enumerated(_) => match DynamicReference::new(experiment) {
            Ok(Ok(reference)) => {
                explored = reference;
                Ok(&explored)
            }
            Ok(Err(unavailable)) => Err(unavailable),
            Err(error) => {
                found.push(Err(Problem { hint: error.hint, ..Problem::new(error.message) }));
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
    for spec in &experiment.policies {
        match Prepared::new(experiment, registry, ruler, reference, spec, effort) {
            Ok(prepared) => classes.push(prepared),
            Err(problem) => found.push(Err(problem)),
        }
    }
    let jobs: Vec<(&Prepared<'_>, &ObjectiveSpec, Divergence)> = classes
        .iter()
        .flat_map(|class| divergences.iter().map(move |&(spec, divergence)| (class, spec, divergence)))
        .collect();
    found.par_extend(jobs.into_par_iter().map(|(class, objective, divergence)| {
        let known = ends(&class.spec.name, &objective.name);
        class.solve(experiment, registry, ruler, objective, divergence, &known)
    }));
    found
}

/// A policy at its start, and its class.
struct Prepared<'a> {
    spec: &'a PolicySpec,
    class: PolicyClass,
    /// Initial parameters.
    start: Vec<f64>,
    search: Search,
}

impl<'a> Prepared<'a> {
    fn new(
        experiment: &Experiment,
        registry: &Registry,
        ruler: &Ruler,
        reference: &DynamicReference,
        spec: &'a PolicySpec,
        effort: Effort<'_>,
    ) -> Result<Self, Problem> {
        let at = |error: PluginError| {
            let name = format!("policy `{}`", spec.name);
            Problem::of_component(&name, &error, spec.place.clone(), &experiment.text)
        };
        let start = initial_parameters(experiment, registry, ruler, spec)?;
        let policy = started(experiment, registry, spec, start.as_deref()).map_err(at)?;
        let class = PolicyClass::new(reference, experiment, &policy).map_err(at)?.map_err(|unavailable| {
            out_of_reach(spec.place.clone(), &format!("policy `{}`: ", spec.name), &unavailable)
        })?;
        let transitions = class.transitions();
        let search = effort(transitions).ok_or_else(|| {
            let message = format!(
                "policy `{}`: its optima would take long, with {transitions} transitions between states",
                spec.name
            );
            Problem::at(spec.place.clone(), message).with_hint("`host optimum` looks for them")
        })?;
        Ok(Self { spec, class, start: policy.parameters().map_err(at)?.values, search })
    }

    fn solve(
        &self,
        experiment: &Experiment,
        registry: &Registry,
        ruler: &Ruler,
        objective: &ObjectiveSpec,
        divergence: Divergence,
        known: &[Vec<f64>],
    ) -> Result<ClassOptimum, Problem> {
        let at = |message: String| {
            let (policy, objective_name) = (&self.spec.name, &objective.name);
            let message =
                format!("policy `{policy}`, objective `{objective_name}`: no optimum can be had: {message}");
            Problem::at(objective.place.clone(), message)
        };
        let failed = |error: PluginError| at(error.message);
        let problems = self.class.problems();
        let found = solve(&problems, divergence, &self.start, known, &self.search)
            .map_err(|error| at(error.to_string()))?;
        let policy = started(experiment, registry, self.spec, Some(&found.parameters)).map_err(failed)?;
        let mut evaluator = ruler.evaluator(experiment, &policy, 0).map_err(failed)?;
        let measures = evaluator.full(&policy, 0).map_err(failed)?;
        let mut table = Vec::new();
        for (row, range) in rows_in_use(&problems).into_iter().enumerate() {
            let name = policy.row_name(range.start).map_err(failed)?.unwrap_or_else(|| row.to_string());
            let probs = found.parameters[range].iter().map(|&log_prob| math::exp(log_prob));
            table.push((name, probs.collect()));
        }
        Ok(ClassOptimum {
            policy: self.spec.name.clone(),
            objective: objective.name.clone(),
            divergence: in_words(divergence),
            value: found.value,
            residual: found.residual,
            settled: found.settled,
            starts: found.starts,
            local_optima: found.local_optima,
            measures,
            table,
        })
    }
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
    let name = format!("objective `{}`", spec.name);
    let of = |error: &PluginError| Problem::of_component(&name, error, spec.place.clone(), &experiment.text);
    let component = registry
        .objective(&spec.plugin)
        .map_err(|error| Problem::at(spec.place.clone(), format!("{name}: {error}")))?;
    let objective = component.create(&spec.configuration, &experiment.task).map_err(|error| of(&error))?;
    objective.declaration().map_err(|error| of(&error))
}

fn in_words(divergence: Divergence) -> String {
    match divergence {
        Divergence::InvalidityRate => "1 - validity rate".into(),
        Divergence::KlToTilted { beta } => format!("KL(q||p_beta), beta = {beta}"),
        Divergence::KlToTiltedAtRate { mu } => format!("KL(q||p_beta), mu = {mu}"),
        Divergence::KlFromFiltered => "KL(p*||q)".into(),
        Divergence::Alpha { alpha } => format!("D_alpha(q||p*), alpha = {alpha}"),
        Divergence::ClippedAlpha { alpha, clip } => {
            format!("minus the potential of the clipped pseudo-reward, alpha = {alpha}, clip = {clip}")
        }
        other => format!("{other:?}"),
    }
}
