//! How long the verifier takes.

use crate::world::World;
use pstar_core::PluginError;
use pstar_core::author::SampleRequest;
use pstar_core::data::SequenceBatch;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_exact::OutputSpace;
use pstar_loader::ModelHandle as _;
use serde::Serialize;
use std::time::Instant;

/// How many verdicts are timed.
const CALLS: u32 = 100;

/// How long the verifier takes for some samples of the base, and what all outputs would take by it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerifierTime {
    /// How many verdicts it was asked for, in one go.
    pub calls: u32,
    /// Seconds that they took, of a clock: a verifier may work in another process.
    pub seconds: f64,
    /// On how many it had none.
    pub without_verdict: u64,
    /// Why on the first of these.
    pub reason: Option<String>,
    /// Number of outputs of the task, over all prompts; `None` if it does not fit in 64 bits.
    pub outputs: Option<u64>,
    /// Seconds that the verdicts on all would take.
    pub enumeration_seconds: Option<f64>,
}

impl VerifierTime {
    /// Asks the verifier for verdicts on samples of the base.
    ///
    /// # Errors
    /// If a component fails.
    pub fn of(world: &World) -> Result<Self, PluginError> {
        let prompts = world.prompts.view();
        let count = u32::try_from(prompts.len()).unwrap_or(u32::MAX).max(1);
        let (prompt_of, sample): (Vec<u32>, Vec<u32>) =
            (0..CALLS).map(|row| (row % count, row / count)).unzip();
        let key = StreamKey::new(0, Purpose::BaseEvaluation, 0);
        let samples = world.base.sample(&SampleRequest::new(prompts, &prompt_of, &sample)?, key)?;
        let batch = SequenceBatch::new(prompts, &prompt_of, samples.tokens.view())
            .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
        let before = Instant::now();
        // Whatever is known already: each call is timed.
        let judged = world.verifier.judge_afresh(&batch)?;
        let seconds = before.elapsed().as_secs_f64();
        let task = &world.task;
        let space = OutputSpace { symbols: task.alphabet.len(), horizon: task.horizon, ending: task.ending };
        let outputs = space.count().and_then(|outputs| outputs.checked_mul(prompts.len() as u64));
        Ok(Self {
            calls: CALLS,
            seconds,
            without_verdict: judged.reasons.len() as u64,
            reason: judged.reasons.into_iter().next(),
            outputs,
            enumeration_seconds: outputs.map(|outputs| outputs as f64 * seconds / f64::from(CALLS)),
        })
    }
}
