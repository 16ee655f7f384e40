//! Whether an ordinary batch gets finite coefficients.

use super::Objective;
use super::asked::{Asked, declaration, in_words, mixed};
use crate::objective::ObjectiveStep;
use crate::testing::{Batch, Conclusion, Failure, Outcome, Subject};

/// Shows what it declares to read, and nothing else.
pub(super) fn check(subject: &Subject<'_, Objective>) -> Conclusion {
    let batch = mixed(&declaration(subject)?);
    let mut asked = Asked::prepared(subject, std::slice::from_ref(&batch))?;
    let step = asked.step(&batch, 0)?;
    finite(&batch, &step)?;
    Outcome::passed(format!("{} tokens", step.coefficients.len()))
}

/// Refuses coefficients that are no numbers.
pub(super) fn finite(batch: &Batch, step: &ObjectiveStep) -> Result<(), Failure> {
    let samples = batch.groups.iter().flat_map(|group| &group.samples);
    let mut rest = step.coefficients.as_slice();
    for (i, sample) in samples.enumerate() {
        let (of_row, behind) = rest.split_at(sample.log_probs.len().min(rest.len()));
        rest = behind;
        if let Some(found) = of_row.iter().find(|c| !c.is_finite()) {
            return Err(Failure::new(
                format!("sequence {i} of {}", in_words(batch)),
                "finite coefficients",
                format!("`{found}`"),
                "look for a division by a standard deviation, a count or a probability that can be 0, or a logarithm of it",
            ));
        }
    }
    match step.entropy.iter().find(|e| !e.is_finite()) {
        None => Ok(()),
        Some(found) => Err(Failure::new(
            in_words(batch),
            "finite weights of the entropy",
            format!("`{found}`"),
            "mend it",
        )),
    }
}
