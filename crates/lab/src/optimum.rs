//! The best policy of a class under each objective: where the objective heads, whatever an optimizer reaches.

use crate::evaluation::{DynamicReference, Evaluator, Measures, Ruler, Unavailable, number};
use crate::experiment::{Experiment, ExperimentError, ObjectiveSpec, PolicySpec, Problem};
use crate::plugins::Registry;
use crate::policy_class::PolicyClass;
use crate::training::{initial_parameters, started};
use pstar_core::PluginError;
use pstar_core::host::PolicyHandle;
use pstar_core::objective::{Declaration, Divergence};
use pstar_exact::{PopulationError, Search, optimum as solve};
use serde::Serialize;
use serde::ser::SerializeMap;

/// The best policies found.
#[derive(Clone, Debug, Serialize)]
pub struct OptimumRecord {
    /// One record a policy and objective that declares its divergence, in the file's order.
    pub optima: Vec<ClassOptimum>,
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
    /// Number of starts.
    pub starts: usize,
    /// Distinct values that the starts led to, best first.
    pub local_optima: Vec<f64>,
    /// Everything about the optimum, means over prompts.
    pub measures: Measures,
    /// For each context the probabilities of the choices.
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
        map.serialize_entry("starts", &self.starts)?;
        let optima: Vec<_> = self.local_optima.iter().map(|&value| number(Some(value))).collect();
        map.serialize_entry("local_optima", &optima)?;
        self.measures.serialize_entries(&mut map)?;
        let table: serde_json::Map<_, _> =
            self.table.iter().map(|(name, row)| (name.clone(), row.clone().into())).collect();
        map.serialize_entry("table", &table)?;
        map.end()
    }
}

/// Finds the best policy of every class under every objective that declares its divergence.
///
/// # Errors
/// Every problem that could be found: a policy that is no table of rows, a component without a finite-state view.
pub fn optimum(experiment: &Experiment, registry: &Registry) -> Result<OptimumRecord, ExperimentError> {
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
    let out_of_reach = |place, name: &str, unavailable: Unavailable| {
        Problem::at(place, format!("{name}no optimum can be had: {}", unavailable.reason))
            .with_hint(unavailable.hint)
    };
    let reference = DynamicReference::new(experiment).map_err(of_task)?.map_err(|unavailable| {
        let place = experiment.file.task.horizon.place(&experiment.text);
        failed(vec![out_of_reach(place, "", unavailable)])
    })?;
    let (mut problems, mut optima) = (Vec::new(), Vec::new());
    for spec in &experiment.policies {
        let start = match initial_parameters(experiment, registry, &ruler, spec) {
            Ok(start) => start,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let mut policy = started(experiment, registry, spec, start.as_deref()).map_err(of_task)?;
        let class = match PolicyClass::new(&reference, experiment, &policy).map_err(of_task)? {
            Ok(class) => class,
            Err(unavailable) => {
                let name = format!("policy `{}`: ", spec.name);
                problems.push(out_of_reach(spec.place.clone(), &name, unavailable));
                continue;
            }
        };
        let mut evaluator = ruler.evaluator(experiment, &policy, 0).map_err(of_task)?;
        let fitted = policy.parameters().map_err(of_task)?.values;
        for objective in &experiment.objectives {
            let declaration =
                declaration(experiment, registry, objective).map_err(|problem| failed(vec![problem]))?;
            let Some(divergence) = declaration.divergence else { continue };
            match of_class(spec, objective, divergence, &class, &mut policy, &fitted, &mut evaluator) {
                Ok(found) => optima.push(found),
                Err(Failed::Component(error)) => return Err(of_task(error)),
                Err(Failed::Population(error)) => {
                    let message = format!("objective `{}`: no optimum can be had: {error}", objective.name);
                    problems.push(Problem::at(objective.place.clone(), message));
                }
            }
        }
    }
    if problems.is_empty() { Ok(OptimumRecord { optima }) } else { Err(failed(problems)) }
}

enum Failed {
    Component(PluginError),
    Population(PopulationError),
}

impl From<PluginError> for Failed {
    fn from(error: PluginError) -> Self {
        Self::Component(error)
    }
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

fn of_class(
    spec: &PolicySpec,
    objective: &ObjectiveSpec,
    divergence: Divergence,
    class: &PolicyClass,
    policy: &mut PolicyHandle,
    start: &[f64],
    evaluator: &mut Evaluator<'_>,
) -> Result<ClassOptimum, Failed> {
    let problems = class.problems();
    let found = solve(&problems, divergence, start, &Search::default()).map_err(Failed::Population)?;
    policy.set_parameters(&found.parameters)?;
    let measures = evaluator.full(policy, 0)?;
    let mut table = Vec::new();
    for (row, range) in pstar_exact::rows_in_use(&problems).into_iter().enumerate() {
        let name = policy.row_name(range.start)?.unwrap_or_else(|| row.to_string());
        let probs = found.parameters[range].iter().map(|&log_prob| pstar_core::math::exp(log_prob));
        table.push((name, probs.collect()));
    }
    Ok(ClassOptimum {
        policy: spec.name.clone(),
        objective: objective.name.clone(),
        divergence: in_words(divergence),
        value: found.value,
        residual: found.residual,
        starts: found.starts,
        local_optima: found.local_optima,
        measures,
        table,
    })
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
