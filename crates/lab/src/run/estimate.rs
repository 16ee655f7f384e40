//! What a run will cost.

use super::Prepared;
use super::execute::start_arm;
use crate::evaluation::Ruler;
use crate::experiment::{Gradient, Training};
use pstar_core::PluginError;
use serde::Serialize;
use std::time::Instant;

/// Steps that are tried to estimate the time of one.
const TRIED: u32 = 5;

/// What a run will cost. The counts are exact, time and memory are rough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Number of arms.
    pub arms: u64,
    /// Sequences sampled for training, over all arms.
    pub sequences: u64,
    /// Optimizer steps, over all arms.
    pub optimizer_steps: u64,
    /// Seconds on the current pool of threads, the search for optima apart.
    pub seconds: f64,
    /// Memory in MiB, the program itself left out.
    pub mebibytes: f64,
}

impl Estimate {
    /// Estimates by training one arm of every policy for a few steps.
    ///
    /// # Errors
    /// If a component fails.
    pub fn of(prepared: &Prepared<'_>) -> Result<Self, PluginError> {
        let experiment = prepared.experiment;
        let training = prepared.training;
        let (objectives, seeds) = (experiment.objectives.len() as u64, experiment.seeds.len() as u64);
        let arms = experiment.policies.len() as u64 * objectives * seeds;
        let batch = match training.gradient {
            Gradient::Sampled { prompts, group } => (prompts * group) as u64,
            Gradient::Population => 0,
        };
        let threads = rayon::current_num_threads() as f64;
        let (mut seconds, mut parameters) = (0.0, 0);
        for policy in 0..experiment.policies.len() {
            let (still, count) = time(prepared, policy, 0)?;
            let (moving, _) = time(prepared, policy, training.steps.min(TRIED))?;
            // A still arm evaluates everything twice and a point of the curve once; a moving one a point more.
            let point = still / 3.0;
            let step = ((moving - still - point) / f64::from(training.steps.clamp(1, TRIED))).max(0.0);
            let points = f64::from(training.steps / experiment.evaluation.every);
            seconds +=
                (still + points * point + f64::from(training.steps) * step) * (objectives * seeds) as f64;
            parameters = parameters.max(count);
        }
        let steps = u64::from(training.steps);
        Ok(Self {
            arms,
            sequences: arms * steps * batch,
            optimizer_steps: arms * steps,
            seconds: seconds / threads.min(arms as f64).max(1.0),
            mebibytes: bytes(prepared, parameters, threads) / f64::from(1 << 20),
        })
    }
}

/// Seconds that an arm of a policy takes for some steps, and its number of parameters.
fn time(prepared: &Prepared<'_>, policy: usize, steps: u32) -> Result<(f64, usize), PluginError> {
    let experiment = prepared.experiment;
    let (Some(objective), Some(&seed)) = (experiment.objectives.first(), experiment.seeds.first()) else {
        return Ok((0.0, 0));
    };
    let training = Training { steps, ..prepared.training };
    let start = Instant::now();
    let outcome = start_arm(prepared, training, policy, objective, seed, &|| {})?;
    Ok((start.elapsed().as_secs_f64(), outcome.parameters.len()))
}

/// Log-probability and probability of every output for each context of the base and one context a thread; the
/// parameters with their gradient and moments; and the records.
fn bytes(prepared: &Prepared<'_>, parameters: usize, threads: f64) -> f64 {
    let outputs = match &prepared.ruler {
        Ruler::Enumerated(reference) => {
            let count = reference.space().count().unwrap_or(0) as f64;
            let contexts = reference.base_contexts().iter().max().map_or(0, |last| last + 1) as f64;
            let prompts = reference.prompts().len() as f64;
            let of_all = prepared.outputs.as_ref().map_or(0.0, |all| {
                all.sequences().tokens().values().len() as f64 * (4.0 + 3.0 * 8.0 * threads)
            });
            count * (16.0 * (contexts + threads) + prompts) + of_all
        }
        // Nodes × choices, for the base once and for every thread's policy: successors, rows and factors.
        Ruler::Dynamic(reference) => {
            reference.states() as f64 * prepared.experiment.task.choices() as f64 * 48.0 * (1.0 + threads)
        }
        Ruler::Sampled(..) => prepared.experiment.evaluation.samples as f64 * 64.0,
    };
    outputs + parameters as f64 * 8.0 * 8.0 * threads
}
