//! What a run will cost.

use super::Prepared;
use super::execute::components;
use super::initial::Starting;
use super::needs::Needs;
use crate::clock::thread_seconds;
use crate::evaluation::{DynamicReference, Evaluation, GroundTruth};
use crate::plan::{ArmKey, Gradient, Sampling, Training};
use crate::policy_class::PolicyClass;
use crate::training::{ArmEvent, Control, create, train};
use pstar_core::PluginError;
use pstar_exact::Search;
use serde::Serialize;
use std::collections::BTreeMap;

/// Steps that are tried to tell the time of one; the larger number where they are short.
const TRIED: [u32; 2] = [4, 64];

/// Seconds below which a step is short.
const SHORT: f64 = 1e-3;

/// Greatest number of sequences of a step that is tried; larger batches take as much longer as they are larger.
const TRIED_SEQUENCES: usize = 8192;

/// Seconds of an evaluation beyond which it is not made again for every objective.
const LONG: f64 = 0.2;

/// What a look at a policy costs in the search for an optimum, in passes of the kind that [`PolicyClass::log_masses`]
/// makes: from the searches of `compare.ron`, which run in plain numbers.
const PASSES_A_LOOK: f64 = 0.5;

/// What a look at a box of policies costs in a proof, in the same unit.
const PASSES_A_BOX: f64 = 16.0;

/// What a run will cost. The counts are exact, but for what is drawn again; time and memory are rough, and grow with all that makes them grow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Number of arms.
    pub arms: u64,
    /// Sequences sampled for training, over all arms.
    pub sequences: u64,
    /// Optimizer steps, over all arms.
    pub optimizer_steps: u64,
    /// Seconds on the current pool of threads, where nothing else runs.
    pub seconds: f64,
    /// Memory in MiB, the program itself left out.
    pub mebibytes: f64,
}

/// The evaluations of an arm at its start, with seconds of processor time.
struct Parts {
    initial: Evaluation,
    /// Whether arms of other seeds have other figures there.
    by_seed: bool,
    full: f64,
    point: f64,
}

impl Estimate {
    /// Estimates by a few steps of an arm of every policy under an objective of every plugin, in processor time, so that
    /// it tells the same on a machine that is busy. `preparation` is the processor time that preparing took.
    ///
    /// # Errors
    /// If a component fails.
    pub fn of(prepared: &Prepared<'_>, preparation: f64) -> Result<Self, PluginError> {
        let threads = rayon::current_num_threads() as f64;
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let alone = alone.map_err(|error| PluginError::data(format!("no thread can be started: {error}")))?;
        // One thread, so that its clock counts all the work.
        let work = alone.install(|| work(prepared))?;
        let arms = prepared.experiment.plan.arm_count();
        let batch = match prepared.training.gradient {
            Gradient::Sampled(Sampling { prompts, group, .. }) => (prompts * group) as u64,
            Gradient::Population => 0,
        };
        let batches = arms.saturating_mul(prepared.training.steps.into());
        let updates = match prepared.training.gradient {
            Gradient::Sampled(sampling) => sampling.updates(),
            Gradient::Population => 1,
        };
        Ok(Self {
            arms,
            sequences: batches.saturating_mul(batch),
            optimizer_steps: batches.saturating_mul(updates),
            seconds: (preparation + work) / threads.min(arms as f64).max(1.0),
            mebibytes: Needs::of(prepared)?.total() / f64::from(1 << 20),
        })
    }
}

/// Seconds of processor time of all arms and of the search for optima.
fn work(prepared: &Prepared<'_>) -> Result<f64, PluginError> {
    let experiment = prepared.experiment;
    let plan = &experiment.plan;
    let selecting = plan.select_on.as_ref().map_or(0, |select_on| select_on.seeds.len());
    let seeds = (plan.seeds.len() + selecting) as f64;
    let steps = f64::from(prepared.training.steps);
    // The curve's first and last point come with the full evaluations.
    let points = f64::from(prepared.training.steps.saturating_sub(1) / experiment.world.evaluation.every);
    let mut by_plugin: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (objective, spec) in plan.objectives.iter().enumerate() {
        by_plugin.entry(&spec.plugin).or_insert((objective, 0.0)).1 += plan.arms_under(objective) as f64;
    }
    let mut seconds = 0.0;
    for policy in 0..experiment.plan.policies.len() {
        let parts = parts(prepared, policy)?;
        let mut step = None;
        for &(objective, count) in by_plugin.values() {
            if step.is_none() || parts.full < LONG {
                step = Some(step_seconds(prepared, policy, objective, &parts)?);
            }
            let arm = parts.full + points * parts.point + steps * step.unwrap_or(0.0);
            seconds += count * arm;
        }
        seconds += if parts.by_seed { seeds * parts.full } else { parts.full };
        if experiment.world.evaluation.optima {
            seconds += optima(prepared, policy, parts.full)?;
        }
    }
    Ok(seconds)
}

/// The evaluations of a policy at its start, each the less of two.
fn parts(prepared: &Prepared<'_>, policy: usize) -> Result<Parts, PluginError> {
    let seed = prepared.experiment.plan.first_seed();
    let Starting { policy: handle, mut evaluator } = Starting::new(prepared, policy, seed)?;
    let (initial, mut full) = timed(|| evaluator.evaluate(&handle, 0))?;
    if full < LONG {
        full = full.min(timed(|| evaluator.evaluate(&handle, 0))?.1);
    }
    let by_seed = prepared.policies[policy].start.is_none() || evaluator.is_seeded();
    let mut point = full;
    if points_are_made(prepared) {
        point = timed(|| evaluator.curve(&handle, 0))?.1;
        if point < LONG {
            point = point.min(timed(|| evaluator.curve(&handle, 0))?.1);
        }
    }
    Ok(Parts { initial, by_seed, full, point })
}

/// Whether the curve has points between its first and its last.
fn points_are_made(prepared: &Prepared<'_>) -> bool {
    prepared.training.steps > prepared.experiment.world.evaluation.every
}

fn timed<T>(work: impl FnOnce() -> Result<T, PluginError>) -> Result<(T, f64), PluginError> {
    let before = thread_seconds();
    let done = work()?;
    Ok((done, thread_seconds() - before))
}

/// A step of a policy under an objective, the least of several.
fn step_seconds(
    prepared: &Prepared<'_>,
    policy: usize,
    objective: usize,
    parts: &Parts,
) -> Result<f64, PluginError> {
    let Some(&seed) = prepared.experiment.plan.seeds.first() else { return Ok(0.0) };
    // What matches steps takes as long however few the samples are.
    let matched = prepared.training.matched.is_some();
    let whole = (prepared.training.gradient, 1.0);
    let (gradient, factor) = if matched { whole } else { smaller(prepared.training.gradient) };
    let mut least = f64::INFINITY;
    for tried in TRIED {
        let steps = prepared.training.steps.min(tried);
        let mut ticks = Vec::new();
        let mut tick = |event: ArmEvent<'_>| {
            if let ArmEvent::Step { .. } = event {
                ticks.push(thread_seconds());
            }
            Control::Continue
        };
        let arm = ArmKey { policy, objective, rate: 0, seed };
        let training = Training { gradient, steps, ..prepared.training_of(arm) };
        train(components(prepared, training, arm)?, &parts.initial, &mut tick);
        least = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(least, f64::min);
        if least > SHORT {
            break;
        }
    }
    let every = prepared.experiment.world.evaluation.every;
    // Points of the curve lie between steps where every step has one.
    let between = if every == 1 { parts.point } else { 0.0 };
    Ok(if least.is_finite() { (least - between).max(0.0) * factor } else { 0.0 })
}

/// A gradient from fewer samples, and how many times as many the run takes.
fn smaller(gradient: Gradient) -> (Gradient, f64) {
    match gradient {
        Gradient::Sampled(sampling @ Sampling { prompts, group, .. })
            if prompts * group > TRIED_SEQUENCES && sampling.minibatches == 1 =>
        {
            let (fewer, part) = ((TRIED_SEQUENCES / group).max(1), group.min(TRIED_SEQUENCES));
            let factor = (prompts * group) as f64 / (fewer * part) as f64;
            (Gradient::Sampled(Sampling { prompts: fewer, group: part, ..sampling }), factor)
        }
        gradient => (gradient, 1.0),
    }
}

/// The search for the optima of a policy's class, where there is one.
fn optima(prepared: &Prepared<'_>, policy: usize, full: f64) -> Result<f64, PluginError> {
    let Prepared { experiment, registry, truth, .. } = prepared;
    let searches = prepared.divergences().len() as f64;
    let explored;
    let reference = match truth {
        GroundTruth::Dynamic(reference) => &**reference,
        GroundTruth::Sampled(..) => return Ok(0.0),
        GroundTruth::Enumerated(_) => match DynamicReference::new(&experiment.world)? {
            Ok(reference) => {
                explored = reference;
                &explored
            }
            Err(_) => return Ok(0.0),
        },
    };
    let handle = create(&experiment.world, registry, &experiment.plan.policies[policy])?;
    let Ok(class) = PolicyClass::new(reference, &experiment.world, &handle)? else { return Ok(0.0) };
    let pass = timed(|| class.log_masses(&handle))?.1;
    let pass = pass.min(timed(|| class.log_masses(&handle))?.1);
    let transition = pass / class.transitions().max(1) as f64;
    Ok(optima_seconds(searches, class.transitions(), transition) + searches * full)
}

/// Processor time of looking for the optima of one policy class under `searches` objectives, along `transitions`
/// transitions between states that take `transition` seconds each in one pass.
fn optima_seconds(searches: f64, transitions: usize, transition: f64) -> f64 {
    let Some(search) = Search::brief(transitions) else { return 0.0 };
    let passes = PASSES_A_LOOK * search.looks() as f64 + PASSES_A_BOX * search.boxes as f64;
    searches * transitions as f64 * transition * passes
}
