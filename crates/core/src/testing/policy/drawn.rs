//! Policies at drawn parameters, and whether drawing is sound.

use super::{Of, Policy};
use crate::data::{RaggedBuffer, SequenceBuffer, Task};
use crate::rng::{Purpose, StreamKey};
use crate::testing::{Conclusion, Failure, Outcome, Outputs};

/// Sequences that gradients are taken of.
const SEQUENCES: usize = 24;

/// A fresh policy at drawn parameters.
pub(super) fn policy(subject: Of<'_, '_>, seed: u64) -> Result<Box<Policy>, Failure> {
    let mut policy = subject.fresh()?;
    let drawn = policy.randomise(StreamKey::new(seed, Purpose::Initialise, 0));
    drawn.map_err(|error| Failure::of_error("to draw its parameters", &error))?;
    Ok(policy)
}

/// Its parameters.
pub(super) fn parameters(policy: &Policy) -> Result<Vec<f64>, Failure> {
    let parameters = policy.parameters().map_err(|error| Failure::of_error("its parameters", &error))?;
    Ok(parameters.values)
}

/// Replaces its parameters.
pub(super) fn set(policy: &mut Policy, parameters: &[f64]) -> Result<(), Failure> {
    let set = policy.set_parameters(parameters);
    set.map_err(|error| Failure::of_error(format!("to take {} parameters", parameters.len()), &error))
}

/// Outputs of every length, for up to three prompts.
pub(super) fn sequences(task: &Task) -> SequenceBuffer {
    let prompts: Vec<&[u32]> = task.prompts.iter().take(3).map(Vec::as_slice).collect();
    let prompts = if prompts.is_empty() { vec![&[][..]] } else { prompts };
    let rows = Outputs::of(task, 1 << 11).rows;
    let table: RaggedBuffer<u32> = prompts.iter().copied().collect();
    let mut batch = SequenceBuffer::new(table);
    // Seven is prime to the numbers of symbols that tasks are likely to have: lengths and symbols mix.
    for i in 0..SEQUENCES.min(7 * rows.len()) {
        let row = &rows[(i * 7 * rows.len() / SEQUENCES + i) % rows.len()];
        batch.push(u32::try_from(i % prompts.len()).unwrap_or(0), row.iter().copied());
    }
    batch
}

/// The scores of a batch.
pub(super) fn scores(policy: &Policy, batch: &SequenceBuffer) -> Result<Vec<f64>, Failure> {
    let mut log_probs = vec![f64::NAN; batch.view().tokens().values().len()];
    let scored = policy.score(&batch.view(), &mut log_probs);
    scored.map_err(|error| {
        Failure::of_error(format!("the scores of {} outputs", batch.view().len()), &error)
    })?;
    Ok(log_probs)
}

/// A number from −1 to 1 for the place of something.
pub(super) fn noise(series: u32, place: usize) -> f64 {
    let key = StreamKey::new(5, Purpose::Objective, series);
    2.0 * key.uniform(0, u32::try_from(place).unwrap_or(u32::MAX), 0) - 1.0
}

/// Draws twice with one key, and once with another.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let draw = |seed| parameters(&*policy(subject, seed)?);
    let (first, again, other) = (draw(1)?, draw(1)?, draw(2)?);
    let fault = |expected: &str, found: String| {
        Err(Failure::new("to draw its parameters", expected, found, "draw every parameter from the key"))
    };
    if let Some(i) = first.iter().position(|x| !x.is_finite()) {
        return fault("finite numbers", format!("`{}` as parameter {i}", first[i]));
    }
    if let Some(i) = (0..first.len()).find(|&i| again.get(i).map(|x| x.to_bits()) != Some(first[i].to_bits()))
    {
        return fault(
            "the same parameters for the same key",
            format!("{} and {:?} as parameter {i}", first[i], again.get(i)),
        );
    }
    let log_probs = scores(&*policy(subject, 1)?, &sequences(subject.task))?;
    if let Some(found) = log_probs.iter().find(|x| !x.is_finite()) {
        return fault("that every token can be said", format!("a log-probability of {found}"));
    }
    let same = if first == other { ", the same for every key" } else { "" };
    Outcome::passed(format!("{} parameters{same}", first.len()))
}
