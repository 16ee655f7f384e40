//! Which sequences are valid: the verifier's word, and the task's on truncated outputs.

use super::unjudged::{HINT, Unjudged};
use crate::world::World;
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::{ErrorKind, PluginError, shown};
use pstar_loader::{IncrementalHandle, Judged};

/// The verdicts on sequences, whatever the task says of truncated ones included; `None` where there is none.
pub(crate) fn verdicts(
    world: &World,
    prompt_of: &[u32],
    tokens: &RaggedBuffer<u32>,
) -> Result<(Vec<Option<bool>>, Unjudged), PluginError> {
    let batch = SequenceBatch::new(world.prompts.view(), prompt_of, tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let Judged { mut valid, reasons, between } = world.verifier.judge(&batch)?;
    let (end, refuse) = (world.task.alphabet.end(), refuses_truncated(world));
    let mut unjudged = Unjudged { between, ..Unjudged::default() };
    let mut reasons = reasons.into_iter();
    for (row, (valid, tokens)) in valid.iter_mut().zip(tokens.view().rows()).enumerate() {
        let reason = if valid.is_none() { reasons.next() } else { None };
        if refuse && tokens.last() != Some(&end) {
            *valid = Some(false);
        } else if let Some(reason) = reason {
            unjudged.count += 1;
            let first = || format!("{}: {}", question(world, &batch, row), shown(&reason));
            unjudged.first.get_or_insert_with(first);
        }
    }
    Ok((valid, unjudged))
}

/// The verifier's word on sequences, where nothing can be said unless all verdicts are known.
pub(crate) fn known_verdicts(world: &World, batch: &SequenceBatch<'_>) -> Result<Vec<bool>, PluginError> {
    expect_all(world, batch, world.verifier.judge(batch)?)
}

/// As [`known_verdicts`], without the verifier's noise.
pub(crate) fn true_verdicts(world: &World, batch: &SequenceBatch<'_>) -> Result<Vec<bool>, PluginError> {
    expect_all(world, batch, world.verifier.judge_truly(batch)?)
}

fn expect_all(world: &World, batch: &SequenceBatch<'_>, judged: Judged) -> Result<Vec<bool>, PluginError> {
    let Some((row, reason)) = judged.first_unknown() else {
        return Ok(judged.valid.into_iter().map(|valid| valid == Some(true)).collect());
    };
    Err(PluginError::data(format!(
        "verifier `{}` has no verdict on {} of {} responses, and exact values take all of them; one is {}: {}",
        world.verifier_plugin,
        judged.reasons.len(),
        batch.len(),
        question(world, batch, row),
        shown(reason)
    ))
    .with_hint(HINT))
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
