//! What a verifier tells twice.

use super::questions::reversed;
use crate::evaluation::{incremental, question};
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::data::{SequenceBatch, SequenceBuffer};
use pstar_loader::IncrementalHandle;
use std::collections::BTreeMap;

/// Asks about every response twice, the second time in another order, and reads it with two incremental views.
pub(super) fn check(world: &World, asked: &SequenceBuffer) -> Result<(), PluginError> {
    let batch = asked.view();
    let first = verify(world, &batch)?;
    let mut again = verify(world, &reversed(asked).view())?;
    again.reverse();
    expect_same(world, &batch, &first, &again)?;
    compare_with_views(world, &batch, &first)
}

/// The verifier's word, whatever the task says of truncated responses; where there is none, nothing can be contradicted.
pub(super) fn verify(world: &World, batch: &SequenceBatch<'_>) -> Result<Vec<Option<bool>>, PluginError> {
    Ok(world.verifier.judge_afresh(batch)?.valid)
}

/// Whether two verdicts are known and contradict each other.
fn contradict(first: Option<bool>, second: Option<bool>) -> bool {
    first.zip(second).is_some_and(|(first, second)| first != second)
}

/// Refuses verdicts that changed.
pub(super) fn expect_same(
    world: &World,
    batch: &SequenceBatch<'_>,
    first: &[Option<bool>],
    again: &[Option<bool>],
) -> Result<(), PluginError> {
    match (0..batch.len()).find(|&row| contradict(first[row], again[row])) {
        None => Ok(()),
        Some(row) => Err(PluginError::contract(format!(
            "{} answers differently when it is asked again: {} was {}, then {}",
            named(world),
            question(world, batch, row),
            word(first[row]),
            word(again[row])
        ))
        .with_hint(
            "a verdict must depend on prompt and response alone: on no hidden state and no random number",
        )),
    }
}

/// Refuses responses that the incremental view accepts and the verifier does not.
pub(super) fn expect_valid(world: &World, batch: &SequenceBatch<'_>) -> Result<(), PluginError> {
    let verdicts = verify(world, batch)?;
    match (0..batch.len()).find(|&row| verdicts[row] == Some(false)) {
        None => Ok(()),
        Some(row) => Err(contradiction(world, batch, row, false)),
    }
}

/// Reads responses with the incremental views of their prompts, where the verifier offers them, and refuses what
/// contradicts its verdicts.
pub(super) fn compare_with_views(
    world: &World,
    batch: &SequenceBatch<'_>,
    verdicts: &[Option<bool>],
) -> Result<(), PluginError> {
    let mut rows_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, &prompt) in batch.prompt_of().iter().enumerate() {
        rows_of.entry(prompt).or_default().push(row);
    }
    let end = world.task.alphabet.end();
    for (prompt, rows) in rows_of {
        let responses: Vec<&[u32]> = rows.iter().map(|&row| batch.response(row, end)).collect();
        // The second view is asked afresh.
        for _ in 0..2 {
            let Ok(mut view) = incremental(world, prompt as usize)? else { break };
            let read = read(&mut view, world, &responses)?;
            if let Some(i) = (0..rows.len()).find(|&i| contradict(Some(read[i]), verdicts[rows[i]])) {
                return Err(contradiction(world, batch, rows[i], verdicts[rows[i]] == Some(true)));
            }
        }
    }
    Ok(())
}

/// The verdicts of an incremental view, all responses read side by side.
fn read(view: &mut IncrementalHandle, world: &World, responses: &[&[u32]]) -> Result<Vec<bool>, PluginError> {
    let (horizon, symbols) = (world.task.horizon, world.task.alphabet.len());
    let mut states = vec![view.start(horizon)?; responses.len()];
    for position in 0..horizon {
        let reads = |i: &usize| responses[*i].len() > position && states[*i] != IncrementalHandle::DEAD;
        let reading: Vec<usize> = (0..responses.len()).filter(reads).collect();
        let distinct = distinct(reading.iter().map(|&i| states[i]));
        if distinct.is_empty() {
            break;
        }
        let mut next = vec![IncrementalHandle::DEAD; distinct.len() * symbols];
        view.expand(&distinct, horizon - position - 1, &mut next)?;
        for i in reading {
            let place = distinct.binary_search(&states[i]).unwrap_or_else(|place| place);
            states[i] = next[place * symbols + responses[i][position] as usize];
        }
    }
    let ends = distinct(states.iter().copied().filter(|&state| state != IncrementalHandle::DEAD));
    let mut accepts = vec![0; ends.len()];
    view.accepts(&ends, &mut accepts)?;
    Ok(states.iter().map(|state| ends.binary_search(state).is_ok_and(|place| accepts[place] == 1)).collect())
}

/// Without repetitions, in order.
pub(super) fn distinct(states: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut distinct: Vec<u64> = states.collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

fn contradiction(world: &World, batch: &SequenceBatch<'_>, row: usize, accepts: bool) -> PluginError {
    PluginError::contract(format!(
        "{} contradicts itself: {} is {} by its `accepts` and {} by its `incremental`",
        named(world),
        question(world, batch, row),
        word(Some(accepts)),
        word(Some(!accepts))
    ))
    .with_hint("every figure would hang on which of the two is asked: mend the one that is wrong, or leave out `incremental`")
}

fn named(world: &World) -> String {
    format!("verifier `{}`", world.verifier_plugin)
}

fn word(verdict: Option<bool>) -> &'static str {
    if verdict == Some(true) { "valid" } else { "invalid" }
}
