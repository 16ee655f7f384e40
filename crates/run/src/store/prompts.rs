//! What an arm found at single prompts, as it is kept: figures of its start and its end, and its most probable outputs.
//!
//! About 25 bytes a figure: with five k some 700 bytes a prompt, and 700 more for each of the first prompts, whose outputs
//! are kept.

use pstar_record::ArmPrompts;

pub(super) fn write(prompts: &ArmPrompts) -> Vec<u8> {
    let mut text =
        serde_json::to_vec(prompts).unwrap_or_else(|error| unreachable!("records serialise: {error}"));
    text.push(b'\n');
    text
}

/// What [`write`] wrote; nothing if it is something else.
pub(super) fn read(bytes: &[u8]) -> Option<ArmPrompts> {
    serde_json::from_slice(bytes).ok()
}
