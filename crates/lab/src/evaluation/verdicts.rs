//! Which sequences are valid: the verifier's word, and the task's on truncated outputs.

use crate::world::World;
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::{ErrorKind, PluginError, shown};
use pstar_loader::IncrementalHandle;

/// The verdicts on sequences, whatever the task says of truncated ones included.
pub(crate) fn verdicts(
    world: &World,
    prompt_of: &[u32],
    tokens: &RaggedBuffer<u32>,
) -> Result<Vec<bool>, PluginError> {
    let batch = SequenceBatch::new(world.prompts.view(), prompt_of, tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let verdicts = known_verdicts(world, &batch)?;
    let (end, refuse) = (world.task.alphabet.end(), refuses_truncated(world));
    let rows = verdicts.iter().zip(tokens.view().rows());
    Ok(rows.map(|(&valid, row)| valid && !(refuse && row.last() != Some(&end))).collect())
}

/// The verifier's word on sequences, where nothing can be said unless all verdicts are known.
pub(crate) fn known_verdicts(world: &World, batch: &SequenceBatch<'_>) -> Result<Vec<bool>, PluginError> {
    let judged = world.verifier.judge(batch)?;
    let Some((row, reason)) = judged.first_unknown() else {
        return Ok(judged.valid.into_iter().map(|valid| valid == Some(true)).collect());
    };
    Err(PluginError::data(format!(
        "verifier `{}` has no verdict on {} of {} responses; the first is {}: {}",
        world.verifier_plugin,
        judged.reasons.len(),
        batch.len(),
        question(world, batch, row),
        shown(reason)
    ))
    .with_hint("what is valid is known only where every verdict is: mend what kept the verifier from answering, or give it more time"))
}

/// A response and its prompt, as people write them.
pub(crate) fn question(world: &World, batch: &SequenceBatch<'_>, row: usize) -> String {
    let alphabet = &world.task.alphabet;
    let response = shown(&alphabet.decode(batch.response(row, alphabet.end())));
    format!("the response `{response}` to the prompt `{}`", shown(&alphabet.decode(batch.prompt(row))))
}

/// The verifier of a prompt, reading symbol by symbol. The inner error: why it cannot, where it says so.
pub(crate) fn incremental(
    world: &World,
    prompt: usize,
) -> Result<Result<IncrementalHandle, Option<PluginError>>, PluginError> {
    match world.verifier.incremental(world.prompts.view().row(prompt)) {
        Ok(view) => Ok(view.ok_or(None)),
        Err(error) if error.kind == ErrorKind::Unsupported => Ok(Err(Some(error))),
        Err(error) => Err(error),
    }
}

/// Whether outputs of `horizon` symbols are invalid whatever the verifier says.
pub(crate) fn refuses_truncated(world: &World) -> bool {
    world.truncated_is_invalid && world.task.ending == Ending::EndSymbol
}
