//! Which sequences are valid: the verifier's word, and the task's on truncated outputs.

use crate::world::World;
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::{ErrorKind, PluginError};
use pstar_loader::IncrementalHandle;

/// The verdicts on sequences, whatever the task says of truncated ones included.
pub(crate) fn verdicts(
    world: &World,
    prompt_of: &[u32],
    tokens: &RaggedBuffer<u32>,
) -> Result<Vec<bool>, PluginError> {
    let batch = SequenceBatch::new(world.prompts.view(), prompt_of, tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let mut verdicts = vec![0; batch.len()];
    world.verifier.verify(&batch, &mut verdicts)?;
    let (end, refuse) = (world.task.alphabet.end(), refuses_truncated(world));
    let rows = verdicts.iter().zip(tokens.view().rows());
    Ok(rows.map(|(&verdict, row)| verdict == 1 && !(refuse && row.last() != Some(&end))).collect())
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
