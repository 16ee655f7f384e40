//! Whether an objective fits the task and the way of training.

use super::small_groups::own_refusal;
use super::{PreparedObjective, gradient_scale, match_fit};
use crate::declared::Declared;
use crate::evaluation::GroundTruth;
use crate::experiment::{Experiment, Problem};
use crate::plan::{Gradient, ObjectiveSpec, Training};
use crate::training::GroupShape;
use crate::world::World;
use pstar_core::objective::{Declaration, Divergence, PartitionNeed, PopulationForm, PromptFacts, Source};
use pstar_core::{PluginError, shown};
use pstar_loader::{Registry, TaskText};

/// Checks an objective.
///
/// # Errors
/// All that is wrong.
pub(super) fn check<'a>(
    experiment: &Experiment,
    registry: &Registry,
    spec: &'a ObjectiveSpec,
    training: Training,
    facts: &[PromptFacts],
    truth: &GroundTruth,
    task: &TaskText,
) -> Result<PreparedObjective<'a>, Vec<Problem>> {
    let name = format!("objective `{}`", shown(&spec.name));
    let at = |message: &str| Problem::at(spec.place.clone(), format!("{name}: {message}"));
    let failed = |error: PluginError| vec![experiment.of_objective(spec, &error)];
    if registry.objective(&spec.plugin).is_ok_and(|found| found.avoided(&spec.configuration).is_some()) {
        // Its arms tell.
        return Ok(PreparedObjective { spec, declaration: Declaration::default(), facts: None, scale: 1.0 });
    }
    let made = Declared::of(experiment, registry, spec, task).map_err(|problem| vec![problem])?;
    let Declared { component, mut objective, declaration } = made;
    let of_power = declaration.power.map(|power| truth.facts_of_power(&experiment.world, facts, power));
    let of_power = of_power.transpose().map_err(failed)?;
    let facts = of_power.as_deref().unwrap_or(facts);
    // Afresh, since one that was asked may have changed.
    let create = || component.create_for(&spec.configuration, task);
    let world = &experiment.world;
    let unfit = unfit(world, &declaration, training.gradient, truth)
        .map(|(message, hint)| (message, hint.to_string()))
        .or_else(|| match_fit::unfit_objective(world, &declaration, training));
    let mut problems: Vec<Problem> =
        unfit.map(|(message, hint)| at(&message).with_hint(hint)).into_iter().collect();
    let size = group_size(&declaration, training.gradient);
    if let Some(size) = size.filter(|&size| size < declaration.minimum_group) {
        let own_words = own_refusal(create().map_err(failed)?, size, facts);
        problems.extend(failed(own_words.unwrap_or_else(|| small_groups(declaration.minimum_group, size))));
    }
    if let (PartitionNeed::Exact, GroundTruth::Sampled(_, unavailable)) = (declaration.partition, truth) {
        let (limit, reason) = (experiment.world.evaluation.enumerate_up_to, &unavailable.reason);
        let message = format!("it needs the exact Z, but the outputs are more than {limit}, and {reason}");
        let hint =
            "use a smaller `horizon`, or an objective that estimates Z (`partition: Running`) or needs none";
        problems.push(at(&message).with_hint(hint));
    } else if let Err(error) = objective.prepare(facts) {
        problems.extend(failed(error));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let declared = match (training.gradient, truth, declaration.population) {
        (Gradient::Population, GroundTruth::Dynamic(_), Some(PopulationForm::PerSequence)) => {
            declaration.divergence
        }
        // Its expected steps are matched as those of its divergence.
        _ if training.matched.is_some() && match_fit::follows_validity_rate(&declaration) => {
            declaration.divergence
        }
        _ => None,
    };
    let Some(divergence) = declared else {
        return Ok(PreparedObjective { spec, declaration, facts: of_power, scale: 1.0 });
    };
    let asked = create().and_then(|mut objective| gradient_scale::scale(&mut objective, divergence));
    let Some(scale) = asked.map_err(failed)? else {
        let message =
            format!("its coefficients are not those of the divergence that it declares, {divergence:?}");
        let hint = match training.matched {
            Some(_) => "report it to its author; it works without `training.match`",
            None => "report it to its author; `gradient: Sampled(…)` works all the same",
        };
        return Err(vec![at(&message).with_hint(hint)]);
    };
    Ok(PreparedObjective { spec, declaration, facts: of_power, scale })
}

/// What helps an objective whose clip keeps its gradient from decomposing.
const WITHOUT_CLIP: &str = "use `gradient: Sampled(…)`, leave out `clip`, or make the space smaller";

/// Why an objective does not fit the way of training, and what would help.
fn unfit(
    world: &World,
    declaration: &Declaration,
    gradient: Gradient,
    truth: &GroundTruth,
) -> Option<(String, &'static str)> {
    match gradient {
        Gradient::Sampled(sampling) if !learns_from(declaration, sampling.source.source()) => {
            let message = format!(
                "it learns from samples of {}, and `training` samples from {}",
                list_of(&declaration.sources),
                words(sampling.source.source())
            );
            Some((message, "set `source` in `gradient: Sampled(…)`"))
        }
        Gradient::Population if declaration.population.is_none() => {
            let message = "its expected gradient cannot be had exactly, so `Population` does not fit";
            Some((message.into(), "use `gradient: Sampled(…)`"))
        }
        Gradient::Population
            if group_of(declaration).is_some_and(|g| !GroupShape::of(world, declaration, g).fits()) =>
        {
            let group = group_of(declaration).unwrap_or_default();
            let most = GroupShape::of(world, declaration, group).most_samples();
            let message =
                format!("exact gradients need groups of 1 to {most} samples, found `group: {group}`");
            Some((message, "change the size of its group, or use `gradient: Sampled(…)`"))
        }
        Gradient::Population if matches!(truth, GroundTruth::Dynamic(_)) && !decomposes(declaration) => {
            let message = "its expected gradient does not decompose over the choices of an output, and the outputs \
                           are too many to list";
            let clipped = is_clipped(declaration);
            Some((
                message.into(),
                if clipped {
                    WITHOUT_CLIP
                } else {
                    "use `gradient: Sampled(…)`, or make the space smaller"
                },
            ))
        }
        _ => None,
    }
}

fn learns_from(declaration: &Declaration, source: Source) -> bool {
    declaration.sources.is_empty() || declaration.sources.contains(&source)
}

fn words(source: Source) -> &'static str {
    match source {
        Source::Policy => "the policy",
        Source::Base => "the base",
        Source::Filtered => "the filtered model",
        Source::Buffer => "earlier policies",
        _ => "something else",
    }
}

fn list_of(sources: &[Source]) -> String {
    let words: Vec<&str> = sources.iter().map(|&source| words(source)).collect();
    words.join(" or ")
}

/// The size of the groups that an objective meets, where it meets any.
fn group_size(declaration: &Declaration, gradient: Gradient) -> Option<usize> {
    match gradient {
        Gradient::Sampled(sampling) => Some(sampling.group),
        Gradient::Population => group_of(declaration).filter(|&group| group > 0),
    }
}

/// What is said of groups that are too small where the objective does not say it itself.
fn small_groups(expected: usize, found: usize) -> PluginError {
    PluginError::data(format!("it needs groups of at least {expected} samples, found `group: {found}`"))
        .with_hint("raise `group`")
}

/// The size of the groups that an objective's exact gradient is an expectation over.
fn group_of(declaration: &Declaration) -> Option<usize> {
    match declaration.population {
        Some(PopulationForm::BinaryGroup { group }) => usize::try_from(group).ok(),
        _ => None,
    }
}

/// Whether an objective has an expected gradient that sums over the choices of outputs.
fn decomposes(declaration: &Declaration) -> bool {
    let of_group = matches!(declaration.population, Some(PopulationForm::BinaryGroup { .. }));
    of_group || (declaration.divergence.is_some() && !is_clipped(declaration))
}

/// Whether it minimises the potential of a clipped pseudo-reward.
fn is_clipped(declaration: &Declaration) -> bool {
    let divergence = declaration.divergence.map(|divergence| divergence.without_power().0);
    matches!(divergence, Some(Divergence::ClippedAlpha { .. }))
}
