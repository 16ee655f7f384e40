//! What an objective itself says of groups that are too small for it: only it knows why, and what else would help.

use pstar_core::objective::{BatchParts, ObjectiveBatch, PromptFacts};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{ErrorKind, PluginError};
use pstar_loader::ObjectiveHandle;

/// The objective's complaint about a group of `size` samples; `None` if it takes one, or does not name what in its
/// configuration is at fault.
pub(super) fn own_refusal(
    mut objective: ObjectiveHandle,
    size: usize,
    facts: &[PromptFacts],
) -> Option<PluginError> {
    objective.prepare(facts).ok()?;
    let known = |value: fn(&PromptFacts) -> Option<f64>| [facts.first().and_then(value).unwrap_or(f64::NAN)];
    let (log_partition, log_invalidity) =
        (known(|facts| facts.log_partition), known(|facts| facts.log_invalidity));
    let (group_offsets, offsets) = ([0, size as u64], (0..=size as u64).collect::<Vec<_>>());
    let (rewards, weights, ended) = (vec![1.0; size], vec![1.0 / size as f64; size], vec![1; size]);
    let log_probs = vec![-1.0; size];
    let batch = ObjectiveBatch::new(BatchParts {
        group_offsets: &group_offsets,
        prompt: &[0],
        log_partition: &log_partition,
        log_invalidity: &log_invalidity,
        rewards: &rewards,
        weights: &weights,
        ended: &ended,
        offsets: &offsets,
        log_probs: &log_probs,
        behaviour_log_probs: &log_probs,
        base_log_probs: &log_probs,
        step: 0,
        key: StreamKey::new(0, Purpose::Objective, 0),
        population: false,
    });
    let refusal = objective.step(&batch.ok()?).err()?;
    (refusal.kind == ErrorKind::Config).then_some(refusal)
}
