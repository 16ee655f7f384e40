//! Training arms, and putting a record together from theirs.

use super::initial::Starting;
use super::{Ended, Prepared, PreparedObjective, Progress, Rates, Starts, seeds};
use crate::evaluation::Evaluation;
use crate::kappa::kappa_of_run;
use crate::optimum::{Question, Search, beside, in_words};
use crate::plan::{ArmKey, PolicySpec, Start, Training};
use crate::training::{Arm, ArmEvent, ArmOutcome, ArmState, Components, Control, train};
use pstar_compare::{ClassStart, differences, intervals, verdicts};
use pstar_core::PluginError;
use pstar_core::files::sha256;
use pstar_loader::{Handle, ObjectiveHandle};
use pstar_record::{
    ArmRecord, ArmStatus, ClassOptimum, Measures, Method, Missing, ObjectiveRecord, PolicyRecord, RunRecord,
    Selection, VERSION, Warning, Warnings,
};
use rayon::prelude::*;

/// Runs all arms in memory, in parallel on the current pool of threads. No thread count changes a bit of the record.
///
/// A component that fails ends its arm, which the record tells.
pub fn execute(prepared: &Prepared<'_>, progress: &dyn Progress) -> RunRecord {
    let plan = &prepared.experiment.plan;
    progress.phase("evaluating policies at their start");
    let starts = Starts::of(prepared, plan.selecting().chain(plan.arms()));
    progress.begin(plan.arm_count(), prepared.training.steps.into());
    let run = |arm: ArmKey| {
        if progress.stopped() {
            return arm_record(prepared, arm, unbegun());
        }
        let mut tell = |event: ArmEvent<'_>| {
            if let ArmEvent::Step { .. } = event {
                progress.step();
            }
            if progress.stopped() { Control::Stop } else { Control::Continue }
        };
        let outcome = starts.get(prepared, arm).and_then(|start| start_arm(prepared, &start, arm, &mut tell));
        let record = arm_record(prepared, arm, outcome.unwrap_or_else(ArmOutcome::of_failure));
        progress.arm_ended(&prepared.called(arm));
        record
    };
    let selecting: Vec<ArmKey> = plan.selecting().collect();
    let tried: Vec<Option<ArmRecord>> = selecting.into_par_iter().map(run).map(Some).collect();
    let rates = Rates::of(plan, &tried);
    let arms = rates.arms().into_par_iter().map(run).collect();
    progress.end();
    assemble(prepared, rates.into_ended(prepared, arms))
}

/// The outcome of an arm that a stopped run did not come to.
pub fn unbegun() -> ArmOutcome {
    ArmOutcome { status: ArmStatus::Interrupted, ..ArmOutcome::default() }
}

/// The record of a run from those of its arms, without optima.
pub fn assemble(prepared: &Prepared<'_>, ended: Ended) -> RunRecord {
    let Ended { arms, selection } = ended;
    let Prepared { experiment, truth, .. } = prepared;
    let policies: Vec<String> = experiment.plan.policies.iter().map(|spec| spec.name.clone()).collect();
    let objectives: Vec<String> = experiment.plan.objectives.iter().map(|spec| spec.name.clone()).collect();
    let starts: Vec<ClassStart> = experiment.plan.policies.iter().map(class_start).collect();
    let warnings = prepared.warnings.iter().cloned().chain(seeds::without_effect(&arms)).collect();
    // The names of arms whose learning rate is still to be selected are not known.
    let is_known = |arm: &&ArmRecord| !arm.learning_rate.is_nan();
    let open = arms.iter().filter(|arm| arm.status == ArmStatus::Interrupted).filter(is_known);
    let selecting = selection.iter().flat_map(Selection::arms);
    let selecting = selecting.filter(|arm| arm.status == ArmStatus::Interrupted);
    let missing = Missing {
        arms: selecting.map(|arm| &arm.id).chain(open.map(|arm| &arm.id)).cloned().collect(),
        optima: experiment.world.evaluation.optima,
    };
    RunRecord {
        version: VERSION,
        name: experiment.file.name.value().clone(),
        complete: missing == Missing::default(),
        missing,
        method: truth.method(),
        policies: classes(prepared, &arms),
        objectives: prepared.objectives.iter().map(|objective| described(prepared, objective)).collect(),
        verdicts: verdicts(&starts, &objectives, &arms, &prepared.references),
        intervals: intervals(&policies, &objectives, &arms),
        comparisons: differences(&policies, &objectives, &arms),
        arms,
        selection,
        references: prepared.references.clone(),
        optima: Vec::new(),
        kappa: None,
        warnings,
    }
}

fn class_start(policy: &PolicySpec) -> ClassStart {
    ClassStart {
        policy: policy.name.clone(),
        follows_base: matches!(policy.start, Start::CopyBase | Start::FitBase),
        copies_base: policy.start == Start::CopyBase,
    }
}

/// An objective in words, for readers that load no plugin.
fn described(prepared: &Prepared<'_>, objective: &PreparedObjective<'_>) -> ObjectiveRecord {
    let PreparedObjective { spec, declaration, .. } = objective;
    let listing = prepared.registry.listing_of(ObjectiveHandle::KIND, &spec.plugin);
    ObjectiveRecord {
        name: spec.name.clone(),
        plugin: spec.plugin.clone(),
        version: listing.as_ref().map_or(String::new(), |listing| listing.plugin.version.clone()),
        doc: listing.map_or(String::new(), |listing| listing.doc.into()),
        configuration: spec.configuration.clone(),
        divergence: declaration.divergence.map(in_words),
        learning_rate: spec.learning_rate,
    }
}

/// Optima, and what is to be said of those that could not be had.
#[derive(Debug, Default)]
pub struct Optima {
    found: Vec<ClassOptimum>,
    missing: Vec<Warning>,
}

impl Optima {
    /// Puts them into the record of the run.
    pub fn put_into(self, record: &mut RunRecord) {
        record.optima = self.found;
        record.warnings.extend(self.missing);
        record.missing.optima = false;
        record.complete = record.missing == Missing::default();
    }
}

/// Looks for the best policy of each class under each objective, if the experiment wants it. `ends` gives the parameters at
/// which the arms of a policy ended.
pub fn look_for_optima(
    prepared: &Prepared<'_>,
    ends: &(dyn Fn(&str) -> Vec<Vec<f64>> + Sync),
    progress: &dyn Progress,
) -> Optima {
    let Prepared { experiment, registry, truth, .. } = prepared;
    if !experiment.world.evaluation.optima {
        return Optima::default();
    }
    progress.phase("looking for the optima of the classes");
    let (effort, divergences) = (&Search::brief, &prepared.divergences()[..]);
    let question = Question { experiment, registry, truth, divergences, effort, ends, with_flow: false };
    let (found, missing) = beside(&question);
    progress.end();
    Optima { found, missing: missing.into_iter().collect() }
}

/// Looks for optima and how fast objectives climb, and adds both to a record that is in memory.
pub fn add_optima(prepared: &Prepared<'_>, record: &mut RunRecord, progress: &dyn Progress) {
    let ends = |policy: &str| {
        let of_policy = record.arms.iter().filter(|arm| arm.policy == policy);
        let complete = of_policy.filter(|arm| arm.status == ArmStatus::Complete);
        complete.map(|arm| arm.parameters.clone()).collect()
    };
    look_for_optima(prepared, &ends, progress).put_into(record);
    record.kappa = kappa_of_run(prepared).ok();
}

/// The record of an arm.
pub fn arm_record(prepared: &Prepared<'_>, arm: ArmKey, outcome: ArmOutcome) -> ArmRecord {
    let (policy, objective) = prepared.names(arm);
    let bytes: Vec<u8> = outcome.parameters.iter().flat_map(|value| value.to_le_bytes()).collect();
    ArmRecord {
        id: String::new(),
        policy: policy.into(),
        objective: objective.into(),
        seed: arm.seed,
        learning_rate: prepared.experiment.plan.rate_of(arm),
        status: outcome.status,
        failure: outcome.failure,
        first_batch: outcome.first_batch,
        budget: outcome.budget,
        log_partition: outcome.partitions,
        initial: outcome.initial,
        last: outcome.last,
        crossings: outcome.crossings,
        diagnostics: outcome.diagnostics,
        warnings: Warnings(outcome.warnings),
        parameters_sha256: (!bytes.is_empty()).then(|| sha256(&bytes)),
        curve: outcome.curve,
        parameters: outcome.parameters,
        prompts: outcome.prompts,
    }
}

/// Below this distance from the base, in nats, a policy is the base: what rounding leaves of 0.
const IS_BASE: f64 = 1e-9;

/// What policy classes are, from the figures of their arms' starts.
fn classes(prepared: &Prepared<'_>, arms: &[ArmRecord]) -> Vec<PolicyRecord> {
    let is_exact = prepared.truth.method() != Method::Sampling;
    let record = |spec: &PolicySpec| {
        let mut starts = arms
            .iter()
            .filter(|arm| arm.policy == spec.name)
            .filter_map(|arm| arm.initial.as_ref())
            .peekable();
        let is_base = |initial: &Measures| {
            let estimated = initial.flat().any(|(_, measure)| measure.std_error.is_some());
            is_exact && !estimated && initial.get("kl_to_base").is_some_and(|kl| kl <= IS_BASE)
        };
        let all_are = starts.peek().is_some() && starts.all(is_base);
        PolicyRecord {
            name: spec.name.clone(),
            represents_base: spec.start == Start::CopyBase || all_are,
            start: format!("{:?}", spec.start),
        }
    };
    prepared.experiment.plan.policies.iter().map(record).collect()
}

/// Makes the components of an arm and trains it from its start, where it measures `initial`.
///
/// # Errors
/// If a component cannot be made.
pub fn start_arm(
    prepared: &Prepared<'_>,
    initial: &Evaluation,
    arm: ArmKey,
    tell: &mut dyn FnMut(ArmEvent<'_>) -> Control,
) -> Result<ArmOutcome, PluginError> {
    Ok(train(components(prepared, prepared.training_of(arm), arm)?, initial, tell))
}

/// Makes the components of an arm and trains it from a state that it told.
///
/// # Errors
/// If a component cannot be made, or the state is not this arm's.
pub fn resume_arm(
    prepared: &Prepared<'_>,
    arm: ArmKey,
    state: &str,
    tell: &mut dyn FnMut(ArmEvent<'_>) -> Control,
) -> Result<ArmOutcome, PluginError> {
    let mut state = ArmState::read(state)?;
    let mut resumed = Arm::resume(components(prepared, prepared.training_of(arm), arm)?, &state)?;
    Ok(resumed.run(&mut state, tell))
}

/// Fresh components of an arm.
///
/// # Errors
/// If one cannot be made.
pub fn components<'a>(
    prepared: &'a Prepared<'_>,
    training: Training,
    arm: ArmKey,
) -> Result<Components<'a>, PluginError> {
    let experiment = prepared.experiment;
    let objective = &prepared.objectives[arm.objective];
    let Starting { policy: handle, evaluator } = Starting::new(prepared, arm.policy, arm.seed)?;
    let component = prepared.registry.objective(&objective.spec.plugin);
    let component = component.map_err(|error| PluginError::contract(error.to_string()))?;
    Ok(Components {
        world: &experiment.world,
        training,
        facts: prepared.facts_of(arm.objective),
        exact: prepared.exact(arm.policy, objective),
        known: prepared.known_verdicts(),
        filtered: prepared.filtered.as_ref(),
        evaluator,
        policy: handle,
        declaration: objective.declaration.clone(),
        objective: component.create(&objective.spec.configuration, &experiment.world.task)?,
        seed: arm.seed,
    })
}
