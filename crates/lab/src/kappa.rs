//! How fast objectives climb that depend on rewards and counts alone, and whether they weigh prompts as they claim to.

mod at_start;

use crate::declared::Declared;
use crate::experiment::{Experiment, ExperimentError};
use crate::optimum::in_words;
use crate::plan::{Gradient, ObjectiveSpec, PolicySpec};
use crate::run::match_fit::follows_validity_rate;
use crate::run::{Prepared, gradient_scale};
use crate::training::{GroupCoefficients, GroupShape};
use at_start::Starts;
use pstar_core::objective::{Claim, Declaration, Divergence, PopulationForm};
use pstar_core::{PluginError, math};
use pstar_loader::{Registry, TaskText};
use pstar_record::{KappaRecord, ObjectiveKappa, PolicyCosine, Ratio};

/// Validity rates that κ is shown at.
const RATES: [f64; 7] = [1e-3, 1e-2, 0.1, 0.3, 0.5, 0.9, 0.99];

/// What is said of an objective that does not follow the divergence that it declares.
const FALSELY_DECLARED: &str = "divergence: InvalidityRate, which it declares and does not follow";

/// κ(V) of every objective of an experiment whose coefficients depend on rewards and on the number of right answers of a
/// group alone: on-policy its expected gradient for a prompt is κ(V)·∇V, V the validity rate. Exact, for groups of the size
/// that the experiment trains with, or of the objective's own where gradients are exact. Of other objectives no values, but
/// what in their configuration is the reason, where they tell.
///
/// Beside κ stands the weight w(V) that an objective claims, and for every policy the cosine of Σ_x w_x κ(V_x) ∇V_x to
/// Σ_x w_x w(V_x) ∇V_x at its start: for one prompt ±1, for several less where prompts are weighted otherwise than claimed.
/// Policies that start at random are drawn with the first seed, or 0 where there is none.
///
/// # Range and cost
/// κ: the square of a group. Cosines: the exact values of the task, and two exact gradients an objective and policy.
///
/// # Errors
/// If a component fails, or a policy cannot start.
pub fn kappa(experiment: &Experiment, registry: &Registry) -> Result<KappaRecord, ExperimentError> {
    of_objectives(experiment, registry, &|| Starts::of(experiment, registry))
}

/// The same of an experiment that is prepared, which has explored the task already.
///
/// # Errors
/// If a component fails.
pub fn kappa_of_run(prepared: &Prepared<'_>) -> Result<KappaRecord, ExperimentError> {
    let Prepared { experiment, registry, truth, policies, .. } = prepared;
    let start = |spec: &PolicySpec| {
        let known = policies.iter().find(|policy| policy.spec.name == spec.name);
        Ok(known.and_then(|policy| policy.start.clone()))
    };
    of_objectives(experiment, registry, &|| Starts::at(experiment, registry, truth, &start))
}

fn of_objectives(
    experiment: &Experiment,
    registry: &Registry,
    starts: &dyn Fn() -> Result<Starts, ExperimentError>,
) -> Result<KappaRecord, ExperimentError> {
    let asked: Result<Vec<Asked>, ExperimentError> =
        experiment.plan.objectives.iter().map(|spec| ask(experiment, registry, spec)).collect();
    let asked = asked?;
    let wanted = asked.iter().any(|asked| asked.both().is_some());
    let starts = if wanted { starts()? } else { Starts::default() };
    let failure = |error: PluginError| experiment.failure(error);
    let mut objectives = Vec::new();
    for (spec, asked) in experiment.plan.objectives.iter().zip(&asked) {
        let cosines = match asked.both() {
            Some((kappa, claim)) => starts.cosines(kappa, claim).map_err(failure)?,
            None => Vec::new(),
        };
        objectives.push(asked.record(spec, cosines));
    }
    Ok(KappaRecord {
        validity_rates: RATES.to_vec(),
        objectives,
        prompts: experiment.world.trained.numbers.len() as u64,
        without_cosines: starts.unavailable,
    })
}

/// What an objective said.
struct Asked {
    group: Option<usize>,
    kappa: Option<GroupCoefficients>,
    because: Vec<String>,
    claim: Option<Claimed>,
}

/// What an objective claims to follow.
enum Claimed {
    /// A function of the validity rate.
    Rate(Claim),
    /// The negative gradient of something else, in words.
    Other(String),
}

impl Claimed {
    fn of(declaration: &Declaration) -> Option<Self> {
        match (declaration.claim, declaration.divergence) {
            (Some(claim), _) => Some(Self::Rate(claim)),
            (None, Some(Divergence::InvalidityRate)) => Some(Self::Rate(Claim::ValidityRate)),
            (None, Some(other)) => Some(Self::Other(format!("-∇ {}", in_words(other)))),
            (None, None) => None,
        }
    }
}

/// Asks an objective for its κ and its claim.
fn ask(experiment: &Experiment, registry: &Registry, spec: &ObjectiveSpec) -> Result<Asked, ExperimentError> {
    let failed = |error: PluginError| experiment.error(vec![experiment.of_objective(spec, &error)]);
    let task = TaskText::of(&experiment.world.task).map_err(|error| experiment.failure(error))?;
    let make =
        || Declared::of(experiment, registry, spec, &task).map_err(|problem| experiment.error(vec![problem]));
    let Declared { mut objective, declaration, .. } = make()?;
    let sampling = match experiment.plan.training.map(|training| training.gradient) {
        Some(Gradient::Sampled(sampling)) => Some(sampling),
        _ => None,
    };
    let claim = Claimed::of(&declaration);
    let none = |because| Asked { group: None, kappa: None, because, claim: Claimed::of(&declaration) };
    let own_group = match declaration.population {
        Some(PopulationForm::BinaryGroup { group }) => Some(group as usize),
        _ if follows_validity_rate(&declaration) => {
            let scale = gradient_scale::scale(&mut make()?.objective, Divergence::InvalidityRate);
            let Some(scale) = scale.map_err(failed)? else { return Ok(none(vec![FALSELY_DECLARED.into()])) };
            if sampling.is_none() {
                let kappa = Some(GroupCoefficients::constant(scale));
                return Ok(Asked { group: None, kappa, because: Vec::new(), claim });
            }
            None
        }
        _ => return Ok(none(declaration.beyond_counts.clone())),
    };
    let (group, redraw) = match (sampling, own_group) {
        (Some(sampling), _) => (sampling.group, sampling.redraw),
        (None, group) => (group.unwrap_or(1), 0),
    };
    let shape = GroupShape::of(&experiment.world, &declaration, group);
    let asked = GroupCoefficients::ask(&mut objective, shape, (0, 0)).map_err(failed)?;
    Ok(Asked { group: Some(group), kappa: Some(asked.redrawn(redraw)), because: Vec::new(), claim })
}

impl Asked {
    /// κ and the claim, where both are of the validity rate.
    fn both(&self) -> Option<(&GroupCoefficients, Claim)> {
        match (&self.kappa, &self.claim) {
            (Some(kappa), Some(Claimed::Rate(claim))) => Some((kappa, *claim)),
            _ => None,
        }
    }

    fn record(&self, spec: &ObjectiveSpec, cosines: Vec<PolicyCosine>) -> ObjectiveKappa {
        let masses = RATES.map(|v| [math::ln(v), math::ln_1p(-v)]);
        let at = |factor: &dyn Fn([f64; 2]) -> f64| masses.map(factor).to_vec();
        let ratio = |(kappa, claim): (&GroupCoefficients, Claim)| {
            let ratio =
                |masses| Some(kappa.kappa(masses) / claim.weight(masses)).filter(|ratio| ratio.is_finite());
            masses.map(|masses| Ratio(ratio(masses))).to_vec()
        };
        let claimed = match self.claim {
            Some(Claimed::Rate(claim)) => at(&|masses| claim.weight(masses)),
            _ => Vec::new(),
        };
        ObjectiveKappa {
            objective: spec.name.clone(),
            group: self.group.map(|group| group as u64),
            kappa: self.kappa.as_ref().map_or_else(Vec::new, |kappa| at(&|masses| kappa.kappa(masses))),
            because: self.because.clone(),
            claim: self.claim.as_ref().map(|claim| match claim {
                Claimed::Rate(claim) => claim.to_string(),
                Claimed::Other(words) => words.clone(),
            }),
            claimed,
            ratio: self.both().map_or_else(Vec::new, ratio),
            cosines,
        }
    }
}
