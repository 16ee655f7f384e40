//! Whether reading symbol by symbol agrees with reading the whole response.

use super::{MOST, Verifier, word};
use crate::author::Incremental;
use crate::data::{RaggedBuffer, SequenceBuffer};
use crate::error::{ErrorKind, PluginError};
use crate::shown::shown;
use crate::testing::{Conclusion, Failure, IncrementalView, Outcome, Outputs, Subject};

/// Prompts whose views are asked for.
const MOST_PROMPTS: usize = 16;

/// Reads outputs of the task, and the pairs that its alphabet spells.
pub(super) fn check(subject: &Subject<'_, Verifier>) -> Conclusion {
    let (task, verifier) = (subject.task, subject.fresh()?);
    let alphabet = &task.alphabet;
    let outputs = Outputs::of(task, MOST).rows;
    let responses: Vec<Vec<u32>> =
        outputs.iter().map(|row| row.strip_suffix(&[alphabet.end()]).unwrap_or(row).to_vec()).collect();
    let own = subject.pairs.iter().filter_map(|(prompt, response)| {
        let (prompt, response) = (alphabet.encode(prompt).ok()?, alphabet.encode(response).ok()?);
        response.iter().all(|&token| token < alphabet.end()).then_some((prompt, response))
    });
    let own: Vec<(Vec<u32>, Vec<u32>)> = own.collect();
    let mut prompts: Vec<Vec<u32>> = task.prompts.iter().take(MOST_PROMPTS).cloned().collect();
    prompts.extend(own.iter().map(|(prompt, _)| prompt.clone()));
    prompts.sort();
    prompts.dedup();
    let (mut read_in_all, mut refusal) = (0, None);
    for prompt in prompts.iter().take(2 * MOST_PROMPTS) {
        let text = alphabet.decode(prompt);
        let failed = |error: PluginError| Failure::of_error(format!("the prompt `{}`", shown(&text)), &error);
        let mut responses = responses.clone();
        responses.extend(own.iter().filter(|(of, _)| of == prompt).map(|(_, response)| response.clone()));
        let mut asked = SequenceBuffer::new([prompt.as_slice()].into_iter().collect::<RaggedBuffer<u32>>());
        for response in &responses {
            asked.push(0, response.iter().copied());
        }
        let longest = responses.iter().map(Vec::len).max().unwrap_or(0);
        let mut verdicts = Vec::new();
        // At the least horizon too, where nothing may follow.
        for tight in [false, true] {
            let mut view = match verifier.incremental(prompt) {
                Ok(Some(view)) => view,
                Ok(None) => break,
                Err(error) if error.kind == ErrorKind::Unsupported => {
                    refusal = Some(error.message);
                    break;
                }
                Err(error) => return Err(failed(error)),
            };
            if verdicts.is_empty() {
                verdicts = verifier.judge(&asked.view()).map_err(failed)?;
            }
            for (response, &verdict) in responses.iter().zip(&verdicts) {
                let horizon = if tight { response.len() } else { longest.max(task.horizon) };
                let found = read(&mut *view, response, horizon, alphabet.len()).map_err(failed)?;
                if verdict.is_some_and(|verdict| verdict != found) {
                    let response = alphabet.decode(response);
                    return Err(Failure::new(
                        format!(
                            "the response `{}` to the prompt `{}`, of at most {horizon} symbols",
                            shown(&response),
                            shown(&text)
                        ),
                        format!("{}, as of the whole response", word(verdict)),
                        format!("{} symbol by symbol", word(Some(found))),
                        "mend the one that is wrong, or leave out `incremental`: every figure would hang on which is asked",
                    ));
                }
                read_in_all += 1;
            }
        }
    }
    match (read_in_all, refusal) {
        (0, Some(refusal)) => Outcome::skipped(refusal),
        (0, None) => Outcome::skipped("it offers no view that reads symbol by symbol"),
        (count, _) => Outcome::passed(format!("{count} readings")),
    }
}

/// The verdict of a view that reads a response of at most `horizon` symbols.
///
/// # Errors
/// If the component fails.
pub fn read(
    view: &mut dyn IncrementalView,
    response: &[u32],
    horizon: usize,
    symbols: usize,
) -> Result<bool, PluginError> {
    let mut state = view.start(horizon)?;
    for (position, &token) in response.iter().enumerate() {
        if state == Incremental::DEAD {
            return Ok(false);
        }
        let mut next = vec![Incremental::DEAD; symbols];
        view.expand(&[state], horizon - position - 1, &mut next)?;
        state = next[token as usize];
    }
    let mut accepts = [0];
    if state != Incremental::DEAD {
        view.accepts(&[state], &mut accepts)?;
    }
    Ok(accepts[0] == 1)
}
