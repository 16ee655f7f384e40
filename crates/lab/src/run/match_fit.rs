//! Whether expected steps can be matched: where they are κ(V)·∇V, of the policy that samples.

use crate::experiment::{Experiment, Problem};
use crate::plan::{Gradient, Match, SampleSource, Sampling, Training};
use crate::training::GroupShape;
use crate::world::World;
use pstar_core::objective::{Declaration, Divergence, PopulationForm};

/// What in the way of training does not go with matched steps.
pub(super) fn unfit_training(experiment: &Experiment, training: Training) -> Option<Problem> {
    let (Some(Match::Kappa), Gradient::Sampled(sampling)) = (training.matched, training.gradient) else {
        return None;
    };
    let Sampling { epochs, minibatches, source, .. } = sampling;
    let found = if source != SampleSource::Policy {
        format!("`source: {source:?}`")
    } else if epochs > 1 {
        format!("`epochs: {epochs}`")
    } else if minibatches > 1 {
        format!("`minibatches: {minibatches}`")
    } else {
        return None;
    };
    let message = format!(
        "`match: Kappa` knows the expected step of samples of the policy as it is alone, one step a batch, found {found}"
    );
    let hint = "leave out `match`, or set `source: Policy`, `epochs: 1` and `minibatches: 1`";
    Some(Problem::at(experiment.match_place(), message).with_hint(hint))
}

/// Why the expected step of an objective cannot be matched, and what would help.
pub(super) fn unfit_objective(
    world: &World,
    declaration: &Declaration,
    training: Training,
) -> Option<(String, String)> {
    let Match::Kappa = training.matched?;
    if !has_kappa(declaration) {
        let reason = match &declaration.beyond_counts[..] {
            [] => String::new(),
            parts => format!(", because of {}", listed(parts)),
        };
        let message = format!(
            "`training.match: Kappa` needs an expected gradient κ(V)·∇V, and its own is no multiple of ∇V{reason}"
        );
        let change = match &declaration.beyond_counts[..] {
            [] => "leave out the objective",
            _ => "configure that otherwise",
        };
        return Some((
            message,
            format!("{change}, or leave out `match`; `host exact FILE --kappa` tells which have κ"),
        ));
    }
    let Gradient::Sampled(sampling) = training.gradient else { return None };
    let shape = GroupShape::of(world, declaration, sampling.group);
    (!shape.fits()).then(|| {
        let message = format!(
            "`training.match: Kappa` needs groups of 1 to {} samples, found `group: {}`",
            shape.most_samples(),
            sampling.group
        );
        (message, "sample smaller groups, or leave out `match`".into())
    })
}

/// Whether the expected gradient of an objective for a prompt is κ(V)·∇V.
pub(crate) fn has_kappa(declaration: &Declaration) -> bool {
    matches!(declaration.population, Some(PopulationForm::BinaryGroup { .. }))
        || follows_validity_rate(declaration)
}

/// Whether an objective whose coefficients are of single sequences follows the validity rate, so that κ is one number.
pub(crate) fn follows_validity_rate(declaration: &Declaration) -> bool {
    declaration.population == Some(PopulationForm::PerSequence)
        && declaration.divergence == Some(Divergence::InvalidityRate)
}

/// `a`, `b` and `c`.
fn listed(parts: &[String]) -> String {
    let quoted: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    match &quoted[..] {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => quoted.concat(),
    }
}
