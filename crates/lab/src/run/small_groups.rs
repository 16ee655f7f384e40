//! What an objective itself says of groups that are too small for it: only it knows why, and what else would help.

use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
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
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, facts.first().copied().unwrap_or_default());
    for _ in 0..size {
        buffer.push(Row::new(1.0, &[-1.0]).base_log_probs(&[-1.0]));
    }
    let batch = buffer.view(Moment::new(0, StreamKey::new(0, Purpose::Objective, 0))).ok()?;
    let refusal = objective.observe(&batch).and_then(|()| objective.step(&batch)).err()?;
    (refusal.kind == ErrorKind::Config).then_some(refusal)
}
