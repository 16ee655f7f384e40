//! Running all arms.

use super::initial::{Initial, Starting};
use super::{Prepared, Progress, compare, seeds};
use crate::evaluation::Evaluation;
use crate::optimum::{Search, beside};
use crate::plan::{ObjectiveSpec, Training};
use crate::training::{ArmEvent, ArmOutcome, Components, Control, train};
use pstar_core::PluginError;
use pstar_record::{ArmRecord, ArmStatus, RunRecord, VERSION, Warnings};
use rayon::prelude::*;

/// Runs all arms, in parallel on the current pool of threads. No thread count changes a bit of the record.
///
/// A component that fails ends its arm, which the record tells.
pub fn execute(prepared: &Prepared<'_>, progress: &dyn Progress) -> RunRecord {
    let experiment = prepared.experiment;
    let mut arms: Vec<(usize, &ObjectiveSpec, usize)> = Vec::new();
    for policy in 0..experiment.plan.policies.len() {
        for objective in &experiment.plan.objectives {
            arms.extend((0..experiment.plan.seeds.len()).map(|seed| (policy, objective, seed)));
        }
    }
    progress.phase("evaluating policies at their start");
    let initial = Initial::of(prepared);
    progress.begin(arms.len() as u64, prepared.training.steps.into());
    let arms: Vec<ArmRecord> = arms
        .into_par_iter()
        .map(|(policy, objective, seed)| {
            let start = initial.get(policy, seed);
            if progress.stopped() {
                return unbegun(prepared, policy, objective, experiment.plan.seeds[seed]);
            }
            let record = run_arm(prepared, start, (policy, objective, experiment.plan.seeds[seed]), progress);
            progress.arm_ended(&format!("{} · {} · seed {}", record.policy, record.objective, record.seed));
            record
        })
        .collect();
    progress.end();
    let policies: Vec<String> = experiment.plan.policies.iter().map(|spec| spec.name.clone()).collect();
    let objectives: Vec<String> = experiment.plan.objectives.iter().map(|spec| spec.name.clone()).collect();
    let warnings = prepared.warnings.iter().cloned().chain(seeds::without_effect(&arms)).collect();
    RunRecord {
        version: VERSION,
        name: experiment.file.name.value().clone(),
        method: prepared.ruler.method(),
        comparisons: compare(&policies, &objectives, &arms),
        arms,
        references: prepared.references.clone(),
        optima: Vec::new(),
        warnings,
    }
}

/// Looks for the best policy of each class under each objective, and adds what is found to the record.
pub fn add_optima(prepared: &Prepared<'_>, record: &mut RunRecord, progress: &dyn Progress) {
    let Prepared { experiment, registry, ruler, .. } = prepared;
    if !experiment.world.evaluation.optima {
        return;
    }
    progress.phase("looking for the optima of the classes");
    let ends = |policy: &str| {
        let complete =
            record.arms.iter().filter(|arm| arm.policy == policy && arm.status == ArmStatus::Complete);
        complete.map(|arm| arm.parameters.clone()).collect()
    };
    let (optima, missing) = beside(experiment, registry, ruler, &Search::brief, &ends);
    record.optima = optima;
    record.warnings.extend(missing);
    progress.end();
}

/// An arm that a stopped run did not come to.
fn unbegun(prepared: &Prepared<'_>, policy: usize, objective: &ObjectiveSpec, seed: u64) -> ArmRecord {
    let outcome = ArmOutcome { status: ArmStatus::Interrupted, ..ArmOutcome::default() };
    record(prepared, policy, objective, seed, outcome)
}

fn run_arm(
    prepared: &Prepared<'_>,
    initial: Result<&Evaluation, PluginError>,
    (policy, objective, seed): (usize, &ObjectiveSpec, u64),
    progress: &dyn Progress,
) -> ArmRecord {
    let advance = || {
        progress.step();
        if progress.stopped() { Control::Stop } else { Control::Continue }
    };
    let trained = initial.and_then(|initial| {
        start_arm(prepared, prepared.training, initial, (policy, objective, seed), &advance)
    });
    record(prepared, policy, objective, seed, trained.unwrap_or_else(ArmOutcome::of_failure))
}

fn record(
    prepared: &Prepared<'_>,
    policy: usize,
    objective: &ObjectiveSpec,
    seed: u64,
    outcome: ArmOutcome,
) -> ArmRecord {
    ArmRecord {
        policy: prepared.experiment.plan.policies[policy].name.clone(),
        objective: objective.name.clone(),
        seed,
        learning_rate: prepared.training.optimizer.learning_rate(),
        status: outcome.status,
        failure: outcome.failure,
        first_batch: outcome.first_batch,
        budget: outcome.budget,
        log_partition: outcome.partitions,
        initial: outcome.initial,
        last: outcome.last,
        diagnostics: outcome.diagnostics,
        warnings: Warnings(outcome.warnings),
        curve: outcome.curve,
        parameters: outcome.parameters,
    }
}

/// Makes the components of an arm and trains it.
pub(super) fn start_arm(
    prepared: &Prepared<'_>,
    training: Training,
    initial: &Evaluation,
    (policy, objective, seed): (usize, &ObjectiveSpec, u64),
    advance: &dyn Fn() -> Control,
) -> Result<ArmOutcome, PluginError> {
    let parts = components(prepared, training, (policy, objective, seed))?;
    let mut tell = |event: ArmEvent<'_>| {
        if let ArmEvent::Step { .. } = event { advance() } else { Control::Continue }
    };
    Ok(train(parts, initial, &mut tell))
}

/// Fresh components of an arm.
///
/// # Errors
/// If one cannot be made.
pub fn components<'a>(
    prepared: &'a Prepared<'_>,
    training: Training,
    (policy, objective, seed): (usize, &ObjectiveSpec, u64),
) -> Result<Components<'a>, PluginError> {
    let experiment = prepared.experiment;
    let Starting { policy: handle, evaluator } = Starting::new(prepared, policy, seed)?;
    let component = prepared.registry.objective(&objective.plugin);
    let component = component.map_err(|error| PluginError::contract(error.to_string()))?;
    Ok(Components {
        world: &experiment.world,
        training,
        facts: &prepared.facts,
        exact: prepared.exact(policy, &objective.name),
        filtered: prepared.filtered.as_ref(),
        evaluator,
        policy: handle,
        objective: component.create(&objective.configuration, &experiment.world.task)?,
        seed,
    })
}
