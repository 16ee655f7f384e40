//! What the user should know of a run before it starts.

use super::{PreparedObjective, is_avoided};
use crate::evaluation::{DynamicEvaluation, DynamicReference, GroundTruth, SampledEvaluation, Unavailable};
use crate::experiment::Experiment;
use crate::plan::Optimizer;
use crate::training::create;
use pstar_core::objective::PromptFacts;
use pstar_core::{PluginError, shown};
use pstar_loader::Registry;
use pstar_record::Warning;

/// All of it: what objectives declare beyond this program's knowledge, rates and matched steps that are not what they seem,
/// prompts that cannot be solved, and which figures
/// are estimates.
pub(super) fn warnings(
    experiment: &Experiment,
    registry: &Registry,
    truth: &GroundTruth,
    facts: &[PromptFacts],
    objectives: &[PreparedObjective<'_>],
) -> Result<Vec<Warning>, PluginError> {
    let beyond = objectives.iter().flat_map(|objective| {
        objective.declaration.unknown.iter().map(|what| beyond_knowledge(&objective.spec.name, what))
    });
    let mut warnings: Vec<Warning> = beyond.collect();
    warnings.extend(rates(experiment));
    warnings.extend(match_under_adam(experiment));
    warnings.extend(unsolvable(experiment, facts));
    warnings.extend(untrained(experiment));
    warnings.extend(estimated(experiment, registry, truth)?);
    Ok(warnings)
}

/// Says where steps are matched in vain.
fn match_under_adam(experiment: &Experiment) -> Option<Warning> {
    let training = experiment.plan.training?;
    let adam = matches!(training.optimizer, Optimizer::Adam { .. });
    (adam && training.matched.is_some()).then_some(Warning::MatchUnderAdam)
}

/// Learning rates that are not equal, and those that are not used.
fn rates(experiment: &Experiment) -> Vec<Warning> {
    let plan = &experiment.plan;
    let training = experiment.file.training.as_ref();
    let own = training.and_then(|training| training.optimizer.learning_rate());
    let mut unused: Vec<f64> = plan.learning_rates.clone();
    unused.extend(own.filter(|rate| !plan.learning_rates.contains(rate)));
    unused.retain(|rate| (0..plan.objectives.len()).all(|objective| !plan.rates(objective).contains(rate)));
    let unused = unused.into_iter().map(|rate| Warning::UnusedRate { rate });
    let unequal = plan.objectives.iter().enumerate().filter_map(|(index, spec)| {
        let rate = spec.learning_rate?;
        let others = (0..plan.objectives.len()).filter(|&other| other != index);
        let mut rates: Vec<f64> = Vec::new();
        for &other in others.flat_map(|other| plan.rates(other)) {
            if !rates.contains(&other) {
                rates.push(other);
            }
        }
        let objective = spec.name.clone();
        rates.iter().any(|&other| other != rate).then_some(Warning::UnequalRate {
            objective,
            rate,
            others: rates,
        })
    });
    unused.chain(unequal).collect()
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

/// Says that not all prompts that figures are of are trained on.
fn untrained(experiment: &Experiment) -> Option<Warning> {
    let trained = &experiment.world.trained;
    let (some, all) = (trained.numbers.len(), trained.weights.len());
    let message = format!(
        "arms train on {some} of {all} prompts, and figures are means over all of them: prompts.csv has each prompt's own"
    );
    trained.leave_some_out().then_some(Warning::Text { message })
}

/// Says which figures are estimates, and names the prompts whose distance from p* cannot be had.
fn estimated(
    experiment: &Experiment,
    registry: &Registry,
    truth: &GroundTruth,
) -> Result<Vec<Warning>, PluginError> {
    match truth {
        GroundTruth::Enumerated(_) => Ok(Vec::new()),
        GroundTruth::Dynamic(reference) => without_states(experiment, registry, reference),
        GroundTruth::Sampled(sampled, unavailable) => Ok(all_sampled(experiment, sampled, unavailable)),
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
    for spec in experiment.plan.policies.iter().filter(|spec| !is_avoided(registry, spec)) {
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
    let count = sampled.no_verdicts();
    let missing = (count > 0).then_some(Warning::NoVerdicts { count, of: None });
    std::iter::once(whole).chain(missing).chain(unmet).chain(beyond_the_samples(experiment)).collect()
}
