//! How fast objectives climb that depend on rewards and counts alone.

use crate::declared::Declared;
use crate::experiment::{Experiment, ExperimentError};
use crate::plan::Gradient;
use crate::training::{GroupCoefficients, GroupShape};
use pstar_core::PluginError;
use pstar_core::math;
use pstar_core::objective::PopulationForm;
use pstar_loader::{Registry, TaskText};
use pstar_record::{KappaRecord, ObjectiveKappa};

/// Validity rates that κ is shown at.
const RATES: [f64; 7] = [1e-3, 1e-2, 0.1, 0.3, 0.5, 0.9, 0.99];

/// κ(V) of every objective of an experiment whose coefficients depend on rewards and on the number of right answers of a
/// group alone: on-policy its expected gradient for a prompt is κ(V)·∇V, V the validity rate. Exact, for groups of the size
/// that the experiment trains with, or of the objective's own where gradients are exact. Of other objectives no values.
///
/// # Errors
/// If an objective fails.
pub fn kappa(experiment: &Experiment, registry: &Registry) -> Result<KappaRecord, ExperimentError> {
    let failure = |error: PluginError| experiment.failure(error);
    let task = TaskText::of(&experiment.world.task).map_err(failure)?;
    let mut objectives = Vec::new();
    for spec in &experiment.plan.objectives {
        let made = Declared::of(experiment, registry, spec, &task);
        let Declared { mut objective, declaration, .. } =
            made.map_err(|problem| experiment.error(vec![problem]))?;
        let (group, values) = match declaration.population {
            Some(PopulationForm::BinaryGroup { group }) => {
                let group = match experiment.plan.training.as_ref().map(|training| training.gradient) {
                    Some(Gradient::Sampled(sampling)) => sampling.group,
                    _ => group as usize,
                };
                let failed = |error| experiment.error(vec![experiment.of_objective(spec, &error)]);
                let shape = GroupShape::of(&experiment.world, &declaration, group);
                let asked = GroupCoefficients::ask(&mut objective, shape, (0, 0)).map_err(failed)?;
                let at = |v: f64| asked.kappa([math::ln(v), math::ln_1p(-v)]);
                (Some(group as u64), RATES.map(at).to_vec())
            }
            _ => (None, Vec::new()),
        };
        objectives.push(ObjectiveKappa { objective: spec.name.clone(), group, kappa: values });
    }
    Ok(KappaRecord { validity_rates: RATES.to_vec(), objectives })
}
