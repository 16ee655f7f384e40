//! Models that are asked about prefixes and outputs.

use super::{Model, Of};
use crate::data::{Ending, RaggedBuffer, SequenceBuffer, Task};
use crate::error::PluginError;
use crate::shown::shown;
use crate::testing::{Failure, ModelView, Outputs};

/// Outputs that a model is asked about.
pub(super) const MOST: usize = 1 << 12;

/// Prompts that it is asked about.
pub(super) const MOST_PROMPTS: usize = 8;

/// The prompts of a task, the empty one where there is none.
pub(super) fn prompts(task: &Task) -> Vec<Vec<u32>> {
    if task.prompts.is_empty() {
        vec![Vec::new()]
    } else {
        task.prompts.iter().take(MOST_PROMPTS).cloned().collect()
    }
}

/// The table of these prompts.
pub(super) fn table(prompts: &[Vec<u32>]) -> RaggedBuffer<u32> {
    prompts.iter().map(Vec::as_slice).collect()
}

/// A response as messages quote it.
pub(super) fn quoted(task: &Task, prompt: &[u32], row: &[u32]) -> String {
    let text = |tokens: &[u32]| shown(&task.alphabet.decode(tokens));
    format!("the response `{}` to the prompt `{}`", text(row), text(prompt))
}

/// The token log-probabilities of rows that answer one prompt.
pub(in crate::testing) fn score(
    model: &dyn ModelView,
    prompt: &[u32],
    rows: &[Vec<u32>],
) -> Result<Vec<Vec<f64>>, PluginError> {
    let mut batch = SequenceBuffer::new([prompt].into_iter().collect());
    for row in rows {
        batch.push(0, row.iter().copied());
    }
    let mut log_probs = vec![f64::NAN; batch.view().tokens().values().len()];
    model.score(&batch.view(), &mut log_probs)?;
    let mut rest = log_probs.into_iter();
    Ok(rows.iter().map(|row| rest.by_ref().take(row.len()).collect()).collect())
}

/// The log-probabilities of all choices behind each prefix, of fewer symbols than the horizon, by scoring them.
pub(in crate::testing) fn conditionals(
    model: &dyn ModelView,
    task: &Task,
    prompt: &[u32],
    prefixes: &[Vec<u32>],
) -> Result<Vec<Vec<f64>>, PluginError> {
    let mut rows = Vec::new();
    for prefix in prefixes {
        rows.extend((0..task.choices()).map(|choice| completed(task, prefix, choice)));
    }
    let scores = score(model, prompt, &rows)?;
    let of_prefix = scores.chunks(task.choices()).zip(prefixes);
    Ok(of_prefix.map(|(rows, prefix)| rows.iter().map(|row| row[prefix.len()]).collect()).collect())
}

/// An output that begins with a prefix and a choice.
fn completed(task: &Task, prefix: &[u32], choice: usize) -> Vec<u32> {
    let end = task.alphabet.end();
    let mut row = prefix.to_vec();
    let choice = u32::try_from(choice).unwrap_or(end);
    row.push(choice);
    if choice != end && row.len() < task.horizon {
        match task.ending {
            Ending::EndSymbol => row.push(end),
            Ending::FixedLength => row.resize(task.horizon, 0),
        }
    }
    row
}

/// What a model says of outputs, as questions and answers.
///
/// # Errors
/// If it says nothing.
pub fn answers(subject: Of<'_, '_>) -> Result<Vec<(String, String)>, Failure> {
    answers_of(subject, subject.configuration)
}

pub(super) fn answers_of(subject: Of<'_, '_>, configuration: &str) -> Result<Vec<(String, String)>, Failure> {
    let model = subject.fresh_of(configuration, subject.task)?;
    let rows = Outputs::of(subject.task, 256).rows;
    let mut answers = Vec::new();
    for prompt in prompts(subject.task) {
        let scores = scored(subject, &*model, &prompt, &rows)?;
        answers.extend(
            rows.iter()
                .zip(&scores)
                .map(|(row, scores)| (quoted(subject.task, &prompt, row), format!("{scores:?}"))),
        );
    }
    Ok(answers)
}

/// The scores of rows; a failure names the first row that fails alone.
pub(super) fn scored(
    subject: Of<'_, '_>,
    model: &Model,
    prompt: &[u32],
    rows: &[Vec<u32>],
) -> Result<Vec<Vec<f64>>, Failure> {
    score(model, prompt, rows).map_err(|error| {
        let alone = rows.iter().find_map(|row| {
            let error = score(model, prompt, std::slice::from_ref(row)).err()?;
            Some(Failure::of_error(quoted(subject.task, prompt, row), &error))
        });
        alone.unwrap_or_else(|| {
            Failure::of_error(format!("the scores of {} outputs at once", rows.len()), &error)
        })
    })
}
